"""Values that mean danger, or mean nothing, are told apart from plain numbers."""

from __future__ import annotations

from typing import Any

import pytest

from devices import blood_pressure, glucose, weight
from devices.errors import DecodeError
from devices.ieee11073 import Special, sfloat_of


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
