"""`python -m bench.publisher FILE --port PORT --count N`: readings at full speed from many homes.

FILE holds MQTT 5 PUBLISH packets that are made already; the packet ids are written in here. It says
`ready` when it is connected, starts at a line on stdin, and says `sent SECONDS CPU` when the broker
has confirmed all. So the load costs the machine as little as it can.
"""

from __future__ import annotations

import asyncio
import struct
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, cast

import mqtt5
import typer
import uvloop

_LENGTH = struct.Struct("!IH")  # of a packet, and where its id stands
IN_FLIGHT, AT_ONCE = 20_000, 100
_LAST_ID = 65_535


def store(file: Path, messages: Iterator[tuple[str, bytes]]) -> None:
    """Topic and payload of each message, as packets."""
    with file.open("wb") as out:
        for topic, payload in messages:
            packet = mqtt5.PublishPacket(
                topic, payload, qos=mqtt5.QoS.AT_LEAST_ONCE, packet_id=1
            ).write()
            header = next(i for i in range(1, 5) if not packet[i] & 0x80) + 1
            out.write(_LENGTH.pack(len(packet), header + 2 + len(topic.encode())))
            out.write(packet)


def _packets(file: Path) -> Iterator[tuple[bytearray, int]]:
    data, at = file.read_bytes(), 0
    while at < len(data):
        size, position = _LENGTH.unpack_from(data, at)
        at += _LENGTH.size
        yield bytearray(data[at : at + size]), position
        at += size


class _Sender(asyncio.Protocol):
    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self.connected: asyncio.Future[None] = loop.create_future()
        self.confirmed = 0
        self.progress = asyncio.Event()
        self.transport: asyncio.Transport
        self._rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        hello = mqtt5.ConnectPacket("hl-bench-publisher", clean_start=True)
        self.transport.write(hello.write())

    def data_received(self, data: bytes) -> None:
        data = self._rest + data
        view, at = memoryview(data), 0
        try:
            while at < len(data):
                packet, size = mqtt5.read(view[at:])
                at += size
                if isinstance(packet, mqtt5.PubAckPacket):
                    self.confirmed += 1
                elif isinstance(packet, mqtt5.ConnAckPacket):
                    self.connected.set_result(None)
        except IndexError:
            pass
        self._rest = data[at:]
        self.progress.set()


async def _run(packets: list[tuple[bytearray, int]], port: int) -> None:
    loop = asyncio.get_running_loop()
    transport, sender = await loop.create_connection(_Sender, "127.0.0.1", port)
    await sender.connected
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    await loop.run_in_executor(None, sys.stdin.readline)
    started, used = time.perf_counter(), time.process_time()
    for first in range(0, len(packets), AT_ONCE):
        some = packets[first : first + AT_ONCE]
        for number, (packet, position) in enumerate(some, first):
            struct.pack_into("!H", packet, position, number % _LAST_ID + 1)
        await _until(sender, first - IN_FLIGHT)
        transport.write(b"".join([packet for packet, _ in some]))
    await _until(sender, len(packets))
    seconds, cpu = time.perf_counter() - started, time.process_time() - used
    sys.stdout.write(f"sent {seconds:.3f} {cpu:.3f}\n")
    transport.close()


async def _until(sender: _Sender, confirmed: int) -> None:
    while sender.confirmed < confirmed:
        sender.progress.clear()
        await sender.progress.wait()
    await asyncio.sleep(0)


def main(file: Path, port: Annotated[int, typer.Option()]) -> None:
    packets = list(_packets(file))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_run(packets, port))


if __name__ == "__main__":
    typer.run(main)
