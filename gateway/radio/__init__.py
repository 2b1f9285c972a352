"""The seam to Bluetooth: above it is bleak's API, below it what `open_radio` was told.

`bluez` is bleak as installed. `bumble:<HCI transport>` runs the host stack in this process over any
HCI controller (a USB dongle, a serial port, a TCP socket); Bumble is imported only then.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Protocol

from bleak import BleakClient, BleakScanner
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementDataCallback

#: Asked while pairing: the six digits that the device at this address shows, or None to refuse.
PasskeyCallback = Callable[[str], Awaitable[int | None]]
DisconnectedCallback = Callable[[BleakClient], None]

CONNECT_TIMEOUT = 30.0  # seconds
_BUMBLE = "bumble:"


class Radio(Protocol):
    """What the gateway needs of Bluetooth."""

    def scanner(
        self, callback: AdvertisementDataCallback, service_uuids: list[str] | None = None
    ) -> BleakScanner: ...

    def client(
        self,
        device: BLEDevice,
        disconnected_callback: DisconnectedCallback | None = None,
        *,
        pair: bool = False,
        timeout_s: float = CONNECT_TIMEOUT,
    ) -> BleakClient: ...

    def identity_address(self, device: BLEDevice) -> str:
        """The address that stays the same, in upper case: part of a reading's identity."""
        ...


class BluezRadio:
    """bleak with the backend of its platform; bonds are kept by the operating system."""

    def scanner(
        self, callback: AdvertisementDataCallback, service_uuids: list[str] | None = None
    ) -> BleakScanner:
        return BleakScanner(callback, service_uuids)

    def client(
        self,
        device: BLEDevice,
        disconnected_callback: DisconnectedCallback | None = None,
        *,
        pair: bool = False,
        timeout_s: float = CONNECT_TIMEOUT,
    ) -> BleakClient:
        return BleakClient(device, disconnected_callback, pair=pair, timeout=timeout_s)

    def identity_address(self, device: BLEDevice) -> str:
        return device.address.upper()


@asynccontextmanager
async def open_radio(
    spec: str, key_store: Path | None = None, *, passkey: PasskeyCallback | None = None
) -> AsyncIterator[Radio]:
    """Open the radio that `spec` names; `key_store` is the file in which Bumble keeps its bonds.

    Raises:
        ValueError: `spec` is neither `bluez` nor `bumble:<HCI transport>`.
    """
    if spec == "bluez":
        yield BluezRadio()
    elif spec.startswith(_BUMBLE):
        from gateway.radio.bumble_radio import open_bumble  # noqa: PLC0415 -- only when asked for

        async with open_bumble(spec.removeprefix(_BUMBLE), key_store, passkey) as radio:
            yield radio
    else:
        raise ValueError(f"unknown radio {spec!r}: 'bluez' or 'bumble:<HCI transport>'")
