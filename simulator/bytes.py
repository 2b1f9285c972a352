"""The few bytes that the virtual devices send, written after the GATT Specification Supplement.

Kept apart from `devices/` on purpose: a shared mistake would hide itself.
"""

from __future__ import annotations

import struct
from datetime import datetime

SEVEN_BYTES = 7
_KG_PER_STEP = 0.005


def sfloat(mantissa: int, exponent: int = 0) -> bytes:
    return struct.pack("<H", (mantissa & 0xFFF) | ((exponent & 0xF) << 12))


def date_time(shown: datetime) -> bytes:
    return struct.pack("<HBBBBB", shown.year, *shown.timetuple()[1:6])


def read_date_time(value: bytes) -> datetime:
    """Raise ValueError unless the first seven bytes are a date and time."""
    if len(value) < SEVEN_BYTES:
        raise ValueError("a Date Time has seven bytes")
    return datetime(*struct.unpack("<HBBBBB", value[:SEVEN_BYTES]))  # noqa: DTZ001 -- shown time


def current_time(shown: datetime) -> bytes:
    return date_time(shown) + bytes([shown.isoweekday(), shown.microsecond * 256 // 1_000_000, 0])


def blood_pressure(
    *, pressures: tuple[int, int, int], pulse: int, shown: datetime, user_slot: int
) -> bytes:
    """0x2A35 in mmHg with time, pulse, user and status."""
    numbers = b"".join(sfloat(pressure) for pressure in pressures)
    return bytes([0x1E]) + numbers + date_time(shown) + sfloat(pulse) + bytes([user_slot, 0, 0])


def glucose(*, sequence: int, mg_dl: int, shown: datetime, context: bool) -> bytes:
    """0x2A18 in kg/L (1 mg/dL is 1e-5 kg/L): capillary whole blood from a finger."""
    flags = 0x0B | (0x10 if context else 0)
    head = struct.pack("<BH", flags, sequence) + date_time(shown) + struct.pack("<h", 0)
    return head + sfloat(mg_dl, -5) + bytes([0x11, 0, 0])


def glucose_context(*, sequence: int, meal: int) -> bytes:
    """0x2A34 with nothing but the meal."""
    return struct.pack("<BHB", 0x02, sequence, meal)


def weight_steps(kg: float) -> int:
    return round(kg / _KG_PER_STEP)


def weight(*, steps: int, shown: datetime, user_slot: int) -> bytes:
    """0x2A9D in steps of 5 g with time and user."""
    return struct.pack("<BH", 0x06, steps) + date_time(shown) + bytes([user_slot])
