"""The measuring rod itself: a lost, doubled, changed or invented reading is seen as such."""

from __future__ import annotations

import pytest

from scripts.truth import Stored, Taken, compare

TAKEN = [
    Taken(address="A", kind="weight", raw="01", values={"weight_kg": 70.0}),
    Taken(address="A", kind="weight", raw="02", values={"weight_kg": 71.0}),
]


def stored(raw, kg, address="A"):
    return Stored(
        reading_id=raw,
        address=address,
        kind="weight",
        measured_at="",
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
        ([stored("01", 70.0), stored("02", 71.0), stored("03", 1.0)], (0, 0, 0, 1)),
        ([stored("01", 70.0), stored("02", 71.0, address="B")], (1, 0, 0, 1)),
    ],
)
def test_verdicts(rows, expected):
    found = compare(TAKEN, rows)
    assert (found.lost, found.doubled, found.values_changed, found.strangers) == expected
    assert found.exact is (expected == (0, 0, 0, 0))
