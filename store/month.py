"""A clinic's month in a few statements a page of patients, whatever their number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from store.named import Row, all_rows, one_row
from store.tenancy import Connection

_SQL = "month"
#: Reading days before the month still belong to 30-day periods that end in it.
LOOK_BACK = timedelta(days=31)
A_DAY = timedelta(days=1)  # no zone is further from UTC


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthRows:
    """What is stored about a month, each list ordered by patient."""

    patients: list[Row]
    enrolments: list[Row]
    consents: list[Row]
    entries: list[Row]
    reading_days: list[Row]
    open_tasks: list[Row]  # as they are now
    signed: list[Row]


async def clinic_zone(conn: Connection, clinic: str) -> ZoneInfo | None:
    row = await one_row(conn, _SQL, "month_zone", {"clinic": clinic})
    return ZoneInfo(row["zone"]) if row else None


async def month_facts(
    conn: Connection,
    clinic: str,
    first: date,
    last: date,
    zone: ZoneInfo,
    *,
    patients: Sequence[UUID] | None = None,
) -> MonthRows:
    """Everybody enrolled in the month, or those of them; inside the caller's `clinic_session`."""
    values = _window(clinic, first, last, zone) | {
        "patients": None if patients is None else list(patients)
    }
    return await _rows(conn, values, await all_rows(conn, _SQL, "month_patients", values))


async def month_page(  # noqa: PLR0913 -- whose month, and which part of it
    conn: Connection,
    clinic: str,
    first: date,
    last: date,
    zone: ZoneInfo,
    *,
    after: UUID | None,
    most: int,
) -> MonthRows:
    """The `most` by name who come after that patient; inside the caller's `clinic_session`."""
    values = _window(clinic, first, last, zone) | {"after": after, "most": most}
    people = await all_rows(conn, _SQL, "month_patients", values)
    values["patients"] = [row["patient_id"] for row in people]
    return await _rows(conn, values, people)


def _window(clinic: str, first: date, last: date, zone: ZoneInfo) -> Row:
    return {
        "clinic": clinic,
        "patients": None,
        "after": None,
        "most": None,
        "first": first,
        "last": last,
        "begins": datetime.combine(first, time(), zone),
        "ends": datetime.combine(last + A_DAY, time(), zone),
        "days_from": datetime.combine(first, time(), UTC) - LOOK_BACK - A_DAY,
        "days_until": datetime.combine(last + A_DAY, time(), UTC) + A_DAY,
    }


async def _rows(conn: Connection, values: Row, people: list[Row]) -> MonthRows:
    return MonthRows(
        patients=people,
        enrolments=await all_rows(conn, _SQL, "month_enrolments", values),
        consents=await all_rows(conn, _SQL, "month_consents", values),
        entries=await all_rows(conn, _SQL, "month_entries", values),
        reading_days=await all_rows(conn, _SQL, "month_reading_days", values),
        open_tasks=await all_rows(conn, _SQL, "month_open_tasks", values),
        signed=await all_rows(conn, _SQL, "month_signed", values),
    )
