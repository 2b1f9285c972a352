"""Blood pressure in sentences: the average, the share within limits, mornings and evenings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from api.frames import PRESSURE, Bound, is_beyond
from api.story.words import (
    BEFORE_DAYS,
    Sentence,
    Tone,
    Topic,
    Window,
    count_of,
    enough,
    percent,
    too_few,
    up_down,
)

PART_READINGS = 3  # the least that mornings, or evenings, rest on
SAME_MMHG = 3.0  # smaller differences are none


def pressure(frame: pd.DataFrame, span: Window, bounds: Sequence[Bound]) -> list[Sentence | None]:
    taken = frame[frame["kind"] == "blood_pressure"]
    if taken.empty:
        return []
    current = span.of(taken)
    if not enough(current):
        return [too_few("blood-pressure", Topic.PRESSURE, taken, span)]
    return [
        _pressure_average(current, span.before.of(taken), span),
        _pressure_share(current, bounds),
        _pressure_parts(current),
    ]


def _pressure_average(current: pd.DataFrame, before: pd.DataFrame, span: Window) -> Sentence:
    systolic, diastolic = _means(current)
    numbers: dict[str, Any] = {"systolic": systolic, "diastolic": diastolic, "count": len(current)}
    text = (
        f"Blood pressure averaged {systolic}/{diastolic} mmHg over {span.words} "
        f"({count_of(len(current), 'reading')})"
    )
    if not enough(before):
        numbers |= {"before_count": len(before)}
        few = f"; too few in the {BEFORE_DAYS} days before to compare ({len(before)})."
        return Sentence(topic=Topic.PRESSURE, text=text + few, numbers=numbers)
    old_systolic, old_diastolic = _means(before)
    numbers |= {"before_systolic": old_systolic, "before_diastolic": old_diastolic}
    numbers |= {"before_count": len(before)}
    change = _pressure_change(systolic - old_systolic, diastolic - old_diastolic)
    text += (
        f", {change} in the {BEFORE_DAYS} days before "
        f"({old_systolic}/{old_diastolic}, {count_of(len(before), 'reading')})."
    )
    return Sentence(topic=Topic.PRESSURE, text=text, numbers=numbers)


def _means(frame: pd.DataFrame) -> tuple[int, int]:
    systolic, diastolic = frame[list(PRESSURE)].mean()
    return round(systolic), round(diastolic)


def _pressure_change(systolic: int, diastolic: int) -> str:
    if max(abs(systolic), abs(diastolic)) < SAME_MMHG:
        return "about the same as"
    if systolic >= 0 and diastolic >= 0:
        return f"{systolic}/{diastolic} higher than"
    if systolic <= 0 and diastolic <= 0:
        return f"{-systolic}/{-diastolic} lower than"
    return f"systolic {up_down(systolic)} and diastolic {up_down(diastolic)} against"


def _pressure_share(current: pd.DataFrame, bounds: Sequence[Bound]) -> Sentence | None:
    own = [b for b in bounds if b.measure in PRESSURE]
    if not own:
        return None
    beyond = is_beyond(current, own)
    count, within = len(current), len(current) - int(beyond.sum())
    text = f"{within} of {count} ({percent(within / count)}) were within limits ({_limits(own)})."
    numbers = {"within": within, "count": count}
    tone = Tone.GOOD if within == count else Tone.PLAIN
    return Sentence(topic=Topic.PRESSURE_RANGE, text=text, numbers=numbers, tone=tone)


def _limits(bounds: Sequence[Bound]) -> str:
    words = []
    for measure, name in (("systolic_mmhg", "systolic"), ("diastolic_mmhg", "diastolic")):
        lower = max((b.value for b in bounds if b.measure == measure and b.is_lower), default=None)
        upper = min(
            (b.value for b in bounds if b.measure == measure and not b.is_lower), default=None
        )
        if lower is not None and upper is not None:
            words.append(f"{name} {lower:g}\N{EN DASH}{upper:g}")
        elif upper is not None:
            words.append(f"{name} to {upper:g}")
        elif lower is not None:
            words.append(f"{name} from {lower:g}")
    return ", ".join(words)


def _pressure_parts(current: pd.DataFrame) -> Sentence | None:
    """Nothing where one of them has too few: the average says how much there is."""
    parts = {name: current[current["part"] == name] for name in ("morning", "evening")}
    if any(len(part) < PART_READINGS for part in parts.values()):
        return None
    morning, evening = _means(parts["morning"]), _means(parts["evening"])
    counts = {f"{name}_count": len(part) for name, part in parts.items()}
    higher = morning[0] - evening[0]
    text = (
        f"Mornings averaged {morning[0]}/{morning[1]} ({counts['morning_count']}), "
        f"evenings {evening[0]}/{evening[1]} ({counts['evening_count']})"
    )
    text += "." if abs(higher) < SAME_MMHG else f": systolic {up_down(higher)} in the morning."
    numbers = {"morning": morning, "evening": evening, **counts}
    return Sentence(topic=Topic.PRESSURE_PARTS, text=text, numbers=numbers)
