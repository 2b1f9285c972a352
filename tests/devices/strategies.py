"""Measurements as Hypothesis draws them: everything that the wire can say and give back."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any, Literal, TypeVar

from hypothesis import strategies as st

from devices import user_control
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
from devices.ieee11073 import MedicalFloat, decode_float, decode_sfloat
from devices.intermediate_cuff import IntermediateCuffPressure
from devices.measurement_interval import MeasurementInterval
from devices.plx_continuous import Continuous, Oximetry
from devices.plx_feature import PlxFeature
from devices.plx_spot_check import SpotCheck
from devices.racp import Code, Filter, NumberOfRecords, Op, Operator, Request, Response
from devices.temperature import Temperature
from devices.temperature_type import TemperatureType
from devices.user_index import UserIndex
from devices.weight import Weight
from devices.weight_feature import WeightFeature
from devices.xiaomi_scale import XiaomiComposition, XiaomiWeight

T = TypeVar("T")

u8 = st.integers(0, 0xFF)
u16 = st.integers(0, 0xFFFF)
u24 = st.integers(0, 0xFFFFFF)
u32 = st.integers(0, 0xFFFFFFFF)
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

cuff_pressures = st.builds(
    IntermediateCuffPressure,
    pressure=sfloats,
    unit=st.sampled_from(["mmHg", "kPa"]),
    time=maybe(times),
    pulse=maybe(sfloats),
    user_id=maybe(u8),
    status=maybe(u16),
)
beurer_pressures = st.builds(
    BeurerPressure,
    reading=st.builds(
        BloodPressure,
        systolic=sfloats,
        diastolic=sfloats,
        mean_arterial=sfloats,
        unit=st.just("mmHg"),
        time=maybe(times),
        pulse=sfloats,
        user_id=u8,
        status=u16,
    ),
)
pressure_features = st.builds(BloodPressureFeature, bits=u16)
glucose_features = st.builds(GlucoseFeature, bits=u16)
weight_features = st.builds(WeightFeature, bits=u32)
composition_features = st.builds(BodyCompositionFeature, bits=u32)
plx_features = st.builds(
    PlxFeature,
    bits=u16.map(lambda bits: bits & ~0b11),
    measurement_status=maybe(u16),
    sensor_status=maybe(u24),
)


@st.composite
def compositions(draw: st.DrawFn) -> BodyComposition:
    units: tuple[Literal["kg", "lb"], ...] = ("kg", "lb")
    unit = draw(st.sampled_from(units))
    mass_step, height_step = ("0.005", "0.001") if unit == "kg" else ("0.01", "0.00254")
    mass, percentage = maybe(steps(mass_step)), maybe(steps("0.1", 1000))
    return BodyComposition(
        unit=unit,
        body_fat_pct=draw(percentage),
        time=draw(maybe(times)),
        user_id=draw(maybe(u8)),
        basal_metabolism_kj=draw(maybe(u16)),
        muscle_pct=draw(percentage),
        muscle_mass=draw(mass),
        fat_free_mass=draw(mass),
        soft_lean_mass=draw(mass),
        body_water_mass=draw(mass),
        impedance_ohm=draw(maybe(steps("0.1"))),
        weight=draw(mass),
        height_m=draw(maybe(steps(height_step))),
        more_packets=draw(st.booleans()),
    )


temperatures = st.builds(
    Temperature,
    temperature=floats,
    unit=st.sampled_from(["C", "F"]),
    time=maybe(times),
    type=maybe(u8),
)
temperature_types = st.builds(TemperatureType, type=u8)
intervals = st.builds(MeasurementInterval, seconds=u16)
heart_rates = st.builds(
    HeartRate,
    beats_per_minute=u16,
    contact=maybe(st.booleans()),
    energy_kj=maybe(u16),
    intervals=st.lists(u16, max_size=9).map(tuple),
)
locations = st.builds(BodySensorLocation, location=u8)
spot_checks = st.builds(
    SpotCheck,
    spo2=sfloats,
    pulse=sfloats,
    time=maybe(times),
    clock_set=st.booleans(),
    measurement_status=maybe(u16),
    sensor_status=maybe(u24),
    amplitude=maybe(sfloats),
)
oximetries = st.builds(Oximetry, spo2=sfloats, pulse=sfloats)
continuous = st.builds(
    Continuous,
    normal=oximetries,
    fast=maybe(oximetries),
    slow=maybe(oximetries),
    measurement_status=maybe(u16),
    sensor_status=maybe(u24),
    amplitude=maybe(sfloats),
)
cgm_records = st.lists(
    st.builds(
        CgmRecord,
        concentration=sfloats,
        time_offset_min=u16,
        status=maybe(u8),
        calibration=maybe(u8),
        warning=maybe(u8),
        trend=maybe(sfloats),
        quality=maybe(sfloats),
        has_crc=st.booleans(),
    ),
    min_size=1,
    max_size=4,
).map(tuple)
cgm_sessions = st.builds(
    CgmSession,
    start=maybe(times),
    zone_quarters=st.just(-128) | st.integers(-48, 56),
    summer=st.sampled_from([0, 2, 4, 8, 255]),
    has_crc=st.booleans(),
)
user_indices = st.builds(UserIndex, index=u8)
consent_codes = st.integers(0, user_control.HIGHEST_CODE)
user_messages = (
    st.builds(user_control.register, consent_codes)
    | st.builds(user_control.consent, u8, consent_codes)
    | st.builds(
        user_control.Request,
        op=st.sampled_from([user_control.Op.DELETE_DATA, user_control.Op.LIST_USERS]),
    )
    | st.builds(user_control.Request, op=st.just(user_control.Op.DELETE_USER), user=u8)
    | st.builds(
        user_control.Response,
        request=st.just(1),
        code=st.just(user_control.Code.SUCCESS),
        user=u8,
    )
    | st.builds(
        user_control.Response,
        request=st.integers(2, 0xFF),
        code=st.sampled_from(user_control.Code),
        parameter=st.binary(max_size=4),
    )
)
xiaomi_weights = st.builds(XiaomiWeight, control=u8, raw=u16, time=maybe(times))
xiaomi_compositions = st.builds(
    XiaomiComposition,
    control=st.tuples(u8, u8),
    time=maybe(times),
    impedance=u16,
    raw=u16,
)
