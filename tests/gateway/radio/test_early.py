"""What came before anybody had asked for it is handed over once, in order, and bounded."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from gateway.radio.early import LIMIT, EarlyValues

CUFF, SCALE = "C0:FF:EE:00:00:02", "c0:ff:ee:00:00:03"
PRESSURE, WEIGHT = "2a35", "2a9d"
START = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)


def values() -> EarlyValues:
    ticks = iter(range(10_000))
    return EarlyValues(lambda: START + timedelta(seconds=next(ticks)))


def test_each_is_taken_once_in_the_order_in_which_it_came() -> None:
    early = values()
    for payload in (b"one", b"two", b"three"):
        early.keep(CUFF, PRESSURE, payload)
    taken = early.take(CUFF)
    assert [value.payload for value in taken] == [b"one", b"two", b"three"]
    assert [(value.at - START).seconds for value in taken] == [0, 1, 2]
    assert early.take(CUFF) == []


def test_a_characteristic_is_taken_without_its_neighbours() -> None:
    early = values()
    early.keep(SCALE, WEIGHT, b"weight")
    early.keep(SCALE, PRESSURE, b"pressure")
    assert [value.payload for value in early.take(SCALE, PRESSURE)] == [b"pressure"]
    assert [value.payload for value in early.take(SCALE.upper())] == [b"weight"]


def test_devices_are_kept_apart() -> None:
    early = values()
    early.keep(CUFF, PRESSURE, b"cuff")
    early.keep(SCALE, WEIGHT, b"scale")
    assert [value.payload for value in early.take(CUFF)] == [b"cuff"]
    assert [value.payload for value in early.take(SCALE)] == [b"scale"]


def test_a_stream_that_nobody_takes_keeps_its_newest() -> None:
    early = values()
    for number in range(LIMIT + 2):
        early.keep(CUFF, PRESSURE, str(number).encode())
    taken = early.take(CUFF)
    assert len(taken) == LIMIT
    assert (taken[0].payload, taken[-1].payload) == (b"2", str(LIMIT + 1).encode())
