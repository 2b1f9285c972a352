"""Values that mean danger, or mean nothing, are told apart from plain numbers."""

from __future__ import annotations

from typing import Any

import pytest

from devices import (
    blood_pressure,
    body_composition,
    cgm,
    cgm_session,
    glucose,
    heart_rate,
    plx_continuous,
    plx_spot_check,
    temperature,
    weight,
    weight_feature,
    xiaomi_scale,
)
from devices.errors import DecodeError
from devices.ieee11073 import Special, float_of, sfloat_of


def record(**changes: Any) -> glucose.Glucose:
    return glucose.Glucose(**{"sequence": 1, "base_time": None, **changes})


@pytest.mark.parametrize(
    ("concentration", "status", "comparator", "valid"),
    [
        (sfloat_of(Special.POS_INF), None, ">", True),
        (sfloat_of(Special.NEG_INF), None, "<", True),
        (sfloat_of(0.006), glucose.RESULT_TOO_HIGH, ">", True),
        (None, glucose.RESULT_TOO_LOW, "<", True),
        (sfloat_of(0.0012), 0, None, True),
        (sfloat_of(Special.NAN), 0, None, False),
        (None, None, None, False),
    ],
)
def test_out_of_range_glucose_is_a_bounded_reading(concentration, status, comparator, valid):
    reading = record(concentration=concentration, unit="kg/L", status=status)
    assert (reading.comparator, reading.valid) == (comparator, valid)


def test_both_units_of_glucose_agree():
    mass = record(concentration=sfloat_of(0.00126, exponent=-5), unit="kg/L")
    moles = record(concentration=sfloat_of(0.007), unit="mol/L")
    assert (mass.mg_dl, mass.mmol_l) == (126.0, 7.0)
    assert (moles.mg_dl, moles.mmol_l) == (126.1, 7.0)


@pytest.mark.parametrize("offset", glucose.TIME_OFFSETS_OUT_OF_RANGE)
def test_an_overrun_time_offset_places_nothing(offset):
    payload = glucose.encode(record(time_offset_min=offset))[:3] + bytes.fromhex("e8070101000000")
    reading = glucose.decode(payload + offset.to_bytes(2, "little", signed=True))
    assert reading.base_time is not None
    assert reading.user_facing_time is None


def test_a_cuff_without_a_mean_is_still_valid():
    reading = blood_pressure.decode(bytes.fromhex("0078005000ff07"))
    assert reading.valid
    assert reading.mean_arterial_mmhg is None


def test_reserved_flags_are_ignored_while_the_length_agrees():
    assert blood_pressure.decode(bytes.fromhex("e0780050005d00")).systolic_mmhg == 120
    with pytest.raises(DecodeError, match="byte 7: 1 byte left over"):
        blood_pressure.decode(bytes.fromhex("e0780050005d0000"))


def test_an_unsuccessful_weighing_has_no_weight():
    reading = weight.decode(bytes.fromhex("00ffff"))
    assert (reading.valid, reading.weight, reading.weight_kg) == (False, None, None)


def test_imperial_height_is_given_in_metres():
    reading = weight.decode(bytes.fromhex("09983afa00bc02"))
    assert (reading.weight, reading.bmi, reading.height_m) == (150.0, 25.0, 1.778)


def composed(**changes: Any) -> body_composition.BodyComposition:
    return body_composition.BodyComposition(**{"body_fat_pct": 20.0, "unit": "kg", **changes})


@pytest.mark.parametrize(
    ("changes", "valid"),
    [
        ({}, True),
        ({"body_fat_pct": None}, False),
        ({"body_fat_pct": 0.0, "muscle_pct": 0.0, "basal_metabolism_kj": 9110}, False),
        ({"body_fat_pct": 0.0, "impedance_ohm": 480.0}, True),
    ],
)
def test_a_composition_of_zeros_is_no_measurement(changes, valid):
    assert composed(**changes).valid is valid


def test_more_fat_than_body_is_another_frame():
    with pytest.raises(DecodeError, match=r"byte 2: body fat of 201\.9 percent"):
        body_composition.decode(bytes.fromhex("0000e307"))


def test_two_packets_of_a_composition_are_one():
    first = composed(muscle_pct=40.0, user_id=2, more_packets=True)
    second = composed(body_fat_pct=0.0, impedance_ohm=480.0, weight=81.5, more_packets=True)
    assert body_composition.merged(first, second) == composed(
        muscle_pct=40.0, user_id=2, impedance_ohm=480.0, weight=81.5
    )


def test_pounds_of_a_composition_become_kilograms():
    assert composed(unit="lb", weight=150.0).weight_kg == 68.04


def test_fahrenheit_becomes_celsius():
    reading = temperature.Temperature(temperature=float_of(98.6), unit="F", type=3)
    assert (reading.celsius, reading.site, reading.valid) == (37.0, "ear", True)


def test_a_thermometer_that_failed_has_no_temperature():
    reading = temperature.Temperature(temperature=float_of(Special.NAN), unit="F", type=77)
    assert (reading.celsius, reading.site, reading.valid) == (None, None, False)


@pytest.mark.parametrize(
    ("payload", "rate", "contact", "valid"),
    [
        ("0048", 72, None, True),
        ("012c01", 300, None, True),
        ("0648", 72, True, True),
        ("0448", 72, False, False),  # it can tell, and feels no skin
        ("0000", 0, None, False),
    ],
)
def test_a_strap_off_the_body_counts_nobodys_heart(payload, rate, contact, valid):
    reading = heart_rate.decode(bytes.fromhex(payload))
    assert (reading.beats_per_minute, reading.contact, reading.valid) == (rate, contact, valid)


def test_intervals_between_beats_are_in_seconds():
    reading = heart_rate.decode(bytes.fromhex("184805000004c003"))
    assert (reading.energy_kj, reading.intervals_s) == (5, (1.0, 0.9375))


@pytest.mark.parametrize(
    ("payload", "names", "valid"),
    [
        ("0062003d00", (), True),
        ("0262003d008000", ("validated",), True),
        ("0262003d000080", ("invalid",), False),
        ("0262003d000004", ("demonstration",), False),
        ("0462003d00200800", ("low_perfusion", "sensor_off"), True),
        ("00ff07ff07", (), False),
    ],
)
def test_an_oximeter_says_what_is_wrong_with_its_number(payload, names, valid):
    reading = plx_spot_check.decode(bytes.fromhex(payload))
    assert (reading.status_names, reading.valid) == (names, valid)


def test_what_an_oximeter_averages_in_three_ways():
    reading = plx_continuous.decode(bytes.fromhex("0362003d0061003e0063003c00"))
    assert reading.fast is not None
    assert reading.slow is not None
    pairs = (reading.normal, reading.fast, reading.slow)
    assert [(pair.spo2.value, pair.pulse.value) for pair in pairs] == [
        (98, 61),
        (97, 62),
        (99, 60),
    ]


CGM = bytes.fromhex("0d4373002c010324001a003e04")


def test_a_wrong_checksum_is_refused():
    with pytest.raises(DecodeError, match="byte 11: E2E-CRC 0x053e, 0x043e expected"):
        cgm.decode(CGM[:-1] + b"\x05")


def test_records_of_one_notification_are_told_apart():
    bare = bytes.fromhex("0600780030" + "01")
    assert cgm.split(CGM + bare) == (CGM, bare)
    assert [record.mg_dl for record in cgm.decode(CGM + bare)] == [115, 120]


@pytest.mark.parametrize("payload", ["", "00", "0500780030", "0700780030" + "0100", "ff"])
def test_a_record_is_as_long_as_it_says(payload):
    with pytest.raises(DecodeError):
        cgm.decode(bytes.fromhex(payload))


@pytest.mark.parametrize(
    ("concentration", "warning", "comparator"),
    [
        (Special.POS_INF, None, ">"),
        (400, 1 << 7, ">"),
        (Special.NEG_INF, None, "<"),
        (115, 0, None),
    ],
)
def test_beyond_the_sensor_is_bounded(concentration, warning, comparator):
    record = cgm.CgmRecord(
        concentration=sfloat_of(concentration), time_offset_min=5, warning=warning
    )
    assert (record.comparator, record.valid) == (comparator, True)


@pytest.mark.parametrize(
    ("zone", "summer", "offset_min"), [(4, 4, 120), (-20, 0, -300), (-128, 0, None), (4, 255, None)]
)
def test_a_session_knows_its_offset_from_utc_or_not(zone, summer, offset_min):
    session = cgm_session.CgmSession(start=None, zone_quarters=zone, summer=summer)
    assert session.offset_min == offset_min


@pytest.mark.parametrize(
    ("control", "raw", "unit", "kilograms"),
    [(0x22, 25420, "kg", 127.1), (0x23, 15000, "lb", 68.04), (0x32, 14000, "jin", 70.0)],
)
def test_a_xiaomi_weight_is_in_its_own_unit(control, raw, unit, kilograms):
    frame = xiaomi_scale.XiaomiWeight(control=control, raw=raw, time=None)
    assert (frame.unit, frame.weight_kg) == (unit, kilograms)


def test_a_scale_says_how_fine_it_weighs():
    feature = weight_feature.decode((0b011_0111_111).to_bytes(4, "little"))
    assert feature.names == ("time_stamp", "multiple_users", "bmi")
    assert (feature.mass_step_kg, feature.height_step_m) == (0.005, 0.001)
    assert weight_feature.WeightFeature(bits=0b1111 << 3).mass_step_kg is None
