"""What a measurement says, whichever codec read it, in the words of a reading: values, flags, slot.

One function for each measurement; a measurement that is no reading has none here (the pressure in a
cuff that still pumps, say). Units become those of `vitals.reading.CODINGS`. A value that the device
itself calls invalid is a failed measurement, whatever its number.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import singledispatch

from devices import glucose, glucose_context
from devices.beurer_cuff import BeurerPressure
from devices.blood_pressure import BloodPressure
from devices.body_composition import BodyComposition
from devices.cgm import CgmRecord
from devices.glucose import CONTROL_SOLUTION, Glucose
from devices.glucose_context import GlucoseContext
from devices.heart_rate import HeartRate
from devices.ieee11073 import MedicalFloat, Special
from devices.plx_continuous import Continuous
from devices.plx_spot_check import SpotCheck
from devices.temperature import Temperature
from devices.weight import Weight
from devices.xiaomi_scale import XiaomiComposition, XiaomiWeight
from vitals.reading import Absent, Comparator, Kind, Measure, Value, coded

_ABSENT = {Special.NAN: Absent.NAN, Special.NRES: Absent.NRES, Special.RESERVED: Absent.RESERVED}
_BEYOND = {Special.POS_INF: Comparator.ABOVE, Special.NEG_INF: Comparator.BELOW}
_NOT_AVAILABLE = 15  # of a nibble: the meter cannot say

Context = dict[str, str | float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What a codec's measurement says, in one shape for all of them."""

    kind: Kind
    values: list[Value]
    device_time: datetime | None = None
    clock_set: bool = True  # False: the device says that its clock was never set
    user_slot: int | None = None
    sequence: int | None = None
    flags: list[str] = field(default_factory=list)
    context: Context = field(default_factory=dict)


@singledispatch
def content_of(measurement: object) -> Content | None:
    """None: it is a measurement of nobody."""
    del measurement
    return None


@content_of.register
def _(bp: BloodPressure) -> Content:
    values = [
        _number(Measure.SYSTOLIC, bp.systolic, bp.systolic_mmhg),
        _number(Measure.DIASTOLIC, bp.diastolic, bp.diastolic_mmhg),
        _mean_arterial(bp),
    ]
    if bp.pulse is not None:
        values.append(_number(Measure.PULSE, bp.pulse, bp.pulse_per_min))
    flags = {
        "body_movement": bp.body_movement,
        "cuff_too_loose": bp.cuff_too_loose,
        "irregular_pulse": bp.irregular_pulse,
        "improper_position": bp.improper_position,
        "pulse_above_range": bp.pulse_range == "above",
        "pulse_below_range": bp.pulse_range == "below",
    }
    return Content(
        kind=Kind.BLOOD_PRESSURE,
        values=values,
        device_time=bp.time,
        user_slot=None if bp.user_unknown else bp.user_id,
        flags=[name for name, is_set in flags.items() if is_set],
    )


@content_of.register
def _(pressure: BeurerPressure) -> Content | None:
    return content_of(pressure.reading)


@content_of.register
def _(record: Glucose) -> Content:
    flags = list(record.status_names or ())
    if record.type == CONTROL_SOLUTION:
        flags.append("control_solution")
    context = _named(
        {
            "sample_type": (glucose.TYPES, record.type),
            "sample_location": (glucose.LOCATIONS, record.location),
        }
    )
    return Content(
        kind=Kind.GLUCOSE,
        values=[_glucose_value(record)],
        device_time=record.user_facing_time,
        sequence=record.sequence,
        flags=flags,
        context=context,
    )


@content_of.register
def _(scale: Weight) -> Content:
    failed = scale.weight_kg is None
    values = [coded(Measure.WEIGHT, scale.weight_kg, absent=Absent.NAN if failed else None)]
    if scale.bmi:  # zero: the scale knows no height
        values.append(coded(Measure.BMI, scale.bmi))
    if scale.height_m:
        values.append(coded(Measure.HEIGHT, scale.height_m))
    return Content(
        kind=Kind.WEIGHT,
        values=values,
        device_time=scale.time,
        user_slot=None if scale.user_unknown else scale.user_id,
    )


@content_of.register
def _(composition: BodyComposition) -> Content:
    """Alone: with a weight of its own it is a weighing, without one nothing else."""
    values = []
    if composition.weight_kg:
        values.append(coded(Measure.WEIGHT, composition.weight_kg))
    if composition.height_m and composition.weight_kg:
        values.append(coded(Measure.HEIGHT, composition.height_m))
    if composition.valid:
        values.append(coded(Measure.BODY_FAT, composition.body_fat_pct))
    return Content(
        kind=Kind.WEIGHT if composition.weight_kg else Kind.BODY_COMPOSITION,
        values=values or [coded(Measure.BODY_FAT, absent=Absent.NAN)],
        device_time=composition.time,
        user_slot=None if composition.user_unknown else composition.user_id,
        context=context_of_composition(composition),
    )


@content_of.register
def _(frame: XiaomiWeight | XiaomiComposition) -> Content:
    context: Context = {}
    if isinstance(frame, XiaomiComposition) and frame.impedance_ohm is not None:
        context["impedance_ohm"] = frame.impedance_ohm
    return Content(
        kind=Kind.WEIGHT,
        values=[coded(Measure.WEIGHT, frame.weight_kg)],
        device_time=frame.time,
        flags=[] if frame.stabilised else ["not_stabilised"],
        context=context,
    )


@content_of.register
def _(check: SpotCheck) -> Content:
    return Content(
        kind=Kind.PULSE_OXIMETRY,
        values=_oximetry(check.spo2, check.pulse, valid=check.valid),
        device_time=check.time,
        clock_set=check.clock_set,
        flags=[*check.status_names, *([] if check.clock_set else ["clock_not_set"])],
        context=_amplitude(check.amplitude),
    )


@content_of.register
def _(moment: Continuous) -> Content:
    return Content(
        kind=Kind.PULSE_OXIMETRY,
        values=_oximetry(moment.normal.spo2, moment.normal.pulse, valid=moment.valid),
        flags=list(moment.status_names),
        context=_amplitude(moment.amplitude),
    )


@content_of.register
def _(reading: Temperature) -> Content:
    return Content(
        kind=Kind.TEMPERATURE,
        values=[_number(Measure.TEMPERATURE, reading.temperature, reading.celsius)],
        device_time=reading.time,
        context={} if reading.site is None else {"site": reading.site},
    )


@content_of.register
def _(beat: HeartRate) -> Content:
    rate = coded(Measure.HEART_RATE, beat.beats_per_minute)
    return Content(
        kind=Kind.HEART_RATE,
        values=[rate if beat.valid else coded(Measure.HEART_RATE, absent=Absent.NAN)],
        flags=["no_contact"] if beat.contact is False else [],
        context={} if beat.energy_kj is None else {"energy_kj": beat.energy_kj},
    )


@content_of.register
def _(record: CgmRecord) -> Content:
    """Its time is minutes of a session: who knows when that began, dates it (`normalise`)."""
    numbers = {"trend_mg_dl_min": record.trend, "quality_pct": record.quality}
    value = _number(Measure.SENSOR_GLUCOSE, record.concentration, record.mg_dl)
    if record.comparator is not None:
        bound = Comparator(record.comparator)
        value = coded(Measure.SENSOR_GLUCOSE, record.mg_dl or None, comparator=bound)
    return Content(
        kind=Kind.CONTINUOUS_GLUCOSE,
        values=[value],
        flags=list(record.status_names),
        context={"session_min": record.time_offset_min} | _numbers(numbers),
    )


def context_of_glucose(context: GlucoseContext) -> Context:
    numbers = {
        "carbohydrate_kg": context.carb_kg,
        f"medication_{context.medication_unit}": context.medication,
        "hba1c_pct": context.hba1c_pct,
    }
    exercise = {
        "exercise_s": context.exercise_duration_s,
        "exercise_pct": context.exercise_intensity_pct,
    }
    named = {
        "carbohydrate": (glucose_context.CARBOHYDRATES, context.carb_id),
        "meal": (glucose_context.MEALS, context.meal),
        "tester": (glucose_context.TESTERS, context.tester),
        "health": (glucose_context.HEALTH, context.health),
        "medication": (glucose_context.MEDICATIONS, context.medication_id),
    }
    known: Context = {k: v for k, v in exercise.items() if v is not None}
    return known | _named(named) | _numbers(numbers)


def context_of_composition(composition: BodyComposition) -> Context:
    """Empty where the scale measured nothing: zeros are no measurement."""
    if not composition.valid:
        return {}
    numbers = {
        "body_fat_pct": composition.body_fat_pct,
        "muscle_pct": composition.muscle_pct,
        "muscle_kg": composition.in_kg(composition.muscle_mass),
        "fat_free_kg": composition.in_kg(composition.fat_free_mass),
        "soft_lean_kg": composition.in_kg(composition.soft_lean_mass),
        "body_water_kg": composition.in_kg(composition.body_water_mass),
        "impedance_ohm": composition.impedance_ohm,
        "basal_metabolism_kj": composition.basal_metabolism_kj,
    }
    return {name: number for name, number in numbers.items() if number}


def _number(measure: Measure, number: MedicalFloat, value: float | None) -> Value:
    """`value` is `number` in the agreed unit; a special says why there is none."""
    if number.special is None:
        return coded(measure, value)
    beyond = _BEYOND.get(number.special)
    if beyond is not None:
        return coded(measure, comparator=beyond)
    return coded(measure, absent=_ABSENT[number.special])


def _mean_arterial(bp: BloodPressure) -> Value:
    """Cuffs that do not work it out send NaN, or zero."""
    if bp.mean_arterial.value == 0:
        return coded(Measure.MEAN_ARTERIAL, absent=Absent.NAN)
    return _number(Measure.MEAN_ARTERIAL, bp.mean_arterial, bp.mean_arterial_mmhg)


def _glucose_value(record: Glucose) -> Value:
    if record.comparator is not None:
        # A meter that says LO may send zero beside it: the bound is the message, not that number.
        value = record.mg_dl or None
        return coded(Measure.GLUCOSE, value, comparator=Comparator(record.comparator))
    if record.concentration is None:
        return coded(Measure.GLUCOSE, absent=Absent.NAN)
    return _number(Measure.GLUCOSE, record.concentration, record.mg_dl)


def _oximetry(spo2: MedicalFloat, pulse: MedicalFloat, *, valid: bool) -> list[Value]:
    if not valid:
        return [coded(measure, absent=Absent.NAN) for measure in (Measure.SPO2, Measure.PULSE)]
    return [
        _number(Measure.SPO2, spo2, spo2.value),
        _number(Measure.PULSE, pulse, pulse.value),
    ]


def _amplitude(amplitude: MedicalFloat | None) -> Context:
    return _numbers({"amplitude_pct": amplitude})


def _named(numbers: Mapping[str, tuple[Mapping[int, str], int | None]]) -> Context:
    """By name; a number that is reserved stays a number."""
    return {
        key: names.get(number, number)
        for key, (names, number) in numbers.items()
        if number is not None and number != _NOT_AVAILABLE
    }


def _numbers(numbers: dict[str, MedicalFloat | None]) -> Context:
    return {
        name: number.value
        for name, number in numbers.items()
        if number is not None and number.value is not None
    }
