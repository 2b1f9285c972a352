from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from alerts.effective import EffectiveLimits, LimitRefused, check
from alerts.lineage import Lineage, Severity
from alerts.rulebook import BadRuleData, Limit, Protocol, Rulebook, Target, load, parse
from alerts.rules import judge
from tests.alerts.make import ANN, NOW, bp, limit

ROW = """
[[limit]]
rule = "systolic.high"
lineage = "blood_pressure.high"
measure = "systolic_mmhg"
comparator = ">="
value = 140
ucum = "mm[Hg]"
severity = "warning"
valid_from = 2016-01-01
source = "a page"
"""


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (("mm[Hg]", "kPa"), "ucum"),
        (('comparator = ">="', 'comparator = "=="'), "comparator"),
        (("blood_pressure.high", "blood.high"), "lineage"),
        (("value = 140", 'value = "140"'), "value"),
        (("value = 140\n", ""), "value is missing"),
        (("2016-01-01", "2016"), "valid_from"),
        (('source = "a page"', ""), "source"),
        (('source = "a page"', 'source = "a page"\nwindow_h = 24'), "window_h"),
        (('source = "a page"', 'source = "a page"\nwhy = "x"'), "why"),
    ],
)
def test_a_wrong_row_is_named(wrong, says):
    text = ROW.replace("systolic.high", "other") + ROW.replace(*wrong)
    with pytest.raises(BadRuleData, match=r"limits\.toml, row 2: .*") as raised:
        parse("limits.toml", text, "limit", Limit)
    assert says in str(raised.value)


def test_two_rows_for_one_rule_and_day_are_refused():
    with pytest.raises(BadRuleData, match="row 2: says the same thing"):
        parse("limits.toml", ROW + ROW, "limit", Limit)


@pytest.mark.parametrize("text", ["[[limit]", ROW.replace("[[limit]]", "[[limits]]")])
def test_a_wrong_file_is_named(text):
    with pytest.raises(BadRuleData, match=r"limits\.toml"):
        parse("limits.toml", text, "limit", Limit)


def test_every_lineage_has_a_protocol_and_every_severity_a_target():
    book = load()
    for lineage in Lineage:
        assert book.protocol(lineage, on=date(2026, 11, 20)).steps
    within = [book.respond_within(s, late=False, on=NOW.date()) for s in Severity]
    assert within == sorted(within, reverse=True)
    late = book.respond_within(Severity.CRITICAL, late=True, on=NOW.date())
    assert late > max(within)


def test_a_default_that_changes_is_a_new_row_from_its_day():
    newer = ROW.replace("140", "130").replace("2016", "2026")
    book = Rulebook(parse("limits.toml", ROW + newer, "limit", Limit), [], [])
    before = datetime(2025, 12, 31, 23, 59, tzinfo=UTC)
    after = before + timedelta(minutes=1)
    limits = EffectiveLimits(book)
    assert limits.at(ANN, before).limits[0].value == 140
    assert limits.at(ANN, after).limits[0].value == 130
    assert limits.at(ANN, before).version != limits.at(ANN, after).version


def test_the_version_names_exactly_the_limits_that_stood():
    plain, own = EffectiveLimits(load()), EffectiveLimits(load(), [limit("systolic.high", 150)])
    again = EffectiveLimits(load(), [limit("systolic.high", 150, patient=ANN)])
    assert own.at(ANN, NOW).version == again.at(ANN, NOW).version != plain.at(ANN, NOW).version
    assert own.at(ANN, NOW - timedelta(days=2)).version == plain.at(ANN, NOW).version
    ((_, _, version),) = judge([bp(120, 80)], plain).verdicts
    assert version == plain.at(ANN, NOW).version


@pytest.mark.parametrize(
    ("rule", "value", "ucum"),
    [
        ("systolic.hi", 150, "mm[Hg]"),
        ("systolic.high", 150, "kPa"),
        ("systolic.high", float("nan"), "mm[Hg]"),
        ("systolic.high", 0, "mm[Hg]"),
        ("systolic.high", 1800, "mm[Hg]"),  # a slip of the finger would switch it off in silence
        ("glucose.above_range", None, "mg/dL"),
    ],
)
def test_limits_that_nobody_can_set(rule, value, ucum):
    with pytest.raises(LimitRefused):
        check(load(), rule=rule, value=value, ucum=ucum, on=NOW.date())


def test_limits_that_can_be_set():
    assert check(load(), rule="systolic.high", value=150, ucum="mm[Hg]", on=NOW.date()).value == 140
    assert check(load(), rule="systolic.high", value=None, ucum="mm[Hg]", on=NOW.date())


@pytest.mark.parametrize(
    ("table", "row_type", "row"),
    [
        ("target", Target, 'of = "late"\nminutes = 0'),
        ("target", Target, 'of = "later"\nminutes = 5'),
        ("protocol", Protocol, 'lineage = "pulse.low"\nsteps = []'),
    ],
)
def test_targets_and_protocols_are_checked_too(table, row_type, row):
    text = f'[[{table}]]\nvalid_from = 2016-01-01\nsource = "x"\n{row}'
    with pytest.raises(BadRuleData, match=r"some\.toml, row 1"):
        parse("some.toml", text, table, row_type)
