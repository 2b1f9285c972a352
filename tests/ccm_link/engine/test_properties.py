"""What must hold for any month: order is nothing, a second counts once, sums are exact."""

from __future__ import annotations

import random
from datetime import date, datetime, timedelta
from itertools import combinations
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import event, given, settings
from hypothesis import strategies as st

from ccm_link.calendar_month import Month
from ccm_link.codes import Programme
from ccm_link.evaluate import Result
from ccm_link.intervals import intersect, micros, subtract, total, union
from ccm_link.view import as_json
from tests.ccm_link.engine.drawn import at, cases, logged
from tests.ccm_link.engine.make import enrolled, month, result

EARLY = {**enrolled()["consent"], "at": "2025-01-01T00:00:00Z"}
LISTS = [
    "time_entries",
    "enrollments",
    "staff_other_patient",
    "inpatient_stays",
    "other_claims",
    "apcm",
]
RPM_LISTS = ["period_starts", "reading_days", "readings", "interactive"]


def units(found: Result) -> dict[str, int]:
    return {line.code: line.units for line in found.billable}


@settings(max_examples=200, deadline=None)
@given(cases(), st.randoms(use_true_random=False))
def test_the_order_of_anything_changes_nothing(case: dict[str, Any], chance: random.Random) -> None:
    shuffled = case | {key: chance.sample(case[key], len(case[key])) for key in LISTS}
    if case["rpm"]:
        rpm = {key: chance.sample(case["rpm"][key], len(case["rpm"][key])) for key in RPM_LISTS}
        shuffled["rpm"] = case["rpm"] | rpm
    assert as_json(result(case)) == as_json(result(shuffled))


@settings(max_examples=200, deadline=None)
@given(cases())
def test_a_second_counts_in_one_entry_of_one_programme(case: dict[str, Any]) -> None:
    found = result(case)
    by_programme = {
        programme: union(
            p for row in found.ledger if row.programme is programme for p in row.counted
        )
        for programme in Programme
    }
    for one, other in combinations(by_programme.values(), 2):
        assert intersect(one, other) == ()
    pieces = [piece for row in found.ledger for piece in row.counted]
    assert total(union(pieces)) == sum(end - start for start, end in pieces)


@settings(max_examples=200, deadline=None)
@given(cases())
def test_the_ledger_accounts_for_every_microsecond(case: dict[str, Any]) -> None:
    found = result(case)
    assert {row.entry for row in found.ledger} == {e["id"] for e in case["time_entries"]}
    for row in found.ledger:
        lost = sum(gone for _, gone in row.lost)
        assert (row.logged or 0) == total(row.counted) + lost


@settings(max_examples=300, deadline=None)
@given(cases())
def test_ledger_sums_are_the_union_of_what_may_count(case: dict[str, Any]) -> None:
    """Worked out anew from the case alone: clip, take away, unite, to the microsecond."""
    found = result(case)
    taken: tuple[tuple[int, int], ...] = ()
    for programme in Programme:
        mine = subtract(_countable(case, programme), taken)
        taken = union([*taken, *mine])
        rows = [row for row in found.ledger if row.programme is programme]
        assert union(p for row in rows for p in row.counted) == mine
        assert sum(total(row.counted) for row in rows) == total(mine)


def _countable(case: dict[str, Any], programme: Programme) -> tuple[tuple[int, int], ...]:
    practice = ZoneInfo(case["practice_tz"])
    patient = ZoneInfo(case["patient_tz"] or case["practice_tz"])
    who = sorted(
        (e for e in case["enrollments"] if e["program"] == programme),
        key=lambda e: (e["practitioner"] != "A", e["practitioner"]),
    )
    if not who and programme in {Programme.RPM, Programme.CCM, Programme.PCM}:
        return ()
    whole = Month.parse(case["month"])
    away = [
        (_midnight(stay["from"], patient), _midnight(stay["to"], patient, after=1))
        for stay in case["inpatient_stays"]
    ]
    if who and who[0]["consent"]:
        away.append((-(10**18), _micros(who[0]["consent"]["at"])))
    found: list[tuple[int, int]] = []
    for entry in case["time_entries"]:
        good = entry["program"] == programme and entry["role"] != "non_clinical"
        if not good or entry["activity"] == "training" or entry["end"] is None:
            continue
        start = max(_micros(entry["start"]), _midnight(str(whole.first), practice))
        end = min(_micros(entry["end"]), _midnight(str(whole.last), practice, after=1))
        busy = [
            (_micros(other["start"]), _micros(other["end"]))
            for other in case["staff_other_patient"]
            if other["staff"] == entry["staff"]
        ]
        if start < end:
            found += subtract(((start, end),), union([*away, *busy]))
    return union(found)


def _micros(text: str) -> int:
    return micros(datetime.fromisoformat(text))


def _midnight(day: str, zone: ZoneInfo, *, after: int = 0) -> int:
    there = date.fromisoformat(day) + timedelta(days=after)
    return micros(datetime(there.year, there.month, there.day, tzinfo=zone))


@settings(max_examples=200, deadline=None)
@given(cases())
def test_a_lines_time_is_the_sum_of_its_entries(case: dict[str, Any]) -> None:
    found = result(case)
    by_entry = {row.entry: total(row.counted) for row in found.ledger}
    for line in found.billable:
        event(line.code)
        assert line.micros in {0, sum(by_entry[entry] for entry in line.entries)} or (
            line.code == "99091"
        )
        if line.entries:
            assert line.micros == sum(by_entry[entry] for entry in line.entries)


@settings(max_examples=200, deadline=None)
@given(cases())
def test_what_bills_stands_beside_nothing_that_forbids_it(case: dict[str, Any]) -> None:
    """Read off the table of conflicts by hand, not from the rules."""
    codes = set(units(result(case)))
    by_staff, by_doctor = {"99490", "99439"}, {"99491", "99437"}
    complex_care, principal = {"99487", "99489"}, {"99424", "99425", "99426", "99427"}
    families = [by_staff, by_doctor, complex_care]
    assert sum(bool(codes & family) for family in families) <= 1
    assert not (codes & {"99424", "99425"} and codes & {"99426", "99427"})
    assert len(codes & {"99457", "99470", "99091"}) <= 1
    for addon, first in [("99439", "99490"), ("99437", "99491"), ("99489", "99487")]:
        assert addon not in codes or first in codes
    if codes & {"G0556", "G0557", "G0558"}:
        assert not codes & (by_staff | by_doctor | complex_care | principal)
    if case["month"] < "2026":
        assert not codes & {"99445", "99470"}


@settings(max_examples=200, deadline=None)
@given(cases())
def test_everything_has_its_answer(case: dict[str, Any]) -> None:
    """Each line a why, each refusal a why not, and each open unit a what next or an end."""
    last = Month.parse(case["month"]).last
    for today in (None, last - timedelta(days=9), last, last + timedelta(days=40)):
        found = result(case, today=today)
        answered = {(e.subject, str(e.kind)) for e in found.explanations}
        assert {(line.code, "why") for line in found.billable} <= answered
        assert {(r.subject, "why_not") for r in found.rejections} <= answered
        for standing in found.standings:
            if standing.missing and not standing.waiting:
                gone = today is not None and standing.out_of_reach(today)
                assert (standing.code, "impossible" if gone else "what_next") in answered


# More time ---------------------------------------------------------------------------------------

#: A day in March on which nothing else is drawn: the last two before the month ends.
_QUIET_DAY = 31 * 24 * 3600


@settings(max_examples=300, deadline=None)
@given(
    logged("2026-03", ["RPM", "CCM", "PCM"]),
    st.sampled_from(["RPM", "CCM", "PCM"]),
    st.sampled_from([("RN9", "clinical_staff"), ("MD9", "qhp")]),
    st.sampled_from([None, "moderate"]),
    st.booleans(),
    st.integers(1, 7200),
)
def test_more_time_never_bills_less(
    entries: Any,
    programme: str,
    who: tuple[str, str],
    mdm: str | None,
    switch: bool,
    seconds: int,
) -> None:
    """On a day of its own, while the family of codes is unchanged."""
    start = _QUIET_DAY
    before_it = at("2026-03", start - 86400)
    entries = [e for e in entries if e["start"] < before_it]
    more = {
        "id": "more",
        "program": programme,
        "staff": who[0],
        "role": who[1],
        "activity": "call",
        "start": at("2026-03", start),
        "end": at("2026-03", start + seconds),
    }
    people = [
        enrolled("CCM", complex_mdm=mdm, consent=EARLY),
        enrolled("PCM", practitioner="B", consent=EARLY),
        enrolled("RPM", consent=EARLY),
    ]
    plain = month(*entries, enrollments=people, rpm={"interactive": ["2026-03-10T12:00:00Z"]})
    plain["policy"] = {"qhp_time_counts_as_staff": switch}
    before, after = units(result(plain)), units(result(plain | {"time_entries": [*entries, more]}))
    for family in FAMILIES:
        was, now = before.keys() & family, after.keys() & family
        if was and was & {"99490", "99491", "99487", "99424", "99426", "99457"} <= now:
            assert all(after.get(code, 0) >= before[code] for code in was)
    assert after or not before


FAMILIES = [
    {"99490", "99439"},
    {"99491", "99437"},
    {"99487", "99489"},
    {"99424", "99425"},
    {"99426", "99427"},
    {"99457", "99458"},
]


@settings(max_examples=100, deadline=None)
@given(cases())
def test_nothing_that_counts_for_nothing_changes_what_bills(case: dict[str, Any]) -> None:
    """An entry of training, of a clerk or of last year is as if it were not there."""
    start, end = at(case["month"], 50 * 3600), at(case["month"], 51 * 3600)
    plain = {"id": "x", "program": "CCM", "staff": "RN1", "role": "clinical_staff"}
    plain |= {"activity": "call", "start": start, "end": end}
    for change in (
        {"activity": "training"},
        {"role": "non_clinical"},
        {"start": "2025-01-20T00:00:00Z", "end": "2025-01-20T01:00:00Z"},
        {"end": start},
    ):
        more = case | {"time_entries": [*case["time_entries"], plain | change]}
        assert units(result(more)) == units(result(case))
        assert "x" in {r.subject for r in result(more).rejections}


# Intervals ---------------------------------------------------------------------------------------

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
