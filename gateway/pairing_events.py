"""What can happen while a device is paired: what somebody does, and what the box is told."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from gateway.kinds import DeviceKind
from gateway.link import Failure
from vitals.reading import Reading

# What somebody does.


@dataclass(frozen=True, slots=True)
class Opened:
    """Pairing begins; opening what is open goes on with it."""


@dataclass(frozen=True, slots=True)
class Chose:
    """Which kind of device it is."""

    kind: DeviceKind


@dataclass(frozen=True, slots=True)
class Picked:
    """Which of the devices that are there."""

    address: str


@dataclass(frozen=True, slots=True)
class Entered:
    """The six digits that the device shows."""

    passkey: int


@dataclass(frozen=True, slots=True)
class Compared:
    """Whether the device shows the same number as the page."""

    same: bool


@dataclass(frozen=True, slots=True)
class TookStored:
    """No test reading now: what came out of the device's memory is proof enough."""


@dataclass(frozen=True, slots=True)
class WentBack:
    """To the step before; a device that was chosen is let go."""


@dataclass(frozen=True, slots=True)
class Forgot:
    """The device that was just paired is forgotten again."""


@dataclass(frozen=True, slots=True)
class WantsAnother:
    """One device is done; another one follows."""


@dataclass(frozen=True, slots=True)
class Closed:
    """Pairing ends: no unknown device is let in any more."""


Act = (
    Opened
    | Chose
    | Picked
    | Entered
    | Compared
    | TookStored
    | WentBack
    | Forgot
    | WantsAnother
    | Closed
)

# What the radio, the spool and the clock tell.


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighted:
    """A device that we could read advertised."""

    address: str
    kind: DeviceKind
    name: str | None = None
    rssi_dbm: int | None = None
    known: bool = False
    passkey_on_label: bool = False


@dataclass(frozen=True, slots=True)
class Linking:
    """The box begins to connect."""

    address: str
    kind: DeviceKind | None = None
    known: bool = False


@dataclass(frozen=True, slots=True)
class Linked:
    """The link is there, bonded and discovered."""

    address: str


@dataclass(frozen=True, slots=True)
class Broke:
    """A visit ended early."""

    address: str
    reason: Failure


@dataclass(frozen=True, slots=True)
class AsksPasskey:
    """The device shows six digits and the radio asks for them."""

    address: str


@dataclass(frozen=True, slots=True)
class AsksSame:
    """The device shows a number and asks whether the other side shows the same."""

    address: str
    number: int


@dataclass(frozen=True, slots=True)
class Shows:
    """The device has no display but keys: our passkey is to be entered there."""

    address: str
    number: int


@dataclass(frozen=True, slots=True)
class AskEnded:
    """The radio no longer waits for a passkey, a comparison or the device's keys."""

    address: str


@dataclass(frozen=True, slots=True)
class Spooled:
    """A new reading is durable in the box."""

    address: str
    reading: Reading


@dataclass(frozen=True, slots=True)
class Receipted:
    """The clinic has these readings."""

    ids: Collection[str]


@dataclass(frozen=True, slots=True)
class Ticked:
    """Time went by."""


Fact = (
    Sighted
    | Linking
    | Linked
    | Broke
    | AsksPasskey
    | AsksSame
    | Shows
    | AskEnded
    | Spooled
    | Receipted
    | Ticked
)
