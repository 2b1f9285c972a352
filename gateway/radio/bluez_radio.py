"""The radio of Linux: bleak on BlueZ, and on one long-lived line all that bleak leaves out."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from bleak import BleakClient, BleakScanner
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementDataCallback

from gateway.link import AdapterState, Bond, EarlyValue, Health, PairingAgent
from gateway.radio.bluez_adapter import Adapter
from gateway.radio.bluez_agent import Agent, Registration
from gateway.radio.bluez_client import BluezClient
from gateway.radio.bluez_line import DEVICE, Line, open_line
from gateway.radio.bluez_links import Links
from gateway.radio.bluez_scanner import BluezScanner, Discovery
from gateway.radio.bluez_values import HeldValues
from gateway.radio.bluez_watchdog import Watchdog
from gateway.radio.early import EarlyValues

if TYPE_CHECKING:
    from gateway.radio import DisconnectedCallback


class BluezRadio:
    """A `Radio` whose scanners and clients share one line to BlueZ."""

    def __init__(self, agent: PairingAgent | None, on_reset: Callable[[Health], None]) -> None:
        self.line = Line()
        self._early = EarlyValues()
        self._adapter = Adapter(self.line)
        answering = Agent(agent)
        values = HeldValues(self.line, self._early)
        scans = Discovery()
        linked = self._links = Links(self.line, answering, values, scans)
        self.line.listeners += [
            self._adapter,
            Registration(self.line, answering),
            values,
            self._links,
            scans,
        ]
        self.watchdog = Watchdog(self._adapter, scans, linked, on_reset)

        class Scanner(BluezScanner):
            discovery = scans

        class Client(BluezClient):
            links = linked

        self._scanner = Scanner
        self._client = Client

    def scanner(
        self, callback: AdvertisementDataCallback, service_uuids: list[str] | None = None
    ) -> BleakScanner:
        return BleakScanner(callback, service_uuids, backend=self._scanner)

    def client(
        self,
        device: BLEDevice,
        disconnected_callback: DisconnectedCallback | None = None,
        *,
        pair: bool = False,
        services: Collection[str] | None = None,
        timeout_s: float = 60.0,
    ) -> BleakClient:
        return BleakClient(
            device,
            disconnected_callback,
            services,
            pair=pair,
            timeout=timeout_s,
            backend=self._client,
        )

    def identity_address(self, device: BLEDevice) -> str:
        return device.address.upper()

    def early(self, address: str) -> list[EarlyValue]:
        return self._early.take(address)

    async def bonds(self) -> list[Bond]:
        devices = [
            interfaces[DEVICE]
            for interfaces in (await self.line.objects()).values()
            if interfaces.get(DEVICE, {}).get("Paired")
        ]
        return [Bond(address=d["Address"].upper(), name=d.get("Name")) for d in devices]

    async def forget(self, address: str) -> None:
        for path, interfaces in (await self.line.objects()).items():
            if interfaces.get(DEVICE, {}).get("Address", "").upper() == address.upper():
                await self._links.remove(path)

    async def power(self) -> AdapterState:
        return self.watchdog.state

    async def reset(self) -> None:
        await self._adapter.reset()


@asynccontextmanager
async def open_bluez(
    agent: PairingAgent | None, on_reset: Callable[[Health], None]
) -> AsyncIterator[BluezRadio]:
    radio = BluezRadio(agent, on_reset)
    async with open_line(radio.line):
        watching = asyncio.get_running_loop().create_task(radio.watchdog.run(), name="watchdog")
        try:
            yield radio
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)
