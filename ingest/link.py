"""MQTT 5 packets over one connection: bytes in, messages out, and nothing decided here.

The codec is the `mqtt5` package, the one beneath aiomqtt's next release; around it is what a worker
needs: a receive window, acknowledgements when their owner says so, publishing within the broker's
quota, keep-alive. Why not a whole client: docs/adr/0016-receive-path.md.
"""

from __future__ import annotations

import asyncio
import struct
from collections import deque
from collections.abc import Callable
from enum import StrEnum
from itertools import cycle
from typing import Any, cast

import mqtt5
import msgspec

#: MQTT 5, 2.1: type and quality of service in the first byte, then a length of 1 to 4 bytes.
_PUBLISH, _QOS = 0x30, 0x06
_LENGTH_BYTES, _MORE = 4, 0x80
_CLOSING_S = 5.0
KEEP_ALIVE_S = 60
REFUSED = 0x80  # MQTT 5, 2.4: reason codes from here on are errors
Answer = asyncio.Future[mqtt5.PubAckPacket]


class Odd(StrEnum):
    """What happens to a connection and ends it not."""

    REFUSED = "receipt_refused"  # by the broker; its gateway will ask again
    QOS_0 = "qos_0"  # a message that nobody can acknowledge


class BrokerLost(Exception):
    """The connection is gone, or was refused; `str()` says why. Connect again."""


class Incoming(msgspec.Struct, frozen=True, gc=False):
    """A message not yet acknowledged; `packet_id` is good for this connection only."""

    topic: str
    payload: bytes
    packet_id: int
    correlation: bytes | None


class Link(asyncio.Protocol):
    """One connection, from CONNECT to the loss of it."""

    def __init__(self, odd: Callable[[Odd, str], None]) -> None:
        """`odd` hears of what nobody waits for and should not be: what, and why."""
        self._odd = odd
        self.inbox: deque[Incoming] = deque()
        self.unacknowledged = 0
        self.heard_something = True  # since keep-alive last asked
        self.arrival = asyncio.Event()  # something came, or all is over
        self.error: BrokerLost | None = None
        self.connected: asyncio.Future[mqtt5.ConnAckPacket] = future()
        self.subscribed: asyncio.Future[mqtt5.SubAckPacket] = future()
        self.quota = 1  # how much more may be published before something is confirmed
        self._room = asyncio.Event()
        self._writable = asyncio.Event()
        self._closed = asyncio.Event()
        self.keep_alive_s = float(KEEP_ALIVE_S)
        self._unconfirmed: dict[int, Answer | None] = {}
        self._out: list[bytes] = []
        self._ids = cycle(range(1, 65_536))
        self._rest = b""
        self._transport: asyncio.Transport

    # What asyncio calls -----------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._writable.set()

    def connection_lost(self, exc: Exception | None) -> None:
        self.fail(str(exc) or type(exc).__name__ if exc else "closed by the broker")
        self._closed.set()

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    def data_received(self, data: bytes) -> None:
        data = self._rest + data if self._rest else data
        view, done, read = memoryview(data), 0, mqtt5.read
        while done < len(data):
            try:
                packet, size = read(view[done:])
            except IndexError:  # not whole yet
                break
            except BaseException as exc:
                if not _is_the_codecs(exc):
                    raise
                size = self._salvage(view[done:], exc)
            else:
                self._dispatch(packet)
            done += size
        self._rest = data[done:]
        self.heard_something = True

    # Packets in -------------------------------------------------------------------------------

    def _dispatch(self, packet: mqtt5.Packet) -> None:
        if type(packet) is mqtt5.PublishPacket:
            self._hear(packet)
        elif type(packet) is mqtt5.PubAckPacket:
            self._confirm(packet)
        elif type(packet) is mqtt5.ConnAckPacket:
            self.quota = packet.receive_max
            self.keep_alive_s = packet.server_keep_alive or self.keep_alive_s
            self._room.set()
            _settle(self.connected, packet)
        elif type(packet) is mqtt5.SubAckPacket:
            _settle(self.subscribed, packet)
        elif type(packet) is mqtt5.DisconnectPacket:
            self.fail(f"the broker disconnects: {packet.reason_code.name}")

    def _hear(self, packet: mqtt5.PublishPacket) -> None:
        """Quality of service 0 has no id and no window: it is not acknowledged, and not kept."""
        if packet.packet_id is None:
            self._odd(Odd.QOS_0, "the contract is quality of service 1")
            return
        self._take_in(
            Incoming(packet.topic, packet.payload, packet.packet_id, packet.correlation_data)
        )

    def _take_in(self, message: Incoming) -> None:
        self.inbox.append(message)
        self.unacknowledged += 1
        self.arrival.set()

    def _salvage(self, view: memoryview, problem: BaseException) -> int:
        """A message whose properties the codec refuses: its whole rest goes on as the payload.

        It will not be a reading, so it ends in quarantine. Refusing the packet would bring it back
        with every new connection, and hold up everybody else's (I4).
        """
        header, length = _fixed_header(view)
        body = bytes(view[header : header + length])
        if view[0] & 0xF0 != _PUBLISH or not view[0] & _QOS:
            self.fail(f"malformed packet: {problem}")
            return header + length
        try:
            (topic_length,) = struct.unpack_from("!H", body)
            (packet_id,) = struct.unpack_from("!H", body, 2 + topic_length)
        except struct.error:
            self.fail(f"malformed packet: {problem}")
            return header + length
        topic = body[2 : 2 + topic_length].decode("utf-8", "replace")
        self._take_in(Incoming(topic, body[4 + topic_length :], packet_id, None))
        return header + length

    def _confirm(self, packet: mqtt5.PubAckPacket) -> None:
        if packet.packet_id not in self._unconfirmed:
            return
        answer = self._unconfirmed.pop(packet.packet_id)
        self.quota += 1
        self._room.set()
        if answer is not None:
            _settle(answer, packet)
        elif int(packet.reason_code) >= REFUSED:
            self._odd(Odd.REFUSED, packet.reason_code.name)

    def fail(self, why: str) -> None:
        """All is over: whoever waits for anything of this connection hears why."""
        if self.error is not None:
            return
        self.error = BrokerLost(why)
        for event in (self.arrival, self._room, self._writable):
            event.set()
        waiting: list[asyncio.Future[Any]] = [self.connected, self.subscribed]
        for future in [*waiting, *self._unconfirmed.values()]:
            if future is not None and not future.done():
                future.set_exception(self.error)
                future.exception()  # nobody has to ask
        self._transport.abort()

    # Packets out ------------------------------------------------------------------------------

    def send(self, packet: mqtt5.Packet) -> None:
        """Now, after whatever waits to be written.

        Raises:
            BrokerLost: it may or may not have arrived, as with all that is written here.
        """
        self._out.append(packet.write())
        self.flush()

    def flush(self) -> None:
        """All that waits goes out in one piece: a write of its own for each costs more than it."""
        if self.error is not None:
            raise self.error
        if self._out:
            self._transport.write(b"".join(self._out))
            self._out.clear()

    def acknowledge(self, packet_ids: list[int]) -> None:
        """PUBACK, in the order in which the messages came (MQTT-4.6.0-2)."""
        self._out += [mqtt5.PubAckPacket(number).write() for number in packet_ids]
        self.unacknowledged -= len(packet_ids)
        self.flush()

    async def has_room(self) -> None:
        """Returns when one more may be published; what waits is written before it is waited."""
        while not (self.quota and self._writable.is_set()):
            self.flush()
            self._room.clear()
            await (self._room if self._writable.is_set() else self._writable).wait()
        if self.error is not None:
            raise self.error

    def publish(
        self, topic: str, payload: bytes, *, retain: bool = False, answer: Answer | None = None
    ) -> None:
        """Goes out with the next `flush`. Without `answer` only a refusal is noted.

        There must be room.
        """
        number = next(i for i in self._ids if i not in self._unconfirmed)
        packet = mqtt5.PublishPacket(
            topic, payload, qos=mqtt5.QoS.AT_LEAST_ONCE, retain=retain, packet_id=number
        )
        self._out.append(packet.write())
        self.quota -= 1
        self._unconfirmed[number] = answer

    async def close(self) -> None:
        """Say goodbye where there is somebody to say it to."""
        if self.error is None:
            self.send(mqtt5.DisconnectPacket())
            self._transport.close()
        try:
            async with asyncio.timeout(_CLOSING_S):
                await self._closed.wait()
        except TimeoutError:
            self._transport.abort()


def _is_the_codecs(exc: BaseException) -> bool:
    """It raises ValueError; where Rust panics (a text that is no UTF-8), what is no Exception."""
    return isinstance(exc, ValueError) or type(exc).__name__ == "PanicException"


def _fixed_header(view: memoryview) -> tuple[int, int]:
    """How long the header is, and how long what follows it."""
    length = 0
    for position in range(_LENGTH_BYTES):
        byte = view[1 + position]
        length |= (byte & ~_MORE) << (7 * position)
        if not byte & _MORE:
            return 2 + position, length
    return len(view), 0


def future() -> asyncio.Future[Any]:
    return asyncio.get_running_loop().create_future()


def _settle(future: asyncio.Future[Any], packet: object) -> None:
    if not future.done():
        future.set_result(packet)
