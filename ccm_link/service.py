"""The sweep: every 15 seconds, in every clinic, timers whose lease ran out end at their last proof.

Nothing depends on it for being right: a beat, a claim or a resolve would end such a timer the
same. It is what makes the ledger true while nobody comes back. Any number may run.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from functools import partial

import structlog

from ccm_link import metrics
from ccm_link.settings import Settings
from store import health
from store.errors import Unavailable
from store.ledger import all_clinics, end_expired_timers
from store.pool import Pool, connection, is_ready, open_pool
from store.process import configure_logging, stop_at_signal
from vitals.clock import utc_now

log = structlog.get_logger()


async def sweep(pool: Pool, *, now: datetime) -> int:
    """End what ran out, one transaction for each clinic; returns how many timers."""
    async with connection(pool) as conn:
        ended = [await end_expired_timers(conn, c, now=now) for c in await all_clinics(conn)]
    return sum(ended)


async def run(
    pool: Pool, stop: asyncio.Event, *, every_s: float, clock: Callable[[], datetime]
) -> None:
    while not stop.is_set():
        await _sweep_once(pool, clock())
        try:
            async with asyncio.timeout(every_s):
                await stop.wait()
        except TimeoutError:
            continue


async def _sweep_once(pool: Pool, now: datetime) -> None:
    try:
        ended = await sweep(pool, now=now)
    except Unavailable as exc:  # the next sweep finds what this one missed
        metrics.FAILED.inc()
        log.warning("sweep failed", cause=str(exc))
        return
    metrics.SWEEPS.inc()
    metrics.ABANDONED.inc(ended)
    metrics.LAST_SWEEP.set(now.timestamp())


async def serve(settings: Settings) -> None:
    stop = stop_at_signal()
    async with open_pool(settings.database_url.get_secret_value(), max_size=2) as pool:
        address = (settings.metrics_host, settings.metrics_port)
        async with health.serve(*address, partial(is_ready, pool), metrics.REGISTRY):
            await run(pool, stop, every_s=settings.sweep_every_s, clock=utc_now)


def main() -> None:
    configure_logging()
    asyncio.run(serve(Settings()))
