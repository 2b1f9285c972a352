"""Body Sensor Location (0x2A38): where a heart-rate sensor is worn.

GATT Specification Supplement, under this name; Heart Rate Service 1.0, section 3.2.
"""

from __future__ import annotations

from dataclasses import dataclass

from devices.reader import Reader
from devices.uuids import short

CHARACTERISTIC = short(0x2A38)

PLACES = ("other", "chest", "wrist", "finger", "hand", "ear_lobe", "foot")


@dataclass(frozen=True, slots=True, kw_only=True)
class BodySensorLocation:
    """`place` is None for a number that is reserved."""

    location: int

    @property
    def place(self) -> str | None:
        return PLACES[self.location] if self.location < len(PLACES) else None


def decode(payload: bytes) -> BodySensorLocation:
    reader = Reader(payload, "body sensor location")
    location = BodySensorLocation(location=reader.u8("location"))
    reader.require_end()
    return location


def encode(location: BodySensorLocation) -> bytes:
    return bytes([location.location])
