"""Statements that billing rests on and nobody measures. The statements of `sql/billing_facts.sql`.

Inside the caller's `clinic_session`, but for what pages read. A row is taken back once and never
edited: the database refuses anything else, whoever asks.
"""

from __future__ import annotations

from uuid import UUID

from store import patients
from store.named import Row, all_rows, one_row, run
from store.tenancy import Connection, clinic_session

_SQL = "billing_facts"


async def insert(conn: Connection, values: Row) -> UUID:
    await patients.hold(conn, values["patient"])
    (row,) = await all_rows(conn, _SQL, "insert_fact", values)
    return UUID(str(row["id"]))


async def for_update(conn: Connection, clinic: str, fact: UUID) -> Row | None:
    return await one_row(conn, _SQL, "fact_for_update", {"clinic": clinic, "fact": fact})


async def take_back(conn: Connection, values: Row) -> None:
    await run(conn, _SQL, "take_back_fact", values)


async def patient_zone(conn: Connection, clinic: str, patient: UUID) -> str | None:
    """Whose days a statement is in; None: no such patient here."""
    row = await one_row(conn, _SQL, "patient_zone", {"clinic": clinic, "patient": patient})
    return row["zone"] if row else None


async def is_staff(conn: Connection, clinic: str, staff: UUID) -> bool:
    values = {"clinic": clinic, "staff": staff}
    return await one_row(conn, _SQL, "is_staff", values) is not None


async def clinicians(conn: Connection, clinic: str) -> list[Row]:
    """`id`, `name`, `credential` of the nurses and providers who work here now."""
    async with clinic_session(conn, clinic):
        return await all_rows(conn, _SQL, "clinicians", {"clinic": clinic})


async def patient_of(conn: Connection, clinic: str, fact: UUID) -> UUID | None:
    async with clinic_session(conn, clinic):
        row = await one_row(conn, _SQL, "patient_of_fact", {"clinic": clinic, "fact": fact})
    return row["patient_id"] if row else None


async def of_patient(conn: Connection, clinic: str, patient: UUID) -> list[Row]:
    """All of them, the newest first, with the names of who said and who took back."""
    async with clinic_session(conn, clinic):
        return await all_rows(conn, _SQL, "facts_of", {"clinic": clinic, "patient": patient})
