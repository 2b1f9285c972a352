"""Small acts on a task: whose a reading is, back from a snooze, looked at again."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from alerts.lifecycle import Event, State
from ccm_link import timers
from ccm_link.acting import Actor, acting, locked_task, own_task, refuse_done, tell_story
from ccm_link.errors import NotFound, Undocumented
from store import audit, ownership
from store.tenancy import Connection


async def confirm_patient(
    conn: Connection, clinic: str, actor: Actor, task_id: UUID, *, now: datetime
) -> None:
    """It is this patient's: what was a question goes on as an alert that the actor has.

    That it is not is an outcome: `work.resolve(..., outcome="not_this_patient")`.

    Raises:
        NotFound: there is no such task here, or nothing is asked.
    """
    async with acting(conn, clinic, actor):
        _, alert = await own_task(conn, clinic, actor, task_id)
        if alert is None or alert["state"] != State.PENDING:
            raise NotFound
        await timers.prove_activity(conn, actor, task_id, now)
        for event in (Event.CONFIRMED, Event.ACKNOWLEDGED):
            alert["state"] = await tell_story(conn, clinic, actor, alert, event, now=now)
        values = {"clinic": clinic, "alert": alert["id"], "state": str(alert["state"])}
        await ownership.set_alert_state(conn, {**values, "now": now})


async def unsnooze(
    conn: Connection, clinic: str, actor: Actor, task_id: UUID, *, now: datetime
) -> None:
    """Back into the queue before its time."""
    async with acting(conn, clinic, actor):
        task, _ = await locked_task(conn, clinic, task_id)
        refuse_done(task)
        await timers.prove_activity(conn, actor, task_id, now)
        await ownership.wake_task(conn, {"clinic": clinic, "task": task_id})


async def looked_again(
    conn: Connection, clinic: str, actor: Actor, task_id: UUID, *, note: str, now: datetime
) -> None:
    """Its readings were re-assigned; a person has looked, and what stands, stands.

    Time that should not stand is taken back in the ledger, before or after.

    Raises:
        NotFound: nothing of this task waits to be looked at. Undocumented: say what was found.
    """
    if not note.strip():
        raise Undocumented
    async with acting(conn, clinic, actor):
        _, alert = await locked_task(conn, clinic, task_id)
        if alert is None:
            raise NotFound
        values = {"clinic": clinic, "alert": alert["id"], "now": now}
        if not await ownership.reviewed(conn, values):
            raise NotFound
        kept = await ownership.keep_time(conn, values)
        detail = {"note": note.strip(), "entries": kept}
        await tell_story(conn, clinic, actor, alert, Event.REVIEWED, now=now, detail=detail)
        said = {"task": str(task_id), "entries": kept}
        await audit.record(
            conn, actor=actor.id, action="alert.reviewed", subject=alert["id"], now=now, detail=said
        )
