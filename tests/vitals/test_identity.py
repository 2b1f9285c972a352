"""Identity: what must be one reading is one, what must be two is two (I2)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vitals.identity import is_plausible_device_time, must_mint, reading_id

RECEIVED = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)
BASE: dict[str, Any] = {
    "device": "C0:FF:EE:00:00:01",
    "user_slot": 1,
    "sequence": 7,
    "device_time": datetime(2026, 3, 1, 9, 0),  # noqa: DTZ001 -- a device shows no zone
    "payload_hex": "1678",
}


def test_case_of_address_and_payload_does_not_matter():
    shouted = BASE | {"device": "c0:ff:ee:00:00:01", "payload_hex": "1678".upper()}
    assert reading_id(**shouted) == reading_id(**BASE)


@pytest.mark.parametrize(
    "change",
    [
        {"device": "C0:FF:EE:00:00:02"},
        {"user_slot": 2},
        {"user_slot": None},
        {"sequence": 8},
        {"sequence": None},
        {"device_time": None},
        {"device_time": datetime(2026, 3, 1, 9, 1)},  # noqa: DTZ001
        {"payload_hex": "1679"},
        {"minted_at": RECEIVED},
    ],
)
def test_every_part_counts(change):
    assert reading_id(**(BASE | change)) != reading_id(**BASE)


@given(
    slot=st.none() | st.integers(0, 255),
    sequence=st.none() | st.integers(0, 65535),
    other=st.none() | st.integers(0, 65535),
)
def test_neighbouring_parts_never_run_together(slot, sequence, other):
    first = reading_id(**(BASE | {"user_slot": slot, "sequence": sequence}))
    second = reading_id(**(BASE | {"user_slot": slot, "sequence": other}))
    assert (first == second) == (sequence == other)


def test_two_minted_microseconds_apart_differ():
    later = RECEIVED + timedelta(microseconds=1)
    assert reading_id(**BASE, minted_at=RECEIVED) != reading_id(**BASE, minted_at=later)


@pytest.mark.parametrize(
    ("year", "plausible"),
    [(1970, False), (2000, False), (2015, False), (2026, True), (2028, False)],
)
def test_power_on_years_are_not_times(year, plausible):
    shown = datetime(year, 1, 1)  # noqa: DTZ001
    assert is_plausible_device_time(shown, RECEIVED) is plausible


def test_a_sequence_number_saves_an_unset_clock_from_minting():
    unset = datetime(2000, 1, 1)  # noqa: DTZ001
    assert not must_mint(sequence=3, device_time=unset, received_at=RECEIVED)
    assert must_mint(sequence=None, device_time=unset, received_at=RECEIVED)
    assert must_mint(sequence=None, device_time=None, received_at=RECEIVED)
