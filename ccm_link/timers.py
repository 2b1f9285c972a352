"""Starting and ending one person's timer, inside an act's transaction (I7)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from ccm_link import ledger as arithmetic
from ccm_link.acting import Actor
from ccm_link.activities import Activity
from ccm_link.codes import Programme
from ccm_link.errors import NotFound
from ccm_link.ledger import Ending, StoppedBy
from store import ledger
from store.named import Row
from store.tenancy import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class Paused:
    """A timer that ended because its person began something else."""

    entry_id: UUID
    clinic: str  # perhaps another one, where the same person works too
    task_id: UUID | None
    patient_id: UUID
    seconds: int
    stopped_by: StoppedBy


@dataclass(frozen=True, slots=True, kw_only=True)
class Beat:
    """What a proof of activity found: the timer runs, or why it does not."""

    running: bool
    seconds: int
    ended_reason: StoppedBy | None = None


async def begin(
    conn: Connection, clinic: str, actor: Actor, task: Row, programme: Programme, now: datetime
) -> UUID:
    activity = Activity.ALERT_REVIEW if task["alert_id"] else Activity.CARE_COORDINATION
    values = {"clinic": clinic, "patient": task["patient_id"], "task": task["id"], "now": now}
    values |= {"staff": actor.id, "role": actor.ledger_role, "programme": str(programme)}
    values |= {"activity": str(activity), "lease_until": arithmetic.lease_until(now)}
    row = await ledger.start_timer(conn, values)
    return UUID(str(row["id"]))


async def end(conn: Connection, timer: Row, why: StoppedBy, now: datetime) -> Ending:
    """End a running timer; what measured nothing is taken back."""
    ending = arithmetic.ending(
        started_at=timer["started_at"],
        last_activity_at=timer["last_activity_at"],
        lease_ends_at=timer["lease_until"],
        why=why,
        now=now,
    )
    values = {"entry": timer["id"], "at": ending.at, "stopped_by": str(ending.stopped_by)}
    if ending.measured:
        await ledger.end_timer(conn, values)
    else:
        await ledger.discard_timer(conn, {**values, "now": now})
    return ending


async def pause_running(
    conn: Connection,
    staff: UUID,
    now: datetime,
    *,
    why: StoppedBy = StoppedBy.PAUSED,
    only_task: UUID | None = None,
) -> Paused | None:
    """End a person's running timer, in whatever clinic it runs."""
    timer = await ledger.running_timer(conn, staff)
    if timer is None or (only_task is not None and timer["task_id"] != only_task):
        return None
    ending = await end(conn, timer, why, now)
    return Paused(
        entry_id=timer["id"],
        clinic=timer["clinic_id"],
        task_id=timer["task_id"],
        patient_id=timer["patient_id"],
        seconds=arithmetic.seconds([(timer["started_at"], ending.at)]),
        stopped_by=ending.stopped_by,
    )


async def end_expired(conn: Connection, actor: Actor, now: datetime) -> Row | None:
    """The actor's running timer; one whose lease ran out is ended instead."""
    timer = await ledger.running_timer(conn, actor.id)
    if timer is not None and now > timer["lease_until"]:
        await end(conn, timer, StoppedBy.ABANDONED, now)
        return None
    return timer


async def prove_activity(conn: Connection, actor: Actor, task: UUID, now: datetime) -> None:
    """Working on a task keeps its timer alive, if it runs."""
    timer = await end_expired(conn, actor, now)
    if timer is not None and timer["task_id"] == task:
        values = {"entry": timer["id"], "now": now, "lease_until": arithmetic.lease_until(now)}
        await ledger.renew_lease(conn, values)


async def beat_of(
    conn: Connection, clinic: str, actor: Actor, entry_id: UUID, now: datetime
) -> Beat:
    """Renew the lease of one's own timer; one that ran out is ended, never revived."""
    entry = await ledger.entry_for_update(conn, clinic, entry_id)
    if entry is None or entry["staff_id"] != actor.id:
        raise NotFound
    if entry["state"] != "running":
        why = StoppedBy(entry["stopped_by"]) if entry["stopped_by"] else None
        return Beat(running=False, seconds=_measured(entry), ended_reason=why)
    if now > entry["lease_until"]:
        ending = await end(conn, entry, StoppedBy.ABANDONED, now)
        worked = arithmetic.seconds([(entry["started_at"], ending.at)])
        return Beat(running=False, seconds=worked, ended_reason=ending.stopped_by)
    values = {"entry": entry_id, "now": now, "lease_until": arithmetic.lease_until(now)}
    await ledger.renew_lease(conn, values)
    return Beat(running=True, seconds=arithmetic.seconds([(entry["started_at"], now)]))


def _measured(entry: Row) -> int:
    if entry["started_at"] is None:
        return 0  # it was taken back, it measured nothing
    return arithmetic.seconds([(entry["started_at"], entry["ended_at"])])
