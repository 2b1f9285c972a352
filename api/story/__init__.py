"""What changed with a patient, in sentences. Pure: readings in, words and their numbers out.

Rule 1: a sentence says how many readings it rests on, and carries every number that it names.
Rule 2: where there are too few, it says so instead of a number.
Days, mornings and evenings are the patient's; units are the reader's; `now` is an argument.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import pandas as pd

from api.frames import Bound
from api.story import around
from api.story.glucose import glucose
from api.story.pressure import pressure
from api.story.weight import weight
from api.story.words import Reader, Row, Sentence, Tone, Topic, Window, window

__all__ = ["Reader", "Sentence", "Tone", "Topic", "Window", "tell", "window"]


def tell(  # noqa: PLR0913 -- everything that a story rests on
    readings: pd.DataFrame,
    *,
    now: datetime,
    days: int,
    reader: Reader,
    bounds: Sequence[Bound] = (),
    alerts: Sequence[Row] = (),
    contacts: Sequence[Row] = (),
) -> list[Sentence]:
    """`readings`: of `api.frames.frame`, in the reader's zone."""
    span = window(now, reader.zone, days)
    found = [
        around.open_alerts(alerts, now, days),
        around.silence(readings, now),
        *pressure(readings, span, bounds),
        *glucose(readings, span, reader),
        weight(readings, span, reader, bounds),
        around.adherence(readings, span),
        around.contact(contacts, now),
    ]
    return [sentence for sentence in found if sentence is not None]
