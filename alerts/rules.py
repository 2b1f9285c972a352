"""Readings and limits in, findings out. Pure: no clock, no waiting, no database.

A failed measurement and a control solution are judged and never find anything. What a device
cannot show (HI, LO) has no number to compare and is always the highest level.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from alerts import findings, weights
from alerts.effective import MEASURES, EffectiveLimits, RuleSet
from alerts.findings import Finding, Hit
from alerts.lineage import Lineage, Severity
from alerts.rulebook import Basis, Limit
from store.alert_rows import Sample, SetAside

COMPARE: dict[str, Callable[[float, float], bool]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
}
_SHOWN = ("systolic_mmhg", "diastolic_mmhg", "pulse_per_min", "glucose_mg_dl", "comparator")

_OF_GLUCOSE = {"glucose", "continuous_glucose"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What was found, and which reading was judged by which version of the rules."""

    findings: list[Finding]
    verdicts: list[tuple[UUID, UUID, str]]  # reading, patient, rules_version


def judge(samples: Sequence[Sample], limits: EffectiveLimits) -> Judged:
    """Judge what is `asked` of these readings; the rest is their history."""
    found: list[Finding] = []
    verdicts: list[tuple[UUID, UUID, str]] = []
    by_patient: dict[UUID, list[Sample]] = {}
    for sample in samples:
        if sample.kind == "weight":
            by_patient.setdefault(sample.patient_id, []).append(sample)
        if sample.asked:
            rules = limits.at(sample.patient_id, sample.measured_at)
            verdicts.append((sample.reading_id, sample.patient_id, rules.version))
            found += _in_values(sample, rules)
    for series in by_patient.values():
        found += weights.judge(series, limits)
    return Judged(findings=found, verdicts=verdicts)


def judge_set_aside(value: SetAside, rules: RuleSet) -> Finding:
    """A value that could not become a reading: a person looks, whatever it was."""
    measured_at = min(value.measured_at, value.first_seen)  # a clock that runs ahead
    return Finding(
        patient_id=value.patient_id,
        lineage=Lineage.READING_QUARANTINED,
        quarantine_id=value.quarantine_id,
        rule=Lineage.READING_QUARANTINED,
        found=Severity.WARNING,
        late=findings.is_late(measured_at, value.first_seen),
        measured_at=measured_at,
        observed={"reason": value.reason},
        rules_version=rules.version,
    )


def _in_values(sample: Sample, rules: RuleSet) -> Iterator[Finding]:
    if sample.failed or sample.control_solution or _is_calm(sample, rules):
        return
    hits = _hits(sample, rules.of_kind.get(sample.kind, ()))
    for lineage, crossed in findings.by_lineage(hits).items():
        yield Finding(
            patient_id=sample.patient_id,
            lineage=lineage,
            reading_id=sample.reading_id,
            rule=crossed[0].limit.rule,
            found=findings.severity_of(crossed),
            late=findings.is_late(sample.measured_at, sample.stored_at),
            measured_at=sample.measured_at,
            observed=_observed(sample),
            limits=crossed,
            rules_version=rules.version,
        )


def _is_calm(sample: Sample, rules: RuleSet) -> bool:
    """What most readings are, said in a few comparisons: no number is beyond anything."""
    if sample.comparator is not None:
        return False
    for measure in MEASURES.get(sample.kind, ()):
        number = getattr(sample, measure)
        if number is not None and not rules.holds(measure, number):
            return False
    return True


def _hits(sample: Sample, limits: Iterable[Limit]) -> list[Hit]:
    hits = []
    for limit in limits:
        number = getattr(sample, limit.measure)
        if limit.basis is Basis.BEYOND:
            crossed = sample.comparator == limit.comparator and is_bounded(sample, number)
        else:
            crossed = number is not None and COMPARE[limit.comparator](number, limit.bound)
        if crossed:
            hits.append(Hit(limit=limit, facts={}))
    return hits


def is_bounded(sample: Sample, number: float | None) -> bool:
    """A reading has one comparator: it is about the number that is missing, or about glucose."""
    return number is None or sample.kind in _OF_GLUCOSE


def _observed(sample: Sample) -> dict[str, Any]:
    return {name: value for name in _SHOWN if (value := getattr(sample, name)) is not None}
