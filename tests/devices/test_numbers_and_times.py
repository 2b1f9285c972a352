"""Medical numbers and device clocks at their edges."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices import battery, current_time, date_time, device_information
from devices.errors import DecodeError
from devices.ieee11073 import (
    Special,
    decode_float,
    decode_sfloat,
    encode_float,
    encode_sfloat,
    float_of,
    sfloat_of,
)

SPECIAL_BITS = [
    ("fe07", "feff7f00", Special.POS_INF),
    ("ff07", "ffff7f00", Special.NAN),
    ("0008", "00008000", Special.NRES),
    ("0108", "01008000", Special.RESERVED),
    ("0208", "02008000", Special.NEG_INF),
]


@pytest.mark.parametrize(("short", "long", "special"), SPECIAL_BITS)
def test_a_special_value_keeps_its_name_both_ways(short: str, long: str, special: Special) -> None:
    assert decode_sfloat(bytes.fromhex(short)).special is special
    assert decode_float(bytes.fromhex(long)).special is special
    assert encode_sfloat(special).hex() == short
    assert encode_float(special).hex() == long


@pytest.mark.parametrize(
    ("value", "exponent", "raw"),
    [
        (120, None, 0x0078),  # exponent nearest zero, not 12e1
        (36.4, None, 0xF16C),
        (0.00111, -5, 0xB06F),
        (0.006, None, 0xD006),
        (-1, None, 0x0FFF),
        (0, None, 0x0000),
        (16.0, -1, 0xF0A0),
        (1e7, None, 0x43E8),
        (2045, None, 0x07FD),
        (2046, None, 0x10CD),  # the mantissa means +INF: 205e1
        (1e-12, None, 0x8000),  # too small to say
    ],
)
def test_a_number_becomes_the_sfloat_expected(value, exponent, raw):
    assert sfloat_of(value, exponent=exponent).raw == raw


@pytest.mark.parametrize(
    ("value", "exponent"), [(1e11, None), (2046, 0), (float("nan"), None), (1, 8), (1, -9)]
)
def test_a_number_that_does_not_fit_is_refused(value, exponent):
    with pytest.raises(ValueError, match="SFLOAT"):
        sfloat_of(value, exponent=exponent)


@given(mantissa=st.integers(-2045, 2045), exponent=st.integers(-8, 7))
def test_every_sfloat_value_is_found_again(mantissa, exponent):
    value = float(f"{mantissa}e{exponent}")
    assert sfloat_of(value).value == value
    assert sfloat_of(value, exponent=exponent).value == value


@given(value=st.floats(-1e9, 1e9))
def test_a_float_is_near(value):
    assert float_of(value).value == pytest.approx(value, rel=1e-6, abs=1e-100)


@pytest.mark.parametrize(
    "payload", ["00000000000000", "00000101000000", "e807000c000000", "e8070c00000000"]
)
def test_a_date_that_is_not_known_is_none(payload):
    assert date_time.decode(bytes.fromhex(payload)) is None


@pytest.mark.parametrize(
    ("payload", "why"),
    [
        ("e8070d01000000", "byte 2: month 13"),
        ("e807021e000000", "byte 3: 2024-02 has no day 30"),
        ("e707021d000000", "byte 3: 2023-02 has no day 29"),
        ("e8070120000000", "byte 3: day 32"),
        ("e8070101180000", "byte 4: hours 24"),
        ("e80701010c3c00", "byte 5: minutes 60"),
        ("e80701010c003c", "byte 6: seconds 60"),
        ("2d060101000000", "byte 0: year 1581"),
        ("10270101000000", "byte 0: year 10000"),
        ("e80701", "byte 0: 7 bytes needed for date time, 3 left"),
    ],
)
def test_a_date_that_no_calendar_has_is_refused(payload, why):
    with pytest.raises(DecodeError, match=why):
        date_time.decode(bytes.fromhex(payload))


def test_a_leap_day_is_a_day():
    leap = datetime.fromisoformat("2024-02-29T23:59:59")
    assert date_time.decode(date_time.encode(leap)) == leap


@pytest.mark.parametrize(
    "time", [datetime(2024, 1, 1, tzinfo=UTC), datetime.fromisoformat("1500-01-01")]
)
def test_a_time_that_the_wire_cannot_say_is_refused(time):
    with pytest.raises(ValueError, match=r"zone|before"):
        date_time.encode(time)


def test_a_clock_is_set_with_its_weekday_and_fraction():
    clock = current_time.of(
        datetime.fromisoformat("2026-05-12T18:53:43.067"),
        adjust_reason=current_time.MANUAL_UPDATE,
    )
    assert current_time.encode(clock).hex() == "ea07050c12352b021101"


@pytest.mark.parametrize(
    ("codec", "payload", "why"),
    [
        (battery, "65", "byte 0: level 101"),
        (current_time, "ea07050c12352b081101", "byte 7: day of week 8"),
        (device_information, "41ff", "byte 1: not UTF-8"),
    ],
)
def test_a_value_out_of_range_names_its_byte(codec, payload, why):
    with pytest.raises(DecodeError, match=why):
        codec.decode(bytes.fromhex(payload))


def test_padding_of_a_name_is_dropped():
    assert device_information.decode(b"UA-651BLE\0\0") == "UA-651BLE"
