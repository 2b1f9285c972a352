"""The only MQTT client of the server side. A message is acknowledged when its owner says so."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

import aiomqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from ingest.settings import MAX_PACKET, RECEIVE_MAXIMUM, SESSION_EXPIRY
from vitals import topics

BrokerLost = aiomqtt.MqttError


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """A message not yet acknowledged; `mid` is good for this connection only."""

    topic: str
    payload: bytes
    mid: int
    qos: int
    correlation: bytes | None


class Subscriber:
    """One connection. Message ids die with it: after a loss the broker sends them again."""

    def __init__(self, client: aiomqtt.Client) -> None:
        self._client = client

    async def messages(self) -> AsyncIterator[Incoming]:
        async for message in self._client.messages:
            yield Incoming(
                topic=str(message.topic),
                payload=message.payload,
                mid=message.mid,
                qos=message.qos,
                correlation=getattr(message.properties, "CorrelationData", None),
            )

    def acknowledge(self, message: Incoming) -> None:
        """PUBACK; aiomqtt 2.5 has no call for it (its issue 345), 3.0 will."""
        self._client._client.ack(message.mid, message.qos)  # noqa: SLF001

    async def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        await self._client.publish(topic, payload, qos=1, retain=retain)


@asynccontextmanager
async def connect(url: str, *, ca: Path | None, client_id: str) -> AsyncIterator[Subscriber]:
    """Connect, resume the session, subscribe.

    Raises:
        BrokerLost: now or at any later use.
    """
    client = _client(url, ca=ca, client_id=client_id)
    client._client.manual_ack_set(True)  # noqa: FBT003, SLF001 -- see `acknowledge`
    async with client:
        await client.subscribe([(topics.SHARED_READINGS, 1), (topics.SHARED_STATUS, 1)])
        yield Subscriber(client)


def _client(url: str, *, ca: Path | None, client_id: str) -> aiomqtt.Client:
    parts = urlsplit(url)
    secure = parts.scheme == "mqtts"
    wanted = Properties(PacketTypes.CONNECT)
    wanted.ReceiveMaximum = RECEIVE_MAXIMUM
    wanted.MaximumPacketSize = MAX_PACKET
    wanted.SessionExpiryInterval = SESSION_EXPIRY
    return aiomqtt.Client(
        parts.hostname or "127.0.0.1",
        parts.port or (8883 if secure else 1883),
        username=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
        identifier=client_id,
        protocol=aiomqtt.ProtocolVersion.V5,
        clean_start=False,
        properties=wanted,
        queue_type=asyncio.Queue,  # unbounded here: the receive maximum bounds it
        tls_context=ssl.create_default_context(cafile=ca) if secure else None,
    )
