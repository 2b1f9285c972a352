"""A radio whose host stack is Bumble, over any HCI transport that Bumble can open."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from bleak import BleakClient, BleakScanner
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementDataCallback
from bumble.transport import open_transport

from gateway.link import AdapterState, Bond, EarlyValue, Health, PairingAgent
from gateway.radio.bumble_central import Central, address_of
from gateway.radio.bumble_client import BumbleClient
from gateway.radio.bumble_scanner import BumbleScanner

if TYPE_CHECKING:
    from gateway.radio import DisconnectedCallback


class BumbleRadio:
    """A `Radio` whose scanners and clients share one central."""

    def __init__(self, shared: Central) -> None:
        class Scanner(BumbleScanner):
            central = shared

        class Client(BumbleClient):
            central = shared

        self._central = shared
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
        return address_of(device.details["address"])

    def early(self, address: str) -> list[EarlyValue]:
        return self._central.early.take(address)

    async def bonds(self) -> list[Bond]:
        return list((await self._central.bonds()).values())

    async def forget(self, address: str) -> None:
        for key, bond in (await self._central.bonds()).items():
            if bond.address == address.upper():
                await self._central.forget(key)

    async def power(self) -> AdapterState:
        on = self._central.device.powered_on
        return AdapterState(
            health=Health.READY if on else Health.OFF,
            name="bumble",
            stack=f"Bumble {version('bumble')}",
            resets=self._central.resets,
        )

    async def reset(self) -> None:
        await self._central.reset()


@asynccontextmanager
async def open_bumble(
    transport: str, key_store: Path | None, agent: PairingAgent | None
) -> AsyncIterator[BumbleRadio]:
    async with await open_transport(transport) as hci:
        central = Central(hci.source, hci.sink, key_store, agent)
        await central.device.power_on()
        yield BumbleRadio(central)
