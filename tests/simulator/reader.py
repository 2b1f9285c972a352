"""The simplest honest gateway: bleak's API over `open_radio`, raw bytes out. Also a process."""

from __future__ import annotations

import asyncio
import struct
import sys
from pathlib import Path

from bleak import BleakClient
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData
from bleak.uuids import normalize_uuid_16

from gateway.radio import Radio, open_radio

RACP = normalize_uuid_16(0x2A52)
ALL = bytes([1, 1])
ABORT = bytes([3, 0])
COUNT = bytes([4, 1])
LAST = bytes([1, 6])


def at_least(sequence: int) -> bytes:
    return bytes([1, 3, 1]) + struct.pack("<H", sequence)


class Typing:
    """Somebody at the keyboard: types always the same, says yes, remembers what was asked."""

    def __init__(self, typed: int | None = None) -> None:
        self.typed = typed
        self.asked: list[str] = []
        self.shown: list[int] = []

    async def passkey(self, address: str) -> int | None:
        self.asked.append(address)
        return self.typed

    async def confirm(self, address: str, number: int) -> bool:  # noqa: ARG002
        self.shown.append(number)
        return True

    async def show(self, address: str, passkey: int) -> None:  # noqa: ARG002
        self.shown.append(passkey)


async def find(radio: Radio, uuid: int, timeout_s: float = 15) -> BLEDevice:
    found: asyncio.Queue[BLEDevice] = asyncio.Queue()

    def heard(device: BLEDevice, _: AdvertisementData) -> None:
        found.put_nowait(device)

    async with radio.scanner(heard, [normalize_uuid_16(uuid)]):
        return await asyncio.wait_for(found.get(), timeout_s)


async def take_stored(radio: Radio, service: int, characteristic: int) -> list[str]:
    device = await find(radio, service)
    got: list[str] = []
    gone = asyncio.Event()
    async with radio.client(device, lambda _: gone.set()) as client:
        await client.start_notify(
            normalize_uuid_16(characteristic), lambda _, value: got.append(value.hex())
        )
        await asyncio.wait_for(gone.wait(), 10)
    return got


class MeterSession:
    def __init__(self, client: BleakClient) -> None:
        self.client = client
        self.records: list[str] = []
        self.contexts: list[str] = []
        self.answers: asyncio.Queue[bytes] = asyncio.Queue()

    async def subscribe(self) -> None:
        await self.client.start_notify(
            normalize_uuid_16(0x2A18), lambda _, value: self.records.append(value.hex())
        )
        await self.client.start_notify(
            normalize_uuid_16(0x2A34), lambda _, value: self.contexts.append(value.hex())
        )
        await self.client.start_notify(RACP, lambda _, value: self.answers.put_nowait(bytes(value)))

    async def ask(self, command: bytes) -> bytes:
        await self.client.write_gatt_char(RACP, command, response=True)
        return await asyncio.wait_for(self.answers.get(), 20)


async def _print_records(spec: str, keys: str) -> None:
    """Print each glucose record as it arrives; made to be killed in the middle."""
    async with (
        open_radio(spec, Path(keys)) as radio,
        radio.client(await find(radio, 0x1808)) as client,
    ):
        await client.start_notify(normalize_uuid_16(0x2A18), _print)
        await client.start_notify(RACP, lambda *_: None)
        await client.write_gatt_char(RACP, ALL, response=True)
        await asyncio.sleep(60)


def _print(_: object, value: bytearray) -> None:
    sys.stdout.write(value.hex() + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(_print_records(*sys.argv[1:]))
