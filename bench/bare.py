"""`python -m bench.bare CLIENT …`: receive, acknowledge, nothing else.

What a client library alone can do, to hold ingest against. `aiomqtt` and `gmqtt` are whole clients;
`mqtt5` is the loop over the codec that ingest itself is made of, without anything around it. Each
has ingest's receive window, so that one which does not acknowledge stands still. It says `ready`
when it is subscribed, and `received SECONDS CPU` from the first message to the last.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import time
from collections.abc import Awaitable, Callable
from enum import StrEnum
from typing import Annotated, Any, cast

import aiomqtt
import gmqtt
import mqtt5
import typer
import uvloop
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from ingest.settings import RECEIVE_MAXIMUM

_ID = "hl-bench-bare"
_QOS = 1


class Client(StrEnum):
    """What is measured."""

    AIOMQTT = "aiomqtt"
    GMQTT = "gmqtt"
    MQTT5 = "mqtt5"


class Count:
    """Messages so far, and the stopwatch from the first to the last."""

    def __init__(self, wanted: int) -> None:
        self.wanted, self.seen = wanted, 0
        self.done = asyncio.Event()
        self._started, self._used = 0.0, 0.0

    def add(self) -> None:
        if not self.seen:
            self._started, self._used = time.perf_counter(), time.process_time()
        self.seen += 1
        if self.seen == self.wanted:
            seconds = time.perf_counter() - self._started
            _say(f"received {seconds:.3f} {time.process_time() - self._used:.3f}")
            self.done.set()


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


async def _aiomqtt(port: int, topic: str, count: Count) -> None:
    window = Properties(PacketTypes.CONNECT)
    window.ReceiveMaximum = RECEIVE_MAXIMUM
    client = aiomqtt.Client(
        "127.0.0.1",
        port,
        identifier=_ID,
        protocol=aiomqtt.ProtocolVersion.V5,
        clean_start=True,
        properties=window,
    )
    inner = client._client  # noqa: SLF001 -- aiomqtt 2.5 has no call for manual acknowledgement
    inner.manual_ack_set(True)  # noqa: FBT003
    async with client:
        await client.subscribe(topic, qos=_QOS)
        _say("ready")
        async for message in client.messages:
            inner.ack(message.mid, message.qos)
            count.add()
            if count.done.is_set():
                return


async def _gmqtt(port: int, topic: str, count: Count) -> None:
    logging.disable(logging.WARNING)
    client = gmqtt.Client(
        _ID,
        clean_session=True,
        optimistic_acknowledgement=False,
        receive_maximum=RECEIVE_MAXIMUM,
    )

    async def heard(*_: Any) -> int:
        """A coroutine, because only of one gmqtt 0.8 takes the answer, and acknowledges."""
        count.add()
        return 0

    client.on_message = heard
    subscribed = asyncio.Event()
    client.on_subscribe = lambda *_: subscribed.set()
    await client.connect("127.0.0.1", port)
    client.subscribe(topic, qos=_QOS)
    await subscribed.wait()
    _say("ready")
    await count.done.wait()
    await client.disconnect()


class _Bare(asyncio.Protocol):
    def __init__(self, topic: str, count: Count) -> None:
        self._topic, self._count, self._rest = topic, count, b""
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        wanted = mqtt5.TopicFilter(self._topic, max_qos=mqtt5.QoS.AT_LEAST_ONCE)
        self._transport.write(
            mqtt5.ConnectPacket(_ID, clean_start=True, receive_max=RECEIVE_MAXIMUM).write()
        )
        self._transport.write(mqtt5.SubscribePacket(1, [wanted]).write())

    def data_received(self, data: bytes) -> None:
        data = self._rest + data
        view, at, answers = memoryview(data), 0, []
        try:
            while at < len(data):
                packet, size = mqtt5.read(view[at:])
                at += size
                if isinstance(packet, mqtt5.PublishPacket):
                    answers.append(mqtt5.PubAckPacket(packet.packet_id or 0).write())
                    self._count.add()
                elif isinstance(packet, mqtt5.SubAckPacket):
                    _say("ready")
        except IndexError:
            pass
        self._rest = data[at:]
        if answers:
            self._transport.write(b"".join(answers))


async def _mqtt5(port: int, topic: str, count: Count) -> None:
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_connection(lambda: _Bare(topic, count), "127.0.0.1", port)
    await count.done.wait()
    transport.close()


_LOOPS: dict[Client, Callable[[int, str, Count], Awaitable[None]]] = {
    Client.AIOMQTT: _aiomqtt,
    Client.GMQTT: _gmqtt,
    Client.MQTT5: _mqtt5,
}


def main(
    client: Client,
    port: Annotated[int, typer.Option()],
    topic: Annotated[str, typer.Option()],
    count: Annotated[int, typer.Option()],
) -> None:
    async def run() -> None:
        await _LOOPS[client](port, topic, Count(count))

    # aiomqtt's sockets and uvloop do not go together
    loop = asyncio.new_event_loop if client is Client.AIOMQTT else uvloop.new_event_loop
    with asyncio.Runner(loop_factory=loop) as runner:
        runner.run(run())


if __name__ == "__main__":
    typer.run(main)
