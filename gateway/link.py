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
    ) -> None:
        """Calls back at once with every early value of this characteristic, then with new ones."""
        ...


class PairingAgent(Protocol):
    """Whoever can read what a device shows and answer for the patient while it pairs.

    Cancelled when the device or the radio gives up; a radio allows about 30 s for an answer.
    """

    async def passkey(self, address: str) -> int | None:
        """The six digits that the device shows; None refuses."""
        ...

    async def confirm(self, address: str, number: int) -> bool:
        """Does the device show this very number?"""
        ...

    async def show(self, address: str, passkey: int) -> None:
        """Show these six digits, to be typed into the device. Returns without waiting for that."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Bond:
    """A device whose keys the radio keeps."""

    address: str
    name: str | None


class Health(StrEnum):
    """How an adapter is; the watchdog resets what is not ready."""

    READY = "ready"
    OFF = "off"  # powered off by somebody
    BLOCKED = "blocked"  # by rfkill, a switch or a setting of the system
    ABSENT = "absent"  # no adapter is there
    GONE = "gone"  # the Bluetooth service of the system does not run
    STUCK = "stuck"  # it scans, it says, but nothing is heard


@dataclass(frozen=True, slots=True, kw_only=True)
class AdapterState:
    """Facts for the watchdog, the doctor and the status message."""

    health: Health
    name: str | None  # hci0
    stack: str | None  # BlueZ 5.82; None: not known while it is gone
    resets: int = 0  # since the start


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlyValue:
    """What a device sent, and was told had arrived, before anybody had asked for it."""

    characteristic: str
    payload: bytes
    at: datetime


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
        services: Collection[str] | None = None,
    ) -> Any:
        """A link that is not there yet; `services` (128-bit UUIDs): ask for no others."""
        ...

    def identity_address(self, device: Any) -> str: ...
    def early(self, address: str) -> list[EarlyValue]:
        """Takes what came from a device and has not been handed to a callback, oldest first.

        The device has deleted it. So a visit asks when its link is up, and again when it ends,
        also when there never was a whole link.
        """
        ...

    async def bonds(self) -> list[Bond]: ...
    async def forget(self, address: str) -> None:
        """Drops the bond and all that is known of the device; nothing if there is none."""
        ...

    async def power(self) -> AdapterState: ...
    async def reset(self) -> None:
        """Power off and on. Links break; scanners go on by themselves."""
        ...


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

    def refuses(self, sighting: Sighting) -> bool:
        """Whether somebody at home had this device forgotten: it is left alone, accepted or not."""
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

    def refuses(self, sighting: Sighting) -> bool:  # noqa: ARG002
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
