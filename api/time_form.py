"""Time by hand, as it was typed: wall-clock times of the clinic, read and said back where wrong."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import BaseModel

from ccm_link.activities import ACTIVITIES
from ccm_link.errors import BadInterval, CareError, Unchanged, Undocumented, UnknownWord
from ccm_link.local_time import NoSuchTime, TwoSuchTimes, instant_of
from ccm_link.programmes import ENROLLABLE


class TimeForm(BaseModel):
    """The fields as they were typed."""

    programme: str = ""
    activity: str = ""
    start: str = ""
    end: str = ""
    start_second: str = ""  # of two such times in the night when the clocks go back
    end_second: str = ""
    interactive: str = ""
    note: str = ""


class CorrectionForm(TimeForm):
    """What stands instead, and why."""

    reason: str = ""


def interval_of(
    form: TimeForm, zone: ZoneInfo
) -> tuple[datetime | None, datetime | None, dict[str, str]]:
    problems: dict[str, str] = {}
    start = _instant("start", form.start, form.start_second, zone, problems)
    end = _instant("end", form.end, form.end_second, zone, problems)
    return start, end, problems


def _instant(
    field: str, typed: str, second: str, zone: ZoneInfo, problems: dict[str, str]
) -> datetime | None:
    try:
        return instant_of(typed, zone, second={"no": False, "yes": True}.get(second))
    except NoSuchTime:
        problems[field] = "The clocks went forward over this time: it did not exist"
    except TwoSuchTimes:
        problems[field] = "This time came twice that night: say which one"
    except ValueError:
        problems[field] = "Enter a date and a time"
    return None


def refusal(refused: CareError) -> dict[str, str]:
    """Which field a refusal of the ledger is about."""
    if isinstance(refused, Undocumented):
        return {"note": "Write what was done: only documented time counts"}
    if isinstance(refused, BadInterval):
        return {"end": "The end must come after the start, within 24 hours and not in the future"}
    if isinstance(refused, UnknownWord):
        return {"programme": "Choose a programme and an activity"}
    if isinstance(refused, Unchanged):
        return {"start": "Nothing is different: change what was wrong"}
    return {"start": str(refused)}


def choices(own: Sequence[str]) -> dict[str, Any]:
    """The patient's own programmes first."""
    rest = [str(p) for p in ENROLLABLE if str(p) not in own]
    return {
        "programmes": [(p, p) for p in own] + [(p, f"{p} (not enrolled)") for p in rest],
        "activities": [
            (str(activity), kind.label if kind.countable else f"{kind.label} (does not count)")
            for activity, kind in ACTIVITIES.items()
        ],
    }
