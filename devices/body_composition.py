"""Body Composition Measurement (0x2A9C): what a scale works out beside the weight.

GATT Specification Supplement, under this name; Body Composition Service 1.0, section 3.2. It
often has neither time nor user: then it belongs to the weight (0x2A9D) that was indicated just
before it. What does not fit into one indication comes in two (`more_packets`): `merged` makes
them one. Scales that measured nothing but a weight may send all zeros: not a measurement.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from datetime import datetime
from decimal import Decimal
from typing import Literal

from devices import date_time
from devices.reader import Reader
from devices.uuids import short
from devices.weight import HEIGHT_STEP_M, MASS_STEP, UNSUCCESSFUL, USER_UNKNOWN, kilograms, steps

CHARACTERISTIC = short(0x2A9C)

IMPERIAL = 1 << 0
HAS_TIME = 1 << 1
HAS_USER = 1 << 2
HAS_METABOLISM = 1 << 3
HAS_MUSCLE_PERCENTAGE = 1 << 4
HAS_MUSCLE_MASS = 1 << 5
HAS_FAT_FREE_MASS = 1 << 6
HAS_SOFT_LEAN_MASS = 1 << 7
HAS_BODY_WATER_MASS = 1 << 8
HAS_IMPEDANCE = 1 << 9
HAS_WEIGHT = 1 << 10
HAS_HEIGHT = 1 << 11
MORE_PACKETS = 1 << 12

_PERCENT_STEP = Decimal("0.1")
_OHM_STEP = Decimal("0.1")
_WHOLE = 100.0  # percent

_MASSES = (
    (HAS_MUSCLE_MASS, "muscle_mass"),
    (HAS_FAT_FREE_MASS, "fat_free_mass"),
    (HAS_SOFT_LEAN_MASS, "soft_lean_mass"),
    (HAS_BODY_WATER_MASS, "body_water_mass"),
)
_MEASURED = ("body_fat_pct", "muscle_pct", *(name for _, name in _MASSES), "impedance_ohm")


@dataclass(frozen=True, slots=True, kw_only=True)
class BodyComposition:
    """Masses are in `unit`; `body_fat_pct` is None where the scale says that it failed."""

    body_fat_pct: float | None
    unit: Literal["kg", "lb"]
    time: datetime | None = None
    user_id: int | None = None
    basal_metabolism_kj: int | None = None
    muscle_pct: float | None = None
    muscle_mass: float | None = None
    fat_free_mass: float | None = None
    soft_lean_mass: float | None = None
    body_water_mass: float | None = None
    impedance_ohm: float | None = None
    weight: float | None = None
    height_m: float | None = None
    more_packets: bool = False

    @property
    def valid(self) -> bool:
        """Something was measured: not failed, and not all of it zero."""
        if self.body_fat_pct is None:
            return False
        return any(getattr(self, name) for name in _MEASURED)

    @property
    def user_unknown(self) -> bool:
        return self.user_id == USER_UNKNOWN

    @property
    def weight_kg(self) -> float | None:
        return self.in_kg(self.weight)

    def in_kg(self, mass: float | None) -> float | None:
        """One of its masses in kilograms; converted pounds to the nearest 0.01 kg."""
        return kilograms(mass, self.unit)


def merged(first: BodyComposition, second: BodyComposition) -> BodyComposition:
    """Two packets of one measurement as one: what the first does not say is the second's."""
    added = {
        field.name: getattr(second, field.name)
        for field in fields(BodyComposition)
        if getattr(first, field.name) is None
    }
    return replace(first, **added, more_packets=False)


def decode(payload: bytes) -> BodyComposition:
    reader = Reader(payload, "body composition")
    flags = reader.u16("flags")
    unit: Literal["kg", "lb"] = "lb" if flags & IMPERIAL else "kg"
    fat = _percentage(reader, "body fat", may_fail=True)
    time = date_time.read(reader) if flags & HAS_TIME else None
    user = reader.u8("user id") if flags & HAS_USER else None
    metabolism = reader.u16("basal metabolism") if flags & HAS_METABOLISM else None
    muscle = _percentage(reader, "muscle") if flags & HAS_MUSCLE_PERCENTAGE else None
    masses = {
        name: _stepped(reader, name, MASS_STEP[unit]) if flags & bit else None
        for bit, name in _MASSES
    }
    ohm = _stepped(reader, "impedance", _OHM_STEP) if flags & HAS_IMPEDANCE else None
    mass = _stepped(reader, "weight", MASS_STEP[unit]) if flags & HAS_WEIGHT else None
    height = _stepped(reader, "height", HEIGHT_STEP_M[unit]) if flags & HAS_HEIGHT else None
    reader.require_end()
    return BodyComposition(
        unit=unit,
        body_fat_pct=fat,
        time=time,
        user_id=user,
        basal_metabolism_kj=metabolism,
        muscle_pct=muscle,
        impedance_ohm=ohm,
        weight=mass,
        height_m=height,
        more_packets=bool(flags & MORE_PACKETS),
        **masses,
    )


def encode(reading: BodyComposition) -> bytes:
    """Rounded to the resolutions of the wire."""
    mass, height = MASS_STEP[reading.unit], HEIGHT_STEP_M[reading.unit]
    optional = (
        (HAS_TIME, None if reading.time is None else date_time.encode(reading.time)),
        (HAS_USER, _integer(reading.user_id, 1)),
        (HAS_METABOLISM, _integer(reading.basal_metabolism_kj, 2)),
        (HAS_MUSCLE_PERCENTAGE, _steps(reading.muscle_pct, _PERCENT_STEP)),
        *((bit, _steps(getattr(reading, name), mass)) for bit, name in _MASSES),
        (HAS_IMPEDANCE, _steps(reading.impedance_ohm, _OHM_STEP)),
        (HAS_WEIGHT, _steps(reading.weight, mass)),
        (HAS_HEIGHT, _steps(reading.height_m, height)),
    )
    flags = (IMPERIAL if reading.unit == "lb" else 0) | (MORE_PACKETS * reading.more_packets)
    flags |= sum(bit for bit, field in optional if field is not None)
    fat = _steps(reading.body_fat_pct, _PERCENT_STEP) or UNSUCCESSFUL.to_bytes(2, "little")
    return flags.to_bytes(2, "little") + fat + b"".join(field or b"" for _, field in optional)


def _percentage(reader: Reader, name: str, *, may_fail: bool = False) -> float | None:
    """More than the whole is another frame than the flags say, not a measurement."""
    raw = reader.u16(f"{name} percentage")
    if may_fail and raw == UNSUCCESSFUL:
        return None
    value = float(raw * _PERCENT_STEP)
    if value > _WHOLE:
        reader.fail(f"{name} of {value} percent", at=reader.offset - 2)
    return value


def _stepped(reader: Reader, name: str, step: Decimal) -> float:
    return float(reader.u16(name.replace("_", " ")) * step)


def _steps(value: float | None, step: Decimal) -> bytes | None:
    return None if value is None else steps(value, step)


def _integer(value: int | None, size: int) -> bytes | None:
    return None if value is None else value.to_bytes(size, "little")
