"""Ninety ordinary days of one person: habits, noise and slow trends, and nothing to worry about.

The values are drawn day by day before anything is left out, so that a later `now` adds readings
and changes none.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from random import Random
from zoneinfo import ZoneInfo

from simulator.patients.people import Person
from simulator.patients.records import GlucoseTaken, PressureTaken, Taken, WeightTaken

DAYS = 90
RISE_DAYS = 21  # of a pressure that creeps up
CREEP_DAYS = 14  # of a weight that does
FASTING, AFTER_MEAL = 3, 2  # meals as 0x2A34 numbers them
_SATURDAY = 5
_TWICE = 0.8  # of the sessions have a second measurement
_LOWEST_DIASTOLIC = 60  # ordinary days know no lower one
_FARTHEST = 2.2  # spreads away from the mean: ordinary days have no outliers


class _Wander:
    """Noise with a memory: a good day follows a good day."""

    def __init__(self, chance: Random, spread: float) -> None:
        self._chance = chance
        self._spread = spread
        self._level = 0.0

    def next(self) -> float:
        self._level = 0.6 * self._level + self._chance.gauss(0, 0.5 * self._spread)
        noise = self._level + self._chance.gauss(0, 0.6 * self._spread)
        farthest = _FARTHEST * self._spread
        return max(-farthest, min(farthest, noise))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Days:
    """One person's days: how many days ago, and when that morning's measuring began."""

    person: Person
    chance: Random
    mornings: tuple[tuple[int, datetime], ...]
    gaps: frozenset[int]

    def keeps(self, ago: int, start: datetime) -> bool:
        """Whether an agreed measurement takes place. Weekends are less orderly."""
        drawn = self.chance.random()
        weekend = start.weekday() >= _SATURDAY
        return ago not in self.gaps and drawn < self.person.adherence - 0.12 * weekend


def ordinary(person: Person, *, seed: int, now: datetime) -> list[Taken]:
    """What this person measured up to `now` on days without news, in order."""
    chance = Random(f"{seed}:{person.key}")  # noqa: S311 -- plausible, not secret
    days = _Days(
        person=person,
        chance=chance,
        mornings=tuple(_mornings(person, chance, now)),
        gaps=_gaps(chance),
    )
    taken: list[Taken] = [*_pressures(days), *_glucoses(days), *_weights(days)]
    past = [replace(t, at=t.at.astimezone(UTC)) for t in taken if t.at <= now]
    return sorted(past, key=lambda t: t.at)


def _mornings(person: Person, chance: Random, now: datetime) -> Iterator[tuple[int, datetime]]:
    zone = ZoneInfo(person.zone)
    today = now.astimezone(zone).date()
    for ago in range(DAYS, -1, -1):
        day = today - timedelta(days=ago)
        late = 70 if day.weekday() >= _SATURDAY else 0
        seconds = 60 * (7 * 60 + late + round(chance.gauss(0, 18))) + chance.randrange(60)
        yield ago, datetime.combine(day, time(), zone) + timedelta(seconds=seconds)


def _gaps(chance: Random) -> frozenset[int]:
    """One or two times away from home, none of them this week."""
    gaps: set[int] = set()
    for _ in range(chance.randint(1, 2)):
        first, length = chance.randint(12, DAYS), chance.randint(2, 5)
        gaps.update(range(first - length, first))
    return frozenset(gaps)


def _pressures(days: _Days) -> Iterator[PressureTaken]:
    """Mornings and evenings, as a rule twice, a minute or two apart."""
    usual, chance = days.person.pressure, days.chance
    if usual is None:
        return
    systolic, diastolic, pulse = (_Wander(chance, s) for s in (5.0, 3.2, 3.5))
    for ago, start in days.mornings:
        rise = usual.rise_mmhg * max(0.0, 1 - ago / RISE_DAYS)
        for evening in (False, True):
            first = PressureTaken(
                at=start + timedelta(minutes=chance.randint(735, 800) if evening else 0),
                systolic=round(usual.systolic + rise - 3 * evening + systolic.next()),
                diastolic=round(usual.diastolic + 0.5 * rise - 2 * evening + diastolic.next()),
                pulse=round(usual.pulse + pulse.next()),
            )
            kept, again = days.keeps(ago, start), chance.random() < _TWICE
            second = _repeated(first, chance)
            yield from (first, second)[: kept * (1 + again)]


def _repeated(first: PressureTaken, chance: Random) -> PressureTaken:
    """The second of a session is a little lower."""
    return PressureTaken(
        at=first.at + timedelta(seconds=chance.randint(70, 130)),
        systolic=first.systolic - chance.randint(0, 4),
        diastolic=max(first.diastolic - chance.randint(0, 2), _LOWEST_DIASTOLIC),
        pulse=first.pulse - chance.randint(-1, 2),
    )


def _glucoses(days: _Days) -> Iterator[GlucoseTaken]:
    usual, chance = days.person.glucose, days.chance
    if usual is None:
        return
    fasting, after = _Wander(chance, 7.0), _Wander(chance, 9.0)
    for ago, start in days.mornings:
        before_breakfast = start - timedelta(minutes=5)
        after_lunch = start + timedelta(minutes=chance.randint(380, 440))
        after_supper = start + timedelta(minutes=chance.randint(750, 830))
        drawn = [
            GlucoseTaken(
                at=before_breakfast, mg_dl=round(usual.fasting + fasting.next()), meal=FASTING
            ),
            GlucoseTaken(
                at=after_lunch, mg_dl=round(usual.after_meals + after.next()), meal=AFTER_MEAL
            ),
            GlucoseTaken(
                at=after_supper, mg_dl=round(usual.after_meals + after.next()), meal=AFTER_MEAL
            ),
        ]
        yield from (taken for taken in drawn if days.keeps(ago, start))


def _weights(days: _Days) -> Iterator[WeightTaken]:
    usual = days.person.weight
    if usual is None:
        return
    noise = _Wander(days.chance, 0.14)
    for ago, start in days.mornings:
        creep = usual.creep_kg * max(0.0, 1 - ago / CREEP_DAYS)
        found = WeightTaken(
            at=start + timedelta(minutes=4), kg=round(usual.kg + creep + noise.next(), 2)
        )
        if days.keeps(ago, start):
            yield found
