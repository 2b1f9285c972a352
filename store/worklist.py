"""What the queue and the alert page show: read-only, numbers only, words are the page's.

A page of the queue is two statements: which tasks in what order, then an index scan per row and
column. Whoever has the rows already asks for the second only where the first says that it changed.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from store.enrolments import consents_of, enrolments_of
from store.named import Row, all_rows, one_row
from store.tenancy import Connection, clinic_session

_SQL = "worklist"
PAGE = 50  # rows that a queue shows at most
TREND = timedelta(days=30)  # readings around an alert


class Tab(StrEnum):
    """Which tasks."""

    MEDICAL = "medical"  # what waits now, whoever has it
    REVIEW = "review"  # of a backlog, or to be looked at again: no hurry
    MINE = "mine"  # the viewer's
    SNOOZED = "snoozed"  # hidden until an instant
    ALL = "all"  # whatever is not done


async def queue_rows(
    conn: Connection,
    clinic: str,
    *,
    viewer: UUID,
    tab: str = Tab.MEDICAL,
    now: datetime,
    has: Callable[[Row], bool] = lambda _: False,
) -> list[Row]:
    """Most severe first, a backlog's after, then what is overdue, then the oldest.

    `findings`: the newest three. `usual_*`: medians of the 30 days before. `series`: 14 days of
    `[epoch, value, diastolic, pulse]` of the alert's kind; value is systolic, glucose or weight.
    A row that the reader `has`, by its columns of `queue_page`, comes with these alone.
    """
    values = {"clinic": clinic, "viewer": viewer, "tab": str(Tab(tab)), "now": now, "limit": PAGE}
    async with clinic_session(conn, clinic, staff=viewer):
        page = await all_rows(conn, _SQL, "queue_page", values)
        wanted = [row["task_id"] for row in page if not has(row)]
        whole = {}
        if wanted:
            asked = {"clinic": clinic, "tasks": wanted, "now": now}
            found = await all_rows(conn, _SQL, "queue_rows", asked)
            whole = {row["task_id"]: row for row in found}
    return [row | whole.get(row["task_id"], {}) for row in page]


async def queue_counts(conn: Connection, clinic: str, viewer: UUID, now: datetime) -> Row:
    """`waiting, oldest_opened_at, mine, silent_homes`, and one number for each tab."""
    values = {"clinic": clinic, "viewer": viewer, "now": now}
    async with clinic_session(conn, clinic, staff=viewer):
        return await one_row(conn, _SQL, "queue_counts", values) or {}


async def alert_detail(conn: Connection, clinic: str, alert_id: UUID) -> Row | None:
    """As `task_detail`, of the task that the alert opened."""
    async with clinic_session(conn, clinic):
        values = {"clinic": clinic, "alert": alert_id}
        found = await one_row(conn, _SQL, "task_of_alert", values)
        return await _detail(conn, clinic, found["id"]) if found else None


async def task_detail(conn: Connection, clinic: str, task_id: UUID) -> Row | None:
    """Everything that the page of a task shows; None: there is no such task here.

    `task` (its alert's columns included), `patient`, `events`, `findings`, `contacts`, `entries`,
    `programmes`, `consents`, `earlier_alerts` and `readings`.
    """
    async with clinic_session(conn, clinic):
        return await _detail(conn, clinic, task_id)


async def _detail(conn: Connection, clinic: str, task_id: UUID) -> Row | None:
    task = await one_row(conn, _SQL, "task_head", {"clinic": clinic, "task": task_id})
    if task is None:
        return None
    patient = task["patient_id"]
    values = {"clinic": clinic, "task": task_id, "alert": task["alert_id"], "patient": patient}
    values["since"] = (task["starts_at"] or task["created_at"]) - TREND
    parts = {
        "events": "events_of_alert",
        "findings": "findings_of_alert",
        "contacts": "contacts_of_patient",
        "entries": "entries_of_task",
        "earlier_alerts": "earlier_alerts",
        "readings": "usual_and_series",
    }
    detail: Row = {part: await all_rows(conn, _SQL, name, values) for part, name in parts.items()}
    detail |= {
        "task": task,
        "patient": await one_row(conn, _SQL, "patient_head", values),
        "programmes": await enrolments_of(conn, clinic, patient),
        "consents": await consents_of(conn, clinic, patient),
    }
    return detail
