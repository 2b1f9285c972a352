"""The words that sentences are made of: what a sentence is, of which days, for which reader."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd

Row = Mapping[str, Any]

BEFORE_DAYS = 30  # what a window is compared with
AVERAGE_READINGS, AVERAGE_DAYS = 3, 3  # the least a home average rests on


class Topic(StrEnum):
    """What a sentence is about."""

    SILENCE = "silence"
    PRESSURE = "pressure"
    PRESSURE_RANGE = "pressure_range"
    PRESSURE_PARTS = "pressure_parts"  # mornings and evenings
    GLUCOSE = "glucose"
    GLUCOSE_RANGE = "glucose_range"
    WEIGHT = "weight"
    DAYS = "days"
    CONTACT = "contact"
    ALERTS = "alerts"


class Tone(StrEnum):
    """Whether a reader should stop at it."""

    PLAIN = "plain"
    GOOD = "good"
    WARNING = "warning"
    CRITICAL = "critical"  # act now
    FEW = "few"  # too few data to say more


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentence:
    """`numbers` are those the words were made of, in the reader's units."""

    topic: Topic
    text: str
    numbers: dict[str, Any] = field(default_factory=dict)
    tone: Tone = Tone.PLAIN


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """For whom it is told, and of whose days."""

    zone: ZoneInfo  # the patient's
    glucose_unit: str
    weight_unit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Whole days of the patient, both included; `days` of them, and those that they follow."""

    first: date
    last: date
    days: int

    @property
    def words(self) -> str:
        return f"the last {self.days} days"

    @property
    def before(self) -> Window:
        last = self.first - timedelta(days=1)
        return Window(first=last - timedelta(days=BEFORE_DAYS - 1), last=last, days=BEFORE_DAYS)

    def of(self, frame: pd.DataFrame) -> pd.DataFrame:
        return frame[frame["ordinal"].between(self.first.toordinal(), self.last.toordinal())]


def window(now: datetime, zone: ZoneInfo, days: int) -> Window:
    """The last so many days; today is one of them."""
    today = now.astimezone(zone).date()
    return Window(first=today - timedelta(days=days - 1), last=today, days=days)


def enough(frame: pd.DataFrame) -> bool:
    return len(frame) >= AVERAGE_READINGS and frame["ordinal"].nunique() >= AVERAGE_DAYS


def too_few(what: str, topic: Topic, taken: pd.DataFrame, span: Window) -> Sentence:
    current = span.of(taken)
    count, days = len(current), int(current["ordinal"].nunique())
    if not count:
        last = taken["day"].iloc[-1]
        text = f"No {what} reading in {span.words}; the last was on {date_of(last)}."
        return Sentence(topic=topic, text=text, numbers={"count": 0, "last": last}, tone=Tone.FEW)
    text = (
        f"Only {count_of(count, f'{what} reading')} on {count_of(days, 'day')} in {span.words}: "
        f"too few for an average, which needs {AVERAGE_READINGS} on {AVERAGE_DAYS} days."
    )
    return Sentence(topic=topic, text=text, numbers={"count": count, "days": days}, tone=Tone.FEW)


def up_down(change: int) -> str:
    return f"{'up' if change > 0 else 'down'} {abs(change)}"


def changed_by(change: float, same: float, amount: str) -> str:
    if abs(change) < same:
        return "about the same as"
    return f"{amount} {'higher' if change > 0 else 'lower'} than"


def count_of(number: int, one: str, many: str = "") -> str:
    return f"{number} {one if number == 1 else many or f'{one}s'}"


def percent(share: float) -> str:
    return f"{round(100 * share)}%"


def date_of(day: date) -> str:
    return f"{day:%b} {day.day}"


def weekday_of(day: date) -> str:
    return f"{day:%a, %b} {day.day}"


def list_of(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{'; '.join(words[:-1])} and {words[-1]}"
