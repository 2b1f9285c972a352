"""LISTEN on a connection of its own, for as long as the caller iterates.

A notice is a hint and never the truth: what was told while the connection was away is lost. So
every connection begins with the empty payload, at which a caller reads again what it cares about.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

import structlog
from psycopg import AsyncConnection, sql

from store.errors import Unavailable, translated

FIRST_WAIT, LONGEST_WAIT = 0.2, 5.0  # seconds
log = structlog.get_logger()


async def listen(url: str, channel: str) -> AsyncGenerator[str]:
    """Payloads of `channel`, the first of each connection empty; a lost one is made again.

    Cancel the task that iterates, or leave through `contextlib.aclosing`.
    """
    wait = FIRST_WAIT
    while True:
        try:
            async with aclosing(_payloads(url, channel)) as payloads:
                async for payload in payloads:
                    wait = FIRST_WAIT
                    yield payload
        except Unavailable as exc:
            log.warning("not listening", channel=channel, cause=str(exc), wait_s=wait)
        await asyncio.sleep(wait)
        wait = min(wait * 2, LONGEST_WAIT)


async def _payloads(url: str, channel: str) -> AsyncGenerator[str]:
    with translated():
        conn = await AsyncConnection.connect(
            url,
            autocommit=True,
            connect_timeout=5,
            keepalives_idle=10,  # a peer that vanished without a word is noticed in 25 seconds
            keepalives_interval=5,
            keepalives_count=3,
        )
        async with conn:
            await conn.execute(sql.SQL("LISTEN {}").format(sql.Identifier(channel)))
            yield ""
            async with aclosing(conn.notifies()) as notices:
                async for notice in notices:
                    yield notice.payload
