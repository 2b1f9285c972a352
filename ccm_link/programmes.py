"""Which programme a minute of alert work belongs to, and until when a consent holds. Pure.

CCM where the patient is enrolled in CCM, else RPM; a clinic can set RPM first.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from ccm_link.calendar_month import Month
from ccm_link.codes import Programme

__all__ = [
    "ENROLLABLE",
    "Choice",
    "ConsentElement",
    "Consented",
    "Enrolled",
    "Programme",
    "day_in",
    "month_bounds",
    "month_of",
    "next_month",
    "programme_for",
    "stop_effective_on",
]

#: What a patient can be enrolled in here.
ENROLLABLE = (Programme.CCM, Programme.PCM, Programme.RPM)


class ConsentElement(StrEnum):
    """What has to be said before a patient agrees."""

    AVAILABILITY = "availability"  # of the service
    COST_SHARING = "cost_sharing"  # what the patient may owe
    ONE_PRACTITIONER = "one_practitioner"  # only one can bill it in a month
    RIGHT_TO_STOP = "right_to_stop"  # at any time, effective at the end of the month


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrolled:
    """One programme of a patient, in days of the practice; `ends_on` is the first day outside."""

    programme: Programme
    starts_on: date
    ends_on: date | None = None

    def covers(self, day: date) -> bool:
        return self.starts_on <= day and (self.ends_on is None or day < self.ends_on)


class Consented(Enrolled):
    """A consent to a programme; `ends_on` is the first day it no longer covers."""

    __slots__ = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Where time goes. Not enrolled: it is kept and bills nothing."""

    programme: Programme
    enrolled: bool


def programme_for(
    enrolments: Iterable[Enrolled],
    consents: Iterable[Consented],
    clinic_setting: Programme,
    on: date,
) -> Choice:
    """A programme with a consent that holds comes before one without."""
    enrolled = {e.programme for e in enrolments if e.covers(on)}
    consented = {c.programme for c in consents if c.covers(on)}
    order = _order(clinic_setting)
    for candidates in (enrolled & consented, enrolled):
        for programme in order:
            if programme in candidates:
                return Choice(programme=programme, enrolled=True)
    return Choice(programme=Programme.RPM, enrolled=False)


def _order(clinic_setting: Programme) -> tuple[Programme, ...]:
    if clinic_setting is Programme.RPM:
        return (Programme.RPM, Programme.CCM, Programme.PCM)
    return (Programme.CCM, Programme.RPM, Programme.PCM)


def day_in(instant: datetime, zone: str) -> date:
    return instant.astimezone(ZoneInfo(zone)).date()


def next_month(day: date) -> date:
    """The first day of the month after."""
    return Month.of(day).last + timedelta(days=1)


def stop_effective_on(stopped_at: datetime, zone: str) -> date:
    """A stopped consent holds to the end of its calendar month, in the practice's zone."""
    return next_month(day_in(stopped_at, zone))


def month_of(instant: datetime, zone: str) -> date:
    """The first day of the practice's month that an instant falls in."""
    return day_in(instant, zone).replace(day=1)


def month_bounds(month: date, zone: str) -> tuple[datetime, datetime]:
    """The instants between which a month of the practice lies."""
    first, after = month.replace(day=1), next_month(month)
    tz = ZoneInfo(zone)
    return (
        datetime(first.year, first.month, 1, tzinfo=tz),
        datetime(after.year, after.month, 1, tzinfo=tz),
    )
