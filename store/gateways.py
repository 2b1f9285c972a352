"""What ingest asks and tells about gateways: who is known, how they are, what they should do."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from datetime import datetime
from typing import Any

from psycopg import AsyncConnection

from store.errors import translated
from store.queries import load

Send = Callable[[str, str, bytes], Awaitable[None]]


async def known_gateways(
    conn: AsyncConnection[Any], asked: Collection[tuple[str, str]]
) -> frozenset[tuple[str, str]]:
    """Those of the (clinic, gateway) pairs that are registered."""
    pairs = sorted(asked)
    with translated():
        cur = await conn.execute(
            load("ingest")["known_gateways"],
            {"clinics": [c for c, _ in pairs], "names": [n for _, n in pairs]},
        )
        return frozenset(await cur.fetchall())


async def store_status(
    conn: AsyncConnection[Any],
    *,
    clinic: str,
    gateway: str,
    state: str,
    at: datetime,
    payload_json: str,
) -> None:
    """Keep the newest; a gateway that is not registered leaves nothing."""
    with translated():
        await conn.execute(
            load("ingest")["upsert_status"],
            {
                "clinic_id": clinic,
                "gateway": gateway,
                "state": state,
                "at": at,
                "payload": payload_json,
            },
        )


async def send_desired(conn: AsyncConnection[Any], send: Send) -> int:
    """Hand unsent desired states to `send`; marked as sent only after it returned."""
    with translated():
        async with conn.transaction():
            cur = await conn.execute(load("ingest")["claim_desired"])
            rows = await cur.fetchall()
            for _, clinic, gateway, payload in rows:
                await send(clinic, gateway, payload.encode())
            await conn.execute(load("ingest")["desired_sent"], {"ids": [row[0] for row in rows]})
    return len(rows)


async def claim_replays(conn: AsyncConnection[Any]) -> list[tuple[int, str, str, bytes]]:
    """Rows (id, topic, scope, payload) that a person asked to run again. Hold the transaction."""
    with translated():
        cur = await conn.execute(load("ingest")["claim_replays"])
        return await cur.fetchall()


async def set_quarantine_state(conn: AsyncConnection[Any], row_id: int, state: str) -> None:
    with translated():
        await conn.execute(load("ingest")["set_quarantine_state"], {"id": row_id, "state": state})
