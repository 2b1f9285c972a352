"""What patients measured, as pages read it: in sets, through `reading_view`, one clinic at a time.

The statements of `sql/charts.sql`. Those that a page asks for together run in one transaction:
`overview` for a patient, `population` for all of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from store import enrolments
from store.named import Row, all_rows
from store.tenancy import Connection, clinic_session

_SQL = "charts"
_EVENTS = 200  # alerts and contacts that a page shows at most
_LAST_READING = timedelta(days=90)  # older ones say nothing about how somebody is


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """What the first page of a chart is made of."""

    series: list[Row]
    alerts: list[Row]
    contacts: list[Row]
    enrolments: list[Row]
    consents: list[Row]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingsPage:
    """Some of a patient's readings, and how many there are by kind."""

    rows: list[Row]
    counts: dict[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Population:
    """Every patient's row; `days` and `work` by patient."""

    rows: list[Row]
    days: dict[UUID, Row]  # `days` with a reading, and `out` beyond a limit (None: no such day)
    work: dict[UUID, list[Row]]  # confirmed time of the month


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


async def population(
    conn: Connection,
    clinic: str,
    *,
    now: datetime,
    days_since: datetime,
    month: tuple[datetime, datetime],
    limit: int,
) -> Population:
    values = {"now": now, "since": now - _LAST_READING, "limit": limit}
    window = {"since": days_since, "until": now, "patient": None}
    span = {"starts_at": month[0], "ends_at": month[1]}
    async with clinic_session(conn, clinic):
        rows = await all_rows(conn, _SQL, "population", values)
        days = await all_rows(conn, _SQL, "reading_days", window)
        work = await all_rows(conn, _SQL, "month_work", span)
    by_patient: dict[UUID, list[Row]] = {}
    for entry in work:
        by_patient.setdefault(entry["patient_id"], []).append(entry)
    return Population(rows=rows, days={d["patient_id"]: d for d in days}, work=by_patient)
