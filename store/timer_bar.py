"""The timer that every page shows while it runs."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from store.named import Row, one_row
from store.tenancy import Connection, clinic_session


async def timer_shown(conn: Connection, clinic: str, staff: UUID, *, now: datetime) -> Row | None:
    """`entry_id, task_id, clinic_id, programme, seconds, patient`; none: no timer runs."""
    async with clinic_session(conn, clinic, staff=staff):
        return await one_row(conn, "timer_bar", "timer_shown", {"now": now})
