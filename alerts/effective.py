"""The limits in force for a patient at an instant: theirs over the clinic's over the default."""

from __future__ import annotations

import hashlib
import math
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Sequence
from datetime import date, datetime
from functools import lru_cache
from uuid import UUID

import msgspec

from alerts.rulebook import Basis, Limit, Rulebook
from store.limits import LimitRow
from vitals import plausible
from vitals.reading import Kind, Measure

#: What limits and summaries are about: the rest of a reading is derived from these by its device.
MEASURES: dict[str, tuple[str, ...]] = {
    Kind.BLOOD_PRESSURE: (
        Measure.SYSTOLIC.value,
        Measure.DIASTOLIC.value,
        Measure.PULSE.value,
    ),
    Kind.GLUCOSE: (Measure.GLUCOSE.value,),
    Kind.WEIGHT: (Measure.WEIGHT.value, Measure.BODY_FAT.value),
    Kind.BODY_COMPOSITION: (Measure.BODY_FAT.value,),
    Kind.PULSE_OXIMETRY: (Measure.SPO2.value,),
    Kind.TEMPERATURE: (Measure.TEMPERATURE.value,),
    Kind.HEART_RATE: (Measure.HEART_RATE.value,),
    Kind.CONTINUOUS_GLUCOSE: (Measure.SENSOR_GLUCOSE.value,),
}
_KINDS = {measure: kind for kind, measures in MEASURES.items() for measure in measures}


class LimitRefused(Exception):
    """A limit that nobody can set; the message is for the person who tried."""


class _Range:
    """Where no limit of a measure is crossed: what comparing one number at each end can say."""

    def __init__(self) -> None:
        self._below = -math.inf  # crossed by what is less
        self._above = math.inf  # crossed by what is more
        self._from = math.inf  # crossed by what is as much

    def add(self, limit: Limit) -> None:
        if limit.comparator == "<":
            self._below = max(self._below, limit.bound)
        elif limit.comparator == ">":
            self._above = min(self._above, limit.bound)
        else:
            self._from = min(self._from, limit.bound)

    def holds(self, value: float) -> bool:
        return self._below <= value <= self._above and value < self._from


class RuleSet:
    """Limits that hold together, and a short name for exactly these."""

    def __init__(self, limits: tuple[Limit, ...]) -> None:
        self.limits = limits
        self.version = _version(limits)
        of_kind: dict[str, list[Limit]] = defaultdict(list)
        for limit in limits:
            if limit.basis in {Basis.VALUE, Basis.BEYOND}:
                of_kind[_KINDS[limit.measure]].append(limit)
        self.of_kind = dict(of_kind)
        self._ranges: dict[str, _Range] = {}
        for limit in limits:
            if limit.basis is Basis.VALUE:
                self._ranges.setdefault(limit.measure, _Range()).add(limit)
        self.gains = tuple(limit for limit in limits if limit.basis is Basis.GAIN)
        self.jump = next((limit for limit in limits if limit.basis is Basis.JUMP), None)

    def rates(self, measure: str) -> bool:
        """Whether a number of that measure can be within or beyond anything."""
        return measure in self._ranges

    def holds(self, measure: str, value: float) -> bool:
        """Whether a number crosses no limit that compares numbers."""
        limits = self._ranges.get(measure)
        return limits is None or limits.holds(value)


def _version(limits: tuple[Limit, ...]) -> str:
    """Changes when what is found could change, and not when a source is worded anew."""
    said = [
        (x.rule, x.lineage, x.basis, x.comparator, x.value, x.window_h, x.severity) for x in limits
    ]
    return hashlib.sha256(msgspec.json.encode(sorted(said))).hexdigest()[:12]


class EffectiveLimits:
    """Answers for the patients whose rows it was given."""

    def __init__(self, book: Rulebook, rows: Sequence[LimitRow] = ()) -> None:
        self._book = book
        self._rows: dict[UUID | None, list[LimitRow]] = defaultdict(list)
        for row in sorted(rows, key=lambda row: (row.valid_from, row.set_at)):
            self._rows[row.patient_id].append(row)
        self._spells: dict[UUID, tuple[list[datetime], dict[int, RuleSet]]] = {}

    def at(self, patient: UUID, instant: datetime) -> RuleSet:
        """The rules for what `patient` measured at `instant`, the same until the next turn."""
        turns, known = self._spells.get(patient) or self._begin(patient)
        spell = bisect_right(turns, instant)
        found = known.get(spell)
        if found is None:
            found = known[spell] = self._find(patient, instant)
        return found

    def _begin(self, patient: UUID) -> tuple[list[datetime], dict[int, RuleSet]]:
        rows = (*self._rows.get(None, ()), *self._rows.get(patient, ()))
        turns = {*self._book.turns, *(row.valid_from for row in rows)}
        turns |= {row.withdrawn_at for row in rows if row.withdrawn_at is not None}
        spells: tuple[list[datetime], dict[int, RuleSet]] = (sorted(turns), {})
        self._spells[patient] = spells
        return spells

    def _find(self, patient: UUID, instant: datetime) -> RuleSet:
        own: dict[str, float | None] = {}
        for row in (*self._rows.get(None, ()), *self._rows.get(patient, ())):
            if row.stands_at(instant):
                own[row.rule] = row.value
        return _rule_set(self._book, self._book.epoch(instant), tuple(sorted(own.items())))


@lru_cache(maxsize=4096)
def _rule_set(book: Rulebook, epoch: date, own: tuple[tuple[str, float | None], ...]) -> RuleSet:
    values = dict(own)
    limits = []
    for limit in book.limits_on(epoch):
        if limit.basis is Basis.BEYOND or limit.rule not in values:
            limits.append(limit)
        elif (value := values[limit.rule]) is not None:
            limits.append(msgspec.structs.replace(limit, value=value))
    return RuleSet(tuple(limits))


def check(book: Rulebook, *, rule: str, value: float | None, ucum: str, on: date) -> Limit:
    """The default that a new row would stand over.

    Raises:
        LimitRefused: no such rule, one that is always on, another unit, or no possible number.
    """
    limit = next((limit for limit in book.limits_on(on) if limit.rule == rule), None)
    if limit is None:
        raise LimitRefused(f"there is no rule {rule}")
    if limit.basis is Basis.BEYOND:
        raise LimitRefused("what a device cannot show is always critical")
    if ucum != limit.ucum:
        raise LimitRefused(f"the unit of {rule} is {limit.ucum}")
    if value is not None and not (math.isfinite(value) and value > 0):
        raise LimitRefused("a limit is a number above zero, or off")
    if value is not None and limit.basis is Basis.VALUE and not _can_be_had(limit.measure, value):
        raise LimitRefused("Nobody can have such a value: check what was typed")
    return limit


def _can_be_had(measure: str, value: float) -> bool:
    """A slip of the finger (1800 for 180) would switch a rule off without a word."""
    wide = plausible.LIMITS[Measure(measure)]
    return wide.low <= value <= wide.high
