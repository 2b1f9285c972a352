"""What must hold for any month: order is nothing, a second counts once, sums are exact."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from ccm_link.intervals import intersect, subtract, total, union
from ccm_link.view import as_json
from tests.ccm_link.engine.make import billed, enrolled, month, result

MARCH = datetime(2026, 2, 28, 20, tzinfo=UTC)  # some entries start before the month, or end after
PROGRAMMES = ["TCM", "RPM", "CCM", "PCM", "BHI"]

starts = st.integers(0, 32 * 24 * 60).map(lambda minutes: minutes - minutes % 7)
crowded = st.one_of(starts, st.integers(600, 720))  # many overlap
entries = st.lists(
    st.tuples(
        st.sampled_from(PROGRAMMES),
        st.sampled_from(["RN1", "RN2", "MD1"]),
        st.sampled_from(["care_coordination", "training"]),
        crowded,
        st.integers(1, 5000),
    ),
    max_size=12,
)


def case(drawn: list[tuple[str, str, str, int, int]], **changes: Any) -> dict[str, Any]:
    logged = [
        {
            "id": f"t{number}",
            "program": program,
            "staff": staff,
            "role": "qhp" if staff == "MD1" else "clinical_staff",
            "activity": activity,
            "start": (MARCH + timedelta(minutes=minute)).isoformat(),
            "end": (MARCH + timedelta(minutes=minute, seconds=seconds)).isoformat(),
        }
        for number, (program, staff, activity, minute, seconds) in enumerate(drawn)
    ]
    both = [enrolled(), enrolled("PCM", practitioner="B"), enrolled("RPM")]
    rpm = {"interactive": ["2026-03-10T09:05:00-04:00"]}
    return month(*logged, enrollments=both, rpm=rpm, **changes)


@settings(max_examples=150, deadline=None)
@given(entries, st.randoms(use_true_random=False))
def test_the_order_of_entries_changes_nothing(drawn: Any, chance: random.Random) -> None:
    plain = case(drawn)
    shuffled = plain | {"time_entries": chance.sample(plain["time_entries"], len(drawn))}
    assert as_json(result(plain)) == as_json(result(shuffled))


@settings(max_examples=150, deadline=None)
@given(entries)
def test_a_second_counts_in_one_entry_of_one_programme(drawn: Any) -> None:
    found = result(case(drawn))
    pieces = [piece for row in found.ledger for piece in row.counted]
    assert total(union(pieces)) == sum(end - start for start, end in pieces)


@settings(max_examples=150, deadline=None)
@given(entries)
def test_the_ledger_accounts_for_every_microsecond(drawn: Any) -> None:
    for row in result(case(drawn)).ledger:
        assert row.logged == total(row.counted) + sum(gone for _, gone in row.lost)


@settings(max_examples=150, deadline=None)
@given(entries)
def test_a_lines_time_is_the_sum_of_its_entries(drawn: Any) -> None:
    found = result(case(drawn))
    by_entry = {row.entry: total(row.counted) for row in found.ledger}
    for line in found.billable:
        assert line.micros == sum(by_entry[entry] for entry in line.entries)


@settings(max_examples=150, deadline=None)
@given(entries, st.integers(1, 7200))
def test_more_time_never_bills_less(drawn: Any, seconds: int) -> None:
    """Staff time only, so that the family of codes stays; and on a day of its own."""
    staff = [(*entry[:1], "RN1", *entry[2:]) for entry in drawn]
    more = [*staff, ("CCM", "RN9", "care_coordination", 33 * 24 * 60 - 4200, seconds)]
    before, after = billed(case(staff)), billed(case(more))
    before.pop("99470", None)  # gives way to the longer code
    assert all(after.get(code, 0) >= units for code, units in before.items())


numbers = st.integers(0, 60)
pieces = st.lists(st.tuples(numbers, numbers)).map(union)


@given(pieces, pieces)
def test_intervals_are_sets_of_instants(one: Any, other: Any) -> None:
    def instants(found: Any) -> set[int]:
        return {at for start, end in found for at in range(start, end)}

    assert instants(union((*one, *other))) == instants(one) | instants(other)
    assert instants(subtract(one, other)) == instants(one) - instants(other)
    assert instants(intersect(one, other)) == instants(one) & instants(other)
    assert total(one) == len(instants(one))
