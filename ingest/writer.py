"""Writing a batch so that the stream goes on: wait for the database, isolate the one bad row."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

import structlog

from ingest import metrics
from ingest.decide import bare, refused_by_store
from store.batch import write_batch
from store.errors import DataRefused, Unavailable
from store.pool import Pool, connection
from store.rows import QuarantineRow, ReadingRow

FIRST_WAIT, LONGEST_WAIT = 0.1, 5.0  # seconds
log = structlog.get_logger()


@dataclass(slots=True)
class Written:
    """What became of a batch; the keys are (clinic, reading id)."""

    stored: set[tuple[str, str]] = field(default_factory=set)
    duplicate: set[tuple[str, str]] = field(default_factory=set)
    refused: list[ReadingRow] = field(default_factory=list)


async def write(
    pool: Pool, readings: Sequence[ReadingRow], quarantined: Sequence[QuarantineRow]
) -> Written:
    """Returns only when the outcome of every row is durable (I3)."""
    written = Written()
    await _write(pool, list(readings), list(quarantined), written)
    return written


async def _write(
    pool: Pool, readings: list[ReadingRow], quarantined: list[QuarantineRow], into: Written
) -> None:
    """Halve what the database refuses until the bad row stands alone."""
    try:
        await _until_available(pool, readings, quarantined, into)
    except DataRefused:
        if readings and quarantined:  # either may be to blame: no reading answers for poison
            await _write(pool, readings, [], into)
            await _write(pool, [], quarantined, into)
        elif quarantined:
            await _set_aside(pool, quarantined, into)
        elif len(readings) == 1:
            into.refused.append(readings[0])
            await _write(pool, [], [refused_by_store(readings[0])], into)
        else:
            middle = len(readings) // 2
            await _write(pool, readings[:middle], [], into)
            await _write(pool, readings[middle:], [], into)


async def _set_aside(pool: Pool, rows: list[QuarantineRow], into: Written) -> None:
    """One row at a time; what the database refuses even here goes in as bare bytes and reason."""
    for row in rows:
        try:
            await _until_available(pool, [], [row], into)
        except DataRefused:
            await _until_available(pool, [], [bare(row)], into)


async def _until_available(
    pool: Pool, readings: list[ReadingRow], quarantined: list[QuarantineRow], into: Written
) -> None:
    wait = FIRST_WAIT
    while True:
        try:
            with metrics.COMMIT_SECONDS.time():
                async with connection(pool) as conn:
                    outcome = await write_batch(conn, readings=readings, quarantined=quarantined)
        except Unavailable as exc:
            metrics.RETRIES.inc()
            log.warning("store unavailable", cause=str(exc), wait_s=wait)
            await asyncio.sleep(wait)
            wait = min(wait * 2, LONGEST_WAIT)
        else:
            into.stored |= outcome.stored
            into.duplicate |= outcome.duplicate
            metrics.HELD.inc(outcome.held)
            metrics.AMENDED.inc(outcome.amended)
            return
