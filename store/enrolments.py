"""Programmes and consents of patients, inside the caller's `clinic_session`."""

from __future__ import annotations

from uuid import UUID

from store import patients
from store.named import Row, all_rows, one_row, run
from store.tenancy import Connection

_SQL = "enrolments"


async def insert_enrolment(conn: Connection, values: Row) -> UUID:
    await patients.hold(conn, values["patient"])
    (row,) = await all_rows(conn, _SQL, "insert_enrolment", values)
    return UUID(str(row["id"]))


async def enrolment_for_update(conn: Connection, clinic: str, enrolment: UUID) -> Row | None:
    values = {"clinic": clinic, "enrolment": enrolment}
    return await one_row(conn, _SQL, "enrolment_for_update", values)


async def end_enrolment(conn: Connection, values: Row) -> None:
    await run(conn, _SQL, "end_enrolment", values)


async def set_care_plan(conn: Connection, values: Row) -> bool:
    return await run(conn, _SQL, "set_care_plan", values) > 0


async def insert_consent(conn: Connection, values: Row) -> UUID:
    (row,) = await all_rows(conn, _SQL, "insert_consent", values)
    return UUID(str(row["id"]))


async def stop_consent(conn: Connection, values: Row) -> Row | None:
    """`patient_id` and `programme` of a consent that was not stopped before."""
    return await one_row(conn, _SQL, "stop_consent", values)


async def end_enrolments_on(conn: Connection, values: Row) -> None:
    await run(conn, _SQL, "end_enrolments_on", values)


async def practitioner_exists(conn: Connection, clinic: str, practitioner: UUID) -> bool:
    values = {"clinic": clinic, "practitioner": practitioner}
    return await one_row(conn, _SQL, "practitioner_exists", values) is not None


async def enrolments_of(conn: Connection, clinic: str, patient: UUID) -> list[Row]:
    return await all_rows(conn, _SQL, "enrolments_of", {"clinic": clinic, "patient": patient})


async def consents_of(conn: Connection, clinic: str, patient: UUID) -> list[Row]:
    """Days are the practice's; `ends_on` is the first that the consent no longer covers."""
    return await all_rows(conn, _SQL, "consents_of", {"clinic": clinic, "patient": patient})
