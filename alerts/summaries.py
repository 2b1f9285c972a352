"""What a day of a patient came to, by measurement. Pure: readings and limits in, rows out.

Counted is every measurement that says something, typed in or automatic; a failed one, a control
solution and a measure that the device could not resolve are in none. What lies beyond what a device
can show (HI, LO) is counted, is beyond any limit, and has no number to be averaged.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from itertools import groupby
from math import fsum
from operator import attrgetter
from uuid import UUID
from zoneinfo import ZoneInfo

from alerts.effective import MEASURES, EffectiveLimits, RuleSet
from alerts.rulebook import Rulebook
from alerts.rules import is_bounded
from store.alert_rows import Sample
from store.summaries import DailySummary, Span, Summaries
from vitals.reading import Measure

_NO_HOURS = range(0)


class _Tally:
    """One measurement of one day; fed in the order of time."""

    __slots__ = ("above", "below", "hours", "in_range", "last", "numbers", "rated")

    def __init__(self) -> None:
        self.numbers: list[float] = []
        self.hours: list[int] = []  # of the patient's day, one for each number
        self.below = 0
        self.above = 0
        self.rated = 0
        self.in_range = 0
        self.last: tuple[datetime, float | None, str | None]

    def row(
        self, patient: UUID, day: date, measure: str, hours: Mapping[str, range]
    ) -> DailySummary:
        numbers = self.numbers
        return DailySummary(
            patient,
            day,
            measure,
            len(numbers) + self.below + self.above,
            self.below,
            self.above,
            min(numbers, default=None),
            max(numbers, default=None),
            _mean(numbers),
            self._mean_of(hours.get("morning", _NO_HOURS)),
            self._mean_of(hours.get("evening", _NO_HOURS)),
            self.rated,
            self.in_range,
            *self.last,
        )

    def _mean_of(self, hours: range) -> float | None:
        first, end = hours.start, hours.stop
        return _mean([self.numbers[n] for n, hour in enumerate(self.hours) if first <= hour < end])


def _mean(numbers: Sequence[float]) -> float | None:
    """Exact but for the last rounding, so in whatever order they came."""
    if len(numbers) == 1:
        return numbers[0]
    return fsum(numbers) / len(numbers) if numbers else None


def summarise(
    samples: Iterable[Sample],
    spans: Sequence[Span],
    zones: Mapping[UUID, ZoneInfo],
    limits: EffectiveLimits,
    book: Rulebook,
) -> Summaries:
    """`samples`: every reading of the spans' days and no other, by patient and time."""
    rows: list[DailySummary] = []
    reading_days: list[tuple[UUID, date]] = []
    hours: dict[date, Mapping[str, range]] = {}
    for patient, own in groupby(samples, attrgetter("patient_id")):
        counts: set[date] = set()
        tallies: dict[date, dict[str, _Tally]] = {}
        for sample, local in _that_say_something(own, zones[patient]):
            day = local.date()
            if day not in counts and _is_reading_day(sample, day, zones[patient]):
                counts.add(day)
            rules = limits.at(patient, sample.measured_at)
            _add(tallies.setdefault(day, {}), sample, local.hour, rules)
        reading_days += [(patient, day) for day in sorted(counts)]
        for day, measures in tallies.items():
            if day not in hours:
                hours[day] = book.hours_on(day)
            rows += [tally.row(patient, day, name, hours[day]) for name, tally in measures.items()]
    return Summaries(spans=spans, rows=rows, reading_days=reading_days)


def _that_say_something(
    samples: Iterable[Sample], zone: ZoneInfo
) -> Iterator[tuple[Sample, datetime]]:
    """With the time on the patient's clock."""
    for sample in samples:
        if not sample.failed and not sample.control_solution and sample.kind in MEASURES:
            yield sample, sample.measured_at.astimezone(zone)


def _is_reading_day(sample: Sample, day: date, zone: ZoneInfo) -> bool:
    """As the month's evidence has it: came out of a device, and surely on that day."""
    if not sample.automatic:
        return False
    if not sample.clock_uncertainty_s:
        return True
    either_way = timedelta(seconds=sample.clock_uncertainty_s)
    ends = (sample.measured_at - either_way, sample.measured_at + either_way)
    return all(instant.astimezone(zone).date() == day for instant in ends)


def _add(measures: dict[str, _Tally], sample: Sample, hour: int, rules: RuleSet) -> None:
    for measure in MEASURES[sample.kind]:
        number = getattr(sample, measure)
        bound = _bound(sample, measure, number)
        if number is None and bound is None:
            continue
        tally = measures.get(measure)
        if tally is None:
            tally = measures[measure] = _Tally()
        if bound is None:
            tally.numbers.append(number)
            tally.hours.append(hour)
        elif bound == "<":
            tally.below += 1
        else:
            tally.above += 1
        if rules.rates(measure):
            tally.rated += 1
            tally.in_range += bound is None and rules.holds(measure, number)
        tally.last = (sample.measured_at, None if bound else number, bound)


def _bound(sample: Sample, measure: str, number: float | None) -> str | None:
    """On which side of what the device can show it lies, if beyond; no cuff says so of a pulse."""
    if sample.comparator is None or measure == Measure.PULSE:
        return None
    return sample.comparator if is_bounded(sample, number) else None
