"""The publisher against a real Mosquitto; ingest is played by the test."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiomqtt
import pytest

from gateway.metrics import Metrics
from gateway.outbox import Backoff, Outbox
from gateway.publisher import Publisher
from gateway.settings import Broker
from gateway.spool import Spool, open_spool
from tests.gateway.test_spool import NOW, record
from vitals import topics, wire
from vitals.clock import utc_now
from vitals.topics import Branch

pytestmark = pytest.mark.services

CLINIC, GATEWAY = "gw-test", "home-1"


@pytest.fixture
async def spool(tmp_path: Path) -> AsyncIterator[Spool]:
    async with open_spool(tmp_path / "spool.sqlite3", NOW) as opened:
        yield opened


@asynccontextmanager
async def publishing(services, spool: Spool) -> AsyncIterator[Publisher]:
    broker = Broker(services.add_gateway(CLINIC, GATEWAY), Path(services.mqtt_ca))
    outbox = Outbox(
        spool=spool,
        metrics=Metrics(),
        gateway=GATEWAY,
        clock=utc_now,
        backoff=Backoff.of_seconds(1, 2),
    )
    publisher = Publisher(
        broker=broker,
        clinic=CLINIC,
        gateway=GATEWAY,
        version="test",
        outbox=outbox,
        clock=utc_now,
    )
    task = asyncio.create_task(publisher.run())
    yield publisher
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


@asynccontextmanager
async def ingest(services) -> AsyncIterator[aiomqtt.Client]:
    broker = Broker(services.mqtt_url, Path(services.mqtt_ca))
    async with aiomqtt.Client(
        broker.host,
        broker.port,
        username=broker.username,
        password=broker.password,
        protocol=aiomqtt.ProtocolVersion.V5,
        tls_context=ssl.create_default_context(cafile=services.mqtt_ca),
    ) as client:
        await client.subscribe(topics.build(CLINIC, GATEWAY, Branch.READINGS), qos=1)
        yield client


async def test_resent_until_receipted_then_gone(services, spool: Spool) -> None:
    await spool.add(record(1), utc_now())
    receipt = wire.encode(wire.Receipt(stored=[record(1).id]))
    seen = []
    async with asyncio.timeout(30), ingest(services) as client, publishing(services, spool):
        async for message in client.messages:
            envelope = wire.open_envelope(bytes(message.payload))
            assert getattr(message.properties, "CorrelationData", None) == envelope.id.encode()
            seen += [wire.open_reading(raw).id for raw in envelope.readings]
            if len(seen) == 2:
                break
        await client.publish(topics.build(CLINIC, GATEWAY, Branch.RECEIPTS), receipt, qos=1)
        while await spool.depth():
            await asyncio.sleep(0.05)
    assert seen == [record(1).id] * 2


async def test_the_retained_status_says_online_and_then_offline(services, spool: Spool) -> None:
    topic = topics.build(CLINIC, GATEWAY, Branch.STATUS)
    async with asyncio.timeout(30), ingest(services) as client:
        await client.subscribe(topic, qos=1)
        states = []
        async with publishing(services, spool) as publisher:
            while not publisher.connected:
                await asyncio.sleep(0.05)
            while "online" not in states:
                states.append(await _state(client, topic))
        while states[-1] != "offline":
            states.append(await _state(client, topic))


async def _state(client: aiomqtt.Client, topic: str) -> str:
    async for message in client.messages:
        if str(message.topic) == topic:
            return wire.decode_status(bytes(message.payload)).state
    raise AssertionError
