"""How long a clinic keeps its readings, and what is kept whatever that says.

A rule is dated and never edited. A legal hold, on a clinic or a patient, keeps everything until
somebody releases it. Readings that something signed cites are never removed. Removing itself is
`store.retain`, and the administrator's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from store import audit
from store.named import Row, all_rows, one_row, run
from store.tenancy import Connection, clinic_session

_SQL = "retention"
SHORTEST_MONTHS, LONGEST_MONTHS = 12, 1200
#: A shorter time waits: who meant years and typed months has a week to see it.
SHORTER_WAITS = timedelta(days=7)


class NoSuchHold(Exception):
    """It is not this clinic's, or it was released already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What the settings page shows. `months` None: for ever."""

    months: int | None
    rules: list[Row]
    holds: list[Row]


async def read(conn: Connection, clinic: str, *, now: datetime) -> Kept:
    async with clinic_session(conn, clinic):
        return Kept(
            months=await _months(conn, now),
            rules=await all_rows(conn, _SQL, "rules"),
            holds=await all_rows(conn, _SQL, "holds"),
        )


async def set_rule(
    conn: Connection, clinic: str, months: int | None, *, reason: str, by: UUID, now: datetime
) -> datetime:
    """From when it counts: a longer time at once, a shorter one after `SHORTER_WAITS`.

    Raises:
        DataRefused: less than `SHORTEST_MONTHS` or more than `LONGEST_MONTHS`.
    """
    async with clinic_session(conn, clinic, staff=by):
        current = await _months(conn, now)
        is_shorter = months is not None and (current is None or months < current)
        valid_from = now + SHORTER_WAITS if is_shorter else now
        values = {"months": months, "valid_from": valid_from, "reason": reason}
        made = await one_row(conn, _SQL, "set_rule", {**values, "by": by, "now": now}) or {}
        await _audit(conn, by, "retention.set", made["id"], now, months=months, was=current)
    return valid_from


async def place_hold(
    conn: Connection, clinic: str, patient: UUID | None, *, reason: str, by: UUID, now: datetime
) -> UUID:
    """On the whole clinic where `patient` is None. Waits for a batch that is being removed.

    Raises:
        DataRefused: the patient is not this clinic's.
    """
    async with clinic_session(conn, clinic, staff=by):
        values = {"patient": patient, "reason": reason, "by": by, "now": now}
        made = await one_row(conn, _SQL, "place_hold", values) or {}
        hold: UUID = made["id"]
        await _audit(conn, by, "hold.place", hold, now, patient=patient and str(patient))
    return hold


async def release_hold(
    conn: Connection, clinic: str, hold: UUID, *, reason: str, by: UUID, now: datetime
) -> None:
    """Raises NoSuchHold."""
    async with clinic_session(conn, clinic, staff=by):
        values = {"hold": hold, "reason": reason, "by": by, "now": now}
        if not await run(conn, _SQL, "release_hold", values):
            raise NoSuchHold
        await _audit(conn, by, "hold.release", hold, now)


async def patient_by_record(conn: Connection, clinic: str, record_number: str) -> UUID | None:
    async with clinic_session(conn, clinic):
        values = {"record_number": record_number}
        row = await one_row(conn, _SQL, "patient_by_record", values)
    return row["id"] if row else None


async def cite(
    conn: Connection, ids: Sequence[UUID], *, why: str, now: datetime
) -> frozenset[UUID]:
    """Inside the caller's transaction: these readings stay. Those that are gone already come back.

    Whatever is signed on readings cites them in the same transaction, and is not signed where one
    of them is gone.
    """
    rows = await all_rows(conn, _SQL, "cite", {"ids": list(ids), "why": why, "now": now})
    return frozenset(row["cite_readings"] for row in rows)


async def _months(conn: Connection, now: datetime) -> int | None:
    row = await one_row(conn, _SQL, "rule_in_force", {"now": now})
    return row["months"] if row else None


async def _audit(
    conn: Connection, by: UUID, action: str, subject: UUID, now: datetime, **detail: object
) -> None:
    await audit.record(conn, actor=by, action=action, subject=subject, now=now, detail=detail)
