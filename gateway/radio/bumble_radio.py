"""A radio whose host stack is Bumble, over any HCI transport that Bumble can open."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from bleak import BleakClient, BleakScanner
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementDataCallback
from bumble.transport import open_transport

from gateway.radio.bumble_central import Central, address_of
from gateway.radio.bumble_client import BumbleClient
from gateway.radio.bumble_scanner import BumbleScanner

if TYPE_CHECKING:
    from gateway.radio import DisconnectedCallback, PasskeyCallback


class BumbleRadio:
    """A `Radio` whose scanners and clients share one central."""

    def __init__(self, shared: Central) -> None:
        class Scanner(BumbleScanner):
            central = shared

        class Client(BumbleClient):
            central = shared

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
        timeout_s: float = 30.0,
    ) -> BleakClient:
        return BleakClient(
            device, disconnected_callback, pair=pair, timeout=timeout_s, backend=self._client
        )

    def identity_address(self, device: BLEDevice) -> str:
        return address_of(device.details["address"])


@asynccontextmanager
async def open_bumble(
    transport: str, key_store: Path | None, passkey: PasskeyCallback | None
) -> AsyncIterator[BumbleRadio]:
    async with await open_transport(transport) as hci:
        central = Central(hci.source, hci.sink, key_store, passkey)
        await central.device.power_on()
        yield BumbleRadio(central)
