"""Temperature Measurement (0x2A1C) and Intermediate Temperature (0x2A1E): a thermometer's reading.

GATT Specification Supplement, under these names; Health Thermometer Service 1.0, sections 3.1 and
3.3: one FLOAT in degrees Celsius or Fahrenheit, when, and where on the body. The intermediate one
has the same frame and is no reading: the number is still rising.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from devices import date_time, temperature_type
from devices.ieee11073 import MedicalFloat, pack_float, read_float
from devices.reader import Reader
from devices.uuids import short

CHARACTERISTIC = short(0x2A1C)
INTERMEDIATE = short(0x2A1E)

FAHRENHEIT = 1 << 0
HAS_TIME = 1 << 1
HAS_TYPE = 1 << 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Temperature:
    """One measurement in its own unit; a thermometer that failed sends NaN."""

    temperature: MedicalFloat
    unit: Literal["C", "F"]
    time: datetime | None = None
    type: int | None = None

    @property
    def valid(self) -> bool:
        return self.temperature.value is not None

    @property
    def celsius(self) -> float | None:
        """Degrees Celsius; converted ones to the nearest 0.01."""
        value = self.temperature.value
        if value is None or self.unit == "C":
            return value
        return round((value - 32) / 1.8, 2)

    @property
    def site(self) -> str | None:
        """Where on the body; None where it is not said or the number is reserved."""
        return None if self.type is None else temperature_type.SITES.get(self.type)


def decode(payload: bytes) -> Temperature:
    reader = Reader(payload, "temperature")
    flags = reader.u8("flags")
    reading = Temperature(
        unit="F" if flags & FAHRENHEIT else "C",
        temperature=read_float(reader, "temperature"),
        time=date_time.read(reader) if flags & HAS_TIME else None,
        type=reader.u8("type") if flags & HAS_TYPE else None,
    )
    reader.require_end()
    return reading


def encode(reading: Temperature) -> bytes:
    flags = FAHRENHEIT if reading.unit == "F" else 0
    body = pack_float(reading.temperature)
    if reading.time is not None:
        flags, body = flags | HAS_TIME, body + date_time.encode(reading.time)
    if reading.type is not None:
        flags, body = flags | HAS_TYPE, body + bytes([reading.type])
    return bytes([flags]) + body
