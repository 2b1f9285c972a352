"""What changed with a patient, in sentences. Pure: readings in, words and their numbers out.

Rule 1: a sentence says how many readings it rests on, and carries every number that it names.
Rule 2: where there are too few, it says so instead of a number.
Days, mornings and evenings are the patient's; units are the reader's; `now` is an argument.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from api import frames
from api.frames import Bound
from api.story import around
from api.story.glucose import glucose
from api.story.pressure import pressure
from api.story.weight import weight
from api.story.words import BEFORE_DAYS, Reader, Row, Sentence, Tone, Topic, Window, window

__all__ = ["Reader", "Sentence", "Tone", "Topic", "Window", "needed_since", "tell", "window"]


def needed_since(now: datetime, days: int) -> datetime:
    """How far back readings are needed for a story of so many days."""
    return now - timedelta(days=days + BEFORE_DAYS + 1)


def tell(  # noqa: PLR0913 -- everything that a story rests on
    readings: Sequence[Row],
    *,
    now: datetime,
    days: int,
    reader: Reader,
    bounds: Sequence[Bound] = (),
    alerts: Sequence[Row] = (),
    contacts: Sequence[Row] = (),
) -> list[Sentence]:
    frame = frames.frame(readings, reader.zone)
    span = window(now, reader.zone, days)
    found = [
        around.open_alerts(alerts, now, days),
        around.silence(frame, now),
        *pressure(frame, span, bounds),
        *glucose(frame, span, reader),
        weight(frame, span, reader, bounds),
        around.adherence(frame, span),
        around.contact(contacts, now),
    ]
    return [sentence for sentence in found if sentence is not None]
