"""Which readings a set of marked days is judged and summed up by. Pure.

A mark is a day in a zone that is not asked, so its window is that day of any zone of the world. For
the summaries it is widened to whole days of the patient, for weights by the history that they need.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from alerts import weights
from store.alert_rows import Mark, Window
from store.summaries import Rebuild, Span

#: A day of any zone of the world, seen from UTC.
_FIRST_ZONE, _LAST_ZONE = timedelta(hours=14), timedelta(hours=12)
_DAY, _INSTANT = timedelta(days=1), timedelta(microseconds=1)
#: Later than any reading's time: no clock is believed that far ahead.
_END = datetime(9000, 1, 1, tzinfo=UTC)


def windows_of(marks: Iterable[Mark]) -> list[Window]:
    """Days that touch become one window."""
    spans = []
    for mark in marks:
        midnight = datetime.combine(mark.day, time(), UTC)
        since, until = midnight - _FIRST_ZONE, midnight + _DAY + _LAST_ZONE
        spans.append(Window(mark.patient_id, since, since, until, until))
    return _merged(spans)


def in_whole_days(windows: Iterable[Window], zones: Mapping[UUID, ZoneInfo]) -> list[Window]:
    """With the rest of the patient's days that a window begins and ends in."""
    return _merged(_in_whole_days(window, zones[window.patient_id]) for window in windows)


def _in_whole_days(window: Window, zone: ZoneInfo) -> Window:
    first = window.since.astimezone(zone).date()
    last = (window.until - _INSTANT).astimezone(zone).date()
    since, until = _begin(first, zone), _begin(last + _DAY, zone)
    return Window(window.patient_id, since, window.judge_from, window.judge_until, until)


def _begin(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(UTC)


def with_history(windows: Iterable[Window]) -> list[Window]:
    """With the history that a weight needs, and with the later weights that it may change."""
    return _merged(
        Window(
            w.patient_id,
            w.judge_from - weights.HISTORY,
            w.judge_from,
            w.judge_until + weights.HISTORY,
            w.judge_until + weights.HISTORY,
        )
        for w in windows
    )


def of_rebuilds(rebuilds: Iterable[Rebuild], zones: Mapping[UUID, ZoneInfo]) -> list[Window]:
    """Every day since then; nothing of it is judged."""
    return [
        Window(one.patient_id, begin, _END, _END, _END)
        for one in rebuilds
        for zone in [zones[one.patient_id]]
        for begin in [_begin(one.since.astimezone(zone).date(), zone)]
    ]


def spans_of(windows: Iterable[Window], zones: Mapping[UUID, ZoneInfo]) -> list[Span]:
    """The days of windows that hold whole days."""
    return [
        Span(
            patient_id=window.patient_id,
            first=window.since.astimezone(zones[window.patient_id]).date(),
            last=(window.until - _INSTANT).astimezone(zones[window.patient_id]).date(),
        )
        for window in windows
    ]


def _merged(windows: Iterable[Window]) -> list[Window]:
    merged: list[Window] = []
    for window in sorted(windows, key=lambda w: (w.patient_id, w.since)):
        last = merged[-1] if merged else None
        if last and last.patient_id == window.patient_id and window.since <= last.until:
            merged[-1] = Window(
                last.patient_id,
                last.since,
                min(last.judge_from, window.judge_from),
                max(last.judge_until, window.judge_until),
                max(last.until, window.until),
            )
        else:
            merged.append(window)
    return merged
