"""Two small acts on a task: answering whose a reading is, and bringing back what was snoozed."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from alerts.lifecycle import Event, State
from ccm_link import timers
from ccm_link.acting import Actor, acting, locked_task, own_task, refuse_done, tell_story
from ccm_link.errors import NotFound
from store import ownership
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
