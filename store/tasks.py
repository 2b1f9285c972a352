"""Care tasks and the alerts behind them, inside the caller's `clinic_session`.

A task's row is locked before its alert's, here and by the rules' worker.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

import msgspec

from store.named import Row, all_rows, one_row, run
from store.tenancy import Connection

_SQL = "tasks"


async def patient_of_task(conn: Connection, clinic: str, task: UUID) -> UUID | None:
    row = await one_row(conn, _SQL, "patient_of_task", {"clinic": clinic, "task": task})
    return row["patient_id"] if row else None


async def lock_alert(conn: Connection, clinic: str, task: UUID) -> Row | None:
    """`id` and `state` of a task's alert; none for a follow-up."""
    return await one_row(conn, _SQL, "lock_alert", {"clinic": clinic, "task": task})


async def claim_task(conn: Connection, values: Row) -> Row | None:
    return await one_row(conn, _SQL, "claim_task", values)


async def task_for_update(conn: Connection, clinic: str, task: UUID) -> Row | None:
    return await one_row(conn, _SQL, "task_for_update", {"clinic": clinic, "task": task})


async def hand_over_task(conn: Connection, values: Row) -> None:
    await run(conn, _SQL, "hand_over_task", values)


async def release_task(conn: Connection, values: Row) -> None:
    await run(conn, _SQL, "release_task", values)


async def finish_task(conn: Connection, values: Row) -> None:
    await run(conn, _SQL, "finish_task", values)


async def reopen_task(conn: Connection, values: Row) -> None:
    await run(conn, _SQL, "reopen_task", values)


async def snooze_task(conn: Connection, values: Row) -> None:
    await run(conn, _SQL, "snooze_task", values)


async def tick_step(conn: Connection, values: Row) -> dict[str, Any]:
    """The checklist after it."""
    row = await one_row(conn, _SQL, "tick_step", values)
    return dict(row["checklist"]) if row else {}


async def open_follow_up(conn: Connection, values: Row) -> UUID:
    (row,) = await all_rows(conn, _SQL, "open_follow_up", values)
    return UUID(str(row["id"]))


async def withdraw_follow_ups(conn: Connection, values: Row) -> None:
    await run(conn, _SQL, "withdraw_follow_ups", values)


async def acknowledge_alert(conn: Connection, values: Row) -> None:
    await run(conn, _SQL, "acknowledge_alert", values)


async def release_alert(conn: Connection, values: Row) -> None:
    await run(conn, _SQL, "release_alert", values)


async def resolve_alert(conn: Connection, values: Row) -> None:
    await run(conn, _SQL, "resolve_alert", values)


async def reopen_alert(conn: Connection, values: Row) -> None:
    await run(conn, _SQL, "reopen_alert", values)


async def insert_alert_event(conn: Connection, values: Row) -> None:
    detail = msgspec.json.encode(values.get("detail") or {}).decode()
    await run(conn, _SQL, "insert_alert_event", {**values, "detail": detail})


async def insert_contact(conn: Connection, values: Row) -> UUID:
    (row,) = await all_rows(conn, _SQL, "insert_contact", values)
    return UUID(str(row["id"]))
