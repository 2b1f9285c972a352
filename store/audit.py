"""The audit trail: who did or saw what, append-only, written inside the transaction of the act."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from psycopg.rows import dict_row

from store.queries import load
from store.tenancy import Connection


async def record(
    conn: Connection,
    *,
    actor: UUID | str,
    action: str,
    subject: UUID | str,
    now: datetime,
    detail: dict[str, Any] | None = None,
) -> None:
    """Call inside `clinic_session`. `subject` is a key, `detail` holds no name and no value."""
    values = {"actor": str(actor), "action": action, "subject": str(subject), "now": now}
    values["detail"] = msgspec.json.encode(detail or {}).decode()
    await conn.execute(load("audit")["record"], values)


async def recent(
    conn: Connection, *, subject: UUID | str | None = None, limit: int = 200
) -> list[dict[str, Any]]:
    """The newest first; call inside `clinic_session`."""
    async with conn.cursor(row_factory=dict_row) as cur:
        values = {"subject": None if subject is None else str(subject), "limit": limit}
        await cur.execute(load("audit")["recent"], values)
        return await cur.fetchall()
