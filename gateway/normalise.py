"""Bytes + where they came from -> `vitals.Reading`. Pure; its rules stand here.

What a measurement says is in `gateway.contents`. Device time is the time that the device showed: of
a glucose record base time plus time offset (`Glucose.user_facing_time`). That, and nothing
corrected, enters the identity. The instant comes from the best source that gives a possible one:
the device's clock offset, the home's zone, receipt.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec

from devices import body_composition, cgm, registry, xiaomi_scale
from devices.body_composition import BodyComposition
from devices.errors import DecodeError
from devices.glucose_context import GlucoseContext
from gateway.contents import (
    Content,
    content_of,
    context_of_composition,
    context_of_glucose,
)
from vitals.identity import must_mint, reading_id
from vitals.plausible import EARLIEST_YEAR, LIMITS
from vitals.reading import (
    Certainty,
    ClockCorrection,
    Kind,
    Measure,
    RawValue,
    Reading,
    coded,
)

BLOOD_PRESSURE, GLUCOSE, WEIGHT = "2A35", "2A18", "2A9D"
SPOT_CHECK, CONTINUOUS_OXIMETRY = "2A5E", "2A5F"
TEMPERATURE, HEART_RATE, CGM = "2A1C", "2A37", "2AA7"
CONTEXT, COMPOSITION = "2A34", "2A9C"

DEVICE_CLOCK_UNCERTAINTY_S = 2.0  # one-second resolution and the time of the read
HOME_ZONE_UNCERTAINTY_S = 3600.0  # summer time that nobody set
AHEAD = timedelta(minutes=5)  # a measurement later than this after its receipt is not possible

#: Service data of an advertisement, by the service's UUID.
_ADVERTISED = {
    f"0000{short.lower()}-0000-1000-8000-00805f9b34fb": f"SD{short}" for short in ("181B", "181D")
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """What is known of the device and the link. `offset_s` = device clock minus UTC.

    `frame`: the dialect that the device's family speaks (`Quirks.frame`). `session_start`: naive
    time from which a glucose sensor counts its minutes.
    """

    device: str
    received_at: datetime
    zone: ZoneInfo
    offset_s: float | None = None
    battery_pct: int | None = None
    rssi_dbm: int | None = None
    manufacturer: str | None = None
    model: str | None = None
    serial: str | None = None
    frame: str | None = None
    session_start: datetime | None = None


def normalise(characteristic: str, payload: bytes, origin: Provenance) -> Reading:
    """Always a reading: what cannot be decoded travels as `undecoded` with its bytes."""
    try:
        content = _content(characteristic, payload, origin)
    except DecodeError:
        content = None
    content = content or _undecoded(characteristic, payload)
    return _reading(content, RawValue(characteristic=characteristic, hex=payload.hex()), origin)


def split(characteristic: str, payload: bytes) -> tuple[bytes, ...]:
    """The bytes of each measurement that one value holds: a glucose sensor sends several."""
    if characteristic != CGM:
        return (payload,)
    try:
        return cgm.split(payload)
    except DecodeError:
        return (payload,)


def from_advertisement(service_data: Mapping[str, bytes], origin: Provenance) -> Reading | None:
    """A weighing that is over, out of the service data (by 128-bit UUID); None: there is none.

    It is advertised many times: the same bytes of the same device are one weighing.
    """
    for uuid, name in _ADVERTISED.items():
        payload = service_data.get(uuid)
        if payload is not None and _is_over(name, payload):
            return normalise(name, payload, origin)
    return None


def belongs_to(reading: Reading, composition: bytes) -> bool:
    """Whether a body composition (0x2A9C) is of that weighing: same person, same time, if told."""
    try:
        told = body_composition.decode(composition)
    except DecodeError:
        return False
    slot = None if told.user_unknown else told.user_id
    return (
        reading.kind is Kind.WEIGHT
        and (told.time is None or told.time == reading.device_time)
        and (slot is None or slot == reading.user_slot)
    )


def with_context(reading: Reading, payload: bytes, characteristic: str = CONTEXT) -> Reading:
    """The same reading, same id, with its context (0x2A34 or 0x2A9C); an unreadable one as bytes.

    What the reading knows already stays: a second packet of a composition only adds.
    """
    raw = [*reading.raw, RawValue(characteristic=characteristic, hex=payload.hex())]
    try:
        _, told = registry.read(characteristic, payload)
    except DecodeError:
        return msgspec.structs.replace(
            reading, raw=raw, flags=[*reading.flags, "context_undecoded"]
        )
    reading = msgspec.structs.replace(reading, raw=raw)
    if isinstance(told, GlucoseContext):
        context = {**reading.context, **context_of_glucose(told)}
        return msgspec.structs.replace(reading, context=context)
    return _composed(reading, told) if isinstance(told, BodyComposition) else reading


def _composed(reading: Reading, composition: BodyComposition) -> Reading:
    """Body fat is a measurement of its own, if a body can have it; the rest describes it."""
    told = context_of_composition(composition)
    fat, limit = composition.body_fat_pct, LIMITS[Measure.BODY_FAT]
    if fat is None or not limit.low <= fat <= limit.high:
        told.pop(Measure.BODY_FAT, None)
    reading = msgspec.structs.replace(reading, context={**told, **reading.context})
    known = any(value.measure is Measure.BODY_FAT for value in reading.values)
    if known or Measure.BODY_FAT not in told:
        return reading
    values = [*reading.values, coded(Measure.BODY_FAT, fat)]
    return msgspec.structs.replace(reading, values=values)


def _is_over(name: str, payload: bytes) -> bool:
    try:
        _, frame = registry.read(name, payload)
    except DecodeError:
        return False
    weighings = (xiaomi_scale.XiaomiWeight, xiaomi_scale.XiaomiComposition)
    return isinstance(frame, weighings) and frame.over


def instant(
    device_time: datetime | None, origin: Provenance, *, clock_set: bool = True
) -> tuple[datetime, ClockCorrection]:
    """When it was measured, and how we know. A clock never set says nothing but by its offset."""
    for certainty, measured_at in _candidates(device_time, origin, clock_set=clock_set):
        if measured_at.year >= EARLIEST_YEAR and measured_at <= origin.received_at + AHEAD:
            return measured_at, _correction(certainty, origin.offset_s)
    return origin.received_at, ClockCorrection(certainty=Certainty.RECEIVED)


def _candidates(
    device_time: datetime | None, origin: Provenance, *, clock_set: bool
) -> list[tuple[Certainty, datetime]]:
    if device_time is None:
        return []
    found = []
    try:
        if origin.offset_s is not None:
            corrected = device_time.replace(tzinfo=UTC) - timedelta(seconds=origin.offset_s)
            found.append((Certainty.DEVICE_CLOCK, corrected))
        if clock_set:
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


def _reading(content: Content, raw: RawValue, origin: Provenance) -> Reading:
    minted = must_mint(
        sequence=content.sequence,
        device_time=content.device_time,
        received_at=origin.received_at,
    )
    measured_at, clock = instant(content.device_time, origin, clock_set=content.clock_set)
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


def _content(characteristic: str, payload: bytes, origin: Provenance) -> Content | None:
    _, measurement = registry.read(characteristic, payload, frame=origin.frame)
    if isinstance(measurement, tuple):  # records of a glucose sensor: `split` tells them apart
        measurement = measurement[0]
    content = content_of(measurement)
    if content is None or not isinstance(measurement, cgm.CgmRecord):
        return content
    return replace(content, device_time=_in_session(measurement, origin))


def _in_session(record: cgm.CgmRecord, origin: Provenance) -> datetime | None:
    if origin.session_start is None:
        return None
    try:
        return origin.session_start + timedelta(minutes=record.time_offset_min)
    except OverflowError:
        return None


def _undecoded(characteristic: str, payload: bytes) -> Content:
    """A meter keeps its records: without its number one that no codec reads would come anew."""
    numbered = characteristic == GLUCOSE and len(payload) >= 3  # noqa: PLR2004 -- flags, number
    return Content(
        kind=Kind.UNDECODED,
        values=[],
        sequence=int.from_bytes(payload[1:3], "little") if numbered else None,
    )
