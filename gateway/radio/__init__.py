"""The seam to Bluetooth: above it is bleak's API, below it what `open_radio` was told.

`bluez` is bleak on Linux's own stack, with a pairing agent, a path for values that exists before
any link does, and a watchdog. `bumble:<HCI transport>` runs the host stack in this process over any
HCI controller (a USB dongle, a serial port, a TCP socket). Either is imported only when asked for.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Protocol

from bleak import BleakClient, BleakScanner
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementDataCallback

from gateway.link import AdapterState, Bond, EarlyValue, Health, PairingAgent

DisconnectedCallback = Callable[[BleakClient], None]

CONNECT_TIMEOUT = 60.0  # seconds; somebody may have to type digits first
_BUMBLE = "bumble:"


def nobody_counts(_reason: Health) -> None:
    """For those who do not count resets."""


class Radio(Protocol):
    """What the gateway needs of Bluetooth. `gateway.link` says what each method promises."""

    def scanner(
        self, callback: AdvertisementDataCallback, service_uuids: list[str] | None = None
    ) -> BleakScanner: ...

    def client(
        self,
        device: BLEDevice,
        disconnected_callback: DisconnectedCallback | None = None,
        *,
        pair: bool = False,
        services: Collection[str] | None = None,
        timeout_s: float = CONNECT_TIMEOUT,
    ) -> BleakClient: ...

    def identity_address(self, device: BLEDevice) -> str:
        """The address that stays the same, in upper case: part of a reading's identity."""
        ...

    def early(self, address: str) -> list[EarlyValue]: ...

    async def bonds(self) -> list[Bond]: ...

    async def forget(self, address: str) -> None: ...

    async def power(self) -> AdapterState: ...

    async def reset(self) -> None: ...


@asynccontextmanager
async def open_radio(
    spec: str,
    key_store: Path | None = None,
    *,
    agent: PairingAgent | None = None,
    on_reset: Callable[[Health], None] = nobody_counts,
) -> AsyncIterator[Radio]:
    """Open the radio that `spec` names.

    Args:
        spec: `bluez`, or `bumble:` and a transport as Bumble names it.
        key_store: the file in which Bumble keeps its bonds; BlueZ has its own.
        agent: who answers for the patient; None pairs only with devices that ask nothing.
        on_reset: told why, each time the watchdog of BlueZ resets the adapter.

    Raises:
        ValueError: `spec` is neither `bluez` nor `bumble:<HCI transport>`.
    """
    if spec == "bluez":
        from gateway.radio.bluez_radio import open_bluez  # noqa: PLC0415 -- Linux only

        async with open_bluez(agent, on_reset) as bluez:
            yield bluez
    elif spec.startswith(_BUMBLE):
        from gateway.radio.bumble_radio import open_bumble  # noqa: PLC0415 -- only when asked for

        async with open_bumble(spec.removeprefix(_BUMBLE), key_store, agent) as bumble:
            yield bumble
    else:
        raise ValueError(f"unknown radio {spec!r}: 'bluez' or 'bumble:<HCI transport>'")
