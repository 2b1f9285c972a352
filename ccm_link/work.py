"""The acts of a nurse on a care task. Each is one transaction: it happens whole or not at all.

Claiming starts the timer and pauses the one that ran elsewhere; resolving writes the note, the
confirmed time, the alert's end and the task's in one act. Time that is only stopped waits for
documentation and counts nothing (I7).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any, NoReturn
from uuid import UUID

from alerts.lifecycle import Event, State
from alerts.outcomes import Outcome
from ccm_link import ledger as arithmetic
from ccm_link import timers
from ccm_link.acting import (
    THE_RULES,
    Actor,
    acting,
    choice_for,
    locked_task,
    own_task,
    refuse_done,
    tell_story,
)
from ccm_link.activities import Activity
from ccm_link.codes import Programme
from ccm_link.corrections import correct_entry, decide_held, reverse_entry
from ccm_link.entries import (
    Logged,
    confirm_entry,
    log_time,
    month_seconds,
    preview,
)
from ccm_link.errors import (
    AlreadyDone,
    AlreadyTaken,
    BadInterval,
    NotYours,
    TooLate,
    Undocumented,
    UnknownWord,
)
from ccm_link.ledger import StoppedBy
from ccm_link.programmes import ENROLLABLE
from ccm_link.timers import Beat, Paused
from store import ledger, ownership, tasks
from store.named import Row
from store.tenancy import Connection

__all__ = [
    "Actor", "Beat", "Channel", "Claimed", "Logged", "Paused", "Resolved",
    "beat", "claim", "confirm_entry", "correct_entry", "decide_held", "log_contact", "log_time",
    "month_seconds", "pause", "preview", "release", "resolve", "reverse_entry", "snooze",
    "take_over", "tick", "undo_resolve",
]  # fmt: skip

UNDO_S = 300  # seconds in which closing a task can be undone


class Channel(StrEnum):
    """How a patient was contacted."""

    PHONE = "phone"  # live
    VIDEO = "video"  # live
    MESSAGE = "message"  # not a conversation
    IN_PERSON = "in_person"  # live, but no remote service


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """The task is the actor's, and its timer runs."""

    entry_id: UUID
    programme: Programme
    enrolled: bool
    paused: Paused | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved:
    """What closing a task wrote. No entries: nobody's time waited."""

    entry_ids: tuple[UUID, ...]
    seconds: int
    programme: Programme
    undo_until: datetime
    follow_up_id: UUID | None


async def claim(
    conn: Connection, clinic: str, actor: Actor, task_id: UUID, *, now: datetime
) -> Claimed:
    """Take a task and start its timer; one's own is resumed.

    Raises:
        AlreadyTaken, AlreadyDone, NotFound.
    """
    async with acting(conn, clinic, actor):
        values = {"clinic": clinic, "task": task_id, "staff": actor.id, "now": now}
        task = await tasks.claim_task(conn, values)
        if task is None:
            await _refuse_claim(conn, clinic, task_id)
        alert = await tasks.lock_alert(conn, clinic, task_id)
        await _acknowledge(conn, clinic, actor, alert, now)
        return await _start(conn, clinic, actor, task, now)


async def _refuse_claim(conn: Connection, clinic: str, task_id: UUID) -> NoReturn:
    task, _ = await locked_task(conn, clinic, task_id)
    refuse_done(task)
    raise AlreadyTaken(task["assignee_name"] or "", task["claimed_at"])


async def _start(conn: Connection, clinic: str, actor: Actor, task: Row, now: datetime) -> Claimed:
    choice = await choice_for(conn, clinic, task["patient_id"], now)
    running = await ledger.running_timer(conn, actor.id)
    paused = None
    if running and running["task_id"] == task["id"] and now <= running["lease_until"]:
        await timers.prove_activity(conn, actor, task["id"], now)
        entry_id, programme = running["id"], Programme(running["programme"])
    else:
        paused = await timers.pause_running(conn, actor.id, now)
        programme = choice.programme
        entry_id = await timers.begin(conn, clinic, actor, task, programme, now)
    return Claimed(entry_id=entry_id, programme=programme, enrolled=choice.enrolled, paused=paused)


async def _acknowledge(
    conn: Connection,
    clinic: str,
    actor: Actor,
    alert: Row | None,
    now: datetime,
) -> None:
    """An alert that worsened while somebody had it fires again, and is acknowledged again."""
    if alert is None or (alert["acknowledged_by"] == actor.id and alert["state"] != State.FIRING):
        return
    state = await tell_story(conn, clinic, actor, alert, Event.ACKNOWLEDGED, now=now)
    values = {"clinic": clinic, "alert": alert["id"], "state": str(state), "now": now}
    await tasks.acknowledge_alert(conn, {**values, "staff": actor.id})


async def pause(
    conn: Connection, clinic: str, actor: Actor, task_id: UUID, *, now: datetime
) -> Paused | None:
    """Stop the timer and keep the task; the time waits for documentation."""
    async with acting(conn, clinic, actor):
        await own_task(conn, clinic, actor, task_id)
        return await timers.pause_running(conn, actor.id, now, only_task=task_id)


async def release(
    conn: Connection, clinic: str, actor: Actor, task_id: UUID, *, now: datetime
) -> None:
    """Give the task back to the queue; the time stays the actor's, to be documented."""
    async with acting(conn, clinic, actor):
        _, alert = await own_task(conn, clinic, actor, task_id)
        await timers.pause_running(conn, actor.id, now, why=StoppedBy.RELEASED, only_task=task_id)
        await _release_alert(conn, clinic, actor, alert, now, {})
        await tasks.release_task(conn, {"clinic": clinic, "task": task_id})


async def _release_alert(
    conn: Connection,
    clinic: str,
    actor: Actor,
    alert: Row | None,
    now: datetime,
    detail: dict[str, Any],
) -> None:
    if alert is None:
        return
    state = await tell_story(conn, clinic, actor, alert, Event.RELEASED, now=now, detail=detail)
    alert |= {"state": state, "acknowledged_by": None}
    values = {"clinic": clinic, "alert": alert["id"], "state": str(state), "now": now}
    await tasks.release_alert(conn, values)


async def take_over(
    conn: Connection, clinic: str, actor: Actor, task_id: UUID, *, reason: str, now: datetime
) -> Claimed:
    """Take a colleague's task; their timer stops, their time stays theirs."""
    colleague = await _assignee(conn, clinic, actor, task_id)
    if colleague in (None, actor.id):
        return await claim(conn, clinic, actor, task_id, now=now)
    if not reason.strip():
        raise Undocumented
    async with acting(conn, clinic, actor, over=colleague):
        task, alert = await locked_task(conn, clinic, task_id)
        refuse_done(task)
        if task["assignee"] != colleague:  # it moved on while we waited
            raise AlreadyTaken(task["assignee_name"] or "", task["claimed_at"] or now)
        await timers.pause_running(conn, colleague, now, why=StoppedBy.RELEASED, only_task=task_id)
        detail = {"taken_from": str(colleague), "reason": reason.strip()}
        await _release_alert(conn, clinic, actor, alert, now, detail)
        values = {"clinic": clinic, "task": task_id, "staff": actor.id, "now": now}
        await tasks.hand_over_task(conn, values)
        await _acknowledge(conn, clinic, actor, alert, now)
        return await _start(conn, clinic, actor, task, now)


async def _assignee(conn: Connection, clinic: str, actor: Actor, task_id: UUID) -> UUID | None:
    async with acting(conn, clinic, actor):
        task, _ = await locked_task(conn, clinic, task_id)
        assignee: UUID | None = task["assignee"]
        return assignee


async def beat(
    conn: Connection, clinic: str, actor: Actor, entry_id: UUID, *, now: datetime
) -> Beat:
    """Proof that somebody works: extends the lease of one's own timer."""
    async with acting(conn, clinic, actor):
        return await timers.beat_of(conn, clinic, actor, entry_id, now)


async def tick(  # noqa: PLR0913 -- the act's own words
    conn: Connection,
    clinic: str,
    actor: Actor,
    task_id: UUID,
    step: str,
    done: bool,  # noqa: FBT001 -- a tick is a yes or a no
    *,
    now: datetime,
) -> dict[str, Any]:
    """Tick a step of the protocol, or take the tick back; returns the checklist."""
    async with acting(conn, clinic, actor):
        await own_task(conn, clinic, actor, task_id)
        await timers.prove_activity(conn, actor, task_id, now)
        values = {"clinic": clinic, "task": task_id, "step": step, "done": done}
        return await tasks.tick_step(conn, {**values, "staff": actor.id, "now": now})


async def log_contact(  # noqa: PLR0913 -- the columns
    conn: Connection,
    clinic: str,
    actor: Actor,
    task_id: UUID,
    *,
    channel: str,
    reached: bool,
    note: str,
    now: datetime,
) -> UUID:
    """Record a try to reach the patient; a live talk marks the time that it fell into."""
    if channel not in set(Channel):
        raise UnknownWord
    async with acting(conn, clinic, actor):
        task, _ = await locked_task(conn, clinic, task_id)
        await timers.prove_activity(conn, actor, task_id, now)
        values = {"clinic": clinic, "task": task_id, "staff": actor.id, "now": now}
        if reached and channel in (Channel.PHONE, Channel.VIDEO):
            await ledger.mark_interactive(conn, {**values, "at": now})
        values |= {"patient": task["patient_id"], "channel": channel, "reached": reached}
        return await tasks.insert_contact(conn, {**values, "note": note.strip()})


async def resolve(  # noqa: PLR0913 -- the act's own words
    conn: Connection,
    clinic: str,
    actor: Actor,
    task_id: UUID,
    *,
    outcome: str,
    note: str,
    programme: str,
    activity: str,
    interactive: bool,
    follow_up: date | None,
    now: datetime,
) -> Resolved:
    """Close alert, task and timer, and confirm the actor's waiting time of the task.

    Raises:
        NotFound, NotYours, AlreadyTaken, AlreadyDone, Undocumented, UnknownWord.
    """
    _check_words(outcome, programme, activity, note)
    values = {"clinic": clinic, "task": task_id, "staff": actor.id, "now": now}
    values |= {"note": note.strip(), "outcome": outcome}
    async with acting(conn, clinic, actor):
        if outcome == Outcome.NOT_THIS_PATIENT:
            await ownership.lock_assignments(conn)
        _, alert = await own_task(conn, clinic, actor, task_id)
        await timers.pause_running(conn, actor.id, now, why=StoppedBy.RESOLVED, only_task=task_id)
        saved = {"programme": programme, "activity": activity, "interactive": interactive}
        entries = await ledger.confirm_task_entries(conn, values | saved)
        await _resolve_alert(conn, clinic, actor, alert, values)
        await tasks.finish_task(conn, values)
        following = await _follow_up(conn, values, follow_up)
    spans = [(row["started_at"], row["ended_at"]) for row in entries]
    return Resolved(
        entry_ids=tuple(row["id"] for row in entries),
        seconds=arithmetic.seconds(spans),
        programme=Programme(programme),
        undo_until=now + timedelta(seconds=UNDO_S),
        follow_up_id=following,
    )


def _check_words(outcome: str, programme: str, activity: str, note: str) -> None:
    if not note.strip():
        raise Undocumented
    known = outcome in set(Outcome) and programme in ENROLLABLE and activity in set(Activity)
    if not known:
        raise UnknownWord


async def _resolve_alert(
    conn: Connection, clinic: str, actor: Actor, alert: Row | None, values: Row
) -> None:
    if alert is None:
        return
    now, detail = values["now"], {"outcome": values["outcome"]}
    # A question that was asked has been answered with no.
    answered = alert["state"] == State.PENDING and values["outcome"] == Outcome.NOT_THIS_PATIENT
    event = Event.DISMISSED if answered else Event.RESOLVED
    state = await tell_story(conn, clinic, actor, alert, event, now=now, detail=detail)
    await tasks.resolve_alert(conn, {**values, "alert": alert["id"], "state": str(state)})
    if values["outcome"] == Outcome.NOT_THIS_PATIENT:
        await ownership.disown_readings(conn, {"alert": alert["id"], "now": now})


async def _follow_up(conn: Connection, values: Row, day: date | None) -> UUID | None:
    if day is None:
        return None
    return await tasks.open_follow_up(conn, {**values, "day": day, "title": values["note"]})


async def undo_resolve(
    conn: Connection, clinic: str, actor: Actor, task_id: UUID, *, now: datetime
) -> None:
    """Reopen what the actor closed a moment ago; its time waits for documentation again.

    Raises:
        NotFound, NotYours, TooLate; EpisodeOpen where the same thing fired again meanwhile.
    """
    async with acting(conn, clinic, actor):
        await ownership.lock_assignments(conn)
        task, alert = await locked_task(conn, clinic, task_id)
        _check_undo(task, actor, now)
        values = {"clinic": clinic, "task": task_id, "staff": actor.id, "now": now}
        values["done_at"] = task["done_at"]
        await ledger.withdraw_task_entries(conn, values)
        await tasks.withdraw_follow_ups(conn, values)
        await tasks.reopen_task(conn, values)
        if alert is not None:
            state = await tell_story(conn, clinic, actor, alert, Event.REOPENED, now=now)
            values |= {"alert": alert["id"], "state": str(state), "patient": task["patient_id"]}
            await tasks.reopen_alert(conn, values)
            await ownership.own_again(conn, values)


def _check_undo(task: Row, actor: Actor, now: datetime) -> None:
    if task["state"] != "done":
        raise TooLate
    if task["done_by"] != actor.id:
        raise AlreadyDone(task["done_by_name"] or THE_RULES, task["done_at"])
    if now > task["done_at"] + timedelta(seconds=UNDO_S):
        raise TooLate


async def snooze(  # noqa: PLR0913 -- the act's own words
    conn: Connection,
    clinic: str,
    actor: Actor,
    task_id: UUID,
    until: datetime,
    reason: str,
    *,
    now: datetime,
) -> None:
    """Hide a task until then, unless its alert worsens; a timer on it is paused."""
    if until <= now:
        raise BadInterval
    if not reason.strip():
        raise Undocumented
    async with acting(conn, clinic, actor):
        task, _ = await locked_task(conn, clinic, task_id)
        refuse_done(task)
        if task["assignee"] not in (None, actor.id):
            raise NotYours
        await timers.pause_running(conn, actor.id, now, only_task=task_id)
        values = {"clinic": clinic, "task": task_id, "until": until, "reason": reason.strip()}
        await tasks.snooze_task(conn, values)
