from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
from msgspec.structs import replace

from alerts.effective import EffectiveLimits
from alerts.lineage import Lineage
from alerts.rulebook import load
from alerts.rules import judge_set_aside
from store.alert_rows import SetAside
from tests.alerts.make import ANN, NOW, bp, found, glucose, limit, said, weight

HIGH, LOW = "blood_pressure.high", "blood_pressure.low"
WARNING, CRITICAL, NOTICE = "warning", "critical", "notice"


@pytest.mark.parametrize(
    ("systolic", "diastolic", "expected"),
    [
        (120, 80, set()),
        (139, 89, set()),
        (140, 89, {(HIGH, WARNING)}),
        (139, 90, {(HIGH, WARNING)}),
        (139.9, 89.9, set()),
        (180, 120, {(HIGH, WARNING)}),
        (181, 80, {(HIGH, CRITICAL)}),
        (120, 121, {(HIGH, CRITICAL)}),
        (180.1, 80, {(HIGH, CRITICAL)}),
        (90, 60, set()),
        (89, 60, {(LOW, WARNING)}),
        (90, 59, {(LOW, WARNING)}),
        (150, 55, {(HIGH, WARNING), (LOW, WARNING)}),
        (None, None, set()),
    ],
)
def test_blood_pressure(systolic, diastolic, expected):
    assert said(bp(systolic, diastolic)) == expected


@pytest.mark.parametrize(
    ("pulse", "expected"),
    [
        (50, set()),
        (49, {("pulse.low", WARNING)}),
        (120, set()),
        (121, {("pulse.high", WARNING)}),
    ],
)
def test_pulse(pulse, expected):
    assert said(bp(120, 80, pulse_per_min=pulse)) == expected


@pytest.mark.parametrize(
    ("mg_dl", "comparator", "expected"),
    [
        (70, None, set()),
        (69, None, {("glucose.low", WARNING)}),
        (54, None, {("glucose.low", WARNING)}),
        (53, None, {("glucose.low", CRITICAL)}),
        (180, None, set()),
        (181, None, {("glucose.high", NOTICE)}),
        (250, None, {("glucose.high", NOTICE)}),
        (251, None, {("glucose.high", WARNING)}),
        (None, ">", {("glucose.high", CRITICAL)}),
        (None, "<", {("glucose.low", CRITICAL)}),
        (600, ">", {("glucose.high", CRITICAL)}),
        (20, "<", {("glucose.low", CRITICAL)}),
    ],
)
def test_glucose(mg_dl, comparator, expected):
    assert said(glucose(mg_dl, comparator=comparator)) == expected


def test_a_cuff_that_cannot_show_the_pressure_is_critical():
    assert said(bp(None, 110, comparator=">")) == {(HIGH, CRITICAL)}
    assert said(bp(80, None, comparator="<")) == {(LOW, CRITICAL)}


@pytest.mark.parametrize("reading", [bp(190, 125), glucose(20), glucose(None, comparator=">")])
def test_failed_measurements_and_control_solutions_find_nothing(reading):
    failed = replace(reading, failed=True)
    control = replace(reading, control_solution=True)
    assert said(reading)
    assert said(failed) == said(control) == set()


def test_only_what_is_asked_is_judged():
    assert said(replace(bp(190, 125), asked=False)) == set()


def test_the_worst_limit_names_the_finding_and_all_crossed_ones_are_kept():
    (finding,) = found(bp(190, 95))
    assert finding.rule == "systolic.severe"
    assert [hit.as_row()["rule"] for hit in finding.limits] == [
        "systolic.severe",
        "systolic.high",
        "diastolic.high",
    ]
    assert finding.limits[0].as_row() | {"source": ""} == {
        "rule": "systolic.severe",
        "measure": "systolic_mmhg",
        "comparator": ">",
        "value": 180,
        "ucum": "mm[Hg]",
        "source": "",
    }
    assert finding.observed == {"systolic_mmhg": 190, "diastolic_mmhg": 95}


def test_a_crisis_asks_for_a_repeat_and_a_warning_does_not():
    (crisis,), (warning,) = found(bp(190, 95)), found(bp(150, 80))
    assert crisis.repeat_within == timedelta(minutes=10)
    assert warning.repeat_within is None


@pytest.mark.parametrize(
    ("late_h", "severity", "late"), [(24, CRITICAL, False), (24.01, NOTICE, True)]
)
def test_a_backlog_reading_is_for_review(late_h, severity, late):
    (finding,) = found(bp(190, 125, ago_h=48, late_h=late_h))
    assert (finding.severity, finding.late, finding.found) == (severity, late, CRITICAL)
    assert (finding.repeat_within is None) == late


def test_the_patients_limit_stands_over_the_clinics_over_the_default():
    clinic, own = limit("systolic.high", 150), limit("systolic.high", 160, patient=ANN)
    other = limit("systolic.high", 100, patient=UUID(int=2))
    assert said(bp(145, 80)) == {(HIGH, WARNING)}
    assert said(bp(145, 80), rows=[clinic]) == set()
    assert said(bp(155, 80), rows=[clinic]) == {(HIGH, WARNING)}
    assert said(bp(155, 80), rows=[own, clinic, other]) == set()
    assert said(bp(160, 80), rows=[clinic, own, other]) == {(HIGH, WARNING)}


def test_a_limit_that_is_off_finds_nothing_and_one_that_cannot_be_off_stays():
    off = [limit("glucose.high", None, ucum="mg/dL"), limit("glucose.above_range", None)]
    assert said(glucose(200), rows=off) == set()
    assert said(glucose(None, comparator=">"), rows=off) == {("glucose.high", CRITICAL)}


def test_the_limit_is_the_one_in_force_when_it_was_measured():
    changed = limit("systolic.high", 160, valid_from=NOW - timedelta(hours=10))
    assert said(bp(150, 80, ago_h=11), rows=[changed]) == {(HIGH, WARNING)}
    assert said(bp(150, 80, ago_h=10), rows=[changed]) == set()
    ended = limit("systolic.high", 160, withdrawn_at=NOW - timedelta(hours=5))
    assert said(bp(150, 80, ago_h=6), rows=[ended]) == set()
    assert said(bp(150, 80, ago_h=5), rows=[ended]) == {(HIGH, WARNING)}


def test_a_value_set_aside_asks_a_person_to_look():
    value = SetAside(7, ANN, "implausible", NOW, NOW, waits=True)
    finding = judge_set_aside(value, _rules())
    assert (finding.lineage, finding.severity) == (Lineage.READING_QUARANTINED, WARNING)
    old = SetAside(7, ANN, "implausible", NOW - timedelta(hours=25), NOW, waits=True)
    assert judge_set_aside(old, _rules()).severity == NOTICE
    ahead = SetAside(7, ANN, "bad_time", NOW + timedelta(days=30), NOW, waits=True)
    assert judge_set_aside(ahead, _rules()).measured_at == NOW


def _rules():
    return EffectiveLimits(load()).at(ANN, NOW)


def test_a_weight_among_others_is_judged_once():
    assert said(weight(80), bp(120, 80)) == set()
