"""The connection pool: short timeouts, so that a stuck lock becomes a retry and not a stall."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from psycopg import AsyncConnection
from psycopg.errors import ReadOnlySqlTransaction
from psycopg.pq import PipelineStatus
from psycopg_pool import AsyncConnectionPool

from store.errors import Unavailable, translated

Pool = AsyncConnectionPool
#: A process that freezes between two statements must not keep its locks until TCP gives up.
_IDLE = "-c idle_in_transaction_session_timeout=60s"
_OPTIONS = f"-c lock_timeout=4s -c statement_timeout=15s {_IDLE} -c timezone=UTC -c jit=off"
#: A plan that is kept for all parameters looks into every chunk, one made for these into few.
_FRESH_PLANS = " -c plan_cache_mode=force_custom_plan"
WAIT = 5.0  # seconds for a connection
#: A server that is gone without a word (power, cable, failover) is noticed in half a minute: no
#: statement timeout of its own tells us.
_NOTICE = {
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,  # milliseconds
}
#: Pauses between attempts to connect double until so many seconds are over, and the next use begins
#: anew. With the pool's own 5 minutes, a database that was away for one is missed for another.
RECONNECT = 4.0


@asynccontextmanager
async def open_pool(
    url: str, *, max_size: int = 4, fresh_plans: bool = False, checked: bool = True
) -> AsyncIterator[AsyncConnectionPool]:
    """A pool that starts even while the database is away; each use then raises Unavailable.

    `fresh_plans`: for whoever reads readings of a time; planning anew costs less than it saves.
    `checked`: a connection that died is noticed before its use; who retries anyway saves the trip.
    """
    options = _OPTIONS + (_FRESH_PLANS if fresh_plans else "")
    pool = AsyncConnectionPool(
        url,
        min_size=1,
        max_size=max_size,
        open=False,
        timeout=WAIT,
        reconnect_timeout=RECONNECT,
        check=AsyncConnectionPool.check_connection if checked else None,
        kwargs={"options": options, "autocommit": True, "connect_timeout": 5, **_NOTICE},
    )
    await pool.open(wait=False)
    try:
        yield pool
    finally:
        await pool.close()


@asynccontextmanager
async def connection(pool: AsyncConnectionPool) -> AsyncIterator[AsyncConnection[Any]]:
    """A connection for a while; one that met a server which only reads does not come back.

    Nor does one that was left in the middle of a pipeline, by a cancellation inside of its end: the
    next user's COPY would be refused.
    """
    with translated():
        async with pool.connection() as conn:
            try:
                yield conn
            except Unavailable as exc:
                if isinstance(exc.__cause__, ReadOnlySqlTransaction):
                    await conn.close()
                raise
            finally:
                if not conn.closed and conn.pgconn.pipeline_status != PipelineStatus.OFF:
                    await conn.close()


async def is_ready(pool: AsyncConnectionPool) -> bool:
    """Whether the database answers now: what a readiness endpoint asks."""
    try:
        with translated():
            async with pool.connection(timeout=1.0) as conn:
                await conn.execute("SELECT 1")
    except Unavailable:
        return False
    return True
