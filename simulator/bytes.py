"""The few bytes that the virtual devices send, written after the GATT Specification Supplement.

Kept apart from `devices/` on purpose: a shared mistake would hide itself.
"""

from __future__ import annotations

import struct
from datetime import datetime, timedelta

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


def swapped_pressure(
    *, pressures: tuple[int, int, int], pulse: int, shown: datetime, user_slot: int
) -> bytes:
    """0x2A35 as a Beurer BM 85 has it: no mean, big-endian pulse, a user whose flag is not set.

    github.com/derdilla/blood-pressure-monitor-fl/pull/735 and /pull/737.
    """
    systolic, diastolic, _ = pressures
    numbers = sfloat(systolic) + sfloat(diastolic) + sfloat(0)
    tail = struct.pack(">HBH", pulse, user_slot, 0)
    return bytes([0x56]) + numbers + date_time(shown) + tail


def glucose(
    *, sequence: int, mg_dl: int, shown: datetime, context: bool, offset_min: int = 0
) -> bytes:
    """0x2A18 in kg/L (1 mg/dL is 1e-5 kg/L): capillary whole blood from a finger.

    What the display showed is base time plus time offset.
    """
    flags = 0x0B | (0x10 if context else 0)
    base = shown - timedelta(minutes=offset_min)
    head = struct.pack("<BH", flags, sequence) + date_time(base) + struct.pack("<h", offset_min)
    return head + sfloat(mg_dl, -5) + bytes([0x11, 0, 0])


def glucose_context(*, sequence: int, meal: int) -> bytes:
    """0x2A34 with nothing but the meal."""
    return struct.pack("<BHB", 0x02, sequence, meal)


def weight_steps(kg: float) -> int:
    return round(kg / _KG_PER_STEP)


def weight(*, steps: int, shown: datetime, user_slot: int) -> bytes:
    """0x2A9D in steps of 5 g with time and user."""
    return struct.pack("<BH", 0x06, steps) + date_time(shown) + bytes([user_slot])


def composition(*, fat_tenths: int, impedance_tenths: int) -> bytes:
    """0x2A9C in SI: body fat in 0.1 %, impedance in 0.1 ohm; no time and no user."""
    return struct.pack("<HHH", 0x0200, fat_tenths, impedance_tenths)


def spot_check(*, spo2: int, pulse: int, shown: datetime) -> bytes:
    """0x2A5E with the time, in whole per cent and beats."""
    return bytes([0x01]) + sfloat(spo2) + sfloat(pulse) + date_time(shown)


def temperature(*, tenths_c: int, shown: datetime) -> bytes:
    """0x2A1C in degrees Celsius with the time: FLOAT, exponent -1."""
    number = struct.pack("<I", (tenths_c & 0xFFFFFF) | (0xFF << 24))
    return bytes([0x02]) + number + date_time(shown)


def heart_rate(*, per_min: int) -> bytes:
    """0x2A37 in one byte, of a strap that feels the skin."""
    return bytes([0x06, per_min])


def xiaomi_weight(*, steps: int, shown: datetime, settled: bool, stepped_off: bool) -> bytes:
    """Service data of 0x181D, in steps of 5 g: a Mi Smart Scale."""
    control = 0x02 | (0x20 if settled else 0) | (0x80 if stepped_off else 0)
    return struct.pack("<BH", control, steps) + date_time(shown)


def xiaomi_composition(
    *, steps: int, ohm: int, shown: datetime, settled: bool, stepped_off: bool
) -> bytes:
    """Service data of 0x181B, in steps of 5 g: a Mi Body Composition Scale."""
    control = 0x04 | (0x22 if settled else 0) | (0x80 if stepped_off else 0)
    head = bytes([0x02, control]) + date_time(shown)
    return head + struct.pack("<HH", ohm if settled else 0, steps)
