"""A house: virtual devices in the air, and at the gateway's end the kernel's own Bluetooth.

The kernel takes the controller at /dev/vhci for a real one. bluetoothd finds it, the gateway finds
bluetoothd, and what they say to each other reaches the simulator's devices as packets of HCI.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

from bumble import hci
from bumble.controller import Controller
from bumble.transport import open_transport

from simulator import journal
from simulator.air import Air
from simulator.behaviour import OMRON_CUFF, Behaviour
from simulator.clock import DeviceClock
from simulator.journal import Journal
from simulator.peripheral import Peripheral, Setting
from vitals.clock import utc_now

GATEWAY_ADDRESS = "F0:F1:F2:F3:F4:F5"
#: BlueZ uses what a controller offers, and Bumble's cannot do these (google/bumble issue 841).
UNUSABLE = hci.LeFeatureMask.LL_PRIVACY | hci.LeFeatureMask.LE_EXTENDED_ADVERTISING
#: An Omron cuff that stays on the air until it is read: this machine is slower than a patient. Its
#: name is cut, since an advertisement has room for 31 bytes and the kernel drops longer ones.
SPEAKS_FIRST = replace(OMRON_CUFF, name="BLEsmart_00000A1B", on_air_s=None)


class Adapter(Controller):  # type: ignore[misc]  # Bumble is untyped
    """Hears every advertisement a little louder or fainter, as any radio does.

    BlueZ says nothing of one that is the same as the one before, and Bumble's are all -50 dBm.
    """

    _chance = Random(8)  # noqa: S311

    def send_hci_packet(self, packet: Any) -> None:
        if isinstance(packet, hci.HCI_LE_Advertising_Report_Event):
            packet = hci.HCI_LE_Advertising_Report_Event(
                [replace(r, rssi=self._chance.randint(-75, -45)) for r in packet.reports]
            )
        super().send_hci_packet(packet)


@dataclass
class House:
    """Devices move in and out; each has its own address for ever."""

    air: Air
    path: Path
    journal: Journal
    _chance: Random = field(default_factory=lambda: Random(8))  # noqa: S311
    _lives: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    _controllers: dict[str, set[Any]] = field(default_factory=dict)

    def add(
        self,
        kind: type[Peripheral],
        readings: int = 0,
        *,
        behaviour: Behaviour | None = None,
        passkey: int | None = None,
    ) -> Any:
        before = set(self.air.controllers)
        device = kind(
            Setting(
                air=self.air,
                journal=self.journal,
                address=self._address(),
                clock=DeviceClock(timedelta(seconds=self._chance.randint(-180, 180))),
                passkey=passkey,
                behaviour=behaviour,
            )
        )
        self.measure(device, readings)
        self._controllers[device.address] = set(self.air.controllers) - before
        self._lives[device.address] = asyncio.create_task(device.live(), name=device.name)
        return device

    def measure(self, device: Peripheral, readings: int = 1) -> None:
        """At different minutes, so that no two are the same."""
        now = utc_now()
        for back in range(readings, 0, -1):
            device.measure(now - back * timedelta(minutes=7), self._chance)

    def said_by(self, *devices: Peripheral) -> list[str]:
        """What they measured, in the bytes in which they hand it over."""
        addresses = {device.address for device in devices}
        return [entry.raw for entry in journal.read(self.path) if entry.address in addresses]

    async def empty(self) -> None:
        """Everybody moves out."""
        for life in self._lives.values():
            life.cancel()
        await asyncio.gather(*self._lives.values(), return_exceptions=True)
        for controllers in self._controllers.values():
            for controller in controllers:
                self.air.remove_controller(controller)
        self._lives.clear()
        self._controllers.clear()

    def _address(self) -> str:
        octets = [0xC0 | self._chance.randrange(0x3F)]
        octets += [self._chance.randrange(256) for _ in range(5)]
        return ":".join(f"{octet:02X}" for octet in octets)


@asynccontextmanager
async def open_house(folder: Path) -> AsyncIterator[House]:
    air, path = Air(), folder / "journal.jsonl"
    async with await open_transport("vhci") as kernel:
        controller = Adapter(
            "adapter",
            host_source=kernel.source,
            host_sink=kernel.sink,
            link=air,
            public_address=GATEWAY_ADDRESS,
        )
        controller.le_features &= ~UNUSABLE
        with Journal(path) as written:
            house = House(air=air, path=path, journal=written)
            yield house
            await house.empty()
