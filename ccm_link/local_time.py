"""Wall-clock times that people type, as instants. Pure.

Twice a year a wall clock lies: an hour that is skipped names no instant, an hour that is repeated
names two. Both are said to the person who typed, never guessed.
"""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

YEARS = range(2000, 2100)  # outside of them it is a slip of the finger


class NoSuchTime(ValueError):
    """The clocks went forward over it."""


class TwoSuchTimes(ValueError):
    """The clocks went back over it: the first or the second?"""


def instant_of(typed: str, zone: ZoneInfo, *, second: bool | None = None) -> datetime:
    """`2026-11-24T09:05` in a zone; `second` says which of two, where there are two.

    Raises:
        ValueError: no time; NoSuchTime and TwoSuchTimes are such.
    """
    wall = datetime.fromisoformat(typed)
    if wall.tzinfo is not None or wall.year not in YEARS:
        raise ValueError(typed)
    first, last = (wall.replace(tzinfo=zone, fold=fold) for fold in (0, 1))
    if first.utcoffset() == last.utcoffset():
        return first.astimezone(UTC)
    if first.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != wall:
        raise NoSuchTime(typed)
    if second is None:
        raise TwoSuchTimes(typed)
    return (last if second else first).astimezone(UTC)


def wall_of(instant: datetime, zone: ZoneInfo) -> str:
    """What a `datetime-local` field holds."""
    return instant.astimezone(zone).strftime("%Y-%m-%dT%H:%M")


def typed_of(instant: datetime, zone: ZoneInfo) -> str:
    """The same to the second."""
    return instant.astimezone(zone).strftime("%Y-%m-%dT%H:%M:%S")
