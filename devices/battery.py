"""Battery Level (0x2A19): charge in percent.

GATT Specification Supplement, under this name; Battery Service 1.1, section 3.1.
"""

from __future__ import annotations

from dataclasses import dataclass

from devices.reader import Reader
from devices.uuids import short

CHARACTERISTIC = short(0x2A19)

_FULL = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Battery:
    """How full the battery is."""

    percent: int


def decode(payload: bytes) -> Battery:
    reader = Reader(payload, "battery level")
    percent = reader.u8("level")
    if percent > _FULL:
        reader.fail(f"level {percent} is above {_FULL} percent", at=0)
    reader.require_end()
    return Battery(percent=percent)


def encode(battery: Battery) -> bytes:
    return bytes([battery.percent])
