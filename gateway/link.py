"""The radio as the gateway sees it: the few calls it needs, so that no radio library leaks in.

And the other way: who watches what becomes of a device, a pairing page for one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from devices.errors import DecodeError, ProtocolError
from gateway.spool_health import SpoolUnavailable
from vitals.reading import Reading

_REFUSALS = ("pairing", "authentication", "encryption")


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
    name: str | None = None
    service_data: Mapping[str, bytes] = field(default_factory=dict)  # by 128-bit UUID


class Failure(StrEnum):
    """Why a visit ended early."""

    UNREACHABLE = "unreachable"  # it advertised, and did not answer; too far, or held by a phone
    NOT_PAIRED = "not_paired"  # pairing was refused, or the passkey was wrong
    LINK_LOST = "link_lost"  # in the middle of the conversation
    SILENT = "silent"  # linked, and not done in the time that a visit may take
    FAULT = "fault"  # it answered, and not as the profile says
    NOT_KEPT = "not_kept"  # the box's own disk takes no readings: the device is to keep them


def why(error: Exception, *, linked: bool) -> Failure:
    """What a visit's error comes to; radio libraries tell refused pairing only by its words."""
    words = f"{type(error).__name__} {error}".lower()
    if any(word in words for word in _REFUSALS):
        return Failure.NOT_PAIRED
    if isinstance(error, SpoolUnavailable):
        return Failure.NOT_KEPT
    if isinstance(error, TimeoutError):
        return Failure.SILENT if linked else Failure.UNREACHABLE
    if isinstance(error, DecodeError | ProtocolError):
        return Failure.FAULT
    return Failure.LINK_LOST if linked else Failure.UNREACHABLE


class Watcher(Protocol):
    """Told what becomes of each device, on the event loop: each method returns at once."""

    def admits(self, sighting: Sighting) -> bool:
        """Whether a device that nobody has accepted yet may be visited now, to be paired."""
        ...

    def sighted(self, sighting: Sighting) -> None:
        """A health device advertised, accepted or not."""
        ...

    def connecting(self, address: str) -> None: ...

    def connected(self, address: str) -> None:
        """The link is there, bonded and discovered."""
        ...

    def failed(self, address: str, reason: Failure) -> None:
        """A visit ended early; what had been spooled by then is kept."""
        ...

    def ended(self, address: str, new: int) -> None:
        """A visit was carried through; `new` readings came of it."""
        ...

    def spooled(self, address: str, reading: Reading) -> None:
        """A new reading is durable here."""
        ...

    def receipted(self, ids: Collection[str]) -> None:
        """The clinic has these readings."""
        ...


class Nobody:
    """The watcher of a gateway that nobody watches."""

    def admits(self, sighting: Sighting) -> bool:  # noqa: ARG002
        return False

    def sighted(self, sighting: Sighting) -> None: ...
    def connecting(self, address: str) -> None: ...
    def connected(self, address: str) -> None: ...
    def failed(self, address: str, reason: Failure) -> None: ...
    def ended(self, address: str, new: int) -> None: ...
    def spooled(self, address: str, reading: Reading) -> None: ...
    def receipted(self, ids: Collection[str]) -> None: ...


def short_hash(address: str) -> str:
    """What logs call a device: no address, the same each time."""
    return hashlib.sha256(address.upper().encode()).hexdigest()[:8]
