# ruff: noqa: DTZ001 -- device time is naive
from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from devices import blood_pressure, glucose, glucose_context, weight
from devices.ieee11073 import Special, sfloat_of
from gateway import normalise
from gateway.normalise import Provenance
from vitals.errors import QuarantineReason, ReadingRejected
from vitals.identity import expected_id
from vitals.plausible import check
from vitals.reading import Absent, Certainty, Comparator, Kind, Measure, Reading, Value

NOW = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)
SHOWN = datetime(2026, 3, 1, 7, 30)


def origin(**known) -> Provenance:
    known = {"received_at": NOW, "zone": ZoneInfo("UTC"), **known}
    return Provenance(device="C0:FF:EE:00:00:01", **known)


def cuff(systolic=128.0, *, unit="mmHg", time=SHOWN, status=None, user=None, **known) -> Reading:
    measurement = blood_pressure.BloodPressure(
        systolic=sfloat_of(systolic),
        diastolic=sfloat_of(systolic if isinstance(systolic, Special) else systolic / 2),
        mean_arterial=sfloat_of(Special.NAN),
        unit=unit,
        time=time,
        user_id=user,
        status=status,
    )
    payload = blood_pressure.encode(measurement)
    return normalise.normalise(normalise.BLOOD_PRESSURE, payload, origin(**known))


def meter(concentration, *, time=SHOWN, offset=None, status=None, unit="kg/L", **known) -> Reading:
    record = glucose.Glucose(
        sequence=5,
        base_time=time,
        time_offset_min=offset,
        concentration=None if concentration is None else sfloat_of(concentration),
        unit=unit,
        type=1,
        location=1,
        status=status,
    )
    return normalise.normalise(normalise.GLUCOSE, glucose.encode(record), origin(**known))


def scale(kilograms, *, time=None, **known) -> Reading:
    payload = weight.encode(weight.Weight(weight=kilograms, unit="kg", time=time))
    return normalise.normalise(normalise.WEIGHT, payload, origin(**known))


def value(reading: Reading, measure: Measure) -> Value:
    (found,) = (v for v in reading.values if v.measure is measure)
    return found


@pytest.mark.parametrize(
    "reading",
    [
        cuff(),
        cuff(16.0, unit="kPa"),
        cuff(Special.NAN),
        cuff(time=None),
        cuff(time=datetime(2000, 1, 1)),
        cuff(status=0b100101, user=2),
        meter(0.00104),
        meter(Special.POS_INF),
        meter(Special.NEG_INF),
        meter(Special.NRES),
        meter(None),
        meter(0.0, status=glucose.RESULT_TOO_LOW),
        meter(0.0058, unit="mol/L", time=datetime(2000, 1, 1)),
        scale(81.5),
        scale(None),
    ],
)
def test_whatever_comes_passes_the_door_and_has_the_id_of_its_contents(reading: Reading) -> None:
    assert reading.id == expected_id(reading)
    check(reading, now=NOW)


def test_kilopascal_becomes_mmhg() -> None:
    assert value(cuff(16.0, unit="kPa"), Measure.SYSTOLIC).value == pytest.approx(120.0, abs=0.1)


def test_a_failed_cuff_has_no_number_and_says_so() -> None:
    systolic = value(cuff(Special.NAN), Measure.SYSTOLIC)
    assert (systolic.value, systolic.absent) == (None, Absent.NAN)


@pytest.mark.parametrize(
    ("reading", "comparator"),
    [
        (meter(Special.POS_INF), Comparator.ABOVE),
        (meter(Special.NEG_INF), Comparator.BELOW),
        (meter(0.006, status=glucose.RESULT_TOO_HIGH), Comparator.ABOVE),
        (meter(0.0, status=glucose.RESULT_TOO_LOW), Comparator.BELOW),
        (meter(Special.NAN, status=glucose.RESULT_TOO_HIGH), Comparator.ABOVE),
    ],
)
def test_beyond_the_meter_is_a_bounded_value(reading: Reading, comparator: Comparator) -> None:
    found = value(reading, Measure.GLUCOSE)
    assert (found.comparator, found.absent) == (comparator, None)


def test_flags_are_named() -> None:
    assert cuff(status=0b100101).flags == ["body_movement", "irregular_pulse", "improper_position"]
    assert meter(0.001, status=1).flags == ["battery_low"]


def test_an_unknown_user_is_no_slot() -> None:
    assert cuff(user=255).user_slot is None
    assert cuff(user=2).user_slot == 2


def test_the_offset_of_the_device_clock_makes_the_instant() -> None:
    reading = cuff(time=datetime(2026, 3, 1, 9, 30), offset_s=7200.0)
    assert reading.measured_at == datetime(2026, 3, 1, 7, 30, tzinfo=UTC)
    assert reading.clock.certainty is Certainty.DEVICE_CLOCK
    assert reading.device_time == datetime(2026, 3, 1, 9, 30)


def test_a_device_in_the_year_2000_is_corrected_by_its_offset() -> None:
    offset_s = (datetime(2000, 1, 1, 0, 10, tzinfo=UTC) - NOW).total_seconds()
    reading = cuff(time=datetime(2000, 1, 1, 0, 4), offset_s=offset_s)
    assert reading.measured_at == NOW - timedelta(minutes=6)
    assert reading.minted


def test_without_an_offset_it_is_the_zone_of_the_home() -> None:
    reading = cuff(time=datetime(2026, 3, 1, 2, 30), zone=ZoneInfo("America/New_York"))
    assert reading.measured_at == datetime(2026, 3, 1, 7, 30, tzinfo=UTC)
    assert reading.clock.certainty is Certainty.HOME_ZONE
    assert reading.clock.uncertainty_s == 3600


@pytest.mark.parametrize("time", [None, datetime(2000, 1, 1), datetime(2026, 3, 1, 9, 0)])
def test_no_possible_device_time_leaves_the_receipt(time) -> None:
    reading = cuff(time=time)
    assert reading.measured_at == NOW
    assert reading.clock.certainty is Certainty.RECEIVED


def test_glucose_time_is_what_the_meter_showed() -> None:
    assert meter(0.001, offset=-60).device_time == datetime(2026, 3, 1, 6, 30)


def test_two_equal_weighings_without_a_time_are_two_readings() -> None:
    later = NOW + timedelta(seconds=40)
    first, second = scale(81.5), scale(81.5, received_at=later)
    assert first.minted
    assert first.id != second.id


@pytest.mark.parametrize(
    "read", [lambda at: cuff(received_at=at), lambda at: meter(0.001, received_at=at)]
)
def test_the_same_record_read_twice_is_one_reading(read) -> None:
    assert read(NOW).id == read(NOW + timedelta(hours=1)).id


def test_a_meter_without_a_clock_still_tells_its_records_apart() -> None:
    assert not meter(0.001, time=datetime(2000, 1, 1)).minted


def test_undecodable_bytes_travel_as_they_are() -> None:
    reading = normalise.normalise(normalise.BLOOD_PRESSURE, b"\x16\x01", origin())
    assert (reading.kind, reading.values, reading.minted) == (Kind.UNDECODED, [], True)
    assert reading.raw[0].hex == "1601"
    with pytest.raises(ReadingRejected) as caught:
        check(reading, now=NOW)
    assert caught.value.reason is QuarantineReason.UNDECODED


def test_a_record_that_no_codec_reads_is_one_reading_however_often_it_is_read() -> None:
    payload = bytes.fromhex("0b0500ffff")
    first, again = (
        normalise.normalise(normalise.GLUCOSE, payload, origin(received_at=at))
        for at in (NOW, NOW + timedelta(hours=1))
    )
    assert (first.kind, first.sequence, first.minted) == (Kind.UNDECODED, 5, False)
    assert first.id == again.id == expected_id(first)


def test_year_zero_is_no_time() -> None:
    frame = bytes.fromhex("1e780050005d00000000000000004800ff0000")
    reading = normalise.normalise(normalise.BLOOD_PRESSURE, frame, origin())
    assert (reading.device_time, reading.minted, reading.measured_at) == (None, True, NOW)
    assert value(reading, Measure.SYSTOLIC).value == 120
    check(reading, now=NOW)


def test_context_changes_no_identity() -> None:
    plain = meter(0.001)
    payload = glucose_context.encode(glucose_context.GlucoseContext(sequence=5, meal=3))
    told = normalise.with_context(plain, payload)
    assert told.id == plain.id == expected_id(told)
    assert told.context["meal"] == "fasting"
    assert [raw.characteristic for raw in told.raw] == ["2A18", "2A34"]
    broken = normalise.with_context(plain, b"\xff")
    assert broken.raw[1].hex == "ff"
    assert broken.id == plain.id
