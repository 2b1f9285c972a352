"""What stands around the numbers: silence, days missed, the last contact, open alerts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import pandas as pd

from api import times
from api.story.words import (
    Row,
    Sentence,
    Tone,
    Topic,
    Window,
    count_of,
    date_of,
    list_of,
    weekday_of,
)

SILENT_DAYS = 3  # without any reading: said before all else


def silence(frame: pd.DataFrame, now: datetime) -> Sentence | None:
    if frame.empty:
        text = "No reading has come in this time. Check the devices, or call."
        return Sentence(topic=Topic.SILENCE, text=text, numbers={"count": 0}, tone=Tone.WARNING)
    last: datetime = frame["at"].iloc[-1]
    days = (now - last).days
    if days < SILENT_DAYS:
        return None
    day = date_of(frame["day"].iloc[-1])
    text = f"Nothing has come for {days} days; the last reading was on {day}."
    return Sentence(topic=Topic.SILENCE, text=text, numbers={"days": days}, tone=Tone.WARNING)


def adherence(frame: pd.DataFrame, span: Window) -> Sentence | None:
    own = span.of(frame[frame["automatic"]])
    has = set(own["day"])
    every = [span.first + timedelta(days=n) for n in range(span.days)]
    missed = [day for day in every[:-1] if day not in has]
    numbers = {"days": len(has), "of": span.days, "missed": missed}
    if frame.empty:
        return None
    text = f"Readings came on {len(has)} of {span.words}"
    if missed and len(missed) <= 4:  # noqa: PLR2004 -- more are better counted
        text += f"; none on {list_of([weekday_of(day) for day in missed])}"
    elif missed:
        text += f"; {len(missed)} days had none"
    text += "." if every[-1] in has or not has else ", and none yet today."
    tone = Tone.GOOD if not missed else Tone.PLAIN
    return Sentence(topic=Topic.DAYS, text=text, numbers=numbers, tone=tone)


_CHANNELS = {"phone": "by phone", "video": "by video", "message": "by message"}


def contact(contacts: Sequence[Row], now: datetime) -> Sentence:
    """`contacts`: newest first."""
    reached = next((c for c in contacts if c["reached"]), None)
    if reached is None:
        tries = len(contacts)
        tried = f", {count_of(tries, 'try', 'tries')}" if tries else ""
        text = f"Never reached so far{tried}."
        return Sentence(topic=Topic.CONTACT, text=text, numbers={"tries": tries})
    tries = sum(not c["reached"] and c["at"] > reached["at"] for c in contacts)
    how = _CHANNELS.get(reached["channel"], "in person")
    text = f"Last reached {times.ago(reached['at'], now)} {how}, by {reached['staff_name']}"
    text += f"; {count_of(tries, 'try', 'tries')} since without an answer." if tries else "."
    numbers = {"days": (now - reached["at"]).days, "tries": tries}
    return Sentence(topic=Topic.CONTACT, text=text, numbers=numbers)


_URGENCY = ("critical", "warning", "notice")


def open_alerts(alerts: Sequence[Row], now: datetime, days: int) -> Sentence:
    waiting = [a for a in alerts if a["state"] != "resolved"]
    since = now - timedelta(days=days)
    closed = sum(a["state"] == "resolved" and a["resolved_at"] >= since for a in alerts)
    numbers = {"open": len(waiting), "closed": closed}
    past = f"; {closed} closed in the last {days} days" if closed else ""
    if not waiting:
        tone = Tone.GOOD if not closed else Tone.PLAIN
        text = f"No alert is open{past}."
        return Sentence(topic=Topic.ALERTS, text=text, numbers=numbers, tone=tone)
    worst = min((a["severity"] for a in waiting), key=_URGENCY.index)
    word = {"critical": "act now", "warning": "a warning", "notice": "a notice"}[worst]
    are = "alert is" if len(waiting) == 1 else "alerts are"
    rank = word if len(waiting) == 1 else f"the most urgent: {word}"
    text = f"{len(waiting)} {are} open ({rank}){past}."
    tone = Tone.CRITICAL if worst == "critical" else Tone.WARNING
    return Sentence(topic=Topic.ALERTS, text=text, numbers=numbers, tone=tone)
