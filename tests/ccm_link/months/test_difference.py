"""What differs between two evaluations, and how it is said."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from hypothesis import given, settings

from ccm_link.difference import difference, sentences
from ccm_link.evaluate import Result, evaluate
from ccm_link.facts import Facts
from ccm_link.rules import rules_for
from tests.ccm_link.engine.make import days, enrolled, entry, month, result, rpm_month
from tests.ccm_link.months import draw


def twenty(*names: str, minutes: int = 20) -> dict[str, Any]:
    return month(
        *(
            entry(minutes * 60, f"2026-03-{n:02}T09:00:00-04:00", name=name)
            for n, name in enumerate(names, 2)
        )
    )


def between(before: dict[str, Any], after: dict[str, Any]) -> dict[str, list[str]]:
    told: dict[str, list[str]] = {}
    for subject, sentence in sentences(difference(result(before), result(after))):
        told.setdefault(subject, []).append(sentence)
    return told


def test_nothing_differs_from_itself() -> None:
    one = result(twenty("a", "b"))
    assert difference(one, one).is_empty
    assert sentences(difference(one, one)) == ()


def test_a_unit_less() -> None:
    before, after = result(twenty("a", "b", "c")), result(twenty("a", "b"))
    found = difference(before, after)
    assert {change.code: change.units for change in found.lines} == {"99490": 0, "99439": -1}
    (gone,) = found.entries
    assert (gone.entry, gone.after) == ("c", None)
    assert gone.counted == -1200 * 1_000_000
    assert found.dollars < 0
    told = between(twenty("a", "b", "c"), twenty("a", "b"))
    assert told["99439"][0].startswith("1 unit instead of 2 units; 40 min instead of 60 min; $")
    assert told["c"] == ["It is not there any more; 20 min of it counted."]


def test_a_code_comes_and_goes() -> None:
    short = month(entry(1199))
    came, went = between(short, month(entry(1200))), between(month(entry(1200)), short)
    assert came["99490"][0].startswith("Bills 1 unit now ($")
    assert any(told.startswith("No longer: ") for told in came["99490"])
    assert came["t1"] == ["20 min count instead of 19 min 59 s."]
    assert went["99490"][0].startswith("Bills no more; it was 1 unit ($")
    assert any(told.startswith("New: ") for told in went["99490"])


def test_the_same_units_on_another_basis_are_told() -> None:
    told = between(month(entry(1200)), month(entry(1500)))
    assert told["99490"] == ["25 min instead of 20 min."]
    told = between(twenty("a"), twenty("b"))
    assert told["99490"] == ["The same units rest on other entries or days."]
    assert told["b"] == ["It is new; 20 min of it count."]


def test_days() -> None:
    def measured(count: int) -> dict[str, Any]:
        rpm = {"period_starts": ["2026-03-01"], "reading_days": days("2026-03-01", count)}
        return rpm_month(rpm=rpm, enrollments=[enrolled("RPM")])

    told = between(measured(20), measured(16))
    assert told["99454"] == ["16 days instead of 20 days."]


def test_an_entry_that_counts_as_much_elsewhere() -> None:
    both = [enrolled(), enrolled("RPM")]
    before = month(entry(1200), enrollments=both)
    after = month(entry(1200, program="RPM"), enrollments=both)
    assert between(before, after)["t1"] == [
        "As much of it counts, for another programme, person or reason."
    ]


@settings(max_examples=60, deadline=None)
@given(draw.facts, draw.facts)
def test_there_and_back(one: Facts, other: Facts) -> None:
    """Whatever is new one way is gone the other way; and money adds up."""

    def judged(facts: Facts) -> Result:
        return evaluate(facts, rules_for(facts.month))

    before, after = judged(one), judged(other)
    there, back = difference(before, after), difference(after, before)
    assert there.refusals_new == back.refusals_gone
    assert there.refusals_gone == back.refusals_new
    assert {c.code: c.units for c in there.lines} == {c.code: -c.units for c in back.lines}
    assert there.dollars == -back.dollars
    total = sum((line.dollars for line in after.billable), Decimal(0))
    assert total == sum((line.dollars for line in before.billable), Decimal(0)) + there.dollars
    assert there.is_empty == back.is_empty
    assert all(sentence and "None" not in sentence for _, sentence in sentences(there))
