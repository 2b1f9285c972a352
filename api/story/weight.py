"""Weight in a sentence: the last day against one before, and doubt about whose it is."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import pandas as pd

from api.frames import WEIGHT_GAIN, Bound
from api.story.words import Reader, Sentence, Tone, Topic, Window, date_of, percent, too_few
from api.units import weight_in

SAME_KG = 0.25  # smaller differences are none
JUMP = 0.07  # a weight farther from the one before may be somebody else's
JUMP_WITHIN = timedelta(hours=48)


def weight(
    frame: pd.DataFrame, span: Window, reader: Reader, bounds: Sequence[Bound]
) -> Sentence | None:
    taken = frame[(frame["kind"] == "weight") & frame["weight_kg"].notna()]
    if taken.empty:
        return None
    if span.of(taken).empty:
        return too_few("weight", Topic.WEIGHT, taken, span)
    if doubt := _doubt(taken, reader):
        return doubt
    by_day = taken.groupby("day")["weight_kg"].median()
    last = by_day.index[-1]
    kg, text = (
        float(by_day.iloc[-1]),
        f"Weight was {_mass(by_day.iloc[-1], reader)} on {date_of(last)}",
    )
    numbers: dict[str, Any] = {"weight": _mass_number(kg, reader), "day": last}
    earlier = _near(by_day, last - timedelta(days=span.days), within=max(2, span.days // 7))
    if earlier is None:
        text += f"; there is none from {span.days} days before to compare."
        return Sentence(topic=Topic.WEIGHT, text=text, numbers=numbers)
    day, old = earlier
    gain = kg - old
    numbers |= {"before": _mass_number(old, reader), "before_day": day}
    text += f", {_mass_change(gain, reader)} on {date_of(day)} ({_mass(old, reader)})."
    limit = min((b.value for b in bounds if b.measure == WEIGHT_GAIN), default=None)
    heavy = limit is not None and gain > limit and (last - day).days <= 7  # noqa: PLR2004 -- the rule's week
    return Sentence(
        topic=Topic.WEIGHT, text=text, numbers=numbers, tone=Tone.WARNING if heavy else Tone.PLAIN
    )


def _doubt(taken: pd.DataFrame, reader: Reader) -> Sentence | None:
    """A jump of the last weight says nothing of the patient until somebody knows whose it is."""
    if len(taken) < 2:  # noqa: PLR2004 -- a weight and the one before
        return None
    before, last = taken.iloc[-2], taken.iloc[-1]
    share = abs(last["weight_kg"] - before["weight_kg"]) / before["weight_kg"]
    if share <= JUMP or last["at"] - before["at"] > JUMP_WITHIN:
        return None
    text = (
        f"The last weight, {_mass(last['weight_kg'], reader)}, is {percent(share)} off the one "
        f"before ({_mass(before['weight_kg'], reader)}): it may be somebody else's."
    )
    numbers = {
        "weight": _mass_number(last["weight_kg"], reader),
        "before": _mass_number(before["weight_kg"], reader),
    }
    return Sentence(topic=Topic.WEIGHT, text=text, numbers=numbers, tone=Tone.WARNING)


def _near(by_day: pd.Series[float], wanted: date, *, within: int) -> tuple[date, float] | None:
    """The day nearest to `wanted` that has a weight, not farther than so many days."""
    near = [day for day in by_day.index[:-1] if abs((day - wanted).days) <= within]
    if not near:
        return None
    day = min(near, key=lambda d: abs((d - wanted).days))
    return day, float(by_day[day])


def _mass_number(kg: float, reader: Reader) -> float:
    return round(weight_in(float(kg), reader.weight_unit), 1)


def _mass(kg: float, reader: Reader) -> str:
    return f"{_mass_number(kg, reader):.1f} {reader.weight_unit}"


def _mass_change(kg: float, reader: Reader) -> str:
    if abs(kg) < SAME_KG:
        return "about the same as"
    return f"{_mass(abs(kg), reader)} {'more' if kg > 0 else 'less'} than"
