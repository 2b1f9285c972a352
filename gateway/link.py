"""The radio as the gateway sees it: the few calls it needs, so that no radio library leaks in."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol


class Client(Protocol):
    """One link. Characteristics are named by 128-bit UUID."""

    @property
    def is_connected(self) -> bool: ...
    @property
    def services(self) -> Any: ...
    async def connect(self) -> Any: ...
    async def disconnect(self) -> Any: ...
    async def read_gatt_char(self, char_specifier: str) -> bytearray: ...
    async def write_gatt_char(
        self,
        char_specifier: str,
        data: bytes,
        response: bool,  # noqa: FBT001 -- bleak's own
    ) -> None: ...
    async def start_notify(
        self, char_specifier: str, callback: Callable[[Any, bytearray], None]
    ) -> None: ...


class Radio(Protocol):
    """`gateway.radio.Radio`, in those words that need no import of it."""

    def scanner(
        self, callback: Callable[[Any, Any], None], service_uuids: list[str] | None = None
    ) -> Any: ...
    def client(
        self,
        device: Any,
        disconnected_callback: Callable[[Any], None] | None = None,
        *,
        pair: bool = False,
    ) -> Any: ...
    def identity_address(self, device: Any) -> str: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """A health device that advertises: it has something to say, or is awake."""

    ble_device: Any
    address: str
    services: frozenset[str]
    rssi_dbm: int | None
    at: datetime


def short_hash(address: str) -> str:
    """What logs call a device: no address, the same each time."""
    return hashlib.sha256(address.upper().encode()).hexdigest()[:8]
