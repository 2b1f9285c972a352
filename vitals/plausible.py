"""Is this what a living person can have? The door's check, not a clinical judgement.

Outside these limits a reading goes to quarantine and, where its patient is known, opens a task:
nobody's emergency hides there. The limits are wide on purpose.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from vitals.errors import QuarantineReason, ReadingRejected
from vitals.identity import expected_id
from vitals.reading import CODINGS, Kind, Measure, Reading, Value

#: Instants before this were not measured by a Bluetooth device of this system.
EARLIEST_YEAR = 2016
#: How far a measurement may lie ahead of us: clocks of homes and servers differ a little.
FUTURE_TOLERANCE = timedelta(minutes=10)
#: A time that is less certain than this is no time.
MOST_UNCERTAIN = timedelta(days=3650)
#: No address and no number of a device is longer or larger than what the store's columns take.
LONGEST_DEVICE = 64  # characters
MOST_OF_INTEGERS = {"user_slot": 2**31, "battery_pct": 2**31, "rssi_dbm": 2**31, "sequence": 2**63}


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """A physical limit as dated data with its source."""

    low: float
    high: float
    valid_from: date
    source: str


_WIDE = "wider than the measuring range of any device certified to ISO 81060-2 / ISO 15197"
_FROM = date(2026, 1, 1)
#: Physical limits in the measurement's UCUM unit, both included.
LIMITS: dict[Measure, Limit] = {
    Measure.SYSTOLIC: Limit(low=20, high=350, valid_from=_FROM, source=_WIDE),
    Measure.DIASTOLIC: Limit(low=10, high=250, valid_from=_FROM, source=_WIDE),
    Measure.MEAN_ARTERIAL: Limit(low=0, high=300, valid_from=_FROM, source=_WIDE),
    Measure.PULSE: Limit(low=10, high=350, valid_from=_FROM, source=_WIDE),
    Measure.GLUCOSE: Limit(low=1, high=2000, valid_from=_FROM, source=_WIDE),
    Measure.WEIGHT: Limit(low=0.5, high=650, valid_from=_FROM, source="heaviest person known"),
    Measure.BMI: Limit(low=3, high=250, valid_from=_FROM, source="heaviest person known"),
    Measure.HEIGHT: Limit(low=0.2, high=2.8, valid_from=_FROM, source="tallest person known"),
    Measure.SPO2: Limit(
        low=20, high=100, valid_from=_FROM, source="wider than any oximeter declares"
    ),
    Measure.TEMPERATURE: Limit(
        low=10, high=47, valid_from=_FROM, source="lowest and highest survived: 11.8 and 46.5 Cel"
    ),
    Measure.HEART_RATE: Limit(low=10, high=350, valid_from=_FROM, source=_WIDE),
    Measure.SENSOR_GLUCOSE: Limit(low=1, high=2000, valid_from=_FROM, source=_WIDE),
    Measure.BODY_FAT: Limit(
        low=0.5, high=90, valid_from=_FROM, source="wider than any scale shows"
    ),
}


def check(reading: Reading, *, now: datetime) -> None:
    """Raise unless `reading` may be stored.

    Raises:
        ReadingRejected: with the bounded reason and which field it was.
    """
    _check_text(reading)
    _check_times(reading, now)
    _check_clock(reading)
    _check_shape(reading)
    for value in reading.values:
        _check_value(value)
    _check_sizes(reading)


def _reject(reason: QuarantineReason, detail: str) -> None:
    raise ReadingRejected(reason, detail)


def _check_text(reading: Reading) -> None:
    texts = [reading.device, reading.manufacturer, reading.model, reading.serial, *reading.flags]
    if reading.context:
        texts += [str(part) for item in reading.context.items() for part in item]
    for raw in reading.raw:
        texts += (raw.characteristic, raw.hex)
    for text in texts:
        if text and "\x00" in text:
            _reject(QuarantineReason.BAD_TEXT, "a text holds U+0000")


def _check_times(reading: Reading, now: datetime) -> None:
    latest = now + FUTURE_TOLERANCE
    for name, instant in (
        ("measured_at", reading.measured_at),
        ("received_at", reading.received_at),
    ):
        if instant.tzinfo is None:
            _reject(QuarantineReason.BAD_TIME, f"{name} has no zone")
        if instant.year < EARLIEST_YEAR:
            _reject(QuarantineReason.BAD_TIME, f"{name} is before {EARLIEST_YEAR}")
        if instant > latest:
            _reject(QuarantineReason.BAD_TIME, f"{name} lies in the future")
    if reading.device_time is not None and reading.device_time.tzinfo is not None:
        _reject(QuarantineReason.BAD_TIME, "device_time has a zone, which no device shows")


def _check_clock(reading: Reading) -> None:
    if not 0 <= reading.clock.uncertainty_s <= MOST_UNCERTAIN.total_seconds():
        _reject(QuarantineReason.BAD_TIME, "clock.uncertainty_s is no uncertainty")


def _check_shape(reading: Reading) -> None:
    if not reading.raw:
        _reject(QuarantineReason.WRONG_SCHEMA, "raw is empty")
    if expected_id(reading) != reading.id:
        _reject(QuarantineReason.ID_MISMATCH, "id is not the one that the contents give")
    if reading.kind is Kind.UNDECODED:
        _reject(QuarantineReason.UNDECODED, "the gateway could not decode the bytes")
    if not reading.values:
        _reject(QuarantineReason.WRONG_SCHEMA, "a decoded reading has values")
    if len({value.measure for value in reading.values}) != len(reading.values):
        _reject(QuarantineReason.WRONG_SCHEMA, "the same measurement twice in one reading")


def _check_value(value: Value) -> None:
    coding = CODINGS[value.measure]
    if (value.loinc, value.ucum) != (coding.loinc, coding.ucum):
        _reject(
            QuarantineReason.WRONG_SCHEMA, f"{value.measure}: code or unit is not the agreed one"
        )
    if value.value is None:
        if value.absent is None and value.comparator is None:
            _reject(QuarantineReason.WRONG_SCHEMA, f"{value.measure}: no value and no reason")
        return
    limit = LIMITS[value.measure]
    if not limit.low <= value.value <= limit.high:
        _reject(QuarantineReason.IMPLAUSIBLE, f"{value.measure} is outside what a person can have")


def _check_sizes(reading: Reading) -> None:
    if problem := size_problem(reading):
        _reject(QuarantineReason.WRONG_SCHEMA, problem)


def size_problem(reading: Reading) -> str | None:
    """What of it no column or key of the store can hold."""
    if len(reading.device) > LONGEST_DEVICE:
        return "device is no address"
    for name, most in MOST_OF_INTEGERS.items():
        number = getattr(reading, name)
        if number is not None and not -most <= number < most:
            return f"{name} is beyond any device's"
    return None
