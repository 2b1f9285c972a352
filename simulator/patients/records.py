"""A measurement, and the bytes in which its device hands it over."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from datetime import datetime

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
    """In kg."""

    at: datetime
    kg: float


Taken = PressureTaken | GlucoseTaken | WeightTaken
KINDS: dict[type[Taken], str] = {
    PressureTaken: "blood_pressure",
    GlucoseTaken: "glucose",
    WeightTaken: "weight",
}
CHARACTERISTICS = {"blood_pressure": "2A35", "glucose": "2A18", "weight": "2A9D"}


def entry(
    taken: Taken, *, address: str, shown: datetime, slot: int | None, sequence: int | None
) -> Entry:
    """What the journal keeps: the truth, and the bytes. `shown` is the device's own time."""
    raw, values, context = _raw(taken, shown=shown, slot=slot, sequence=sequence or 0)
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
    taken: Taken, *, shown: datetime, slot: int | None, sequence: int
) -> tuple[bytes, dict[str, float], bytes | None]:
    if isinstance(taken, PressureTaken):
        return *_pressure(taken, shown, slot or 0), None
    if isinstance(taken, WeightTaken):
        return *_weight(taken, shown, slot or 0), None
    return _glucose(taken, shown, sequence)


def _pressure(taken: PressureTaken, shown: datetime, slot: int) -> tuple[bytes, dict[str, float]]:
    mean = taken.diastolic + (taken.systolic - taken.diastolic) // 3
    pressures = (taken.systolic, taken.diastolic, mean)
    raw = wire.blood_pressure(pressures=pressures, pulse=taken.pulse, shown=shown, user_slot=slot)
    names = ("systolic_mmhg", "diastolic_mmhg", "mean_arterial_mmhg", "pulse_per_min")
    return raw, dict(zip(names, (*pressures, taken.pulse), strict=True))


def _weight(taken: WeightTaken, shown: datetime, slot: int) -> tuple[bytes, dict[str, float]]:
    steps = wire.weight_steps(taken.kg)
    raw = wire.weight(steps=steps, shown=shown, user_slot=slot)
    return raw, {"weight_kg": round(steps * 0.005, 3)}


def _glucose(
    taken: GlucoseTaken, shown: datetime, sequence: int
) -> tuple[bytes, dict[str, float], bytes | None]:
    has_meal = taken.meal is not None
    raw = wire.glucose(sequence=sequence, mg_dl=taken.mg_dl or 0, shown=shown, context=has_meal)
    context = (
        None if taken.meal is None else wire.glucose_context(sequence=sequence, meal=taken.meal)
    )
    if taken.mg_dl is not None:
        return raw, {"glucose_mg_dl": taken.mg_dl}, context
    below = raw[: _CONCENTRATION.start] + _BELOW_RANGE + raw[_CONCENTRATION.stop :]
    return below, {}, context
