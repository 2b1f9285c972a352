"""Correcting the ledger: one act reverses what was wrong and writes what stands instead (I7).

An entry that stands is never edited. A correction reverses it with a reason, and its replacement
names what it replaces. A held entry is decided the same way: whoever loses shared minutes is
reversed, and what is left of it goes on as a replacement. One's own, or an admin.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from ccm_link import timers
from ccm_link.acting import Actor
from ccm_link.activities import Activity
from ccm_link.entries import Logged, refuse_interval
from ccm_link.errors import (
    BusyElsewhere,
    NotFound,
    NotReversible,
    NotYours,
    TimerRunning,
    Unchanged,
    Undocumented,
    UnknownWord,
    told,
)
from ccm_link.intervals import Pieces, instant, micros, subtract, union
from ccm_link.ledger import StoppedBy
from ccm_link.programmes import ENROLLABLE
from store import audit, ledger
from store.named import Row
from store.tenancy import Connection, clinic_session

BY_HAND = "manual"


@dataclass(frozen=True, slots=True, kw_only=True)
class Corrected:
    """What stands instead. The person, the patient and the task stay as they are."""

    programme: str
    activity: str
    start: datetime
    end: datetime
    interactive: bool
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """What a decision about a held entry wrote."""

    stands: bool  # whether anything of the held entry counts now
    reversed: int  # entries that lost minutes
    written: int  # what is left of them


@asynccontextmanager
async def on_entry(
    conn: Connection, clinic: str, actor: Actor, entry_id: UUID, *, now: datetime
) -> AsyncIterator[Row]:
    """One act on somebody's entry, in one transaction: the person's timers stand still in it.

    Raises:
        NotFound; NotYours: neither one's own nor an admin.
    """
    with told():
        async with clinic_session(conn, clinic, staff=actor.id):
            owner = await ledger.entry_owner(conn, clinic, entry_id)
            if owner is None:
                raise NotFound
            if actor.id != owner and actor.role != "admin":
                raise NotYours("Only the person who worked it, or an admin, corrects an entry.")
            await ledger.lock_timers(conn, [actor.id, owner])
            if actor.id == owner:
                await timers.end_expired(conn, actor, now)
            entry = await ledger.entry_for_update(conn, clinic, entry_id)
            if entry is None:
                raise NotFound
            yield entry


async def reverse_entry(
    conn: Connection, clinic: str, actor: Actor, entry_id: UUID, reason: str, *, now: datetime
) -> None:
    """Take an entry back; it stays in the ledger with who, when and why. One's own, or an admin."""
    if not reason.strip():
        raise Undocumented
    async with on_entry(conn, clinic, actor, entry_id, now=now) as entry:
        if entry["status"] == "reversed":
            raise NotReversible
        if entry["state"] == "running":
            ending = await timers.end(conn, entry, StoppedBy.PAUSED, now)
            if not ending.measured:
                return  # nothing was measured, and that is already taken back
        await _reverse(conn, actor, entry, reason, now)
        await audit.record(conn, actor=actor.id, action="time.reverse", subject=entry_id, now=now)


async def correct_entry(  # noqa: PLR0913 -- the act's own words
    conn: Connection,
    clinic: str,
    actor: Actor,
    entry_id: UUID,
    new: Corrected,
    *,
    reason: str,
    now: datetime,
) -> Logged:
    """Reverse an entry and write what stands instead, which counts at once unless it is held.

    Raises:
        NotFound, NotYours, TimerRunning, NotReversible, Undocumented, UnknownWord, BadInterval,
        Unchanged.
    """
    if new.programme not in ENROLLABLE or new.activity not in set(Activity):
        raise UnknownWord
    if not new.note.strip() or not reason.strip():
        raise Undocumented
    refuse_interval(new.start, new.end, now)
    async with on_entry(conn, clinic, actor, entry_id, now=now) as entry:
        _refuse_ended(entry)
        if _same(entry, new):
            raise Unchanged
        await _reverse(conn, actor, entry, reason, now)
        row = await ledger.replace_entry(conn, _instead(entry, new, now))
        await audit.record(
            conn,
            actor=actor.id,
            action="time.correct",
            subject=entry_id,
            now=now,
            detail={"replaced_by": str(row["id"]), "held": row["status"] == "held"},
        )
    return Logged(entry_id=row["id"], held=row["status"] == "held")


def _refuse_ended(entry: Row) -> None:
    if entry["state"] == "running":
        raise TimerRunning("Pause the timer first.")
    if entry["status"] == "reversed":
        raise NotReversible


def _same(entry: Row, new: Corrected) -> bool:
    """Waiting time is never the same: correcting it documents it."""
    was = [entry[k] for k in ("programme", "activity", "started_at", "ended_at", "interactive")]
    now = [new.programme, new.activity, new.start, new.end, new.interactive]
    stands = entry["state"] == "confirmed"
    return bool(stands and was == now and entry["note"] == new.note.strip())


def _instead(entry: Row, new: Corrected, now: datetime) -> Row:
    return {
        "entry": entry["id"],
        "programme": new.programme,
        "activity": new.activity,
        "source": BY_HAND,
        "state": "confirmed",
        "starts_at": new.start,
        "ends_at": new.end,
        "interactive": new.interactive,
        "note": new.note.strip(),
        "now": now,
    }


async def decide_held(  # noqa: PLR0913 -- the act's own words
    conn: Connection,
    clinic: str,
    actor: Actor,
    entry_id: UUID,
    *,
    stands: bool,
    reason: str,
    now: datetime,
) -> Decided:
    """Who keeps the minutes that a person logged on two patients: this entry, or the others.

    The loser is reversed and goes on without them. Where nothing overlaps any more, it counts.

    Raises:
        NotFound, NotYours, Undocumented; NotReversible: it is not held; TimerRunning: one of the
        others still runs; BusyElsewhere: one of them is in another clinic and can only stand.
    """
    if not reason.strip():
        raise Undocumented("Say why.")
    async with on_entry(conn, clinic, actor, entry_id, now=now) as entry:
        if entry["status"] != "held":
            raise NotReversible("This entry is not held.")
        others = await ledger.conflicts_of(conn, clinic, entry_id)
        _refuse_running(others)
        if stands or not others:
            decided = await _this_stands(conn, actor, entry, others, reason, now)
        else:
            decided = await _the_others_stand(conn, actor, entry, others, reason, now)
        await audit.record(
            conn,
            actor=actor.id,
            action="time.decide",
            subject=entry_id,
            now=now,
            detail={"stands": stands, "reversed": decided.reversed, "written": decided.written},
        )
    return decided


def _refuse_running(others: Iterable[Row]) -> None:
    if any(other["state"] == "running" for other in others):
        raise TimerRunning("A timer still runs on the other patient: pause it first.")


async def _this_stands(
    conn: Connection, actor: Actor, entry: Row, others: Sequence[Row], reason: str, now: datetime
) -> Decided:
    if any(other["clinic_id"] != entry["clinic_id"] for other in others):
        raise BusyElsewhere("The other time is in another clinic: take it back there first.")
    written = 0
    for other in others:
        await _reverse(conn, actor, other, reason, now)
        written += await _write_left(conn, other, subtract(_piece(other), _piece(entry)), now)
    values = {"entry": entry["id"], "until": entry["ended_at"], "note": entry["note"], "now": now}
    await ledger.confirm_entry(conn, values)
    return Decided(stands=True, reversed=len(others), written=written)


async def _the_others_stand(
    conn: Connection, actor: Actor, entry: Row, others: Sequence[Row], reason: str, now: datetime
) -> Decided:
    await _reverse(conn, actor, entry, reason, now)
    taken = union(piece for other in others for piece in _piece(other))
    written = await _write_left(conn, entry, subtract(_piece(entry), taken), now)
    return Decided(stands=written > 0, reversed=1, written=written)


def _piece(entry: Row) -> Pieces:
    return ((micros(entry["started_at"]), micros(entry["ended_at"])),)


async def _write_left(conn: Connection, entry: Row, left: Pieces, now: datetime) -> int:
    kept = {k: entry[k] for k in ("programme", "activity", "source", "state", "interactive")}
    for start, end in left:
        values = kept | {"entry": entry["id"], "note": entry["note"], "now": now}
        values |= {"starts_at": instant(start), "ends_at": instant(end)}
        await ledger.replace_entry(conn, values)
    return len(left)


async def _reverse(conn: Connection, actor: Actor, entry: Row, reason: str, now: datetime) -> None:
    values = {"entry": entry["id"], "staff": actor.id, "reason": reason.strip(), "now": now}
    await ledger.reverse_entry(conn, values)
