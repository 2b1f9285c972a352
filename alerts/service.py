"""The alert worker's main flow: be woken, drain what waits, sleep. Any number of workers may run.

A wake-up is a hint; what waits is in the database. So a missed one costs one poll, and a worker
that dies in the middle of a set leaves its marks for the next. A patient who cannot be judged keeps
their marks and is tried again with every wake-up; nobody else waits for that.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from uuid import UUID

import structlog

from alerts import metrics
from alerts.evaluation import SetDone, evaluate_set
from alerts.resummarise import rebuild_waiting
from alerts.rulebook import Rulebook
from alerts.settings import Settings
from store.alerts import clinics_to_judge, waiting_patients
from store.errors import Unavailable
from store.listen import listen
from store.pool import Pool, connection
from store.summaries import clinics_to_summarise, waiting_for_rebuild

CHANNEL = "pending_evaluation"
SETS_AT_ONCE = 2  # of one worker
SETS_OF_A_TURN = 8  # of one clinic, before all are asked again
FIRST_WAIT, LONGEST_WAIT = 0.1, 5.0  # seconds
TOO_LONG = ("QueryCanceled", "IdleInTransactionSessionTimeout")
log = structlog.get_logger()


class Service:
    """One worker."""

    def __init__(
        self, settings: Settings, pool: Pool, book: Rulebook, clock: Callable[[], datetime]
    ) -> None:
        self._settings = settings
        self._pool = pool
        self._book = book
        self._clock = clock
        self._awake = asyncio.Event()

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop`; the set in hand is finished."""
        async with asyncio.TaskGroup() as tasks:
            helpers = [
                tasks.create_task(self._listen(), name="listen"),
                tasks.create_task(self._wake_at(stop), name="stop"),
            ]
            await self._work(stop)
            for helper in helpers:
                helper.cancel()

    async def _listen(self) -> None:
        async for _ in listen(self._settings.database_url.get_secret_value(), CHANNEL):
            self._awake.set()

    async def _wake_at(self, stop: asyncio.Event) -> None:
        await stop.wait()
        self._awake.set()

    async def _work(self, stop: asyncio.Event) -> None:
        wait = FIRST_WAIT
        while not stop.is_set():
            self._awake.clear()
            try:
                await self.drain(stop)
                wait = FIRST_WAIT
                await self._sleep(self._settings.poll_s)
            except Unavailable as exc:
                metrics.RETRIES.inc()
                log.warning("set not written", cause=str(exc), wait_s=wait)
                await asyncio.sleep(wait)
                wait = min(wait * 2, LONGEST_WAIT)

    async def _sleep(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._awake.wait()
        except TimeoutError:
            pass

    async def drain(self, stop: asyncio.Event) -> None:
        """A set of each clinic in turn, until there is nothing left to claim; then summaries."""
        started = time.monotonic()
        while not stop.is_set():
            async with connection(self._pool) as conn:
                waiting = await clinics_to_judge(conn)
            claimed = await self._each(waiting, self._set)
            full = [clinic for clinic, n in claimed.items() if n >= self._settings.set_size]
            await self._side_by_side(full, stop)
            if any(claimed.values()):
                continue
            async with connection(self._pool) as conn:
                waiting = await clinics_to_summarise(conn)
            rebuilt = await self._each(waiting, self._rebuild)
            if not any(rebuilt.values()):
                break
        metrics.DRAIN_SECONDS.observe(time.monotonic() - started)

    async def _each(
        self, clinics: Sequence[str], act: Callable[[str], Awaitable[int]]
    ) -> dict[str, int]:
        """How many patients or values it was in each."""
        claimed, busy = {}, None
        for clinic in clinics:
            try:
                claimed[clinic] = await act(clinic)
            except Unavailable as exc:
                busy = exc  # a lock that is held in one clinic is none in the next
        if busy:
            raise busy
        return claimed

    async def _side_by_side(self, clinics: Sequence[str], stop: asyncio.Event) -> None:
        """Where much waits, some sets at once: one is judged while the database writes another."""
        queue = deque([*clinics] * SETS_OF_A_TURN)
        lanes = [self._lane(queue, stop) for _ in range(SETS_AT_ONCE if queue else 0)]
        for ended in await asyncio.gather(*lanes, return_exceptions=True):
            if isinstance(ended, BaseException):
                raise ended

    async def _lane(self, queue: deque[str], stop: asyncio.Event) -> None:
        while queue and not stop.is_set():
            clinic = queue.popleft()
            if await self._set(clinic) < self._settings.set_size:
                while clinic in queue:
                    queue.remove(clinic)

    async def _rebuild(self, clinic: str) -> int:
        """Some of those whose summaries have to be made anew; alone, where together it fails."""
        try:
            async with connection(self._pool) as conn:
                return await rebuild_waiting(conn, clinic, book=self._book)
        except Unavailable:
            raise
        except Exception as exc:  # noqa: BLE001 -- no poison may hold back the other patients
            metrics.RETRIES.inc()
            log.warning("summaries not made anew", cause=type(exc).__name__)
        async with connection(self._pool) as conn:
            waiting = await waiting_for_rebuild(conn, clinic)
        rebuilt = 0
        for patient in waiting:
            try:
                async with connection(self._pool) as conn:
                    rebuilt += await rebuild_waiting(conn, clinic, book=self._book, only=patient)
            except Unavailable:
                raise
            except Exception as exc:  # noqa: BLE001 -- they go on waiting
                metrics.PASSED_OVER.inc()
                log.warning("a patient cannot be summed up", cause=type(exc).__name__)
        return rebuilt

    async def _set(self, clinic: str) -> int:
        """Refused may mean that somebody changed an alert meanwhile, or that it never will work.

        So may a time that has run out: what is too much together is judged one by one.
        """
        try:
            return await self._judge(clinic)
        except Unavailable as exc:
            if not _too_long(exc):
                raise
            metrics.RETRIES.inc()
            log.warning("set took too long", cause=str(exc))
            return await self._one_by_one(clinic)
        except Exception as exc:  # noqa: BLE001 -- no poison may hold back the other patients
            metrics.RETRIES.inc()
            log.warning("set not written", cause=type(exc).__name__)
            return await self._one_by_one(clinic)

    async def _one_by_one(self, clinic: str) -> int:
        async with connection(self._pool) as conn:
            waiting = await waiting_patients(conn, clinic)
        claimed = 0
        for patient in waiting:
            try:
                claimed += await self._judge(clinic, only=patient)
            except Exception as exc:
                if isinstance(exc, Unavailable) and not _too_long(exc):
                    raise
                metrics.PASSED_OVER.inc()
                log.warning("a patient cannot be judged", cause=type(exc).__name__)
        return claimed

    async def _judge(self, clinic: str, *, only: UUID | None = None) -> int:
        with metrics.SET_SECONDS.time():
            async with connection(self._pool) as conn:
                done = await evaluate_set(
                    conn,
                    clinic,
                    book=self._book,
                    now=self._clock(),
                    size=self._settings.set_size,
                    only=only,
                )
        self._count(done)
        return done.claimed

    def _count(self, done: SetDone) -> None:
        metrics.JUDGED.inc(done.judged)
        for severity, number in done.findings.items():
            metrics.FINDINGS.labels(severity=severity).inc(number)
        for lineage, number in done.opened.items():
            metrics.OPENED.labels(lineage=lineage).inc(number)
        waited = self._clock() - done.oldest if done.oldest else None
        metrics.QUEUE_AGE.set(max(0.0, waited.total_seconds()) if waited else 0.0)


def _too_long(exc: Unavailable) -> bool:
    """A timeout of a statement or of a transaction, and no database that is away."""
    return str(exc) in TOO_LONG
