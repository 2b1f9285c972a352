"""Who acts, in which transaction, on which task: what every act of care work begins with."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from alerts.lifecycle import Event, State, advance
from ccm_link.codes import Programme
from ccm_link.errors import AlreadyDone, AlreadyTaken, NotFound, NotYours, told
from ccm_link.programmes import (
    Choice,
    Consented,
    Enrolled,
    day_in,
    programme_for,
)
from store import enrolments, ledger, tasks
from store.named import Row
from store.tenancy import Connection, clinic_session

#: Who closed what no person did.
THE_RULES = "The rules"
Role = Literal["nurse", "provider", "biller", "admin"]
_LEDGER_ROLE = {
    "nurse": "clinical_staff",
    "admin": "clinical_staff",
    "provider": "qhp",
    "biller": "non_clinical",
}


def ledger_role_of(role: Role) -> str:
    """In what capacity a member of the clinic works."""
    return _LEDGER_ROLE[role]


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """A member of staff in the clinic that is worked in."""

    id: UUID
    role: Role

    @property
    def ledger_role(self) -> str:
        return ledger_role_of(self.role)


@asynccontextmanager
async def acting(
    conn: Connection, clinic: str, actor: Actor, *, over: UUID | None = None
) -> AsyncIterator[None]:
    """One act, one transaction; the person's timers (and those of `over`) stand still in it."""
    with told():
        async with clinic_session(conn, clinic, staff=actor.id):
            await ledger.lock_timers(conn, [actor.id, *([over] if over else [])])
            yield


async def locked_task(conn: Connection, clinic: str, task_id: UUID) -> tuple[Row, Row | None]:
    """A task and its alert, in the order in which the rules' worker locks them."""
    task = await tasks.task_for_update(conn, clinic, task_id)
    if task is None:
        raise NotFound
    return task, await tasks.lock_alert(conn, clinic, task_id)


async def own_task(
    conn: Connection, clinic: str, actor: Actor, task_id: UUID
) -> tuple[Row, Row | None]:
    """A task that the actor has claimed."""
    task, alert = await locked_task(conn, clinic, task_id)
    refuse_done(task)
    if task["assignee"] is None:
        raise NotYours
    if task["assignee"] != actor.id:
        raise AlreadyTaken(task["assignee_name"], task["claimed_at"])
    return task, alert


def refuse_done(task: Row) -> None:
    if task["state"] == "done":
        raise AlreadyDone(task["done_by_name"] or THE_RULES, task["done_at"])


async def tell_story(  # noqa: PLR0913 -- the columns
    conn: Connection,
    clinic: str,
    actor: Actor,
    alert: Row,
    event: Event,
    *,
    now: datetime,
    detail: dict[str, Any] | None = None,
) -> State:
    """Advance an alert by the lifecycle's table and append the event; returns the state after."""
    state = advance(State(alert["state"]), event)
    values = {"clinic": clinic, "alert": alert["id"], "now": now, "event": str(event)}
    values |= {"state": str(state), "actor": f"staff:{actor.id}", "detail": detail}
    await tasks.insert_alert_event(conn, values)
    return state


async def choice_for(conn: Connection, clinic: str, patient: UUID, now: datetime) -> Choice:
    """The programme that alert work of this patient belongs to today."""
    rules = await ledger.clinic_rules(conn, clinic)
    if rules is None:
        raise NotFound
    enrolled, consented = await standing_of(conn, clinic, patient)
    setting = Programme(rules["alert_programme"])
    return programme_for(enrolled, consented, setting, day_in(now, rules["zone"]))


async def standing_of(
    conn: Connection, clinic: str, patient: UUID
) -> tuple[list[Enrolled], list[Consented]]:
    enrolled = [
        Enrolled(
            programme=Programme(row["programme"]),
            starts_on=row["starts_on"],
            ends_on=row["ends_on"],
        )
        for row in await enrolments.enrolments_of(conn, clinic, patient)
    ]
    consented = [
        Consented(
            programme=Programme(row["programme"]),
            starts_on=row["starts_on"],
            ends_on=row["ends_on"],
        )
        for row in await enrolments.consents_of(conn, clinic, patient)
    ]
    return enrolled, consented
