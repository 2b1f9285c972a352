"""A clinic's month in a few statements a page of patients, whatever their number."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from store import billing_policy
from store.named import Row, all_rows, one_row
from store.tenancy import Connection

_SQL = "month"
#: Reading days before the month still belong to 30-day periods that end in it.
LOOK_BACK = timedelta(days=31)
A_DAY = timedelta(days=1)  # no zone is further from UTC


#: Statements of what is billed once for an episode.
_ONCE = {"device_setup", "care_planning"}
_FIRST = date(2025, 1, 1)  # no month before was ever evaluated
_AHEAD = timedelta(days=400)  # nobody signs a month in which readings are still missing longer


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthRows:
    """What is stored about a month, each list ordered by patient; and the clinic's switches."""

    patients: list[Row]
    enrolments: list[Row]
    consents: list[Row]
    entries: list[Row]
    reading_days: list[Row]
    open_tasks: list[Row]  # as they are now
    signed: list[Row]
    stated: list[Row]
    billed: list[Row]  # once for an episode, and signed in another month
    policy: Row | None


async def clinic_zone(conn: Connection, clinic: str) -> ZoneInfo | None:
    row = await one_row(conn, _SQL, "month_zone", {"clinic": clinic})
    return ZoneInfo(row["zone"]) if row else None


async def enrolled(
    conn: Connection,
    clinic: str,
    first: date,
    last: date,
    *,
    after: UUID | None = None,
    most: int | None = None,
) -> list[UUID]:
    """Whoever is enrolled in the month, by name; or the `most` who come after that patient."""
    values = {"clinic": clinic, "first": first, "last": last, "after": after, "most": most}
    rows = await all_rows(conn, _SQL, "month_enrolled", values)
    return [row["patient_id"] for row in rows]


async def month_facts(
    conn: Connection,
    clinic: str,
    first: date,
    last: date,
    zone: ZoneInfo,
    *,
    patients: Sequence[UUID],
) -> MonthRows:
    """Those of the patients who are enrolled in the month; inside the caller's `clinic_session`."""
    values: Row = {
        "clinic": clinic,
        "patients": list(patients),
        "first": first,
        "last": last,
        "begins": datetime.combine(first, time(), zone),
        "ends": datetime.combine(last + A_DAY, time(), zone),
        "days_from": datetime.combine(first, time(), UTC) - LOOK_BACK - A_DAY,
        "days_until": datetime.combine(last + A_DAY, time(), UTC) + A_DAY,
    }
    enrolments = await all_rows(conn, _SQL, "month_enrolments", values)
    # Whoever is enrolled is known now: no statement below looks for it again.
    values["patients"] = list({row["patient_id"] for row in enrolments})
    values["monitored"] = [row["patient_id"] for row in enrolments if row["programme"] == "RPM"]
    stated = await all_rows(conn, _SQL, "month_stated", values)
    values["asked"] = list({row["patient_id"] for row in stated if row["kind"] in _ONCE})
    values["others"] = list(_other_months(first))
    return MonthRows(
        patients=await all_rows(conn, _SQL, "month_patients", values),
        enrolments=enrolments,
        consents=await all_rows(conn, _SQL, "month_consents", values),
        entries=await all_rows(conn, _SQL, "month_entries", values),
        reading_days=await all_rows(conn, _SQL, "month_reading_days", values),
        open_tasks=await all_rows(conn, _SQL, "month_open_tasks", values),
        signed=await all_rows(conn, _SQL, "month_signed", values),
        stated=stated,
        billed=await all_rows(conn, _SQL, "month_billed", values) if values["asked"] else [],
        policy=await billing_policy.in_force(conn, values["clinic"], values["first"]),
    )


def _other_months(first: date) -> Iterator[date]:
    """By their keys, so that an index finds each, whatever is known of the table's size.

    Later ones as well: readings that come late may complete what a later month has billed.
    """
    month = _FIRST
    while month < first + _AHEAD:
        if month != first:
            yield month
        month = (month + LOOK_BACK).replace(day=1)
