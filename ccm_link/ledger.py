"""The arithmetic of time: leases, sums, and what a sentence says will be counted. Pure (I7).

A running timer lives on a lease that every proof of activity renews. When the lease has run out
the timer ended at its last proof, whoever finds it first: a beat, the next claim or the sweep.
Seconds are exact; they are floored only at the end.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from ccm_link.activities import countable
from ccm_link.codes import Programme, Role
from ccm_link.intervals import SECOND, Pieces, intersect, micros, subtract, total, union

LEASE_S = 90  # seconds that one proof of activity keeps a timer alive
Span = tuple[datetime, datetime]  # from the first instant up to the second


class StoppedBy(StrEnum):
    """Why a timer ended."""

    PAUSED = "paused"  # by its person, or by claiming something else
    RELEASED = "released"  # the task went back to the queue or to a colleague
    RESOLVED = "resolved"  # together with its task
    ABANDONED = "abandoned"  # no proof of activity for a whole lease


class WhyNot(StrEnum):
    """Why time is kept and not counted."""

    NOT_ENROLLED = "not_enrolled"  # in the programme it is meant for
    NOT_COUNTABLE = "not_countable"  # the activity is none that counts
    NON_CLINICAL = "non_clinical"  # nor is the person's role


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How a timer ends. One that measured nothing is taken back instead of kept."""

    at: datetime
    stopped_by: StoppedBy
    measured: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Worked:
    """An interval of the ledger, as far as sums care."""

    programme: Programme
    role: str
    activity: str
    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthPart:
    """What one month of the practice holds before and after an act."""

    month: date
    before_s: int
    after_s: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What resolving now would count, and where."""

    programme: Programme
    enrolled: bool
    task_seconds: int  # the viewer's own on this task, waiting for documentation
    today_seconds: int  # the patient's today, these included
    months: tuple[MonthPart, ...]  # oldest first; two when the work went past midnight of a month
    why_not: WhyNot | None
    sentence: str

    @property
    def month_seconds_before(self) -> int:
        return self.months[-1].before_s

    @property
    def month_seconds_after(self) -> int:
        return self.months[-1].after_s


def lease_until(now: datetime) -> datetime:
    return now + timedelta(seconds=LEASE_S)


def ending(
    *,
    started_at: datetime,
    last_activity_at: datetime,
    lease_ends_at: datetime,
    why: StoppedBy,
    now: datetime,
) -> Ending:
    """`now` while the lease holds, else the last proven activity."""
    abandoned = now > lease_ends_at
    at = last_activity_at if abandoned else max(now, started_at)
    reason = StoppedBy.ABANDONED if abandoned else why
    return Ending(at=at, stopped_by=reason, measured=at > started_at)


def seconds(spans: Iterable[Span]) -> int:
    """Whole seconds, each instant once, floored at the end."""
    return total(_pieces(spans)) // SECOND


def _pieces(spans: Iterable[Span]) -> Pieces:
    return union((micros(start), micros(end)) for start, end in spans)


def counted(
    work: Sequence[Worked], programme: Programme, window: Span, *, role: str | None = None
) -> int:
    """Seconds that `programme` keeps of a window; `role` narrows to one track of CCM or PCM.

    Monitoring time of staff and practitioners adds up; in CCM and PCM they are separate tracks.
    Gates (consent, inpatient days, ...) are the billing engine's, which has the last word.
    """
    track = None if programme is Programme.RPM else role
    mine = [w for w in work if w.programme is programme and track in {None, w.role} and _counts(w)]
    order = list(Programme)  # in which one that is logged twice is kept
    above = order[: order.index(programme)]
    taken = [w for w in work if w.programme in above and _counts(w)]
    kept = subtract(_pieces(_spans(mine)), _pieces(_spans(taken)))
    return total(intersect(kept, _pieces([window]))) // SECOND


def _counts(work: Worked) -> bool:
    return work.role != Role.NON_CLINICAL and countable(work.activity)


def _spans(work: Iterable[Worked]) -> list[Span]:
    return [(w.starts_at, w.ends_at) for w in work]


def why_not(*, enrolled: bool, activity: str, role: str) -> WhyNot | None:
    if role == Role.NON_CLINICAL:
        return WhyNot.NON_CLINICAL
    if not countable(activity):
        return WhyNot.NOT_COUNTABLE
    return None if enrolled else WhyNot.NOT_ENROLLED


_WHY = {
    WhyNot.NOT_ENROLLED: "the patient is not enrolled in {programme}",
    WhyNot.NOT_COUNTABLE: "this activity does not count",
    WhyNot.NON_CLINICAL: "your role here is not clinical",
}


def sentence(
    programme: Programme, task_s: int, months: Sequence[MonthPart], reason: WhyNot | None
) -> str:
    """What saving will count and where, for the person who is about to save."""
    if reason is not None:
        because = _WHY[reason].format(programme=programme)
        return f"{clock(task_s)} will be kept and not counted: {because}."
    parts = [
        f"{clock(p.after_s - p.before_s)} to {programme} in {p.month:%B %Y}"
        f" ({clock(p.before_s)} becomes {clock(p.after_s)})"
        for p in months
    ]
    added = sum(p.after_s - p.before_s for p in months)
    # Flooring two months apart can lose one second; that is no overlap.
    shared = "" if task_s - added < len(months) else " The rest is counted already."
    return f"Will count {' and '.join(parts)}.{shared}"


def clock(total_s: int) -> str:
    """`12:05`, minutes and seconds; minutes go on beyond 59."""
    return f"{total_s // 60}:{total_s % 60:02d}"
