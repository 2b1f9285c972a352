"""Temperature Type (0x2A1D): where on the body a thermometer always measures.

GATT Specification Supplement, under this name; Health Thermometer Service 1.0, section 3.2.
"""

from __future__ import annotations

from dataclasses import dataclass

from devices.reader import Reader
from devices.uuids import short

CHARACTERISTIC = short(0x2A1D)

SITES = {
    1: "armpit",
    2: "body",
    3: "ear",
    4: "finger",
    5: "gastrointestinal_tract",
    6: "mouth",
    7: "rectum",
    8: "toe",
    9: "eardrum",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class TemperatureType:
    """`site` is None for a number that is reserved."""

    type: int

    @property
    def site(self) -> str | None:
        return SITES.get(self.type)


def decode(payload: bytes) -> TemperatureType:
    reader = Reader(payload, "temperature type")
    kind = TemperatureType(type=reader.u8("type"))
    reader.require_end()
    return kind


def encode(kind: TemperatureType) -> bytes:
    return bytes([kind.type])
