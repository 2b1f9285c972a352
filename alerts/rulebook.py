"""The dated data of this package: limits, response targets, protocols, hours of a day (I12).

A change of a rule is a new row with its date; the old row stays, so that any past day is judged
by what was in force. Loading checks every row, and an error names the file and the row.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Hashable, Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import Any, Literal, TypeVar

import msgspec

from alerts.lineage import Lineage, Severity
from vitals.reading import CODINGS, Measure

_Row = TypeVar("_Row", bound=msgspec.Struct)
_Dated = TypeVar("_Dated", "Limit", "Target", "Protocol", "Hours")

_DAY_HOURS = 24


class BadRuleData(Exception):
    """A row of the rule data is not what it must be; the message names file and row."""


class Basis(StrEnum):
    """What is compared with the limit."""

    VALUE = "value"  # the number itself
    BEYOND = "beyond"  # the device says HI or LO; always on
    GAIN = "gain"  # the rise above the lowest of the window
    JUMP = "jump"  # the distance from every other of the window, in per cent


class Limit(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One row of `limits.toml`; `value` is in `ucum`."""

    rule: str
    lineage: Lineage
    measure: Measure
    comparator: Literal[">", ">=", "<"]
    ucum: str
    severity: Severity
    valid_from: date
    source: str
    value: float | None = None
    basis: Basis = Basis.VALUE
    window_h: int | None = None
    repeat_min: int | None = None

    @property
    def window(self) -> timedelta:
        return timedelta(hours=self.window_h or 0)

    @property
    def bound(self) -> float:
        """The number of a row that compares one; only what is beyond any number has none."""
        if self.value is None:
            raise ValueError(self.rule)
        return self.value

    def problem(self) -> str | None:
        unit = "%" if self.basis is Basis.JUMP else CODINGS[self.measure].ucum
        if self.ucum != unit:
            return f"ucum of {self.measure} is {unit}"
        if (self.value is None) != (self.basis is Basis.BEYOND):
            return "value is missing where a number is compared, or given where none is"
        if (self.window_h is None) != (self.basis not in {Basis.GAIN, Basis.JUMP}):
            return "window_h belongs to gain and jump, and to nothing else"
        return None


class Target(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How soon an alert of that severity, or a late one, wants to be dealt with."""

    of: Literal["critical", "warning", "notice", "late"]
    minutes: int
    valid_from: date
    source: str

    def problem(self) -> str | None:
        return None if self.minutes > 0 else "minutes is not positive"


class Step(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`id` is what `care_task.checklist` remembers."""

    id: str
    text: str


class Protocol(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a nurse goes through at an alert of that lineage."""

    lineage: Lineage
    valid_from: date
    source: str
    steps: tuple[Step, ...]

    def problem(self) -> str | None:
        ids = {step.id for step in self.steps}
        return None if ids and len(ids) == len(self.steps) else "steps are missing, or two are one"


class Hours(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which hours of the patient's day are its morning, or its evening; `until_hour` excluded."""

    of: Literal["morning", "evening"]
    from_hour: int
    until_hour: int
    valid_from: date
    source: str

    def problem(self) -> str | None:
        fits = 0 <= self.from_hour < self.until_hour <= _DAY_HOURS
        return None if fits else "the hours are not of one day"


class Rulebook:
    """All rows, and what of them is in force on a day."""

    def __init__(
        self,
        limits: Sequence[Limit],
        targets: Sequence[Target],
        protocols: Sequence[Protocol],
        hours: Sequence[Hours] = (),
    ) -> None:
        self.limits = tuple(limits)
        self._hours = tuple(hours)
        self._targets = tuple(targets)
        self._protocols = tuple(protocols)
        self._turns = sorted({limit.valid_from for limit in limits})
        self.turns = tuple(datetime.combine(turn, time(), UTC) for turn in self._turns)

    def epoch(self, instant: datetime) -> date:
        """The day since which the limits have been what they are at `instant`."""
        day = instant.date()
        return max((turn for turn in self._turns if turn <= day), default=date.min)

    def limits_on(self, day: date) -> tuple[Limit, ...]:
        return tuple(_in_force(self.limits, day, lambda limit: limit.rule))

    def respond_within(self, severity: Severity, *, late: bool, on: date) -> timedelta:
        targets = _in_force(self._targets, on, lambda target: target.of)
        wanted = "late" if late else str(severity)
        return timedelta(minutes=next(t.minutes for t in targets if t.of == wanted))

    def protocol(self, lineage: Lineage, *, on: date) -> Protocol:
        protocols = _in_force(self._protocols, on, lambda protocol: protocol.lineage)
        return next(p for p in protocols if p.lineage == lineage)

    def hours_on(self, day: date) -> dict[str, range]:
        """The hours of "morning" and "evening" of a patient's day."""
        return {
            hours.of: range(hours.from_hour, hours.until_hour)
            for hours in _in_force(self._hours, day, lambda hours: hours.of)
        }


def _in_force(
    rows: Iterable[_Dated], day: date, key: Callable[[_Dated], Hashable]
) -> Iterable[_Dated]:
    """The newest row of each key that is valid on `day`, in the order of the file."""
    newest: dict[Hashable, _Dated] = {}
    for row in rows:
        other = newest.get(key(row))
        if row.valid_from <= day and (other is None or row.valid_from > other.valid_from):
            newest[key(row)] = row
    return newest.values()


@cache
def load() -> Rulebook:
    """The rule data of this release.

    Raises:
        BadRuleData: with file and row.
    """
    return Rulebook(
        parse("limits.toml", _text("limits.toml"), "limit", Limit),
        parse("targets.toml", _text("targets.toml"), "target", Target),
        parse("protocols.toml", _text("protocols.toml"), "protocol", Protocol),
        parse("hours.toml", _text("hours.toml"), "hours", Hours),
    )


def _text(name: str) -> str:
    return (files("alerts") / "data" / name).read_text("utf-8")


def parse(name: str, text: str, table: str, row_type: type[_Row]) -> list[_Row]:
    """The checked rows of one file; `name` is what its errors are called by."""
    try:
        found = tomllib.loads(text)
    except tomllib.TOMLDecodeError as exc:
        raise BadRuleData(f"{name}: {exc}") from exc
    if set(found) != {table}:
        raise BadRuleData(f"{name}: holds [[{table}]] rows and nothing else")
    rows = [_row(f"{name}, row {n}", row, row_type) for n, row in enumerate(found[table], 1)]
    _refuse_twins(name, rows)
    return rows


def _row(where: str, row: Any, row_type: type[_Row]) -> _Row:
    try:
        made = msgspec.convert(row, row_type, builtin_types=(date, datetime))
    except msgspec.ValidationError as exc:
        raise BadRuleData(f"{where}: {exc}") from exc
    problem: str | None = made.problem()  # type: ignore[attr-defined]
    if problem:
        raise BadRuleData(f"{where}: {problem}")
    return made


def _refuse_twins(name: str, rows: Sequence[Any]) -> None:
    seen: dict[Hashable, int] = {}
    for number, row in enumerate(rows, 1):
        subject = getattr(row, "rule", None) or getattr(row, "of", None) or row.lineage
        first = seen.setdefault((subject, row.valid_from), number)
        if first != number:
            raise BadRuleData(
                f"{name}, row {number}: says the same thing from the same day as row {first}"
            )
