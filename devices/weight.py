"""Weight Measurement (0x2A9D): what a scale indicates once it has settled.

GATT Specification Supplement, under this name; Weight Scale Service 1.0.1, section 3.2.
Resolutions: 0.005 kg or 0.01 lb; height 0.001 m or 0.1 in; body mass index 0.1.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Literal

from devices import date_time
from devices.reader import Reader
from devices.uuids import short

CHARACTERISTIC = short(0x2A9D)

IMPERIAL = 1 << 0
HAS_TIME = 1 << 1
HAS_USER = 1 << 2
HAS_BMI_HEIGHT = 1 << 3

UNSUCCESSFUL = 0xFFFF
USER_UNKNOWN = 0xFF

KG_PER_LB = 0.45359237  # NIST Handbook 44, Appendix C: exact
MASS_STEP = {"kg": Decimal("0.005"), "lb": Decimal("0.01")}
HEIGHT_STEP_M = {"kg": Decimal("0.001"), "lb": Decimal("0.00254")}  # a tenth of an inch
_BMI_STEP = Decimal("0.1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Weight:
    """One weighing; `weight` is in its unit, None where the scale says that it failed."""

    weight: float | None
    unit: Literal["kg", "lb"]
    time: datetime | None = None
    user_id: int | None = None
    bmi: float | None = None
    height_m: float | None = None

    @property
    def valid(self) -> bool:
        return self.weight is not None

    @property
    def weight_kg(self) -> float | None:
        return kilograms(self.weight, self.unit)

    @property
    def user_unknown(self) -> bool:
        return self.user_id == USER_UNKNOWN


def kilograms(mass: float | None, unit: Literal["kg", "lb"]) -> float | None:
    """Converted pounds are given to the nearest 0.01 kg."""
    if mass is None or unit == "kg":
        return mass
    return round(mass * KG_PER_LB, 2)


def decode(payload: bytes) -> Weight:
    reader = Reader(payload, "weight")
    flags = reader.u8("flags")
    unit: Literal["kg", "lb"] = "lb" if flags & IMPERIAL else "kg"
    raw = reader.u16("weight")
    reading = Weight(
        unit=unit,
        weight=None if raw == UNSUCCESSFUL else float(raw * MASS_STEP[unit]),
        time=date_time.read(reader) if flags & HAS_TIME else None,
        user_id=reader.u8("user id") if flags & HAS_USER else None,
        bmi=float(reader.u16("BMI") * _BMI_STEP) if flags & HAS_BMI_HEIGHT else None,
        height_m=float(reader.u16("height") * HEIGHT_STEP_M[unit])
        if flags & HAS_BMI_HEIGHT
        else None,
    )
    reader.require_end()
    return reading


def encode(reading: Weight) -> bytes:
    """Round to the scale's resolution; BMI and height share a flag, a missing one is sent as 0."""
    flags = IMPERIAL if reading.unit == "lb" else 0
    body = _weight(reading)
    if reading.time is not None:
        flags, body = flags | HAS_TIME, body + date_time.encode(reading.time)
    if reading.user_id is not None:
        flags, body = flags | HAS_USER, body + bytes([reading.user_id])
    if reading.bmi is not None or reading.height_m is not None:
        flags |= HAS_BMI_HEIGHT
        body += steps(reading.bmi or 0, _BMI_STEP)
        body += steps(reading.height_m or 0, HEIGHT_STEP_M[reading.unit])
    return bytes([flags]) + body


def _weight(reading: Weight) -> bytes:
    if reading.weight is None:
        return UNSUCCESSFUL.to_bytes(2, "little")
    return steps(reading.weight, MASS_STEP[reading.unit])


def steps(value: float, step: Decimal) -> bytes:
    """Two bytes that count steps: rounded to the resolution of the wire."""
    return round(Decimal(repr(value)) / step).to_bytes(2, "little")
