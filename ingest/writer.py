"""Writing a batch so that the stream goes on: wait for the database, isolate the one bad row."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

import structlog

from ingest import metrics
from ingest.decide import bare, refused_by_store
from store.batch import write_batch
from store.directory import Directory, Gateway
from store.errors import DataRefused, Unavailable
from store.pool import Pool, connection
from store.rows import QuarantineRow, ReadingRow

FIRST_WAIT, LONGEST_WAIT = 0.1, 5.0  # seconds
TOO_LONG, PATIENCE = (
    "QueryCanceled",
    3,
)  # the statement timeout; so often before the batch is halved
log = structlog.get_logger()


@dataclass(slots=True)
class Written:
    """What became of a batch; the keys are (clinic, reading id)."""

    stored: set[tuple[str, str]] = field(default_factory=set)
    duplicate: set[tuple[str, str]] = field(default_factory=set)
    refused: list[ReadingRow] = field(default_factory=list)


class Writer:
    """Of one worker: its pool, and what it remembers of the registry."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._directory = Directory()
        self.closed = False

    def close(self) -> None:
        """Whoever waits for the database gives up: the worker ends, its messages come again."""
        self.closed = True

    async def known(self, gateways: Collection[Gateway]) -> frozenset[Gateway]:
        """Those that are registered.

        Raises:
            Unavailable: ask again.
        """
        if not self._directory.unknown(gateways):
            return frozenset(gateways)
        async with connection(self._pool) as conn:
            return await self._directory.known(conn, gateways)

    async def write(
        self, readings: Sequence[ReadingRow], quarantined: Sequence[QuarantineRow]
    ) -> Written:
        """Returns only when the outcome of every row is durable (I3)."""
        written = Written()
        await self._write(list(readings), list(quarantined), written)
        return written

    async def _write(
        self, readings: list[ReadingRow], quarantined: list[QuarantineRow], into: Written
    ) -> None:
        """Halve what the database refuses until the bad row stands alone."""
        try:
            await self._until_available(readings, quarantined, into)
        except DataRefused:
            if readings and quarantined:  # either may be to blame: no reading answers for poison
                await self._write(readings, [], into)
                await self._write([], quarantined, into)
            elif quarantined:
                await self._set_aside(quarantined, into)
            elif len(readings) == 1:
                into.refused.append(readings[0])
                await self._write([], [refused_by_store(readings[0])], into)
            else:
                middle = len(readings) // 2
                await self._write(readings[:middle], [], into)
                await self._write(readings[middle:], [], into)

    async def _set_aside(self, rows: list[QuarantineRow], into: Written) -> None:
        """Halves as well; what is refused alone goes in as bare bytes and reason."""
        if len(rows) == 1:
            await self._until_available([], [bare(rows[0])], into)
            return
        middle = len(rows) // 2
        for some in (rows[:middle], rows[middle:]):
            try:
                await self._until_available([], some, into)
            except DataRefused:
                await self._set_aside(some, into)

    async def _until_available(
        self, readings: list[ReadingRow], quarantined: list[QuarantineRow], into: Written
    ) -> None:
        wait, too_long = FIRST_WAIT, 0
        while True:
            try:
                with metrics.COMMIT_SECONDS.time():
                    async with connection(self._pool) as conn:
                        outcome = await write_batch(
                            conn,
                            readings=readings,
                            quarantined=quarantined,
                            directory=self._directory,
                        )
            except Unavailable as exc:
                if self.closed:
                    raise
                metrics.RETRIES.inc()
                log.warning("store unavailable", cause=str(exc), wait_s=wait)
                too_long += str(exc) == TOO_LONG
                if too_long >= PATIENCE and len(readings) + len(quarantined) > 1:
                    raise DataRefused(TOO_LONG) from exc  # halves may do what the whole cannot
                await asyncio.sleep(wait)
                wait = min(wait * 2, LONGEST_WAIT)
            else:
                into.stored |= outcome.stored
                into.duplicate |= outcome.duplicate
                metrics.HELD.inc(outcome.held)
                metrics.AMENDED.inc(outcome.amended)
                return
