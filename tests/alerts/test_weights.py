from __future__ import annotations

import random
from datetime import timedelta

import pytest

from tests.alerts.make import ANN, found, limit, said, weight

GAIN, WHOSE = ("weight.gain", "warning"), ("weight.whose", "warning")


@pytest.mark.parametrize(
    ("before", "ago_h", "now", "expected"),
    [
        (80, 24, 81.36, set()),
        (80, 24, 81.37, {GAIN}),
        (70, 24, 71.36, set()),  # 71.36 - 70 is more than 1.36 in floats
        (80, 24.1, 81.37, set()),
        (80, 24.1, 82.27, set()),
        (80, 24.1, 82.28, {GAIN}),
        (80, 168, 82.28, {GAIN}),
        (80, 168.1, 82.28, set()),
        (80, 24, 78, set()),  # a loss
        (100, 24, 107, {GAIN}),
        (100, 24, 107.01, {WHOSE}),
        (70, 24, 74.9, {GAIN}),  # 7 % exactly, and a little more in floats
        (100, 24, 92.99, {WHOSE}),
        (100, 24, 93, set()),
        (100, 24.1, 107.01, {GAIN}),
    ],
)
def test_gain_and_jump_at_their_limits(before, ago_h, now, expected):
    assert said(weight(before, ago_h=ago_h), weight(now)) == expected


def test_gain_is_measured_from_the_lowest_of_the_window():
    series = [weight(83, ago_h=140), weight(80, ago_h=50), weight(82.5)]
    (finding,) = found(*series)
    assert finding.observed["from_kg"] == 80
    assert finding.limits[0].as_row()["gain_kg"] == 2.5


def test_a_visitor_is_asked_about_and_is_nobodys_low_point():
    mine = [weight(80, ago_h=25), weight(80.2, ago_h=1), weight(80.1)]
    visitor = weight(60, ago_h=24)
    assert [(f.lineage, f.reading_id) for f in found(*mine, visitor)] == [
        ("weight.whose", visitor.reading_id)
    ]


def test_what_may_be_anothers_is_not_judged_for_gain():
    assert said(weight(80, ago_h=20), weight(90)) == {WHOSE}


def test_failed_weights_count_for_nothing():
    assert said(weight(80, ago_h=20), weight(90, failed=True)) == set()
    assert said(weight(70, ago_h=20, failed=True), weight(80)) == set()
    assert said(weight(None)) == set()


def test_a_backlog_that_makes_a_later_reading_a_gain_is_for_review():
    live = weight(82.4, ago_h=60)
    backlog = weight(80, ago_h=100, late_h=90)
    (finding,) = found(live, backlog)
    assert (finding.reading_id, finding.late, finding.severity) == (live.reading_id, True, "notice")


def test_what_is_found_in_time_does_not_depend_on_the_backlog():
    live = [weight(80, ago_h=70), weight(82.4, ago_h=60)]
    backlog = weight(79, ago_h=100, late_h=90)
    (alone,), (both,) = found(*live), found(*live, backlog)
    assert alone.observed == both.observed
    assert not both.late


def test_the_order_of_readings_changes_nothing():
    rng = random.Random(11)  # noqa: S311 -- plausible days, not secrets
    series = [
        weight(80 + rng.gauss(0, 2.5), ago_h=rng.uniform(0, 400), late_h=rng.choice([0, 5, 60]))
        for _ in range(60)
    ]
    expected = {(f.reading_id, f.lineage, f.late, str(f.observed)) for f in found(*series)}
    rng.shuffle(series)
    assert {(f.reading_id, f.lineage, f.late, str(f.observed)) for f in found(*series)} == expected
    assert len(expected) > 5


def test_limits_of_weight_can_be_the_patients_own():
    strict = [limit("weight.gain_24h", 0.9, patient=ANN, ucum="kg")]
    assert said(weight(80, ago_h=20), weight(81), rows=strict) == {GAIN}
    calm = [limit("weight.jump_24h", None, ucum="%")]
    assert said(weight(80, ago_h=20), weight(90), rows=calm) == {GAIN}


def test_what_does_not_fit_its_day_is_what_is_far_from_all_of_it():
    """Held against a plain search, for any weights of some days."""
    rng = random.Random(12)  # noqa: S311 -- plausible days, not secrets
    for _ in range(40):
        series = [
            weight(round(80 + rng.choice([0, 0, 25]) + rng.gauss(0, 3), 1), ago_h=rng.randrange(90))
            for _ in range(30)
        ]
        asked = {f.reading_id for f in found(*series) if f.lineage == "weight.whose"}
        assert asked == {s.reading_id for s in series if _is_strange(s, series)}


def _is_strange(sample, series):
    others = [o for o in _day_before(sample, series) if not _is_odd(o, series)]
    return bool(others) and all(_pct(sample, o) > 7 for o in others)


def _is_odd(sample, series):
    others = _day_before(sample, series)
    return bool(others) and all(_pct(sample, o) > 7 for o in others)


def _day_before(sample, series):
    day = timedelta(hours=24)
    return [o for o in series if timedelta(0) < sample.measured_at - o.measured_at <= day]


def _pct(sample, other):
    return round(abs(sample.weight_kg - other.weight_kg) / other.weight_kg * 100, 6)


@pytest.mark.parametrize("late_h", [0, 60])
def test_a_scale_that_sends_thousands_in_a_day_holds_nobody_up(late_h):
    """Cubic work would take hours here, and the test's own time limit would end it."""
    flood = [
        weight(80 + n % 3 * 0.1, ago_h=n / 90 + 0.01, late_h=late_h if n % 2 else 0)
        for n in range(2000)
    ]
    (finding,) = found(weight(77, ago_h=23.5), *flood, weight(80.3))[-1:]
    assert finding.lineage == "weight.gain"
