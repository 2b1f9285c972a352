"""Glucose in sentences: the average and its change; time in range where there are days enough."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pandas as pd

from api.story.words import (
    BEFORE_DAYS,
    Reader,
    Sentence,
    Tone,
    Topic,
    Window,
    changed_by,
    count_of,
    enough,
    too_few,
)
from api.units import glucose_in

RANGE_DAYS, RANGE_WINDOW = 14, 30  # days with glucose that time in range needs, of the last so many
SAME_MG_DL = 5.0  # smaller differences are none
LOW, HIGH = 70, 180  # mg/dL, the consensus range


def glucose(frame: pd.DataFrame, span: Window, reader: Reader) -> list[Sentence | None]:
    taken = frame[frame["kind"] == "glucose"]
    if taken.empty:
        return []
    current = span.of(taken)
    average = (
        _glucose_average(current, span.before.of(taken), span, reader)
        if enough(current)
        else too_few("glucose", Topic.GLUCOSE, taken, span)
    )
    first = span.last - timedelta(days=RANGE_WINDOW - 1)
    wide = Window(first=first, last=span.last, days=RANGE_WINDOW)
    return [average, _time_in_range(wide.of(taken), wide, reader)]


def _glucose_average(
    current: pd.DataFrame, before: pd.DataFrame, span: Window, reader: Reader
) -> Sentence | None:
    mean, old = current["glucose_mg_dl"].mean(), before["glucose_mg_dl"].mean()
    if pd.isna(mean):  # the meter said HI or LO each time; the range says so
        return None
    numbers: dict[str, Any] = {"mean": _sugar(mean, reader), "count": len(current)}
    text = (
        f"Glucose averaged {_sugar(mean, reader)} {reader.glucose_unit} over {span.words} "
        f"({count_of(len(current), 'reading')})"
    )
    numbers["before_count"] = len(before)
    if not enough(before) or pd.isna(old):
        text += f"; too few in the {BEFORE_DAYS} days before to compare ({len(before)})."
        return Sentence(topic=Topic.GLUCOSE, text=text, numbers=numbers)
    numbers["before_mean"] = _sugar(old, reader)
    change = changed_by(mean - old, SAME_MG_DL, str(_sugar(abs(mean - old), reader)))
    text += (
        f", {change} in the {BEFORE_DAYS} days before "
        f"({_sugar(old, reader)}, {count_of(len(before), 'reading')})."
    )
    return Sentence(topic=Topic.GLUCOSE, text=text, numbers=numbers)


def _time_in_range(taken: pd.DataFrame, span: Window, reader: Reader) -> Sentence:
    days, count = int(taken["ordinal"].nunique()), len(taken)
    if days < RANGE_DAYS:
        text = (
            f"Glucose was measured on {days} of {span.words}: time in range, GMI and "
            f"variation need {RANGE_DAYS} days."
        )
        numbers = {"days": days, "count": count}
        return Sentence(topic=Topic.GLUCOSE_RANGE, text=text, numbers=numbers, tone=Tone.FEW)
    value, bound = taken["glucose_mg_dl"], taken["comparator"]
    below = int(((value < LOW) | (bound == "<")).sum())
    above = int((((value > HIGH) | (bound == ">")) & (bound != "<")).sum())
    numbers = _range_numbers(count, days, below, above, value[bound.isna()], reader)
    text = (
        f"In {span.words}, {numbers['tir']}% of {count} readings were in range "
        f"({_sugar(LOW, reader)}\N{EN DASH}{_sugar(HIGH, reader)} {reader.glucose_unit}), "
        f"{numbers['tbr']}% below and {numbers['tar']}% above"
    )
    if "gmi" in numbers:
        text += f"; GMI {numbers['gmi']}{_gmi_unit(reader)}, variation (CV) {numbers['cv']}%"
    return Sentence(topic=Topic.GLUCOSE_RANGE, text=f"{text}.", numbers=numbers)


def _range_numbers(
    count: int, days: int, below: int, above: int, known: pd.Series[float], reader: Reader
) -> dict[str, Any]:
    """Shares sum to 100; mean-based figures leave out what the meter could not put a number on."""
    tbr, tar = round(100 * below / count), round(100 * above / count)
    numbers = {"count": count, "days": days, "below": below, "above": above}
    numbers |= {"tbr": tbr, "tar": tar, "tir": 100 - tbr - tar}
    if len(known) < RANGE_DAYS:
        return numbers
    mean = float(known.mean())
    return {**numbers, "gmi": _gmi(mean, reader), "cv": round(100 * float(known.std()) / mean)}


def _gmi(mean_mg_dl: float, reader: Reader) -> float:
    """Glucose management indicator, Bergenstal 2018."""
    if reader.glucose_unit == "mg/dL":
        return round(3.31 + 0.02392 * mean_mg_dl, 1)
    return round(12.71 + 4.70587 * glucose_in(mean_mg_dl, "mmol/L"))


def _gmi_unit(reader: Reader) -> str:
    return "%" if reader.glucose_unit == "mg/dL" else " mmol/mol"


def _sugar(mg_dl: float, reader: Reader) -> float:
    value = glucose_in(mg_dl, reader.glucose_unit)
    return round(value) if reader.glucose_unit == "mg/dL" else round(value, 1)
