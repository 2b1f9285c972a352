"""`python -m bench.gateway_bare URL CA COUNT`: the gateway's client with nothing around it.

Envelopes are sealed beforehand, and as many are under way as a gateway has. Says the seconds from
the first publish call to the last acknowledgement.
"""

from __future__ import annotations

import asyncio
import itertools
import ssl
import sys
import time
import uuid
from pathlib import Path
from typing import Annotated

import aiomqtt
import typer
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from bench.gateway_backlog import CLINIC, GATEWAY, bodies
from gateway.outbox import MAX_IN_FLIGHT
from gateway.publisher import NO_DELAY
from gateway.settings import Broker
from vitals import topics, wire
from vitals.clock import utc_now
from vitals.topics import Branch


def sealed(count: int) -> list[tuple[bytes, Properties]]:
    found = []
    rows = bodies(count)
    while batch := [body for _, body, _ in itertools.islice(rows, wire.MAX_READINGS)]:
        envelope = str(uuid.uuid4())
        properties = Properties(PacketTypes.PUBLISH)
        properties.CorrelationData = envelope.encode()
        payload = wire.seal(
            envelope_id=envelope, gateway=GATEWAY, sent_at=utc_now(), readings=batch
        )
        found.append((payload, properties))
    return found


async def publish(broker: Broker, count: int) -> float:
    topic = topics.build(CLINIC, GATEWAY, Branch.READINGS)
    envelopes = sealed(count)
    window = asyncio.Semaphore(MAX_IN_FLIGHT)
    async with aiomqtt.Client(
        broker.host,
        broker.port,
        username=broker.username,
        password=broker.password,
        identifier=f"hl-{CLINIC}-{GATEWAY}",
        protocol=aiomqtt.ProtocolVersion.V5,
        tls_context=ssl.create_default_context(cafile=broker.ca),
        socket_options=[NO_DELAY],
    ) as client:

        async def post(payload: bytes, properties: Properties) -> None:
            try:
                await client.publish(topic, payload, qos=1, properties=properties)
            finally:
                window.release()

        started = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            for payload, properties in envelopes:
                await window.acquire()
                group.create_task(post(payload, properties))
        return time.perf_counter() - started


def main(url: str, ca: Path, count: Annotated[int, typer.Argument(help="readings", min=1)]) -> None:
    sys.stdout.write(f"{asyncio.run(publish(Broker(url, ca), count)):.6f}\n")


if __name__ == "__main__":
    typer.run(main)
