# ruff: noqa: DTZ001 -- device time is naive
from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices import (
    blood_pressure,
    body_composition,
    glucose,
    glucose_context,
    registry,
    weight,
)
from devices.ieee11073 import Special, sfloat_of
from devices.uuids import short
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


CUFF_OF_BEURER = "566a0047000000ea07080b121f00003f000000"
SCALE_AT = datetime(2026, 3, 1, 7, 29)


def weighing(**known) -> Reading:
    scale = weight.Weight(weight=81.5, unit="kg", time=SCALE_AT, user_id=2)
    return normalise.normalise(normalise.WEIGHT, weight.encode(scale), origin(**known))


def composed(**said) -> bytes:
    return body_composition.encode(
        body_composition.BodyComposition(**{"unit": "kg", "body_fat_pct": 21.5, **said})
    )


def read(characteristic: str, payload: str, **known) -> Reading:
    return normalise.normalise(characteristic, bytes.fromhex(payload), origin(**known))


@pytest.mark.parametrize(
    ("reading", "kind", "values"),
    [
        (
            read("2A5E", "0162003d00ea070301071e00"),
            Kind.PULSE_OXIMETRY,
            {Measure.SPO2: 98, Measure.PULSE: 61},
        ),
        (read("2A5F", "0062003d00"), Kind.PULSE_OXIMETRY, {Measure.SPO2: 98, Measure.PULSE: 61}),
        (
            read("2A5F", "0462003d000080"),  # the oximeter calls it invalid
            Kind.PULSE_OXIMETRY,
            {Measure.SPO2: None, Measure.PULSE: None},
        ),
        (read("2A1C", "006c0100ff"), Kind.TEMPERATURE, {Measure.TEMPERATURE: 36.4}),
        (read("2A1C", "01da0300ff"), Kind.TEMPERATURE, {Measure.TEMPERATURE: 37.0}),
        (read("2A1C", "00ffff7f00"), Kind.TEMPERATURE, {Measure.TEMPERATURE: None}),
        (read("2A37", "0648"), Kind.HEART_RATE, {Measure.HEART_RATE: 72}),
        (read("2A37", "0448"), Kind.HEART_RATE, {Measure.HEART_RATE: None}),  # off the skin
        (
            read("2AA7", "0d4373002c010324001a003e04"),
            Kind.CONTINUOUS_GLUCOSE,
            {Measure.SENSOR_GLUCOSE: 115},
        ),
        (read("2A9C", "0000d700"), Kind.BODY_COMPOSITION, {Measure.BODY_FAT: 21.5}),
        (read("2A9C", "0004d700ac3f"), Kind.WEIGHT, {Measure.WEIGHT: 81.5, Measure.BODY_FAT: 21.5}),
        (read("2A9C", "0000ffff"), Kind.BODY_COMPOSITION, {Measure.BODY_FAT: None}),
        (
            read("2A35", CUFF_OF_BEURER, received_at=datetime(2026, 8, 12, tzinfo=UTC)),
            Kind.BLOOD_PRESSURE,
            {
                Measure.SYSTOLIC: 106,
                Measure.DIASTOLIC: 71,
                Measure.MEAN_ARTERIAL: None,
                Measure.PULSE: 63,
            },
        ),
    ],
)
def test_each_kind_has_its_values_in_the_agreed_units(reading, kind, values) -> None:
    assert reading.kind is kind
    assert {v.measure: v.value for v in reading.values} == values
    check(reading, now=reading.received_at)


def test_what_is_no_measurement_of_anybody_stays_bytes() -> None:
    assert read("2A36", "007800ff07ff07").kind is Kind.UNDECODED  # the cuff still pumps
    assert read("FFF1", "00").kind is Kind.UNDECODED


def test_a_clock_that_was_never_set_dates_nothing_without_its_offset() -> None:
    unset = read("2A5E", "1162003d00e8070301071e00")
    assert (unset.clock.certainty, unset.measured_at) == (Certainty.RECEIVED, NOW)
    assert "clock_not_set" in unset.flags
    shown = datetime(2024, 3, 1, 7, 30, tzinfo=UTC)
    told = read("2A5E", "1162003d00e8070301071e00", offset_s=(shown - NOW).total_seconds() + 60)
    assert told.measured_at == NOW - timedelta(seconds=60)


def test_every_field_of_a_context_has_its_name() -> None:
    payload = bytes.fromhex("5f0a00013cd001133c0032010aa040f0")
    told = normalise.with_context(meter(0.001), payload).context
    assert told == {
        "sample_type": "capillary_whole_blood", "sample_location": "finger", "meal": "preprandial",
        "carbohydrate": "breakfast", "carbohydrate_kg": 0.06, "tester": "laboratory",
        "health": "minor_issues", "exercise_s": 60, "exercise_pct": 50,
        "medication": "rapid_acting_insulin", "medication_kg": 0.00001, "hba1c_pct": 6.4,
    }  # fmt: skip


def test_a_composition_joins_its_weighing() -> None:
    bare = weighing()
    payload = composed(muscle_pct=38.0, impedance_ohm=469.0)
    whole = normalise.with_context(bare, payload, normalise.COMPOSITION)
    assert whole.id == bare.id == expected_id(whole)
    assert [raw.characteristic for raw in whole.raw] == ["2A9D", "2A9C"]
    assert value(whole, Measure.BODY_FAT).value == 21.5
    assert whole.context == {"body_fat_pct": 21.5, "muscle_pct": 38.0, "impedance_ohm": 469.0}
    check(whole, now=NOW)


def test_a_second_packet_only_adds() -> None:
    first = composed(muscle_pct=38.0, more_packets=True)
    second = composed(body_fat_pct=0.0, impedance_ohm=469.0, more_packets=True)
    whole = weighing()
    for payload in (first, second):
        whole = normalise.with_context(whole, payload, normalise.COMPOSITION)
    assert whole.context == {"body_fat_pct": 21.5, "muscle_pct": 38.0, "impedance_ohm": 469.0}
    assert len(whole.raw) == 3
    check(whole, now=NOW)


@pytest.mark.parametrize(
    "payload",
    [
        bytes.fromhex("9803000096230000000000000000"),  # zeros: not measured
        bytes.fromhex("0000ffff"),
        composed(body_fat_pct=98.0),  # nobody has that; the weight stands
    ],
)
def test_a_composition_that_measured_nothing_adds_no_number(payload) -> None:
    whole = normalise.with_context(weighing(), payload, normalise.COMPOSITION)
    assert whole.values == weighing().values
    assert Measure.BODY_FAT not in whole.context
    assert whole.raw[1].hex == payload.hex()
    check(whole, now=NOW)


@pytest.mark.parametrize(
    ("said", "belongs"),
    [
        ({}, True),
        ({"time": SCALE_AT, "user_id": 2}, True),
        ({"user_id": 255}, True),
        ({"user_id": 1}, False),
        ({"time": SCALE_AT + timedelta(minutes=1)}, False),
    ],
)
def test_a_composition_is_of_the_same_person_and_time(said, belongs) -> None:
    assert normalise.belongs_to(weighing(), composed(**said)) is belongs
    assert not normalise.belongs_to(cuff(), composed(**said))


SERVICE_181B, SERVICE_181D = short(0x181B), short(0x181D)


@pytest.mark.parametrize(
    ("uuid", "payload", "kilograms"),
    [
        (SERVICE_181D, "a24c63e20702010f2f1c", 127.1),
        (SERVICE_181D, "224c63e20702010f2f1c", None),  # stands still, but somebody is on it
        (SERVICE_181D, "82de03b20701010a1a29", None),
        (SERVICE_181B, "02a6e40709060d232ee9015a37", 70.85),
        (SERVICE_181B, "0204e307011d1135010000282d", None),
        (SERVICE_181B, "02a6", None),
        (short(0x180F), "64", None),
    ],
)
def test_an_advertised_weighing_is_read_once_it_is_over(uuid, payload, kilograms) -> None:
    reading = normalise.from_advertisement({uuid: bytes.fromhex(payload)}, origin())
    assert (reading and value(reading, Measure.WEIGHT).value) == kilograms
    if reading is not None:
        check(reading, now=NOW)


def test_a_sensors_minutes_are_of_its_session() -> None:
    began = datetime(2026, 3, 1, 2, 0)
    dated = read("2AA7", "0d4373002c010324001a003e04", session_start=began)
    assert (dated.device_time, dated.minted) == (datetime(2026, 3, 1, 7, 0), False)
    assert read("2AA7", "0d4373002c010324001a003e04").minted


def test_a_sensors_records_travel_alone() -> None:
    payload = bytes.fromhex("0d4373002c010324001a003e04" + "060078003001")
    alone = normalise.split(normalise.CGM, payload)
    assert [len(record) for record in alone] == [13, 6]
    assert normalise.split(normalise.CGM, payload[:-1]) == (payload[:-1],)
    assert normalise.split(normalise.WEIGHT, payload) == (payload,)


NAMES = [*(uuid[4:8].upper() for uuid in registry.CODECS), *registry.SERVICE_DATA]


@given(name=st.sampled_from(NAMES), payload=st.binary(max_size=24))
def test_whatever_bytes_come_they_are_a_reading_with_its_own_id(name, payload) -> None:
    reading = normalise.normalise(name, payload, origin())
    assert reading.id == expected_id(reading)
    try:
        check(reading, now=NOW)
    except ReadingRejected as rejected:
        assert rejected.reason in {  # noqa: PT017 - most are no measurement at all
            QuarantineReason.UNDECODED,
            QuarantineReason.IMPLAUSIBLE,
        }
