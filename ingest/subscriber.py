"""The only MQTT client of the server side. A message is acknowledged when its owner says so."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections import deque
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

import mqtt5
import structlog

from ingest import metrics
from ingest.link import KEEP_ALIVE_S, REFUSED, BrokerLost, Incoming, Link, Odd, future
from ingest.settings import MAX_PACKET, RECEIVE_MAXIMUM, SESSION_EXPIRY
from vitals import topics

_GRANTED = 1  # MQTT 5, 3.9.3: quality of service 1
_ANSWER_S = 10.0  # how long the broker may take for each step of connecting
log = structlog.get_logger()


class Refused(Exception):
    """The broker does not take this message: an ACL, a quota. `str()` is its reason code."""


class Subscriber:
    """One connection. Message ids die with it: after a loss the broker sends them again."""

    def __init__(self, link: Link) -> None:
        self._link = link

    async def take(
        self, *, most: int, most_bytes: int, age_s: float, idle_s: float
    ) -> list[Incoming]:
        """A batch by number, bytes or the age of its first message; empty: nothing came.

        While the receive window is used up nothing more can come, so nothing is waited for.

        Raises:
            BrokerLost: what was taken and not acknowledged comes again.
        """
        link = self._link
        await self._arrived(idle_s)
        closes_at = time.monotonic() + age_s
        while (
            link.inbox
            and len(link.inbox) < most
            and link.unacknowledged < RECEIVE_MAXIMUM
            and (left := closes_at - time.monotonic()) > 0
        ):
            await self._arrived(left, more=True)
        return _first(link.inbox, most, most_bytes) if link.inbox else []

    async def _arrived(self, within_s: float, *, more: bool = False) -> None:
        link = self._link
        if link.error is not None:
            raise link.error
        if link.inbox and not more:
            return
        link.arrival.clear()
        try:
            async with asyncio.timeout(within_s):
                await link.arrival.wait()
        except TimeoutError:
            return
        if link.error is not None:
            raise link.error

    def acknowledge(self, messages: Iterable[Incoming]) -> None:
        """PUBACK, in the order in which they were taken."""
        self._link.acknowledge([message.packet_id for message in messages])

    async def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """Returns when the broker has it.

        Raises:
            Refused: this message; the connection goes on.
            BrokerLost: it may or may not have arrived.
        """
        await self._link.has_room()
        answer = future()
        self._link.publish(topic, payload, retain=retain, answer=answer)
        self._link.flush()
        said = await answer
        if int(said.reason_code) >= REFUSED:
            raise Refused(said.reason_code.name)

    async def send(self, messages: Iterable[tuple[str, bytes]]) -> None:
        """Written before the acknowledgement that follows, and in one piece with it.

        For receipts: the broker reads them first, and one that is lost with the connection is made
        again when its gateway asks again.
        """
        for topic, payload in messages:
            await self._link.has_room()
            self._link.publish(topic, payload)

    async def keep_alive(self) -> None:
        """Runs until the connection is lost, and then says so.

        Raises:
            BrokerLost: always, in the end.
        """
        link, silent = self._link, 0
        while link.error is None:
            if link.heard_something:
                silent, link.heard_something = 0, False
            elif silent > 1:
                link.fail("the broker is silent")
                break
            else:
                silent += 1
            link.send(mqtt5.PingReqPacket())
            await asyncio.sleep(link.keep_alive_s / 2)
        raise link.error or BrokerLost("closed")


def _first(inbox: deque[Incoming], most: int, most_bytes: int) -> list[Incoming]:
    batch: list[Incoming] = []
    size = 0
    while inbox and len(batch) < most and size < most_bytes:
        batch.append(inbox.popleft())
        size += len(batch[-1].payload)
    return batch


def _note(what: Odd, why: str) -> None:
    metrics.ODD.labels(what=what.value).inc()
    log.warning("odd message", what=what.value, cause=why)


@asynccontextmanager
async def connect(
    url: str, *, ca: Path | None, client_id: str, forget: bool = False
) -> AsyncIterator[Subscriber]:
    """Connect, resume the session, subscribe.

    `forget`: a clean start without subscriptions, and the session ends with the connection.

    Raises:
        BrokerLost: now or at any later use.
    """
    broker = urlsplit(url)
    link = await _open(broker, ca)
    try:
        await _greet(link, broker, client_id, forget=forget)
        if not forget:
            await _subscribe(link)
        yield Subscriber(link)
    finally:
        await link.close()


async def _open(broker: SplitResult, ca: Path | None) -> Link:
    secure = broker.scheme == "mqtts"
    context = ssl.create_default_context(cafile=ca) if secure else None
    host, port = broker.hostname or "127.0.0.1", broker.port or (8883 if secure else 1883)
    try:
        async with asyncio.timeout(_ANSWER_S):
            loop = asyncio.get_running_loop()
            _, link = await loop.create_connection(partial(Link, _note), host, port, ssl=context)
    except (OSError, TimeoutError) as exc:
        raise BrokerLost(str(exc) or "no answer") from exc
    return link


async def _greet(link: Link, broker: SplitResult, client_id: str, *, forget: bool) -> None:
    hello = mqtt5.ConnectPacket(
        client_id,
        username=unquote(broker.username) if broker.username else None,
        password=unquote(broker.password).encode() if broker.password else None,
        clean_start=forget,
        keep_alive=KEEP_ALIVE_S,
        session_expiry_interval=0 if forget else SESSION_EXPIRY,
        receive_max=RECEIVE_MAXIMUM,
        max_packet_size=MAX_PACKET,
    )
    answer: mqtt5.ConnAckPacket = await _ask(link, hello, link.connected)
    if int(answer.reason_code) >= REFUSED:
        raise BrokerLost(f"the broker refuses us: {answer.reason_code.name}")


async def _subscribe(link: Link) -> None:
    wanted = [
        mqtt5.TopicFilter(name, max_qos=mqtt5.QoS.AT_LEAST_ONCE)
        for name in (topics.SHARED_READINGS, topics.SHARED_STATUS)
    ]
    answer: mqtt5.SubAckPacket = await _ask(link, mqtt5.SubscribePacket(1, wanted), link.subscribed)
    if any(int(code) != _GRANTED for code in answer.reason_codes):
        raise BrokerLost("the broker refuses the subscription, or its quality of service")


async def _ask(link: Link, packet: mqtt5.Packet, answer: asyncio.Future[Any]) -> Any:
    link.send(packet)
    try:
        async with asyncio.timeout(_ANSWER_S):
            return await answer
    except TimeoutError:
        raise BrokerLost("no answer") from None
