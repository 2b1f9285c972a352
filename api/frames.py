"""Readings as a pandas frame in the patient's days: what the story and the charts compute with.

Failed measurements and control solution are in no figure. A bounded value (HI, LO) has a
comparator and no number, and is counted as below or above, never averaged.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd

Row = Mapping[str, Any]

PRESSURE = ("systolic_mmhg", "diastolic_mmhg")
WEIGHT_GAIN = "weight_gain_kg"  # a limit of the week's rise, not of a weight
MEASURES = (*PRESSURE, "pulse_per_min", "glucose_mg_dl", "weight_kg")
MORNING, EVENING = range(4, 12), range(17, 24)  # hours of the patient's day
_CONTROL = "control_solution"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """One limit in force, in the store's unit. `comparator` is what lies beyond it."""

    measure: str
    comparator: str  # ">", ">=" or "<"
    value: float
    severity: str = "warning"
    own: bool = False  # the patient's, not the clinic's or the shipped default

    @property
    def is_lower(self) -> bool:
        return self.comparator == "<"


def usable(reading: Row) -> bool:
    return (
        not reading["failed"]
        and _CONTROL not in reading["flags"]
        and reading["kind"] != "undecoded"
    )


def frame(readings: Sequence[Row], zone: ZoneInfo) -> pd.DataFrame:
    """One row a usable reading, oldest first; `at` is local, `day` and `part` are the patient's."""
    rows = sorted((r for r in readings if usable(r)), key=_instant)
    columns = {name: [r[name] for r in rows] for name in ("kind", "comparator")}
    numbers = {name: [_number(r, name) for r in rows] for name in MEASURES}
    at = [r["measured_at"].astimezone(zone) for r in rows]
    return pd.DataFrame(
        {
            "at": pd.Series(at, dtype="object"),
            "day": pd.Series([a.date() for a in at], dtype="object"),
            "ordinal": pd.Series([a.toordinal() for a in at], dtype="int64"),  # of the day
            "part": pd.Series([_part(a.hour) for a in at], dtype="object"),
            "automatic": pd.Series([r["origin"] == "automatic" for r in rows], dtype="bool"),
            **{name: pd.Series(values, dtype="object") for name, values in columns.items()},
            **{name: pd.Series(values, dtype="float64") for name, values in numbers.items()},
        }
    )


def _instant(reading: Row) -> datetime:
    at: datetime = reading["measured_at"]
    return at


def _number(reading: Row, measure: str) -> float | None:
    """A number beside a comparator is the end of the scale, not a value."""
    value: float | None = reading[measure]
    return None if reading["comparator"] else value


def _part(hour: int) -> str:
    if hour in MORNING:
        return "morning"
    return "evening" if hour in EVENING else "day"


def is_beyond(readings: pd.DataFrame, bounds: Sequence[Bound]) -> pd.Series[bool]:
    """Which readings lie beyond one of the limits; a bounded value always does."""
    beyond = readings["comparator"].notna()
    for bound in bounds:
        column = readings[bound.measure]
        if bound.comparator == "<":
            beyond |= column < bound.value
        elif bound.comparator == ">=":
            beyond |= column >= bound.value
        else:
            beyond |= column > bound.value
    return beyond
