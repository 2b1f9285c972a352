"""A calendar month: in which practice's zone is said where it meets instants."""

from __future__ import annotations

import calendar
import re
from datetime import date
from functools import lru_cache
from zoneinfo import ZoneInfo

from ccm_link.intervals import Interval, days

_SHAPE = re.compile(r"\d{4}-\d{2}")


class Month(int):
    """Months since year 0, so that they compare and count; read and written as `2026-03`."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> Month:
        """Read `YYYY-MM`.

        Raises:
            ValueError: it is no month.
        """
        if not _SHAPE.fullmatch(text):
            raise ValueError(f"{text!r} is no month (YYYY-MM)")
        return cls.of(date.fromisoformat(f"{text}-01"))

    @classmethod
    def of(cls, day: date) -> Month:
        return cls(day.year * 12 + day.month - 1)

    @property
    def first(self) -> date:
        year, number = divmod(self, 12)
        return date(year, number + 1, 1)

    @property
    def last(self) -> date:
        return _last(self)

    def span(self, zone: ZoneInfo) -> Interval:
        """From its first midnight to the next month's, in a practice's zone."""
        return _span(self, zone)

    def __contains__(self, day: date) -> bool:
        return self.first <= day <= self.last

    def __str__(self) -> str:
        return f"{self.first:%Y-%m}"


@lru_cache(maxsize=256)  # a clinic's month is asked for thousands of times
def _last(month: Month) -> date:
    first = month.first
    return first.replace(day=calendar.monthrange(first.year, first.month)[1])


@lru_cache(maxsize=256)
def _span(month: Month, zone: ZoneInfo) -> Interval:
    return days(month.first, month.last, zone)
