"""Time as sets of half-open intervals of whole microseconds, so that sums are exact.

Pieces are sorted, disjoint and do not touch; every function here takes and gives such pieces.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta, tzinfo

Interval = tuple[int, int]  # microseconds since 1970 UTC: from, until
Pieces = tuple[Interval, ...]


class Length(int):
    """Microseconds that a person reads as minutes and seconds."""


SECOND = 1_000_000  # microseconds
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def micros(at: datetime) -> int:
    return (at - _EPOCH) // _MICROSECOND


def instant(at: int) -> datetime:
    return _EPOCH + at * _MICROSECOND


def midnight(day: date, zone: tzinfo) -> int:
    """The instant at which a local day begins, on daylight-saving days too."""
    return micros(datetime(day.year, day.month, day.day, tzinfo=zone))


def days(first: date, last: date, zone: tzinfo) -> Interval:
    """Local days, both included."""
    return midnight(first, zone), midnight(last + timedelta(days=1), zone)


def union(many: Iterable[Interval]) -> Pieces:
    merged: list[Interval] = []
    for start, end in sorted(many):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        elif start < end:
            merged.append((start, end))
    return tuple(merged)


def subtract(whole: Pieces, away: Pieces) -> Pieces:
    left: list[Interval] = []
    for start, end in whole:
        at = start
        for gone_from, gone_until in away:
            if gone_until <= at:
                continue
            if gone_from >= end:
                break
            if gone_from > at:
                left.append((at, gone_from))
            at = gone_until
        if at < end:
            left.append((at, end))
    return tuple(left)


def intersect(one: Pieces, other: Pieces) -> Pieces:
    if not one or not other or one[-1][1] <= other[0][0] or other[-1][1] <= one[0][0]:
        return ()
    met: list[Interval] = []
    for start, end in one:
        for other_start, other_end in other:
            if other_start >= end:
                break
            first, last = max(start, other_start), min(end, other_end)
            if first < last:
                met.append((first, last))
    return tuple(met)


def total(pieces: Pieces) -> int:
    return sum([end - start for start, end in pieces])


def moment_of(pieces: Pieces, amount: int) -> int | None:
    """When the time in `pieces` first adds up to `amount`."""
    for start, end in pieces:
        if amount <= end - start:
            return start + amount
        amount -= end - start
    return None
