"""Entries of the time ledger: seen beforehand, confirmed, logged by hand.

An entry that stands is never edited: `ccm_link.corrections` reverses and replaces.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from ccm_link import ledger as arithmetic
from ccm_link import timers
from ccm_link.acting import Actor, acting, standing_of
from ccm_link.activities import Activity
from ccm_link.codes import Programme
from ccm_link.errors import (
    BadInterval,
    BeyondProof,
    NotFound,
    NotReversible,
    NotYours,
    TimerRunning,
    Undocumented,
    UnknownWord,
)
from ccm_link.ledger import MonthPart, Preview, Span, Worked
from ccm_link.programmes import ENROLLABLE, day_in, month_bounds, month_of, next_month
from store import ledger, tasks
from store.named import Row
from store.tenancy import Connection, clinic_session

_LONGEST = timedelta(hours=24)  # one entry by hand


@dataclass(frozen=True, slots=True, kw_only=True)
class Logged:
    """A manual entry. Held: it overlaps the person's own time on another patient."""

    entry_id: UUID
    held: bool


async def preview(  # noqa: PLR0913 -- the act's own words
    conn: Connection,
    clinic: str,
    actor: Actor,
    task_id: UUID,
    programme: Programme,
    *,
    activity: str = Activity.ALERT_REVIEW,
    now: datetime,
) -> Preview:
    """What resolving the task now would count, and where. Writes nothing."""
    async with clinic_session(conn, clinic, staff=actor.id):
        patient = await tasks.patient_of_task(conn, clinic, task_id)
        if patient is None:
            raise NotFound
        values = {"clinic": clinic, "task": task_id, "staff": actor.id, "now": now}
        zone = await _zone(conn, clinic)
        oldest = await ledger.oldest_waiting(conn, values) or now
        months = _months(min(oldest, now), now, zone)
        window = (month_bounds(months[0], zone)[0], month_bounds(months[-1], zone)[1])
        values |= {"patient": patient, "starts_at": window[0], "ends_at": window[1]}
        rows = await ledger.standing_work(conn, values)
        enrolled, _ = await standing_of(conn, clinic, patient)
    asked = {"programme": str(programme), "activity": activity, "role": actor.ledger_role}
    basis = _Basis(
        standing=tuple(_worked(row) for row in rows if not row["waits"]),
        waiting=tuple(_worked(row | asked) for row in rows if row["waits"]),
        programme=programme,
        role=actor.ledger_role,
        activity=activity,
        enrolled=any(e.programme is programme and e.covers(day_in(now, zone)) for e in enrolled),
    )
    return _previewed(basis, months, zone, now)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Basis:
    """Everything that a preview rests on."""

    standing: tuple[Worked, ...]
    waiting: tuple[Worked, ...]
    programme: Programme
    role: str
    activity: str
    enrolled: bool

    def before(self, window: Span) -> int:
        return arithmetic.counted(self.standing, self.programme, window, role=self.role)

    def after(self, window: Span) -> int:
        both = (*self.standing, *self.waiting)
        return arithmetic.counted(both, self.programme, window, role=self.role)


def _previewed(basis: _Basis, months: Sequence[date], zone: str, now: datetime) -> Preview:
    windows = [(month, month_bounds(month, zone)) for month in months]
    parts = tuple(
        MonthPart(month=month, before_s=basis.before(window), after_s=basis.after(window))
        for month, window in windows
    )
    own = arithmetic.seconds((w.starts_at, w.ends_at) for w in basis.waiting)
    reason = arithmetic.why_not(enrolled=basis.enrolled, activity=basis.activity, role=basis.role)
    return Preview(
        programme=basis.programme,
        enrolled=basis.enrolled,
        task_seconds=own,
        today_seconds=basis.after(_day_bounds(now, zone)),
        months=parts,
        why_not=reason,
        sentence=arithmetic.sentence(basis.programme, own, parts, reason),
    )


def _months(first: datetime, last: datetime, zone: str) -> list[date]:
    months = [month_of(first, zone)]
    while months[-1] < month_of(last, zone):
        months.append(next_month(months[-1]))
    return months


def _day_bounds(now: datetime, zone: str) -> Span:
    day, tz = day_in(now, zone), ZoneInfo(zone)
    start = datetime(day.year, day.month, day.day, tzinfo=tz)
    return start, start + timedelta(days=1)  # in wall time: a day may have 23 or 25 hours


def _worked(row: Row) -> Worked:
    return Worked(
        programme=Programme(row["programme"]),
        role=row["role"],
        activity=row["activity"],
        starts_at=row["started_at"],
        ends_at=row["ended_at"],
    )


async def _zone(conn: Connection, clinic: str) -> str:
    rules = await ledger.clinic_rules(conn, clinic)
    if rules is None:
        raise NotFound
    return str(rules["zone"])


async def month_seconds(  # noqa: PLR0913 -- what a sum is of
    conn: Connection,
    clinic: str,
    patient: UUID,
    programme: Programme,
    month: date,
    zone: str,
    *,
    role: str | None = None,
) -> int:
    """Confirmed seconds that a programme keeps of a patient's month; the engine has the last word.

    `role` narrows CCM and PCM to one track (clinical_staff, qhp).
    """
    starts_at, ends_at = month_bounds(month, zone)
    values = {"clinic": clinic, "patient": patient, "starts_at": starts_at, "ends_at": ends_at}
    values |= {"task": None, "staff": None, "now": ends_at}
    async with clinic_session(conn, clinic):
        rows = await ledger.standing_work(conn, values)
    work = [_worked(row) for row in rows]
    return arithmetic.counted(work, programme, (starts_at, ends_at), role=role)


async def confirm_entry(  # noqa: PLR0913 -- the act's own words
    conn: Connection,
    clinic: str,
    actor: Actor,
    entry_id: UUID,
    *,
    until: datetime | None,
    note: str,
    now: datetime,
) -> None:
    """Document waiting time, or let a held entry stand; `until` shortens what nobody confirmed yet.

    Raises:
        NotFound, NotYours, TimerRunning, NotReversible, Undocumented, BadInterval, BeyondProof,
        BusyElsewhere.
    """
    if not note.strip():
        raise Undocumented
    async with acting(conn, clinic, actor):
        await timers.end_expired(conn, actor, now)
        entry = await _own_entry(conn, clinic, actor, entry_id)
        end = _confirmed_end(entry, until)
        values = {"entry": entry_id, "until": end, "note": note.strip(), "now": now}
        await ledger.confirm_entry(conn, values)


def _confirmed_end(entry: Row, until: datetime | None) -> datetime:
    if entry["state"] == "running":
        raise TimerRunning
    if entry["status"] == "reversed":
        raise NotReversible
    if entry["state"] == "confirmed" and entry["status"] == "active":
        raise NotReversible("It stands already: reverse it and log another.")
    ended_at: datetime = entry["ended_at"]
    end = until or ended_at
    if end <= entry["started_at"]:
        raise BadInterval
    if end > ended_at:
        raise BeyondProof
    return end


async def _own_entry(conn: Connection, clinic: str, actor: Actor, entry_id: UUID) -> Row:
    entry = await ledger.entry_for_update(conn, clinic, entry_id)
    if entry is None:
        raise NotFound
    if entry["staff_id"] != actor.id:
        raise NotYours
    return entry


def refuse_interval(start: datetime, end: datetime, now: datetime) -> None:
    """Time by hand lies behind us, and is a day at most."""
    if not start < end <= now or end - start > _LONGEST:
        raise BadInterval


async def log_time(  # noqa: PLR0913, PLR0917 -- the columns
    conn: Connection,
    clinic: str,
    actor: Actor,
    patient: UUID,
    programme: str,
    activity: str,
    start: datetime,
    end: datetime,
    interactive: bool,  # noqa: FBT001 -- a column
    note: str,
    *,
    now: datetime,
) -> Logged:
    """Time that no timer measured. Overlapping the actor's own on another patient, it is held.

    Raises:
        NotFound, BadInterval, Undocumented, UnknownWord.
    """
    if programme not in ENROLLABLE or activity not in set(Activity):
        raise UnknownWord
    if not note.strip():
        raise Undocumented
    refuse_interval(start, end, now)
    values = {"clinic": clinic, "patient": patient, "staff": actor.id, "role": actor.ledger_role}
    values |= {"programme": programme, "activity": activity, "starts_at": start, "ends_at": end}
    values |= {"interactive": interactive, "note": note.strip(), "now": now}
    async with acting(conn, clinic, actor):
        if not await ledger.patient_exists(conn, clinic, patient):
            raise NotFound
        await timers.end_expired(conn, actor, now)
        row = await ledger.log_entry(conn, values)
    return Logged(entry_id=row["id"], held=row["status"] == "held")
