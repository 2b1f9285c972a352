"""Measurements as Hypothesis draws them: everything that the wire can say and give back."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any, Literal, TypeVar

from hypothesis import strategies as st

from devices.battery import Battery
from devices.blood_pressure import BloodPressure
from devices.current_time import CurrentTime
from devices.glucose import Glucose
from devices.glucose_context import GlucoseContext
from devices.ieee11073 import MedicalFloat, decode_float, decode_sfloat
from devices.racp import Code, Filter, NumberOfRecords, Op, Operator, Request, Response
from devices.weight import Weight

T = TypeVar("T")

u8 = st.integers(0, 0xFF)
u16 = st.integers(0, 0xFFFF)
nibble = st.integers(0, 0xF)
times = st.datetimes(min_value=datetime.fromisoformat("1582-01-01")).map(
    lambda time: time.replace(microsecond=0)
)
sfloats = st.binary(min_size=2, max_size=2).map(decode_sfloat)
floats = st.binary(min_size=4, max_size=4).map(decode_float)


def maybe(strategy: st.SearchStrategy[T]) -> st.SearchStrategy[T | None]:
    return st.none() | strategy


blood_pressures = st.builds(
    BloodPressure,
    systolic=sfloats,
    diastolic=sfloats,
    mean_arterial=sfloats,
    unit=st.sampled_from(["mmHg", "kPa"]),
    time=maybe(times),
    pulse=maybe(sfloats),
    user_id=maybe(u8),
    status=maybe(u16),
)


@st.composite
def glucoses(draw: st.DrawFn) -> Glucose:
    concentration: MedicalFloat | None = draw(maybe(sfloats))
    measured = concentration is not None
    return Glucose(
        sequence=draw(u16),
        base_time=draw(maybe(times)),
        time_offset_min=draw(maybe(st.integers(-0x8000, 0x7FFF))),
        concentration=concentration,
        unit=draw(st.sampled_from(["kg/L", "mol/L"])) if measured else None,
        type=draw(nibble) if measured else None,
        location=draw(nibble) if measured else None,
        status=draw(maybe(u16)),
        context_follows=draw(st.booleans()),
    )


def together(draw: st.DrawFn, *strategies: st.SearchStrategy[Any]) -> tuple[Any, ...]:
    """All of them, or none."""
    if draw(st.booleans()):
        return tuple(draw(strategy) for strategy in strategies)
    return (None,) * len(strategies)


@st.composite
def contexts(draw: st.DrawFn) -> GlucoseContext:
    carb_id, carb_kg = together(draw, u8, sfloats)
    tester, health = together(draw, nibble, nibble)
    duration, intensity = together(draw, u16, u8)
    units = st.sampled_from(["kg", "L"])
    drug_id, drug, unit = together(draw, u8, sfloats, units)
    return GlucoseContext(
        sequence=draw(u16),
        extended_flags=draw(maybe(u8)),
        carb_id=carb_id,
        carb_kg=carb_kg,
        meal=draw(maybe(u8)),
        tester=tester,
        health=health,
        exercise_duration_s=duration,
        exercise_intensity_pct=intensity,
        medication_id=drug_id,
        medication=drug,
        medication_unit=unit,
        hba1c_pct=draw(maybe(sfloats)),
    )


def steps(size: str, most: int = 0xFFFF) -> st.SearchStrategy[float]:
    return st.integers(0, most).map(lambda count: float(count * Decimal(size)))


@st.composite
def weights(draw: st.DrawFn) -> Weight:
    units: tuple[Literal["kg", "lb"], ...] = ("kg", "lb")
    unit = draw(st.sampled_from(units))
    weight_step, height_step = ("0.005", "0.001") if unit == "kg" else ("0.01", "0.00254")
    bmi, height_m = together(draw, steps("0.1"), steps(height_step))
    return Weight(
        weight=draw(maybe(steps(weight_step, 0xFFFE))),
        unit=unit,
        time=draw(maybe(times)),
        user_id=draw(maybe(u8)),
        bmi=bmi,
        height_m=height_m,
    )


@st.composite
def requests(draw: st.DrawFn) -> Request:
    op = draw(st.sampled_from([Op.REPORT, Op.DELETE, Op.ABORT, Op.COUNT]))
    operator = draw(st.sampled_from(Operator))
    low = operator in (Operator.GREATER_OR_EQUAL, Operator.RANGE)
    high = operator in (Operator.LESS_OR_EQUAL, Operator.RANGE)
    if not low and not high:
        return Request(op=op, operator=operator)
    kind = draw(st.sampled_from(Filter))
    bounds: st.SearchStrategy[Any] = u16 if kind is Filter.SEQUENCE else times
    return Request(
        op=op,
        operator=operator,
        filter=kind,
        minimum=draw(bounds) if low else None,
        maximum=draw(bounds) if high else None,
    )


messages = (
    requests()
    | st.builds(NumberOfRecords, count=u16)
    | st.builds(Response, request=u8, code=st.sampled_from(Code))
)
clocks = st.builds(
    CurrentTime,
    time=maybe(times),
    day_of_week=st.integers(0, 7),
    fractions256=u8,
    adjust_reason=u8,
)
batteries = st.builds(Battery, percent=st.integers(0, 100))
texts = st.text(st.characters(exclude_categories=["Cs"])).map(lambda text: text.strip("\0"))
