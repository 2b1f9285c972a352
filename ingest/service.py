"""Ingest's main flow: receive, judge, commit, receipt, acknowledge. In this order (I3)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Iterable
from contextlib import AbstractAsyncContextManager
from functools import partial

import structlog

from ingest import decide, metrics, outbox, receipts
from ingest.link import BrokerLost, Incoming
from ingest.settings import Settings
from ingest.status import status_row
from ingest.subscriber import Subscriber, connect
from ingest.writer import FIRST_WAIT, LONGEST_WAIT, Writer, Written
from store import gateway_credentials as credentials
from store.errors import DataRefused, Unavailable
from store.gateways import store_status
from store.pool import Pool, connection
from store.tenancy import Connection
from vitals import topics
from vitals.clock import utc_now
from vitals.enrolment import read_user
from vitals.errors import EnvelopeError, QuarantineReason

STOP_LOOK_S = 0.25  # how late an idle worker notices that it shall stop
GRACE_S = 5.0  # of the batches under way at the end
PROVEN_S = 10.0  # a connection that lived shorter proves nothing: the pauses go on growing
BATCHES = 2  # under way at once
BATCH_BYTES = 2_000_000  # some 2,000 readings: what one transaction may hold, and a little more
Answers = Iterable[tuple[str, bytes]]  # topic and payload of each receipt
log = structlog.get_logger()


class Service:
    """One ingest worker."""

    def __init__(self, settings: Settings, pool: Pool) -> None:
        self._settings = settings
        self._pool = pool
        self._writer = Writer(pool)
        self._slots = asyncio.Semaphore(BATCHES)  # whatever becomes of the connection meanwhile
        self._writes: set[asyncio.Task[Answers]] = set()
        self.connected = False

    async def run(self, stop: asyncio.Event) -> None:
        """Serve until `stop`; a lost broker is connected to again, its session resumed."""
        try:
            await self._run(stop)
        finally:
            self._writer.close()
            if self._writes:
                await asyncio.wait(self._writes, timeout=GRACE_S)

    async def _run(self, stop: asyncio.Event) -> None:
        wait = FIRST_WAIT
        while not stop.is_set():
            since = time.monotonic()
            try:
                async with self._connect() as broker:
                    self.connected = True
                    await self._serve(broker, stop)
            except* BrokerLost as lost:
                log.warning("broker lost", cause=str(lost.exceptions[0]), wait_s=wait)
            finally:
                self.connected = False
            if not stop.is_set():
                await asyncio.sleep(wait)
                served = time.monotonic() - since > PROVEN_S
                wait = FIRST_WAIT if served else min(wait * 2, LONGEST_WAIT)

    def _connect(self) -> AbstractAsyncContextManager[Subscriber]:
        url = self._settings.mqtt_url.get_secret_value()
        return connect(url, ca=self._settings.mqtt_ca, client_id=self._settings.client_id)

    async def _serve(self, broker: Subscriber, stop: asyncio.Event) -> None:
        """Nothing here cancels a task that uses the database.

        Cancelled at the wrong moment, the driver leaves a connection in the middle of a pipeline,
        or the pool without one of its connections for ever: a worker whose broker flaps would run
        dry. So writes go on by themselves, and the outbox ends by its flag.
        """
        over = asyncio.Event()
        asked_for = asyncio.create_task(
            outbox.run(broker, self._writer, self._pool, over), name="outbox"
        )
        asked_for.add_done_callback(lambda task: task.cancelled() or task.exception())
        try:
            async with asyncio.TaskGroup() as tasks:
                helpers = [
                    tasks.create_task(broker.keep_alive(), name="keep-alive"),
                    tasks.create_task(_ended(asked_for), name="outbox's end"),
                ]
                try:
                    await self._work(broker, stop, tasks)
                finally:
                    over.set()
                for helper in helpers:
                    helper.cancel()
        finally:
            await asyncio.wait({asked_for}, timeout=GRACE_S)

    async def _work(
        self, broker: Subscriber, stop: asyncio.Event, tasks: asyncio.TaskGroup
    ) -> None:
        """Two batches under way: while one is written, the next is received and judged.

        Ends only at `stop`, with the last batch acknowledged, or not if the database is away.
        """
        last: asyncio.Task[None] | None = None
        running: set[asyncio.Task[None]] = set()
        while not stop.is_set():
            if not await _within(self._slots.acquire(), STOP_LOOK_S):
                continue
            if batch := await self._taken(broker):
                write = self._begun(batch)
                handling = self._handle(broker, batch, write, after=last)
                last = tasks.create_task(handling, name="batch")
                running.add(last)
                last.add_done_callback(running.discard)
                last.add_done_callback(partial(self._free, write))
        if running:
            _, late = await asyncio.wait(running, timeout=GRACE_S)
            if late:
                log.warning("stopped with readings not acknowledged: they come again")
            for batch_task in late:
                batch_task.cancel()

    async def _taken(self, broker: Subscriber) -> list[Incoming]:
        """A batch for the slot that the caller has; it is given back where nothing came."""
        batch: list[Incoming] = []
        try:
            batch = await broker.take(
                most=self._settings.batch_limit,
                most_bytes=BATCH_BYTES,
                age_s=self._settings.batch_age_ms / 1000,
                idle_s=STOP_LOOK_S,
            )
        finally:
            if not batch:
                self._slots.release()
        return batch

    def _begun(self, batch: list[Incoming]) -> asyncio.Task[Answers]:
        """The write of a batch, which goes on whether somebody hears its end or not."""
        write = asyncio.create_task(self._keep(batch), name="write")
        self._writes.add(write)
        write.add_done_callback(self._written)
        return write

    def _written(self, write: asyncio.Task[Answers]) -> None:
        self._writes.discard(write)
        if not write.cancelled() and (failure := write.exception()):
            log.warning("batch not written: it comes again", cause=type(failure).__name__)

    def _free(self, write: asyncio.Task[Answers], _: object) -> None:
        """The slot of a batch that is acknowledged, or was lost to it and is still written.

        Freed at the end of the write, it would let the next batch be taken too small.
        """
        if write.done():
            self._slots.release()
        else:
            write.add_done_callback(lambda _: self._slots.release())

    async def _keep(self, batch: list[Incoming]) -> Answers:
        metrics.BATCH_SIZE.observe(len(batch))
        readings, statuses = _parted(batch)
        answers = await self._store(readings)
        for message in statuses:
            await self._retry_status(message)
        return answers

    async def _handle(
        self,
        broker: Subscriber,
        batch: list[Incoming],
        write: asyncio.Task[Answers],
        *,
        after: asyncio.Task[None] | None,
    ) -> None:
        """`after`: the batch before; messages are acknowledged in the order in which they came."""
        answers = await asyncio.shield(write)
        if after is not None:
            await after
        await broker.send(answers)
        broker.acknowledge(batch)

    async def _store(self, messages: list[Incoming]) -> Answers:
        if not messages:
            return ()
        known = await self._known({g for m in messages if (g := decide.gateway_of(m.topic))})
        now = utc_now()
        decisions = [
            decide.decide(m.topic, m.payload, known=known, now=now, correlation=m.correlation)
            for m in messages
        ]
        accepted = [row for d in decisions for row in d.accepted]
        poison = [row for d in decisions for row in d.quarantined]
        written = await self._writer.write(accepted, poison)
        _count(decisions, written)
        return receipts.build(decisions, written)

    async def _known(self, asked: set[tuple[str, str]]) -> frozenset[tuple[str, str]]:
        while True:
            try:
                return await self._writer.known(asked)
            except Unavailable as exc:
                if self._writer.closed:
                    raise
                log.warning("store unavailable", cause=str(exc))
                await asyncio.sleep(FIRST_WAIT * 5)

    async def _note_credential(
        self, conn: Connection, topic: topics.Topic, user: str | None
    ) -> None:
        """A gateway that speaks with a new credential needs the earlier ones no more."""
        said = read_user(user or "")
        if said is not None and said[:2] == (topic.clinic, topic.gateway):
            await credentials.used(conn, *said, now=utc_now())

    async def _retry_status(self, message: Incoming) -> None:
        """A status that cannot be read is dropped: the next one replaces it anyway."""
        try:
            row = status_row(message.payload, now=utc_now())
        except EnvelopeError:
            log.warning("status not readable")
            return
        topic = topics.parse(message.topic)
        while True:
            try:
                async with connection(self._pool) as conn:
                    await store_status(
                        conn,
                        clinic=topic.clinic,
                        gateway=topic.gateway,
                        state=row.state,
                        at=row.at,
                        payload_json=row.payload_json,
                    )
                    await self._note_credential(conn, topic, row.credential)
            except Unavailable:
                if self._writer.closed:
                    raise
                await asyncio.sleep(FIRST_WAIT * 5)
            except DataRefused as refused:
                log.warning("status not kept", cause=str(refused))
                return
            else:
                return


async def _ended(task: asyncio.Task[None]) -> None:
    """Raises what the task raises; cancelled, it leaves the task alone."""
    await asyncio.shield(task)


async def _within(what: Awaitable[object], seconds: float) -> bool:
    """Whether it came about in time; what did not is cancelled."""
    try:
        async with asyncio.timeout(seconds):
            await what
    except TimeoutError:
        return False
    return True


def _parted(batch: list[Incoming]) -> tuple[list[Incoming], list[Incoming]]:
    """(readings, statuses); what is neither is judged as readings, and quarantined."""
    statuses = [m for m in batch if m.topic.endswith("/status") and decide.gateway_of(m.topic)]
    ids = {id(m) for m in statuses}
    return [m for m in batch if id(m) not in ids], statuses


def _count(decisions: list[decide.Decision], written: Written) -> None:
    """Received = stored + duplicates + quarantined readings, whatever a batch held twice."""
    accepted = sum(len(d.accepted) for d in decisions)
    aside = [row for d in decisions for row in d.quarantined]
    metrics.RECEIVED.inc(accepted + sum(row.scope == decide.READING for row in aside))
    metrics.STORED.inc(len(written.stored))
    metrics.DUPLICATES.inc(accepted - len(written.stored) - len(written.refused))
    for row in aside:
        metrics.QUARANTINED.labels(reason=str(row.reason)).inc()
    metrics.QUARANTINED.labels(reason=str(QuarantineReason.WRONG_SCHEMA)).inc(len(written.refused))
