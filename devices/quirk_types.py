"""What a row of the quirk table says: how one family of devices departs from its services' word."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from vitals.reading import Kind


class Pairing(StrEnum):
    """What a person has to do for the bond."""

    NONE = "none"  # nothing is bonded
    AS_ASKED = "as_asked"  # not known before: the device says so when it is bonded
    JUST_WORKS = "just_works"
    PASSKEY = "passkey"  # six digits on the device's own display
    PASSKEY_ON_LABEL = "passkey_on_label"  # six digits printed on the back of the device


class Support(StrEnum):
    """What this project says of a family."""

    SUPPORTED = "supported"
    PARTLY = "partly"  # what it sends of itself, not the history that only its maker can read
    NOT_SUPPORTED = "not_supported"  # its maker's own protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Sign:
    """By what a family is known: all that is given here has to match, patterns from the start."""

    name: str | None = None  # advertised
    manufacturer: str | None = None  # 0x2A29
    model: str | None = None  # 0x2A24
    service_data: str | None = None  # 128-bit UUID of service data in the advertisement


@dataclass(frozen=True, slots=True, kw_only=True)
class Quirks:
    """One family. Characteristics and services are 128-bit UUIDs.

    `subscribe` is in the order to subscribe in; empty: whatever of its services has a codec.
    """

    family: str
    label: str
    kinds: tuple[Kind, ...] = ()
    support: Support = Support.SUPPORTED
    signs: tuple[Sign, ...] = ()
    services: frozenset[str] = frozenset()  # what it advertises; empty: not known
    subscribe: tuple[str, ...] = ()
    discover_all: bool = True  # False: ask only for the services that are needed
    pairing: Pairing = Pairing.AS_ASKED
    needs_consent: bool = False  # User Data Service: silent until a user slot is consented to
    advert_only: bool = False  # never connected to: the reading stands in the advertisement
    frame: str | None = None  # its own frame on a standard characteristic (`registry.DIALECTS`)
    set_clock: bool = True
    hangs_up: bool = False  # ends the link itself once it has sent everything
    brief: bool = False  # on the air for seconds after a measurement only
    sends_again: bool = False  # keeps what it has sent and sends it again at the next visit
    forgets_bond: bool = False  # may have lost its side of the bond: pair anew, do not give up
    captures: tuple[str, ...] = ()  # ids of frames of such devices in tests/devices/vectors.json
    simulated: bool = False  # the simulator has a product that behaves so
    on_bluez: bool = False  # and its conversation was held over the real BlueZ
    note: str = ""
    sources: tuple[str, ...] = ()
