"""A measurement, and the bytes in which its device hands it over."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from simulator import bytes as wire
from simulator.journal import Entry

_BELOW_RANGE = struct.pack("<H", 0x0802)  # SFLOAT for minus infinity: the meter says LO
_CONCENTRATION = slice(12, 14)  # behind flags, sequence number, time and time offset


@dataclass(frozen=True, slots=True, kw_only=True)
class PressureTaken:
    """In mmHg and per minute."""

    at: datetime
    systolic: int
    diastolic: int
    pulse: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GlucoseTaken:
    """In mg/dL; None: below what the meter can show."""

    at: datetime
    mg_dl: int | None
    meal: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightTaken:
    """In kg; body fat in 0.1 % and impedance in ohm where the scale measures them."""

    at: datetime
    kg: float
    fat_tenths: int | None = None
    ohm: int = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class OximetryTaken:
    """In per cent and per minute."""

    at: datetime
    spo2: int
    pulse: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TemperatureTaken:
    """In tenths of a degree Celsius."""

    at: datetime
    tenths_c: int


@dataclass(frozen=True, slots=True, kw_only=True)
class HeartRateTaken:
    """Per minute."""

    at: datetime
    per_min: int


Taken = (
    PressureTaken | GlucoseTaken | WeightTaken | OximetryTaken | TemperatureTaken | HeartRateTaken
)
KINDS: dict[type[Taken], str] = {
    PressureTaken: "blood_pressure",
    GlucoseTaken: "glucose",
    WeightTaken: "weight",
    OximetryTaken: "pulse_oximetry",
    TemperatureTaken: "temperature",
    HeartRateTaken: "heart_rate",
}
CHARACTERISTICS = {"blood_pressure": "2A35", "glucose": "2A18", "weight": "2A9D"}


class Frame(StrEnum):
    """In whose way a measurement is written."""

    STANDARD = "standard"
    SWAPPED_PRESSURE = "beurer-swapped"
    XIAOMI_WEIGHT = "xiaomi-v1"
    XIAOMI_COMPOSITION = "xiaomi-v2"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """How a device says what it measured."""

    frame: Frame = Frame.STANDARD
    offset_min: int = 0  # between a meter's base time and what its display shows


USUAL = Wording()


def entry(
    taken: Taken,
    *,
    address: str,
    shown: datetime,
    slot: int | None,
    sequence: int | None,
    wording: Wording = USUAL,
) -> Entry:
    """What the journal keeps: the truth, and the bytes. `shown` is the device's own time."""
    raw, values, context = _raw(
        taken, shown=shown, slot=slot, sequence=sequence or 0, wording=wording
    )
    return Entry(
        address=address,
        kind=KINDS[type(taken)],
        measured_at=taken.at,
        device_time=shown,
        user_slot=slot,
        sequence=sequence,
        values=values,
        raw=raw.hex(),
        context=None if context is None else context.hex(),
    )


def _raw(
    taken: Taken, *, shown: datetime, slot: int | None, sequence: int, wording: Wording
) -> tuple[bytes, dict[str, float], bytes | None]:
    match taken:
        case PressureTaken():
            return *_pressure(taken, shown, slot or 0, wording.frame), None
        case WeightTaken():
            return _weight(taken, shown, slot or 0, wording.frame)
        case GlucoseTaken():
            return _glucose(taken, shown, sequence, wording.offset_min)
        case OximetryTaken(spo2=spo2, pulse=pulse):
            raw = wire.spot_check(spo2=spo2, pulse=pulse, shown=shown)
            return raw, {"spo2_pct": spo2, "pulse_per_min": pulse}, None
        case TemperatureTaken(tenths_c=tenths):
            raw = wire.temperature(tenths_c=tenths, shown=shown)
            return raw, {"temperature_c": tenths / 10}, None
        case HeartRateTaken(per_min=rate):
            return wire.heart_rate(per_min=rate), {"heart_rate_per_min": rate}, None


def _pressure(
    taken: PressureTaken, shown: datetime, slot: int, frame: Frame
) -> tuple[bytes, dict[str, float]]:
    mean = taken.diastolic + (taken.systolic - taken.diastolic) // 3
    pressures = (taken.systolic, taken.diastolic, mean)
    swapped = frame is Frame.SWAPPED_PRESSURE
    write = wire.swapped_pressure if swapped else wire.blood_pressure
    raw = write(pressures=pressures, pulse=taken.pulse, shown=shown, user_slot=slot)
    names = ("systolic_mmhg", "diastolic_mmhg", "mean_arterial_mmhg", "pulse_per_min")
    values: dict[str, float] = dict(zip(names, (*pressures, taken.pulse), strict=True))
    if swapped:
        del values["mean_arterial_mmhg"]
    return raw, values


def _weight(
    taken: WeightTaken, shown: datetime, slot: int, frame: Frame
) -> tuple[bytes, dict[str, float], bytes | None]:
    steps = wire.weight_steps(taken.kg)
    values = {"weight_kg": round(steps * 0.005, 3)}
    if frame is Frame.XIAOMI_WEIGHT:
        raw = wire.xiaomi_weight(steps=steps, shown=shown, settled=True, stepped_off=True)
        return raw, values, None
    if frame is Frame.XIAOMI_COMPOSITION:
        raw = wire.xiaomi_composition(
            steps=steps, ohm=taken.ohm, shown=shown, settled=True, stepped_off=True
        )
        return raw, values, None
    raw = wire.weight(steps=steps, shown=shown, user_slot=slot)
    if taken.fat_tenths is None:
        return raw, values, None
    fat = wire.composition(fat_tenths=taken.fat_tenths, impedance_tenths=10 * taken.ohm)
    return raw, values, fat


def _glucose(
    taken: GlucoseTaken, shown: datetime, sequence: int, offset_min: int
) -> tuple[bytes, dict[str, float], bytes | None]:
    has_meal = taken.meal is not None
    raw = wire.glucose(
        sequence=sequence,
        mg_dl=taken.mg_dl or 0,
        shown=shown,
        context=has_meal,
        offset_min=offset_min,
    )
    context = (
        None if taken.meal is None else wire.glucose_context(sequence=sequence, meal=taken.meal)
    )
    if taken.mg_dl is not None:
        return raw, {"glucose_mg_dl": taken.mg_dl}, context
    below = raw[: _CONCENTRATION.start] + _BELOW_RANGE + raw[_CONCENTRATION.stop :]
    return below, {}, context
