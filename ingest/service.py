"""Ingest's main flow: receive, judge, commit, receipt, acknowledge. In this order (I3)."""

from __future__ import annotations

import asyncio
import time
from contextlib import AbstractAsyncContextManager

import structlog

from ingest import decide, metrics, outbox, receipts
from ingest.settings import Settings
from ingest.status import status_row
from ingest.subscriber import BrokerLost, Incoming, Subscriber, connect
from ingest.writer import FIRST_WAIT, LONGEST_WAIT, Written, write
from store.errors import DataRefused, Unavailable
from store.gateways import known_gateways, store_status
from store.pool import Pool, connection
from vitals import topics
from vitals.clock import utc_now
from vitals.errors import EnvelopeError, QuarantineReason

STOP_LOOK_S = 0.25  # how late an idle worker notices that it shall stop
log = structlog.get_logger()


class Service:
    """One ingest worker."""

    def __init__(self, settings: Settings, pool: Pool) -> None:
        self._settings = settings
        self._pool = pool
        self.connected = False

    async def run(self, stop: asyncio.Event) -> None:
        """Serve until `stop`; a lost broker is connected to again, its session resumed."""
        wait = FIRST_WAIT
        while not stop.is_set():
            try:
                async with self._connect() as broker:
                    self.connected, wait = True, FIRST_WAIT
                    await self._serve(broker, stop)
            except* BrokerLost as lost:
                log.warning("broker lost", cause=str(lost.exceptions[0]), wait_s=wait)
            finally:
                self.connected = False
            if not stop.is_set():
                await asyncio.sleep(wait)
                wait = min(wait * 2, LONGEST_WAIT)

    def _connect(self) -> AbstractAsyncContextManager[Subscriber]:
        url = self._settings.mqtt_url.get_secret_value()
        return connect(url, ca=self._settings.mqtt_ca, client_id=self._settings.client_id)

    async def _serve(self, broker: Subscriber, stop: asyncio.Event) -> None:
        inbox: asyncio.Queue[Incoming] = asyncio.Queue()
        async with asyncio.TaskGroup() as tasks:
            reader = tasks.create_task(_receive(broker, inbox), name="receive")
            sender = tasks.create_task(outbox.run(broker, self._pool), name="outbox")
            worker = tasks.create_task(self._work(broker, inbox, stop), name="work")
            await worker  # ends only at `stop`, with its last batch acknowledged
            reader.cancel()
            sender.cancel()

    async def _work(
        self, broker: Subscriber, inbox: asyncio.Queue[Incoming], stop: asyncio.Event
    ) -> None:
        while not stop.is_set():
            if batch := await self._collect(inbox):
                await self._handle(broker, batch)

    async def _collect(self, inbox: asyncio.Queue[Incoming]) -> list[Incoming]:
        """A batch by size or by the age of its first message. Nothing is ever taken and dropped.

        What arrives while a batch is written makes the next one: under load batches grow anyway.
        """
        batch: list[Incoming] = []
        closes_at = time.monotonic() + STOP_LOOK_S
        while len(batch) < self._settings.batch_limit:
            message = await _next(inbox, closes_at)
            if message is None:
                break
            if not batch:
                closes_at = time.monotonic() + self._settings.batch_age_ms / 1000
            batch.append(message)
        return batch

    async def _handle(self, broker: Subscriber, batch: list[Incoming]) -> None:
        metrics.BATCH_SIZE.observe(len(batch))
        readings, statuses = _parted(batch)
        answers = await self._store(readings)
        for message in statuses:
            await self._retry_status(message)
        await asyncio.gather(*(broker.publish(topic, body) for topic, body in answers))
        for message in batch:
            broker.acknowledge(message)

    async def _store(self, messages: list[Incoming]) -> list[tuple[str, bytes]]:
        if not messages:
            return []
        known = await self._known({g for m in messages if (g := decide.gateway_of(m.topic))})
        now = utc_now()
        decisions = [
            decide.decide(m.topic, m.payload, known=known, now=now, correlation=m.correlation)
            for m in messages
        ]
        accepted = [row for d in decisions for row in d.accepted]
        poison = [row for d in decisions for row in d.quarantined]
        written = await write(self._pool, accepted, poison)
        _count(decisions, written)
        return list(receipts.build(decisions, written))

    async def _known(self, asked: set[tuple[str, str]]) -> frozenset[tuple[str, str]]:
        while True:
            try:
                async with connection(self._pool) as conn:
                    return await known_gateways(conn, asked)
            except Unavailable as exc:
                log.warning("store unavailable", cause=str(exc))
                await asyncio.sleep(FIRST_WAIT * 5)

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
            except Unavailable:
                await asyncio.sleep(FIRST_WAIT * 5)
            except DataRefused as refused:
                log.warning("status not kept", cause=str(refused))
                return
            else:
                return


async def _receive(broker: Subscriber, inbox: asyncio.Queue[Incoming]) -> None:
    async for message in broker.messages():
        inbox.put_nowait(message)


async def _next(inbox: asyncio.Queue[Incoming], until: float) -> Incoming | None:
    """What is there already costs no wait; None: nothing came."""
    try:
        return inbox.get_nowait()
    except asyncio.QueueEmpty:
        pass
    try:
        async with asyncio.timeout(max(0.0, until - time.monotonic())):
            return await inbox.get()
    except TimeoutError:
        return None


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
