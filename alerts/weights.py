"""Weight is judged by its history: how much was gained, and whether it is this person's at all.

Gain is measured from the *lowest* weight of the window that ends at the reading. Measured from the
earliest, a loss that is regained as fluid in two days would hide; and the lowest is the same
whatever the order in which the readings arrive. What does not fit its own day (a visitor on the
scale) is nobody's low point.

A backlog can make a later reading of the window find something. Such a finding rests on what came
too late to act on, and is late itself: first the readings are looked at that arrived within a day
of the one judged, then all. So neither what is found in time nor its numbers depend on the backlog.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

from alerts import findings
from alerts.effective import EffectiveLimits, RuleSet
from alerts.findings import Finding, Hit
from store.alert_rows import Sample

#: How far back a finding can look: the longest gain window, and the day before its low point.
HISTORY = timedelta(days=8)
_DIGITS = 6  # of kilograms and per cents: beyond any scale, above the noise of floats


class _Series:
    """One person's weights, the oldest first."""

    def __init__(self, samples: Sequence[Sample]) -> None:
        self._samples = sorted(samples, key=lambda s: (s.measured_at, s.reading_id))
        self._instants = [s.measured_at for s in self._samples]

    def before(self, sample: Sample, window: timedelta) -> Sequence[Sample]:
        first = bisect_left(self._instants, sample.measured_at - window)
        return self._samples[first : bisect_left(self._instants, sample.measured_at)]

    def is_odd(self, sample: Sample, rules: RuleSet) -> bool:
        """Far from every other weight of the time before it."""
        return _leap(sample, self.before(sample, _jump_window(rules)), rules) is not None


def judge(samples: Sequence[Sample], limits: EffectiveLimits) -> Iterator[Finding]:
    """Findings of the `asked` weights of one patient."""
    usable = [s for s in samples if s.weight_kg is not None and not s.failed]
    whole = _Series(usable)
    backlog = any(findings.is_late(s.measured_at, s.stored_at) for s in usable)
    for sample in usable:
        if sample.asked:
            prompt = _Series(_known_in_time(sample, usable)) if backlog else whole
            rules = limits.at(sample.patient_id, sample.measured_at)
            yield from _judge(sample, prompt, whole, rules)


def _known_in_time(sample: Sample, others: Sequence[Sample]) -> list[Sample]:
    return [s for s in others if not findings.is_late(sample.measured_at, s.stored_at)]


def _judge(sample: Sample, prompt: _Series, whole: _Series, rules: RuleSet) -> list[Finding]:
    if not findings.is_late(sample.measured_at, sample.stored_at):
        found = list(_found(sample, prompt, rules, late=False))
        if found or prompt is whole:
            return found
    return list(_found(sample, whole, rules, late=True))


def _found(sample: Sample, series: _Series, rules: RuleSet, *, late: bool) -> Iterator[Finding]:
    """A weight that may be another's is asked about, and its gain is not judged."""
    hits = _jump(sample, series, rules) or _gains(sample, series, rules)
    for lineage, crossed in findings.by_lineage(hits).items():
        yield Finding(
            patient_id=sample.patient_id,
            lineage=lineage,
            reading_id=sample.reading_id,
            rule=crossed[0].limit.rule,
            found=findings.severity_of(crossed),
            late=late,
            measured_at=sample.measured_at,
            observed={"weight_kg": sample.weight_kg, **crossed[0].facts},
            limits=crossed,
            rules_version=rules.version,
        )


def _jump(sample: Sample, series: _Series, rules: RuleSet) -> list[Hit]:
    before = series.before(sample, _jump_window(rules))
    nearest = _leap(sample, [s for s in before if not series.is_odd(s, rules)], rules)
    if rules.jump is None or nearest is None:
        return []
    return [Hit(limit=rules.jump, facts=_facts(sample, nearest, rules.jump.window))]


def _leap(sample: Sample, others: Sequence[Sample], rules: RuleSet) -> Sample | None:
    """The nearest of `others`, if even that is too far away."""
    if rules.jump is None or not others:
        return None
    nearest = min(others, key=lambda other: (_distance_pct(sample, other), other.measured_at))
    too_far = _distance_pct(sample, nearest) > rules.jump.bound
    return nearest if too_far else None


def _gains(sample: Sample, series: _Series, rules: RuleSet) -> list[Hit]:
    hits = []
    for limit in rules.gains:
        fitting = [s for s in series.before(sample, limit.window) if not series.is_odd(s, rules)]
        lowest = min(fitting, key=lambda s: (_kg(s), s.measured_at), default=None)
        if lowest is not None and _gain_kg(sample, lowest) > limit.bound:
            hits.append(Hit(limit=limit, facts=_facts(sample, lowest, limit.window)))
    return hits


def _jump_window(rules: RuleSet) -> timedelta:
    return rules.jump.window if rules.jump else timedelta(0)


def _kg(sample: Sample) -> float:
    return sample.weight_kg or 0.0


def _gain_kg(sample: Sample, other: Sample) -> float:
    return round(_kg(sample) - _kg(other), _DIGITS)


def _distance_pct(sample: Sample, other: Sample) -> float:
    return round(abs(_kg(sample) - _kg(other)) / _kg(other) * 100, _DIGITS)


def _facts(sample: Sample, other: Sample, window: timedelta) -> dict[str, Any]:
    return {
        "from_kg": other.weight_kg,
        "from_at": other.measured_at.isoformat(),
        "from_reading": str(other.reading_id),
        "gain_kg": _gain_kg(sample, other),
        "window_h": round(window.total_seconds() / 3600),
    }
