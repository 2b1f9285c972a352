"""Removing readings that are past their time: `python -m store retain`, as the administrator.

A clinic after the other, a chunk of time after the other, a batch a transaction: ingest waits for
none of it, and whoever stops it loses nothing. Chunks hold readings of all clinics, so rows are
deleted, inside the clinic's walls; a chunk goes only when nobody has a reading in it any more.
Findings and `reading_key` stay: a resend of what was removed is a duplicate. Daily summaries go
with their readings; the alert worker makes the rest anew.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, fields
from datetime import datetime
from uuid import UUID

from store import audit
from store.errors import Unavailable
from store.named import Row, all_rows, one_row
from store.pool import Pool, connection
from store.tenancy import Connection, clinic_session

_SQL = "retention"
BATCH = 2_000  # readings of one transaction
_FIRST = UUID(int=0)
ACTOR = "retention"


@dataclass(slots=True, kw_only=True)
class Retained:
    """Readings of one clinic before its cutoff; None: it keeps everything."""

    clinic: str
    cutoff: datetime | None
    looked: int = 0
    removed: int = 0
    on_hold: int = 0
    cited: int = 0  # by something signed
    at_work: int = 0  # held, waiting to be judged, or of an alert that is open or under review
    came_late: int = 0  # stored less long ago than they are kept

    def add(self, row: Row) -> None:
        for name in _COUNTS:
            setattr(self, name, getattr(self, name) + row[name])


_COUNTS = [one.name for one in fields(Retained) if one.name not in {"clinic", "cutoff"}]


async def retain(
    pool: Pool, *, now: datetime, dry_run: bool, batch: int = BATCH
) -> AsyncIterator[Retained]:
    """Clinic by clinic what was removed, or with `dry_run` what would be.

    Raises:
        Unavailable: a lock was not to be had, or the database is away; run it again.
    """
    async with connection(pool) as conn:
        clinics = [row["id"] for row in await all_rows(conn, _SQL, "clinics")]
        for clinic in clinics:
            yield await _retain_clinic(conn, clinic, now=now, dry_run=dry_run, batch=batch)


async def drop_empty_chunks(pool: Pool, *, before: datetime) -> int:
    """Chunks that ended before then and hold nobody's reading; one that is in use is left alone."""
    dropped = 0
    async with connection(pool) as conn:
        parts = await all_rows(conn, _SQL, "parts", {"cutoff": before})
    for part in parts:
        if part["range_end"] <= before:
            try:
                async with connection(pool) as conn:
                    row = await one_row(conn, _SQL, "drop_if_empty", {"chunk": part["chunk"]})
            except Unavailable:
                continue
            dropped += bool(row and row["dropped"])
    return dropped


async def _retain_clinic(
    conn: Connection, clinic: str, *, now: datetime, dry_run: bool, batch: int
) -> Retained:
    async with clinic_session(conn, clinic):
        row = await one_row(conn, _SQL, "cutoff", {"now": now}) or {}
        cutoff = row.get("cutoff")
        parts = await all_rows(conn, _SQL, "parts", {"cutoff": cutoff}) if cutoff else []
    found = Retained(clinic=clinic, cutoff=cutoff)
    for part in parts:
        values = {"now": now, "until": part["range_end"], "most": batch, "dry": dry_run}
        await _retain_part(conn, found, part["range_start"], values)
    if found.removed and not dry_run:
        await _record(conn, found, now)
    return found


async def _retain_part(conn: Connection, found: Retained, start: datetime, values: Row) -> None:
    after = {"after_at": start, "after_id": _FIRST}
    while True:
        async with clinic_session(conn, found.clinic):
            row = await one_row(conn, _SQL, "retain_batch", {**values, **after}) or {}
        found.add(row)
        if row["looked"] < values["most"]:
            return
        after = {"after_at": row["last_at"], "after_id": row["last_id"]}


async def _record(conn: Connection, found: Retained, now: datetime) -> None:
    detail = {name: getattr(found, name) for name in _COUNTS}
    detail["cutoff"] = found.cutoff and found.cutoff.isoformat()
    async with clinic_session(conn, found.clinic):
        await audit.record(
            conn, actor=ACTOR, action="retention.run", subject=found.clinic, now=now, detail=detail
        )
