"""The measuring rod itself: a lost, doubled, changed or invented reading is seen as such."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from scripts.truth import Stored, Taken, compare

AT = datetime(2026, 3, 1, tzinfo=UTC)


def taken(raw, kg):
    return Taken(
        reading_id=raw,
        address="A",
        kind="weight",
        measured_at=AT,
        raw=raw,
        values={"weight_kg": kg},
    )


TAKEN = [taken("01", 70.0), taken("02", 71.0)]


def stored(raw, kg, address="A", reading_id=None, at=AT):
    return Stored(
        reading_id=reading_id or raw,
        address=address,
        kind="weight",
        measured_at=at,
        raw=raw,
        values={"weight_kg": kg},
    )


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([stored("01", 70.0), stored("02", 71.0)], (0, 0, 0, 0)),
        ([stored("01", 70.0)], (1, 0, 0, 0)),
        ([stored("01", 70.0), stored("02", 71.0), stored("02", 71.0)], (0, 1, 0, 0)),
        ([stored("01", 70.0), stored("02", 71.1)], (0, 0, 1, 0)),
        ([stored("01", 70.0), stored("02", 71.0, reading_id="x")], (0, 0, 1, 0)),
        ([stored("01", 70.0), stored("02", 71.0, at=AT + timedelta(hours=1))], (0, 0, 1, 0)),
        ([stored("01", 70.0), stored("02", 71.0), stored("03", 1.0)], (0, 0, 0, 1)),
        ([stored("01", 70.0), stored("02", 71.0, address="B")], (1, 0, 0, 1)),
    ],
)
def test_verdicts(rows, expected):
    found = compare(TAKEN, rows)
    assert (found.lost, found.doubled, found.values_changed, found.strangers) == expected
    assert found.exact is (expected == (0, 0, 0, 0))


def test_what_lies_in_quarantine_is_not_lost():
    found = compare(TAKEN, [stored("01", 70.0)], refused={"02"})
    assert found.exact, found
    assert compare(TAKEN, [stored("01", 70.0)], refused={"03"}).lost == 1
    assert compare(TAKEN, [], refused={"02"}).lost == 1
