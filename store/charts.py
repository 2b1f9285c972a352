"""What patients measured, as pages read it: in sets, through `reading_view`, one clinic at a time.

The statements of `sql/charts.sql`. Those that a page asks for together run in one transaction:
`overview` for a patient, `population` for all of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from store import enrolments
from store.named import Row, all_rows, one_row
from store.tenancy import Connection, clinic_session

_SQL = "charts"
_EVENTS = 200  # alerts and contacts that a page shows at most


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """What the first page of a chart is made of."""

    series: list[Row]
    alerts: list[Row]
    contacts: list[Row]


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """Who a patient is: above every page of the chart."""

    patient: Row
    enrolments: list[Row]
    consents: list[Row]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingsPage:
    """Some of a patient's readings, and how many there are by kind."""

    rows: list[Row]
    counts: dict[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Population:
    """Every patient's row; `work` is the month's confirmed time by patient."""

    rows: list[Row]
    work: dict[UUID, list[Row]]


async def overview(
    conn: Connection, clinic: str, patient: UUID, *, since: datetime, until: datetime
) -> Overview:
    async with clinic_session(conn, clinic):
        window = {"patient": patient, "since": since, "until": until}
        some = {"patient": patient, "limit": _EVENTS}
        return Overview(
            series=await all_rows(conn, _SQL, "series", window),
            alerts=await all_rows(conn, _SQL, "alerts_of_patient", some),
            contacts=await all_rows(conn, _SQL, "contacts_of_patient", some),
        )


async def header(conn: Connection, clinic: str, patient: UUID, *, now: datetime) -> Header | None:
    """None: nobody of that key in this clinic."""
    async with clinic_session(conn, clinic):
        row = await one_row(conn, _SQL, "header", {"patient": patient, "now": now})
        if row is None:
            return None
        return Header(
            patient=row,
            enrolments=await enrolments.enrolments_of(conn, clinic, patient),
            consents=await enrolments.consents_of(conn, clinic, patient),
        )


async def series(
    conn: Connection, clinic: str, patient: UUID, *, since: datetime, until: datetime
) -> list[Row]:
    """Readings of a window, oldest first, with every measure that charts draw."""
    async with clinic_session(conn, clinic):
        window = {"patient": patient, "since": since, "until": until}
        return await all_rows(conn, _SQL, "series", window)


async def readings_page(
    conn: Connection, clinic: str, patient: UUID, *, kind: str | None, limit: int, offset: int
) -> ReadingsPage:
    """Newest first; `kind` None: all kinds."""
    values = {"patient": patient, "kind": kind, "limit": limit, "offset": offset}
    async with clinic_session(conn, clinic):
        rows = await all_rows(conn, _SQL, "readings_page", values)
        counts = await all_rows(conn, _SQL, "count_readings", values)
    return ReadingsPage(rows=rows, counts={row["kind"]: row["readings"] for row in counts})


async def alerts_of_patient(
    conn: Connection, clinic: str, patient: UUID, *, limit: int = _EVENTS
) -> tuple[list[Row], int]:
    """Open ones first, then the newest; and how many there are in all."""
    values = {"patient": patient, "limit": limit}
    async with clinic_session(conn, clinic):
        rows = await all_rows(conn, _SQL, "alerts_of_patient", values)
        (total,) = await all_rows(conn, _SQL, "count_alerts", values)
    return rows, int(total["count"])


async def devices_of_patient(conn: Connection, clinic: str, patient: UUID) -> list[Row]:
    """Assignments, the present ones first."""
    async with clinic_session(conn, clinic):
        return await all_rows(conn, _SQL, "devices_of_patient", {"patient": patient})


async def population(  # noqa: PLR0913 -- which patients, and which time
    conn: Connection,
    clinic: str,
    *,
    now: datetime,
    since: datetime,
    month: tuple[datetime, datetime],
    search: str = "",
    limit: int,
) -> Population:
    """By name; `search`: part of a name, a record number or a condition.

    `days` and `days_out` are those since `since` with a reading, and with one beyond a limit.
    """
    values = {"now": now, "since": since, "search": search, "limit": limit}
    span = {"starts_at": month[0], "ends_at": month[1]}
    async with clinic_session(conn, clinic):
        rows = await all_rows(conn, _SQL, "population", values)
        work = await all_rows(conn, _SQL, "month_work", span)
    by_patient: dict[UUID, list[Row]] = {}
    for entry in work:
        by_patient.setdefault(entry["patient_id"], []).append(entry)
    return Population(rows=rows, work=by_patient)


async def entry_of_patient(conn: Connection, clinic: str, entry: UUID) -> Row | None:
    """`patient_id` and `started_at` of a time entry."""
    async with clinic_session(conn, clinic):
        return await one_row(conn, _SQL, "entry_of_patient", {"entry": entry})


async def patient_of_enrolment(conn: Connection, clinic: str, enrolment: UUID) -> UUID | None:
    return await _patient_of(conn, clinic, "patient_of_enrolment", enrolment)


async def patient_of_consent(conn: Connection, clinic: str, consent: UUID) -> UUID | None:
    return await _patient_of(conn, clinic, "patient_of_consent", consent)


async def _patient_of(conn: Connection, clinic: str, name: str, key: UUID) -> UUID | None:
    async with clinic_session(conn, clinic):
        row = await one_row(conn, _SQL, name, {"key": key})
    return UUID(str(row["patient_id"])) if row else None
