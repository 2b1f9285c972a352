"""Decoded characteristic + where it came from -> `vitals.Reading`. Pure; its rules stand here.

Device time is the time that the device showed: of a glucose record base time plus time offset
(`Glucose.user_facing_time`). That, and nothing corrected, enters the identity. The instant comes
from the best source that gives a possible one: the device's clock offset, the home's zone, receipt.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec

from devices import blood_pressure, glucose, glucose_context, weight
from devices.errors import DecodeError
from devices.ieee11073 import MedicalFloat, Special
from vitals.identity import must_mint, reading_id
from vitals.plausible import EARLIEST_YEAR
from vitals.reading import (
    Absent,
    Certainty,
    ClockCorrection,
    Comparator,
    Kind,
    Measure,
    RawValue,
    Reading,
    Value,
    coded,
)

BLOOD_PRESSURE, GLUCOSE, CONTEXT, WEIGHT = "2A35", "2A18", "2A34", "2A9D"

DEVICE_CLOCK_UNCERTAINTY_S = 2.0  # one-second resolution and the time of the read
HOME_ZONE_UNCERTAINTY_S = 3600.0  # summer time that nobody set
AHEAD = timedelta(minutes=5)  # a measurement later than this after its receipt is not possible

_ABSENT = {Special.NAN: Absent.NAN, Special.NRES: Absent.NRES, Special.RESERVED: Absent.RESERVED}
_BEYOND = {Special.POS_INF: Comparator.ABOVE, Special.NEG_INF: Comparator.BELOW}
_MEALS = {1: "preprandial", 2: "postprandial", 3: "fasting", 4: "casual", 5: "bedtime"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """What is known of the device and the link. `offset_s` = device clock minus UTC."""

    device: str
    received_at: datetime
    zone: ZoneInfo
    offset_s: float | None = None
    battery_pct: int | None = None
    rssi_dbm: int | None = None
    manufacturer: str | None = None
    model: str | None = None
    serial: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Content:
    """What a codec's measurement says, in one shape for all of them."""

    kind: Kind
    values: list[Value]
    device_time: datetime | None = None
    user_slot: int | None = None
    sequence: int | None = None
    flags: list[str]
    context: dict[str, str | float]


def normalise(characteristic: str, payload: bytes, origin: Provenance) -> Reading:
    """Always a reading: what cannot be decoded travels as `undecoded` with its bytes."""
    try:
        content = _DECODERS[characteristic](payload)
    except DecodeError:
        content = _undecoded(characteristic, payload)
    return _reading(content, RawValue(characteristic=characteristic, hex=payload.hex()), origin)


def with_context(reading: Reading, payload: bytes) -> Reading:
    """The same reading, same id, with its glucose context; an unreadable one stays as bytes."""
    raw = [*reading.raw, RawValue(characteristic=CONTEXT, hex=payload.hex())]
    try:
        context = _context(glucose_context.decode(payload))
    except DecodeError:
        return msgspec.structs.replace(
            reading, raw=raw, flags=[*reading.flags, "context_undecoded"]
        )
    return msgspec.structs.replace(reading, raw=raw, context={**reading.context, **context})


def instant(device_time: datetime | None, origin: Provenance) -> tuple[datetime, ClockCorrection]:
    """When it was measured, and how we know."""
    for certainty, measured_at in _candidates(device_time, origin):
        if measured_at.year >= EARLIEST_YEAR and measured_at <= origin.received_at + AHEAD:
            return measured_at, _correction(certainty, origin.offset_s)
    return origin.received_at, ClockCorrection(certainty=Certainty.RECEIVED)


def _candidates(
    device_time: datetime | None, origin: Provenance
) -> list[tuple[Certainty, datetime]]:
    if device_time is None:
        return []
    found = []
    try:
        if origin.offset_s is not None:
            corrected = device_time.replace(tzinfo=UTC) - timedelta(seconds=origin.offset_s)
            found.append((Certainty.DEVICE_CLOCK, corrected))
        local = device_time.replace(tzinfo=origin.zone).astimezone(UTC)
        found.append((Certainty.HOME_ZONE, local))
    except OverflowError:
        pass  # a year at the end of the calendar names no instant
    return found


def _correction(certainty: Certainty, offset_s: float | None) -> ClockCorrection:
    if certainty is Certainty.DEVICE_CLOCK:
        return ClockCorrection(
            certainty=certainty, offset_s=offset_s, uncertainty_s=DEVICE_CLOCK_UNCERTAINTY_S
        )
    return ClockCorrection(certainty=certainty, uncertainty_s=HOME_ZONE_UNCERTAINTY_S)


def _reading(content: _Content, raw: RawValue, origin: Provenance) -> Reading:
    minted = must_mint(
        sequence=content.sequence,
        device_time=content.device_time,
        received_at=origin.received_at,
    )
    measured_at, clock = instant(content.device_time, origin)
    return Reading(
        id=reading_id(
            device=origin.device,
            user_slot=content.user_slot,
            sequence=content.sequence,
            device_time=content.device_time,
            payload_hex=raw.hex,
            minted_at=origin.received_at if minted else None,
        ),
        device=origin.device,
        kind=content.kind,
        received_at=origin.received_at,
        measured_at=measured_at,
        clock=clock,
        raw=[raw],
        values=content.values,
        user_slot=content.user_slot,
        sequence=content.sequence,
        device_time=content.device_time,
        minted=minted,
        flags=content.flags,
        context=content.context,
        battery_pct=origin.battery_pct,
        rssi_dbm=origin.rssi_dbm,
        manufacturer=origin.manufacturer,
        model=origin.model,
        serial=origin.serial,
    )


def _undecoded(characteristic: str, payload: bytes) -> _Content:
    """A meter keeps its records: without its number one that no codec reads would come anew."""
    numbered = characteristic == GLUCOSE and len(payload) >= 3  # noqa: PLR2004 -- flags, number
    return _Content(
        kind=Kind.UNDECODED,
        values=[],
        sequence=int.from_bytes(payload[1:3], "little") if numbered else None,
        flags=[],
        context={},
    )


def _number(measure: Measure, number: MedicalFloat, value: float | None) -> Value:
    """`value` is `number` in the agreed unit; a special says why there is none."""
    if number.special is None:
        return coded(measure, value)
    beyond = _BEYOND.get(number.special)
    if beyond is not None:
        return coded(measure, comparator=beyond)
    return coded(measure, absent=_ABSENT[number.special])


def _blood_pressure(payload: bytes) -> _Content:
    bp = blood_pressure.decode(payload)
    values = [
        _number(Measure.SYSTOLIC, bp.systolic, bp.systolic_mmhg),
        _number(Measure.DIASTOLIC, bp.diastolic, bp.diastolic_mmhg),
        _number(Measure.MEAN_ARTERIAL, bp.mean_arterial, bp.mean_arterial_mmhg),
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
    return _Content(
        kind=Kind.BLOOD_PRESSURE,
        values=values,
        device_time=bp.time,
        user_slot=None if bp.user_unknown else bp.user_id,
        flags=[name for name, is_set in flags.items() if is_set],
        context={},
    )


def _glucose(payload: bytes) -> _Content:
    record = glucose.decode(payload)
    flags = list(record.status_names or ())
    if record.type == glucose.CONTROL_SOLUTION:
        flags.append("control_solution")
    context: dict[str, str | float] = {}
    if record.type is not None and record.location is not None:
        context = {"sample_type": record.type, "sample_location": record.location}
    return _Content(
        kind=Kind.GLUCOSE,
        values=[_glucose_value(record)],
        device_time=record.user_facing_time,
        sequence=record.sequence,
        flags=flags,
        context=context,
    )


def _glucose_value(record: glucose.Glucose) -> Value:
    if record.comparator is not None:
        # A meter that says LO may send zero beside it: the bound is the message, not that number.
        value = record.mg_dl or None
        return coded(Measure.GLUCOSE, value, comparator=Comparator(record.comparator))
    if record.concentration is None:
        return coded(Measure.GLUCOSE, absent=Absent.NAN)
    return _number(Measure.GLUCOSE, record.concentration, record.mg_dl)


def _weight(payload: bytes) -> _Content:
    scale = weight.decode(payload)
    failed = scale.weight_kg is None
    values = [coded(Measure.WEIGHT, scale.weight_kg, absent=Absent.NAN if failed else None)]
    if scale.bmi:  # zero: the scale knows no height
        values.append(coded(Measure.BMI, scale.bmi))
    if scale.height_m:
        values.append(coded(Measure.HEIGHT, scale.height_m))
    return _Content(
        kind=Kind.WEIGHT,
        values=values,
        device_time=scale.time,
        user_slot=None if scale.user_unknown else scale.user_id,
        flags=[],
        context={},
    )


def _context(context: glucose_context.GlucoseContext) -> dict[str, str | float]:
    numbers = {
        "carbohydrate": context.carb_id,
        "carbohydrate_kg": None if context.carb_kg is None else context.carb_kg.value,
        "tester": context.tester,
        "health": context.health,
        "exercise_s": context.exercise_duration_s,
        "exercise_pct": context.exercise_intensity_pct,
        "medication": context.medication_id,
        f"medication_{context.medication_unit}": (
            None if context.medication is None else context.medication.value
        ),
        "hba1c_pct": None if context.hba1c_pct is None else context.hba1c_pct.value,
    }
    known: dict[str, str | float] = {k: v for k, v in numbers.items() if v is not None}
    if context.meal is not None:
        known["meal"] = _MEALS.get(context.meal, str(context.meal))
    return known


_DECODERS = {BLOOD_PRESSURE: _blood_pressure, GLUCOSE: _glucose, WEIGHT: _weight}
