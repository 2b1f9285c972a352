"""A decoded characteristic as JSON: the one place that knows the names outsiders read.

Rule: a number that is no number is its name ("NaN", "+INF"...), and what is not known is null.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import singledispatch

from devices import glucose, glucose_context, registry, user_control
from devices.battery import Battery
from devices.beurer_cuff import BeurerPressure
from devices.blood_pressure import BloodPressure
from devices.blood_pressure_feature import BloodPressureFeature
from devices.body_composition import BodyComposition
from devices.body_composition_feature import BodyCompositionFeature
from devices.body_sensor_location import BodySensorLocation
from devices.cgm import CgmRecord
from devices.cgm_session import CgmSession
from devices.current_time import CurrentTime
from devices.glucose import Glucose
from devices.glucose_context import GlucoseContext
from devices.glucose_feature import GlucoseFeature
from devices.heart_rate import HeartRate
from devices.ieee11073 import MedicalFloat
from devices.intermediate_cuff import IntermediateCuffPressure
from devices.measurement_interval import MeasurementInterval
from devices.plx_continuous import Continuous
from devices.plx_feature import PlxFeature
from devices.plx_spot_check import SpotCheck
from devices.racp import Bound, NumberOfRecords, Operator, Request, Response
from devices.temperature import Temperature
from devices.temperature_type import TemperatureType
from devices.user_index import UserIndex
from devices.weight import Weight
from devices.weight_feature import WeightFeature
from devices.xiaomi_scale import XiaomiComposition, XiaomiWeight

Scalar = str | int | float | bool | None
Json = Scalar | list[str] | list[float] | list[dict[str, "Scalar | list[str]"]]

_OPERATORS = {
    Operator.NULL: "null",
    Operator.ALL: "all",
    Operator.LESS_OR_EQUAL: "<=",
    Operator.GREATER_OR_EQUAL: ">=",
    Operator.RANGE: "range",
    Operator.FIRST: "first",
    Operator.LAST: "last",
}
_FILTERS = {1: "sequence", 2: "user_facing_time"}


def view(name: str, payload: bytes) -> dict[str, Json]:
    """Decode and name the fields; flags are shown as they came, and whose own frame it is."""
    codec, measurement = registry.read(name, payload)
    names = dict(fields(measurement))
    if codec.flag_bytes:
        names = {"flags": int.from_bytes(payload[: codec.flag_bytes], "little"), **names}
    return {"vendor": codec.vendor, **names} if codec.vendor else names


@singledispatch
def fields(measurement: object) -> Mapping[str, Json]:
    raise TypeError(f"no JSON names for {type(measurement).__name__}")


@fields.register
def _(time: datetime | None) -> Mapping[str, Json]:
    return {"time": _time(time)}


@fields.register
def _(text: str) -> Mapping[str, Json]:
    return {"text": text}


@fields.register
def _(number: MedicalFloat) -> Mapping[str, Json]:
    return {"raw": number.raw, "value": _number(number)}


@fields.register
def _(battery: Battery) -> Mapping[str, Json]:
    return {"percent": battery.percent}


@fields.register
def _(clock: CurrentTime) -> Mapping[str, Json]:
    return {
        "time": _time(clock.time),
        "day_of_week": clock.day_of_week,
        "fractions256": clock.fractions256,
        "adjust_reason": clock.adjust_reason,
    }


@fields.register
def _(reading: BloodPressure) -> Mapping[str, Json]:
    return {
        "unit": reading.unit,
        "systolic": _number(reading.systolic),
        "diastolic": _number(reading.diastolic),
        "map": _number(reading.mean_arterial),
        "systolic_mmhg": reading.systolic_mmhg,
        "diastolic_mmhg": reading.diastolic_mmhg,
        "map_mmhg": reading.mean_arterial_mmhg,
        "time": _time(reading.time),
        "pulse": _number(reading.pulse),
        "user_id": reading.user_id,
        "user_unknown": reading.user_unknown,
        "status": reading.status,
        "body_movement": reading.body_movement,
        "cuff_too_loose": reading.cuff_too_loose,
        "irregular_pulse": reading.irregular_pulse,
        "pulse_range": reading.pulse_range,
        "improper_position": reading.improper_position,
        "valid": reading.valid,
    }


@fields.register
def _(pressure: BeurerPressure) -> Mapping[str, Json]:
    return fields(pressure.reading)


@fields.register
def _(reading: IntermediateCuffPressure) -> Mapping[str, Json]:
    return {
        "unit": reading.unit,
        "pressure": _number(reading.pressure),
        "pressure_mmhg": reading.pressure_mmhg,
        "time": _time(reading.time),
        "pulse": _number(reading.pulse),
        "user_id": reading.user_id,
        "status": reading.status,
    }


@fields.register
def _(feature: BloodPressureFeature | GlucoseFeature) -> Mapping[str, Json]:
    return {"features": feature.bits, "names": list(feature.names)}


@fields.register
def _(feature: WeightFeature | BodyCompositionFeature) -> Mapping[str, Json]:
    return {
        "features": feature.bits,
        "names": list(feature.names),
        "mass_step_kg": feature.mass_step_kg,
        "height_step_m": feature.height_step_m,
    }


@fields.register
def _(feature: PlxFeature) -> Mapping[str, Json]:
    return {
        "features": feature.all_bits,
        "names": list(feature.names),
        "measurement_status_support": feature.measurement_status,
        "sensor_status_support": feature.sensor_status,
    }


@fields.register
def _(record: Glucose) -> Mapping[str, Json]:
    names = record.status_names
    return {
        "sequence": record.sequence,
        "base_time": _time(record.base_time),
        "time_offset_min": record.time_offset_min,
        "user_facing_time": _time(record.user_facing_time),
        "unit": record.unit,
        "concentration_sfloat": _number(record.concentration),
        "mg_dl": record.mg_dl,
        "mmol_l": record.mmol_l,
        "comparator": record.comparator,
        "type": record.type,
        "type_name": _name(glucose.TYPES, record.type),
        "location": record.location,
        "location_name": _name(glucose.LOCATIONS, record.location),
        "status": record.status,
        "status_names": None if names is None else list(names),
        "context_follows": record.context_follows,
        "valid": record.valid,
    }


@fields.register
def _(context: GlucoseContext) -> Mapping[str, Json]:
    return {
        "sequence": context.sequence,
        "extended_flags": context.extended_flags,
        "carb_id": context.carb_id,
        "carb_name": _name(glucose_context.CARBOHYDRATES, context.carb_id),
        "carb_kg": _number(context.carb_kg),
        "meal": context.meal,
        "meal_name": _name(glucose_context.MEALS, context.meal),
        "tester": context.tester,
        "tester_name": _name(glucose_context.TESTERS, context.tester),
        "health": context.health,
        "health_name": _name(glucose_context.HEALTH, context.health),
        "exercise_duration_s": context.exercise_duration_s,
        "exercise_intensity_pct": context.exercise_intensity_pct,
        "medication_id": context.medication_id,
        "medication_name": _name(glucose_context.MEDICATIONS, context.medication_id),
        "medication": _number(context.medication),
        "medication_unit": context.medication_unit,
        "hba1c_pct": _number(context.hba1c_pct),
    }


@fields.register
def _(reading: Weight) -> Mapping[str, Json]:
    return {
        "unit": reading.unit,
        "weight_kg": reading.weight_kg,
        "weight_lb": reading.weight if reading.unit == "lb" else None,
        "time": _time(reading.time),
        "user_id": reading.user_id,
        "user_unknown": reading.user_unknown,
        "bmi": reading.bmi,
        "height_m": reading.height_m,
        "valid": reading.valid,
    }


@fields.register
def _(reading: BodyComposition) -> Mapping[str, Json]:
    return {
        "unit": reading.unit,
        "body_fat_pct": reading.body_fat_pct,
        "time": _time(reading.time),
        "user_id": reading.user_id,
        "user_unknown": reading.user_unknown,
        "basal_metabolism_kj": reading.basal_metabolism_kj,
        "muscle_pct": reading.muscle_pct,
        "muscle_kg": reading.in_kg(reading.muscle_mass),
        "fat_free_kg": reading.in_kg(reading.fat_free_mass),
        "soft_lean_kg": reading.in_kg(reading.soft_lean_mass),
        "body_water_mass_kg": reading.in_kg(reading.body_water_mass),
        "impedance_ohm": reading.impedance_ohm,
        "weight_kg": reading.weight_kg,
        "height_m": reading.height_m,
        "more_packets": reading.more_packets,
        "valid": reading.valid,
    }


@fields.register
def _(frame: XiaomiWeight) -> Mapping[str, Json]:
    return {
        "control": frame.control,
        "unit": frame.unit,
        "weight_kg": frame.weight_kg,
        "time": _time(frame.time),
        "stabilized": frame.stabilised,
        "load_removed": frame.load_removed,
    }


@fields.register
def _(frame: XiaomiComposition) -> Mapping[str, Json]:
    return {
        "ctrl0": frame.control[0],
        "ctrl1": frame.control[1],
        "unit": frame.unit,
        "weight_kg": frame.weight_kg,
        "time": _time(frame.time),
        "stabilized": frame.stabilised,
        "load_removed": frame.load_removed,
        "has_impedance": frame.has_impedance,
        "impedance": frame.impedance,
        "impedance_ohm": frame.impedance_ohm,
    }


@fields.register
def _(reading: SpotCheck) -> Mapping[str, Json]:
    return {
        "spo2": _number(reading.spo2),
        "pulse": _number(reading.pulse),
        "time": _time(reading.time),
        "clock_set": reading.clock_set,
        "measurement_status": reading.measurement_status,
        "sensor_status": reading.sensor_status,
        "status_names": list(reading.status_names),
        "amplitude_pct": _number(reading.amplitude),
        "valid": reading.valid,
    }


@fields.register
def _(reading: Continuous) -> Mapping[str, Json]:
    fast, slow = reading.fast, reading.slow
    return {
        "spo2": _number(reading.normal.spo2),
        "pulse": _number(reading.normal.pulse),
        "spo2_fast": None if fast is None else _number(fast.spo2),
        "pulse_fast": None if fast is None else _number(fast.pulse),
        "spo2_slow": None if slow is None else _number(slow.spo2),
        "pulse_slow": None if slow is None else _number(slow.pulse),
        "measurement_status": reading.measurement_status,
        "sensor_status": reading.sensor_status,
        "status_names": list(reading.status_names),
        "amplitude_pct": _number(reading.amplitude),
        "valid": reading.valid,
    }


@fields.register
def _(reading: Temperature) -> Mapping[str, Json]:
    return {
        "unit": reading.unit,
        "temperature": _number(reading.temperature),
        "temperature_c": reading.celsius,
        "time": _time(reading.time),
        "type": reading.type,
        "site": reading.site,
        "valid": reading.valid,
    }


@fields.register
def _(kind: TemperatureType) -> Mapping[str, Json]:
    return {"type": kind.type, "site": kind.site}


@fields.register
def _(interval: MeasurementInterval) -> Mapping[str, Json]:
    return {"seconds": interval.seconds}


@fields.register
def _(reading: HeartRate) -> Mapping[str, Json]:
    return {
        "beats_per_minute": reading.beats_per_minute,
        "contact": reading.contact,
        "energy_kj": reading.energy_kj,
        "intervals_s": list(reading.intervals_s),
        "valid": reading.valid,
    }


@fields.register
def _(location: BodySensorLocation) -> Mapping[str, Json]:
    return {"location": location.location, "place": location.place}


@fields.register
def _(records: tuple) -> Mapping[str, Json]:  # type: ignore[type-arg]  # dispatch knows no items
    first, *more = (_cgm(record) for record in records)
    return {**first, "more": more}


@fields.register
def _(session: CgmSession) -> Mapping[str, Json]:
    return {
        "start": _time(session.start),
        "zone_quarters": session.zone_quarters,
        "summer": session.summer,
        "offset_min": session.offset_min,
    }


@fields.register
def _(user: UserIndex) -> Mapping[str, Json]:
    return {"user_id": user.index, "user_unknown": user.unknown}


@fields.register
def _(request: user_control.Request) -> Mapping[str, Json]:
    return {"op": request.op.name.lower(), "user_id": request.user, "code": request.code}


@fields.register
def _(answer: user_control.Response) -> Mapping[str, Json]:
    return {
        "op": "response",
        "request": answer.request,
        "code": answer.code.name.lower(),
        "user_id": answer.user,
        "parameter": answer.parameter.hex(),
    }


@fields.register
def _(request: Request) -> Mapping[str, Json]:
    names: dict[str, Json] = {
        "op": request.op.name.lower(),
        "operator": _OPERATORS[request.operator],
    }
    if request.filter is not None:
        names["filter"] = _FILTERS[request.filter]
        bounds = {"min": request.minimum, "max": request.maximum}
        names |= {name: _bound(bound) for name, bound in bounds.items() if bound is not None}
    return names


@fields.register
def _(answer: NumberOfRecords) -> Mapping[str, Json]:
    return {"op": "number_of_records", "count": answer.count}


@fields.register
def _(answer: Response) -> Mapping[str, Json]:
    return {"op": "response", "request": answer.request, "code": answer.code.name.lower()}


def _cgm(record: CgmRecord) -> dict[str, Scalar | list[str]]:
    return {
        "size": record.size,
        "flags": record.flags,
        "mg_dl": _number(record.concentration),
        "time_offset_min": record.time_offset_min,
        "comparator": record.comparator,
        "status": record.status,
        "calibration": record.calibration,
        "warning": record.warning,
        "status_names": list(record.status_names),
        "trend": _number(record.trend),
        "quality": _number(record.quality),
        "e2e_crc": record.e2e_crc,
        "valid": record.valid,
    }


def _number(number: MedicalFloat | None) -> str | float | None:
    if number is None:
        return None
    return number.value if number.special is None else str(number.special)


def _name(names: Mapping[int, str], number: int | None) -> str | None:
    """None also for a number that is reserved, or says "not available"."""
    return None if number is None else names.get(number)


def _time(time: datetime | None) -> str | None:
    return None if time is None else time.isoformat()


def _bound(bound: Bound) -> Json:
    return bound if isinstance(bound, int) else bound.isoformat()
