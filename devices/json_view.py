"""A decoded characteristic as JSON: the one place that knows the names outsiders read.

Rule: a number that is no number is its name ("NaN", "+INF"...), and what is not known is null.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import singledispatch

from devices.battery import Battery
from devices.blood_pressure import BloodPressure
from devices.current_time import CurrentTime
from devices.glucose import Glucose
from devices.glucose_context import GlucoseContext
from devices.ieee11073 import MedicalFloat
from devices.racp import Bound, NumberOfRecords, Operator, Request, Response
from devices.registry import Codec
from devices.weight import Weight

Json = str | int | float | bool | None | list[str]

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


def view(codec: Codec, payload: bytes) -> dict[str, Json]:
    """Decode and name the fields; a flags byte is shown as it came."""
    names = fields(codec.decode(payload))
    return {"flags": payload[0], **names} if codec.flagged else dict(names)


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
        "location": record.location,
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
        "carb_kg": _number(context.carb_kg),
        "meal": context.meal,
        "tester": context.tester,
        "health": context.health,
        "exercise_duration_s": context.exercise_duration_s,
        "exercise_intensity_pct": context.exercise_intensity_pct,
        "medication_id": context.medication_id,
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


def _number(number: MedicalFloat | None) -> Json:
    if number is None:
        return None
    return number.value if number.special is None else str(number.special)


def _time(time: datetime | None) -> str | None:
    return None if time is None else time.isoformat()


def _bound(bound: Bound) -> Json:
    return bound if isinstance(bound, int) else bound.isoformat()
