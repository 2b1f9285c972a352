"""Spool -> broker, receipts -> spool: the only MQTT client of the gateway.

Sessions start clean: whatever a broken link swallowed, receipts included, is sent again and
answered as a duplicate. The last will says `offline`; the retained status says the rest.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime

import aiomqtt
import structlog
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from gateway.outbox import Outbox, Outgoing
from gateway.settings import Broker
from gateway.spool import SpoolUnavailable
from gateway.status import Reporter
from vitals import topics, wire
from vitals.errors import EnvelopeError
from vitals.topics import Branch

log = structlog.get_logger(__name__)

STATUS_EVERY_S = 60.0
STATUS_APART_S = 1.0  # of two, however much happens
POLL_S = 1.0  # how late a resend may be noticed
RECONNECT_FIRST_S = 0.5
RECONNECT_LONGEST_S = 30.0
PUBACK_TIMEOUT_S = 15.0
NO_DELAY = (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # small packets do not wait for others


class _OtherCredential(Exception):
    """The link is given up for one with another credential."""


@dataclass(slots=True, kw_only=True)
class Publisher:
    """One gateway's connection to its broker."""

    broker: Broker
    clinic: str
    gateway: str
    version: str
    outbox: Outbox
    clock: Callable[[], datetime]
    on_desired: Callable[[bytes], Awaitable[None]] | None = None
    on_connected: Callable[[str | None], Awaitable[None]] | None = None  # told the user
    spare: Broker | None = None  # the same broker, with the credential that is being replaced
    connected: bool = False
    status_changed: asyncio.Event = field(default_factory=asyncio.Event)
    reporter: Reporter = field(init=False)
    _other: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.reporter = Reporter(
            spool=self.outbox.spool,
            metrics=self.outbox.metrics,
            clock=self.clock,
            version=self.version,
        )

    async def run(self) -> None:
        """Publish until cancelled; a lost broker is waited for, however long."""
        delay = RECONNECT_FIRST_S
        while True:
            met = other = False
            try:
                async with self._session() as client:
                    met, delay = True, RECONNECT_FIRST_S
                    await self._talk(client)
            except* _OtherCredential:
                other = True
            except* (aiomqtt.MqttError, OSError, TimeoutError) as group:
                log.warning("broker_lost", error=_first_of(group), retry_s=delay)
            if other:
                continue
            if not met and self.spare is not None:
                self.broker, self.spare = self.spare, self.broker
            await asyncio.sleep(delay)
            delay = min(delay * 2, RECONNECT_LONGEST_S)

    def speak_as(self, broker: Broker, *, or_as: Broker | None = None) -> None:
        """From now on with this credential, and with the other one where it is refused."""
        changes = broker.username != self.broker.username
        self.broker, self.spare = broker, or_as
        if changes:
            self._other.set()

    async def _until_other_credential(self) -> None:
        await self._other.wait()
        raise _OtherCredential

    def _topic(self, branch: Branch) -> str:
        return topics.build(self.clinic, self.gateway, branch)

    @asynccontextmanager
    async def _session(self) -> AsyncIterator[aiomqtt.Client]:
        self._other.clear()
        will = wire.encode(wire.GatewayStatus(state="offline", version=self.version))
        client = aiomqtt.Client(
            self.broker.host,
            self.broker.port,
            username=self.broker.username,
            password=self.broker.password,
            identifier=f"hl-{self.clinic}-{self.gateway}",
            protocol=aiomqtt.ProtocolVersion.V5,
            will=aiomqtt.Will(self._topic(Branch.STATUS), will, qos=1, retain=True),
            clean_start=True,
            timeout=PUBACK_TIMEOUT_S,
            tls_context=await asyncio.to_thread(_tls, self.broker),
            socket_options=[NO_DELAY],
        )
        async with client:
            await client.subscribe(self._topic(Branch.RECEIPTS), qos=1)
            await client.subscribe(self._topic(Branch.DESIRED), qos=1)
            self._set_connected(now=True)
            self.reporter.credential = self.broker.username
            log.info("broker_connected")
            if self.on_connected is not None:
                await self.on_connected(self.broker.username)
            try:
                yield client
                await self._say_offline(client)
            except asyncio.CancelledError:
                await self._say_offline(client)
                raise
            finally:
                self._set_connected(now=False)
                self.outbox.disconnected()

    def _set_connected(self, *, now: bool) -> None:
        self.connected = now
        self.outbox.metrics.connected.set(int(now))

    async def _say_offline(self, client: aiomqtt.Client) -> None:
        """A clean goodbye sends no last will, so it is said here."""
        with suppress(aiomqtt.MqttError, TimeoutError):
            async with asyncio.timeout(2):
                await self._publish_status(client, "offline")

    async def _talk(self, client: aiomqtt.Client) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self._listen(client), name="receipts")
            group.create_task(self._send(client), name="readings")
            group.create_task(self._report(client), name="status")
            group.create_task(self._until_other_credential(), name="credential")

    async def _listen(self, client: aiomqtt.Client) -> None:
        async for message in client.messages:
            payload = bytes(message.payload)
            if str(message.topic) == self._topic(Branch.RECEIPTS):
                await self._receipt(payload)
            elif self.on_desired is not None:
                await self.on_desired(payload)
            self.status_changed.set()

    async def _receipt(self, payload: bytes) -> None:
        try:
            receipt = wire.decode_receipt(payload)
        except EnvelopeError as exc:
            log.warning("receipt_unreadable", reason=exc.reason.value)
            return
        for refused in receipt.envelopes:
            log.warning("envelope_refused", envelope=refused.id, reason=refused.reason)
        try:
            await self.outbox.receipt(receipt)
        except SpoolUnavailable as exc:  # they are sent again, and receipted again
            log.warning("receipt_not_kept", spool=exc.state.value)

    async def _send(self, client: aiomqtt.Client) -> None:
        """As many envelopes on their way as the outbox lets out: the next is read meanwhile."""
        changed = self.outbox.spool.changed
        async with asyncio.TaskGroup() as posts:
            while True:
                changed.clear()
                while (out := await self._next()) is not None:
                    posts.create_task(self._post(client, out), name="envelope")
                with suppress(TimeoutError):
                    async with asyncio.timeout(POLL_S):  # wait_for may swallow a cancellation
                        await changed.wait()

    async def _post(self, client: aiomqtt.Client, out: Outgoing) -> None:
        properties = Properties(PacketTypes.PUBLISH)
        properties.CorrelationData = out.id.encode()
        topic = self._topic(Branch.READINGS)
        await client.publish(topic, out.payload, qos=1, properties=properties)
        if len(out.reading_ids) < wire.MAX_READINGS:  # not the hundreds of a backlog
            log.info("envelope_sent", envelope=out.id, readings=len(out.reading_ids))

    async def _next(self) -> Outgoing | None:
        try:
            return await self.outbox.next()
        except SpoolUnavailable:
            return None

    async def _report(self, client: aiomqtt.Client) -> None:
        while True:
            self.status_changed.clear()
            await self._publish_status(client, "online")
            await asyncio.sleep(STATUS_APART_S)
            with suppress(TimeoutError):
                async with asyncio.timeout(STATUS_EVERY_S):
                    await self.status_changed.wait()
            await asyncio.sleep(POLL_S)  # a burst of changes is one status

    async def _publish_status(self, client: aiomqtt.Client, state: str) -> None:
        status = wire.encode(await self.reporter.status(state))
        await client.publish(self._topic(Branch.STATUS), status, qos=1, retain=True)


async def try_credentials(broker: Broker) -> str | None:
    """Connect once beside the gateway, for the doctor; why the broker refused, if it did."""
    client = aiomqtt.Client(
        broker.host,
        broker.port,
        username=broker.username,
        password=broker.password,
        identifier=f"hl-doctor-{uuid.uuid4().hex[:12]}",
        protocol=aiomqtt.ProtocolVersion.V5,
        clean_start=True,
        timeout=PUBACK_TIMEOUT_S,
        tls_context=await asyncio.to_thread(_tls, broker),
    )
    try:
        async with client:
            return None
    except aiomqtt.MqttError as exc:
        return str(exc)


def _first_of(group: BaseExceptionGroup[BaseException]) -> str:
    """What was lost, under however many groups of tasks."""
    first = group.exceptions[0]
    return _first_of(first) if isinstance(first, BaseExceptionGroup) else type(first).__name__


def _tls(broker: Broker) -> ssl.SSLContext | None:
    if not broker.tls:
        return None
    return ssl.create_default_context(cafile=None if broker.ca is None else str(broker.ca))
