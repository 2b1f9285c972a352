"""Whose readings these are, put right: given to a patient for a period, or decided one by one.

Nothing is done unseen. `effect` says what would happen; `reassign` does it only if that is still
what would happen, inside one transaction that ingest and the workers wait for. The moving itself is
`store/migrations/0004_reassignment.sql`, because no reader has a right on the hypertable.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from store import audit
from store.named import Row, all_rows, one_row, run
from store.rows import NO_SLOT
from store.tenancy import Connection, clinic_session

_SQL = "homes"
_COUNTS = ("readings", "quarantined", "open_alerts", "closed_alerts", "entries", "seconds")
_BY_A_PERSON = ("held", "set_aside")


class EffectChanged(Exception):
    """Something has arrived or changed since the effect was shown; nothing was done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """A device and slot, for a time, and whose it shall be; `patient` none: nobody's."""

    device: str
    starts_at: datetime
    ends_at: datetime | None = None
    patient: UUID | None = None
    user_slot: int = NO_SLOT
    undecided: bool = False  # held and set aside readings of that time move as well

    def values(self) -> Row:
        return {
            "device": self.device,
            "slot": self.user_slot,
            "starts_at": self.starts_at,
            "ends_at": self.ends_at,
            "patient": self.patient,
            "undecided": self.undecided,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Unassigned:
    """What a list showed of a device and slot: readings measured until its newest."""

    device: str
    user_slot: int
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """What one patient would lose, or what nobody has yet (`patient` none), by kind."""

    patient: UUID | None
    name: str
    kind: str  # patient, unassigned, held, set_aside
    readings: int
    days: int
    first_at: datetime | None
    last_at: datetime | None
    uncertain: int  # so near to the period's edge that the clock cannot tell the side
    quarantined: int
    open_alerts: int
    closed_alerts: int
    entries: int
    seconds: int

    def counts(self) -> dict[str, int]:
        return {name: getattr(self, name) for name in _COUNTS}


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """All losses; those that wait for a person's decision only move if they are asked for."""

    losses: tuple[Loss, ...]
    undecided: int  # held or set aside within the period

    def total(self, count: str) -> int:
        return sum(getattr(loss, count) for loss in self.losses)

    @property
    def moves_nothing(self) -> bool:
        return not any(self.total(count) for count in _COUNTS)

    @property
    def fingerprint(self) -> str:
        """What was shown, so that what is done is what was shown."""
        return ".".join(str(self.total(count)) for count in _COUNTS)


async def effect(conn: Connection, clinic: str, period: Period) -> Effect:
    """What giving this period would do. Changes nothing."""
    async with clinic_session(conn, clinic):
        return await _effect(conn, period)


async def reassign(
    conn: Connection,
    clinic: str,
    period: Period,
    *,
    staff: UUID,
    now: datetime,
    seen: str | None = None,
) -> Effect:
    """Give the period; `seen` is the fingerprint of the effect that the person agreed to.

    Raises:
        EffectChanged: it would do something else by now.
        DataRefused: no such device or patient in this clinic, or an empty period.
    """
    async with clinic_session(conn, clinic, staff=staff):
        await run(conn, _SQL, "lock_assignments")
        done = await _effect(conn, period)
        if seen is not None and seen != done.fingerprint:
            raise EffectChanged
        values = {**period.values(), "now": now}
        given = await one_row(conn, _SQL, "reassign_readings", values)
        await _audit(conn, period, done, given, staff=staff, now=now)
    return done


async def decide(
    conn: Connection,
    clinic: str,
    readings: Sequence[UUID],
    *,
    patient: UUID | None,
    staff: UUID,
    now: datetime,
) -> int:
    """Single readings that nobody has are this patient's, or nobody's; how many it was."""
    values = {"readings": list(readings), "patient": patient, "staff": staff, "now": now}
    async with clinic_session(conn, clinic, staff=staff):
        row = await one_row(conn, _SQL, "decide_readings", values)
        decided = int(row["decided"]) if row else 0
        subject = patient or "nobody"
        detail = {"readings": decided, "ids": [str(reading) for reading in readings]}
        await audit.record(
            conn, actor=staff, action="reading.decide", subject=subject, now=now, detail=detail
        )
    return decided


async def set_aside(
    conn: Connection,
    clinic: str,
    seen: Unassigned,
    *,
    staff: UUID,
    now: datetime,
) -> int:
    """What a person saw unassigned of a device and slot is nobody's; how many readings."""
    values = {"device": seen.device, "slot": seen.user_slot, "until": seen.until}
    async with clinic_session(conn, clinic):
        rows = await all_rows(conn, _SQL, "unassigned_ids", values)
    ids = [row["reading_id"] for row in rows]
    return await decide(conn, clinic, ids, patient=None, staff=staff, now=now)


async def _effect(conn: Connection, period: Period) -> Effect:
    rows = await all_rows(conn, _SQL, "reassign_effect", {**period.values(), "undecided": True})
    losses = [_loss(row) for row in rows]
    waiting = [loss for loss in losses if loss.kind in _BY_A_PERSON]
    return Effect(
        losses=tuple(loss for loss in losses if period.undecided or loss not in waiting),
        undecided=sum(loss.readings for loss in waiting),
    )


def _loss(row: Row) -> Loss:
    name = f"{row['given_name']} {row['family_name']}" if row["from_patient"] else ""
    numbers = {key: int(row[key]) for key in (*_COUNTS, "days", "uncertain")}
    return Loss(
        patient=row["from_patient"],
        name=name,
        kind=row["kind"],
        first_at=row["first_at"],
        last_at=row["last_at"],
        **numbers,
    )


async def _audit(
    conn: Connection,
    period: Period,
    done: Effect,
    given: Row | None,
    *,
    staff: UUID,
    now: datetime,
) -> None:
    """One event about the device, and one in the story of each patient it touched."""
    what = {
        "device": period.device,
        "user_slot": period.user_slot,
        "from": period.starts_at.isoformat(),
        "to": period.ends_at.isoformat() if period.ends_at else None,
        "patient": str(period.patient) if period.patient else None,
        "assignment": str(given["assignment_id"]) if given and given["assignment_id"] else None,
    }
    total = {count: done.total(count) for count in _COUNTS}
    events: list[tuple[str, UUID | str, dict[str, int]]] = [
        ("device.assign", period.device, total),
        *(("readings.taken", loss.patient, loss.counts()) for loss in done.losses if loss.patient),
    ]
    if period.patient:
        events.append(("readings.given", period.patient, total))
    for action, subject, counts in events:
        await audit.record(
            conn, actor=staff, action=action, subject=subject, now=now, detail=what | counts
        )
