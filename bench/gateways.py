"""The benchmark's gateways: readings to the broker with their own credentials, receipts back."""

from __future__ import annotations

import asyncio
import ssl
import time
import uuid
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import aiomqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from bench.patience import until
from gateway.settings import Broker
from vitals import topics, wire
from vitals.clock import utc_now
from vitals.reading import Reading
from vitals.topics import Branch


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """When the publish call was made: by the stopwatch, and by the clock on the wall."""

    started: float
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealed:
    """An envelope that is ready to go: made beforehand, so that sending it costs little."""

    gateway: str
    topic: str
    payload: bytes
    properties: Properties
    ids: tuple[str, ...]  # of its readings


def seal(clinic: str, gateway: str, readings: Sequence[Reading], *, at: datetime) -> Sealed:
    envelope = str(uuid.uuid4())
    properties = Properties(PacketTypes.PUBLISH)
    properties.CorrelationData = envelope.encode()
    encoded = [wire.encode_reading(reading) for reading in readings]
    return Sealed(
        gateway=gateway,
        topic=topics.build(clinic, gateway, Branch.READINGS),
        payload=wire.seal(envelope_id=envelope, gateway=gateway, sent_at=at, readings=encoded),
        properties=properties,
        ids=tuple(reading.id for reading in readings),
    )


@dataclass(slots=True, kw_only=True)
class Gateways:
    """All of them, connected. `receipts`: the stopwatch when a reading was said to be durable."""

    clinic: str
    clients: dict[str, aiomqtt.Client]
    receipts: dict[str, float] = field(default_factory=dict)
    refused: int = 0

    async def send(self, gateway: str, readings: Sequence[Reading]) -> Sent:
        """One envelope, acknowledged by the broker."""
        return await self.post(seal(self.clinic, gateway, readings, at=utc_now()))

    async def post(self, sealed: Sealed) -> Sent:
        """What was sealed before, acknowledged by the broker."""
        sent = Sent(started=time.perf_counter(), at=utc_now())
        client = self.clients[sealed.gateway]
        await client.publish(sealed.topic, sealed.payload, qos=1, properties=sealed.properties)
        return sent

    async def listen(self, gateway: str) -> None:
        """Receipts, until cancelled."""
        async for message in self.clients[gateway].messages:
            now = time.perf_counter()
            receipt = wire.decode_receipt(bytes(message.payload))
            self.receipts |= dict.fromkeys([*receipt.stored, *receipt.duplicate], now)
            self.refused += len(receipt.rejected) + len(receipt.envelopes)

    async def settled(self, ids: Iterable[str], *, timeout_s: float) -> bool:
        """Whether all of them have a receipt by then."""
        wanted = set(ids)
        return await until(lambda: wanted <= self.receipts.keys(), timeout_s=timeout_s)


@asynccontextmanager
async def connected(clinic: str, urls: dict[str, str], ca: Path) -> AsyncIterator[Gateways]:
    async with AsyncExitStack() as stack, asyncio.TaskGroup() as group:
        found = Gateways(clinic=clinic, clients={})
        for name, url in urls.items():
            client = await stack.enter_async_context(_client(Broker(url, ca), clinic, name))
            await client.subscribe(topics.build(clinic, name, Branch.RECEIPTS), qos=1)
            found.clients[name] = client
        listeners = [group.create_task(found.listen(name), name=name) for name in urls]
        yield found
        for listener in listeners:
            listener.cancel()


def _client(broker: Broker, clinic: str, gateway: str) -> aiomqtt.Client:
    return aiomqtt.Client(
        broker.host,
        broker.port,
        username=broker.username,
        password=broker.password,
        identifier=f"hl-{clinic}-{gateway}",
        protocol=aiomqtt.ProtocolVersion.V5,
        clean_start=True,
        tls_context=ssl.create_default_context(cafile=broker.ca) if broker.tls else None,
    )
