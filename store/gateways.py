"""What ingest tells about gateways: how they are, and what they should do."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

from psycopg import AsyncConnection

from store.errors import translated
from store.queries import load

Send = Callable[[str, str, bytes], Awaitable[bool]]


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
    """Hand unsent desired states to `send`, oldest first; sent are those that it says it took.

    One worker at a time: they are retained, so the last to arrive stands.
    """
    sql = load("ingest")
    sent: list[int] = []
    with translated():
        async with conn.transaction():
            (alone,) = await (await conn.execute(sql["send_alone"])).fetchone() or (False,)
            rows = await (await conn.execute(sql["claim_desired"])).fetchall() if alone else []
            for number, clinic, gateway, payload in rows:
                if await send(clinic, gateway, payload.encode()):
                    sent.append(number)
            await conn.execute(sql["desired_sent"], {"ids": sent})
    return len(sent)


@asynccontextmanager
async def claimed_replays(
    conn: AsyncConnection[Any],
) -> AsyncIterator[list[tuple[int, str, str, bytes, str]]]:
    """Some rows (id, topic, scope, payload, reason) that a person asked to run again.

    One worker at a time replays, until the block ends; another finds none meanwhile. The rows are
    not locked: judging them again writes to them on another connection.
    """
    sql = load("ingest")
    with translated():
        async with conn.transaction():
            (alone,) = await (await conn.execute(sql["replay_alone"])).fetchone() or (False,)
            yield await (await conn.execute(sql["claim_replays"])).fetchall() if alone else []


async def set_quarantine_states(conn: AsyncConnection[Any], states: Mapping[int, str]) -> None:
    values = {"ids": list(states), "states": list(states.values())}
    with translated():
        await conn.execute(load("ingest")["set_quarantine_states"], values)


async def open_by_reason(conn: AsyncConnection[Any]) -> dict[str, int]:
    """How many rows of every clinic wait for a person."""
    with translated():
        cur = await conn.execute(load("ingest")["open_by_reason"])
        return dict(await cur.fetchall())
