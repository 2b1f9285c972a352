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

from bisect import bisect_left, insort
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
    """One person's weights, the oldest first.

    What does not fit its own day is found in one walk and not anew for whoever asks: a scale that
    sends hundreds in a day must not cost minutes.
    """

    def __init__(self, samples: Sequence[Sample]) -> None:
        self._samples = sorted(samples, key=lambda s: (s.measured_at, s.reading_id))
        self._fitting: dict[tuple[timedelta, float], _Fitting] = {}

    def fitting(self, rules: RuleSet) -> _Fitting:
        """Those that are not far from every other weight of the time before them."""
        if rules.jump is None:
            return self._those(timedelta(0), float("inf"))
        return self._those(rules.jump.window, rules.jump.bound)

    def _those(self, window: timedelta, bound: float) -> _Fitting:
        found = self._fitting.get((window, bound))
        if found is None:
            found = _Fitting(list(self._without_odd(window, bound)))
            self._fitting[window, bound] = found
        return found

    def _without_odd(self, window: timedelta, bound: float) -> Iterator[Sample]:
        near: list[float] = []  # weights of the window, sorted
        first = since = 0
        for sample in self._samples:
            while self._samples[since].measured_at < sample.measured_at:
                insort(near, _kg(self._samples[since]))
                since += 1
            while self._samples[first].measured_at < sample.measured_at - window:
                near.pop(bisect_left(near, _kg(self._samples[first])))
                first += 1
            at = bisect_left(near, _kg(sample))
            # By share of the other's weight the nearest is the next one above or below.
            if not near or any(
                _distance_pct(_kg(sample), other) <= bound
                for other in near[max(0, at - 1) : at + 1]
            ):
                yield sample


class _Fitting:
    """Weights of one person that may be compared with, the oldest first."""

    def __init__(self, samples: Sequence[Sample]) -> None:
        self._samples = samples
        self._instants = [s.measured_at for s in samples]
        self._by_weight = [(_kg(s), s.measured_at, at) for at, s in enumerate(samples)]

    def _window(self, sample: Sample, window: timedelta) -> slice:
        first = bisect_left(self._instants, sample.measured_at - window)
        return slice(first, bisect_left(self._instants, sample.measured_at))

    def lowest(self, sample: Sample, window: timedelta) -> Sample | None:
        """Of the time before it; the earliest of several."""
        found = min(self._by_weight[self._window(sample, window)], default=None)
        return None if found is None else self._samples[found[2]]

    def nearest_too_far(self, sample: Sample, window: timedelta, bound: float) -> Sample | None:
        """The nearest of the time before it, if even that is further away than `bound` per cent."""
        others, own = self._samples[self._window(sample, window)], _kg(sample)
        if not others or any(_distance_pct(own, _kg(o)) <= bound for o in reversed(others)):
            return None
        return min(others, key=lambda o: (_distance_pct(own, _kg(o)), o.measured_at))


def judge(samples: Sequence[Sample], limits: EffectiveLimits) -> Iterator[Finding]:
    """Findings of the `asked` weights of one patient."""
    usable = [s for s in samples if s.weight_kg is not None and not s.failed]
    whole = _Series(usable)
    backlog = any(findings.is_late(s.measured_at, s.stored_at) for s in usable)
    for sample in usable:
        if sample.asked:
            late = findings.is_late(sample.measured_at, sample.stored_at)
            prompt = _Series(_known_in_time(sample, usable)) if backlog and not late else whole
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
    if rules.jump is None:
        return []
    window, bound = rules.jump.window, rules.jump.bound
    nearest = series.fitting(rules).nearest_too_far(sample, window, bound)
    if nearest is None:
        return []
    return [Hit(limit=rules.jump, facts=_facts(sample, nearest, window))]


def _gains(sample: Sample, series: _Series, rules: RuleSet) -> list[Hit]:
    hits = []
    for limit in rules.gains:
        lowest = series.fitting(rules).lowest(sample, limit.window)
        if lowest is not None and _gain_kg(sample, lowest) > limit.bound:
            hits.append(Hit(limit=limit, facts=_facts(sample, lowest, limit.window)))
    return hits


def _kg(sample: Sample) -> float:
    return sample.weight_kg or 0.0


def _gain_kg(sample: Sample, other: Sample) -> float:
    return round(_kg(sample) - _kg(other), _DIGITS)


def _distance_pct(kg: float, other: float) -> float:
    return round(abs(kg - other) / other * 100, _DIGITS)


def _facts(sample: Sample, other: Sample, window: timedelta) -> dict[str, Any]:
    return {
        "from_kg": other.weight_kg,
        "from_at": other.measured_at.isoformat(),
        "from_reading": str(other.reading_id),
        "gain_kg": _gain_kg(sample, other),
        "window_h": round(window.total_seconds() / 3600),
    }
