"""Steps 1 to 3: from entries as logged to the pieces of them that may count.

Nothing is dropped silently: what is cut off keeps its reason, so that at the end
logged = counted + lost, to the microsecond.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from msgspec import Struct
from msgspec.structs import replace

from ccm_link.codes import UNENROLLED, Programme, Reason, Role
from ccm_link.facts import Enrollment, Facts, TimeEntry
from ccm_link.intervals import (
    Interval,
    Length,
    Pieces,
    days,
    intersect,
    micros,
    midnight,
    subtract,
    total,
    union,
)
from ccm_link.outcome import Parts, Refusal
from ccm_link.rules import Rules

_EVER: Interval = (-(2**62), 2**62)
_NEVER: Interval = (0, 0)


class Span(Struct, frozen=True, kw_only=True, gc=False):
    """An entry on its way through the steps."""

    id: str
    programme: Programme
    staff: str
    role: Role
    activity: str
    logged: Pieces | None  # None: no usable instants
    pieces: Pieces = ()  # what still counts
    losses: tuple[tuple[Reason, Pieces], ...] = ()
    faults: tuple[tuple[Reason, Parts], ...] = ()  # why it counts for nothing at all
    also: tuple[tuple[Reason, int], ...] = ()  # true of that much of it, which was lost before
    shared: tuple[Reason, ...] = ()  # overlaps: the later one is told
    meets: bool = False  # it overlaps another of its programme, earlier or later

    @property
    def started(self) -> int:
        return self.logged[0][0] if self.logged else 0

    @property
    def is_whole(self) -> bool:
        """All of it counts, and nothing is to be told of it."""
        return not (self.losses or self.faults or self.also or self.shared)

    @property
    def in_month(self) -> bool:
        lost = {reason for reason, _ in self.losses}
        return bool(self.pieces or lost - {Reason.OUTSIDE_MONTH})

    def cut(self, away: Pieces, reason: Reason) -> Span:
        gone = intersect(self.pieces, away)
        if not gone:
            return self
        left = subtract(self.pieces, gone)
        return replace(self, pieces=left, losses=(*self.losses, (reason, gone)))

    def refuse(self, faults: tuple[tuple[Reason, Parts], ...]) -> Span:
        lost = (*self.losses, (faults[0][0], self.pieces)) if self.pieces else self.losses
        return replace(self, pieces=(), losses=lost, faults=(*self.faults, *faults))

    def refusals(self) -> Iterator[Refusal]:
        """One for each reason, whether or not another took the time first."""
        for reason, parts in self.faults:
            yield Refusal(subject=self.id, reason=reason, parts=parts, entries=(self.id,))
        gone = dict.fromkeys(self.shared, 0)
        for reason, pieces in self.losses:
            gone[reason] = gone.get(reason, 0) + total(pieces)
        for reason, amount in self.also:
            gone[reason] = gone.get(reason, 0) + amount
        for reason, _ in self.faults:
            gone.pop(reason, None)
        for reason, amount in gone.items():
            parts = {"gone": Length(amount)}
            yield Refusal(subject=self.id, reason=reason, parts=parts, entries=(self.id,))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Away:
    """What is taken from every entry, worked out once."""

    month: Pieces
    inpatient: Pieces
    busy: Mapping[str, Pieces]
    before_consent: Mapping[Programme, Pieces]


def normalise(facts: Facts, rules: Rules) -> list[Span]:
    """Spans in the order (start, end, id) that decides which of two is the later one."""
    enrolled = {p: facts.enrolled(p) for p in Programme}
    spells = {p: _spell(e, facts) for p, e in enrolled.items() if e is not None}
    away = _away(facts, enrolled)
    spans = [_judged(entry, rules, spells) for entry in _unique(facts)]
    return [_clipped(span, away) for span in _without_doubles(sorted(spans, key=_order))]


def sent_twice(facts: Facts) -> Iterator[Refusal]:
    """Where an id stands twice for the very same entry, the second says nothing new."""
    seen: set[str] = set()
    for entry in facts.time_entries:
        if entry.id in seen:
            parts = {"first": entry.id}
            reason = Reason.DUPLICATE_ENTRY
            yield Refusal(subject=entry.id, reason=reason, parts=parts, entries=(entry.id,))
        seen.add(entry.id)


def _unique(facts: Facts) -> list[TimeEntry]:
    return list({entry.id: entry for entry in facts.time_entries}.values())


def _order(span: Span) -> tuple[int, int, str]:
    return span.started, span.logged[0][1] if span.logged else 0, span.id


def _spell(enrolment: Enrollment, facts: Facts) -> Interval:
    """From the first to the last day of enrolment; without them, always."""
    since, until = enrolment.since, enrolment.until
    begin = midnight(since, facts.practice_tz) if since else _EVER[0]
    end = days(until, until, facts.practice_tz)[1] if until else _EVER[1]
    return begin, end


def _judged(entry: TimeEntry, rules: Rules, spells: Mapping[Programme, Interval]) -> Span:
    logged = _logged(entry)
    span = Span(
        id=entry.id,
        programme=entry.program,
        staff=entry.staff,
        role=entry.role,
        activity=entry.activity,
        logged=logged,
        pieces=logged or (),
    )
    faults = tuple(_faults(entry, logged, rules, spells))
    return span.refuse(faults) if faults else span


def _faults(
    entry: TimeEntry, logged: Pieces | None, rules: Rules, spells: Mapping[Programme, Interval]
) -> Iterator[tuple[Reason, Parts]]:
    if logged is None:
        yield _unusable(entry), {}
        return
    if entry.program not in UNENROLLED:
        begin, end = spells.get(entry.program, _NEVER)
        if not begin <= logged[0][0] < end:
            yield Reason.NOT_ENROLLED, {"programme": entry.program}
    if entry.role is Role.NON_CLINICAL:
        yield Reason.NON_CLINICAL_STAFF, {}
    if never := rules.never.get(entry.activity):
        yield Reason.ACTIVITY_NOT_COUNTABLE, {"why": never.why}


def _logged(entry: TimeEntry) -> Pieces | None:
    start, end = entry.start, entry.end
    if start is None or end is None or start.tzinfo is None or end.tzinfo is None:
        return None
    piece = micros(start), micros(end)
    return (piece,) if piece[0] < piece[1] else None


def _unusable(entry: TimeEntry) -> Reason:
    if entry.start is None or entry.end is None:
        return Reason.UNDOCUMENTED_TIME
    aware = entry.start.tzinfo is not None and entry.end.tzinfo is not None
    return Reason.INVALID_ENTRY if aware else Reason.NO_TIMEZONE


def _without_doubles(spans: list[Span]) -> Iterator[Span]:
    """The same person's same work at the same instants: the first (by id) stands."""
    seen: dict[tuple[object, ...], str] = {}
    for span in spans:
        key = span.programme, span.staff, span.role, span.activity, span.logged
        if not span.pieces or seen.setdefault(key, span.id) == span.id:
            yield span
        else:
            yield span.refuse(((Reason.DUPLICATE_ENTRY, {"first": seen[key]}),))


def _away(facts: Facts, enrolled: Mapping[Programme, Enrollment | None]) -> _Away:
    busy: dict[str, list[Interval]] = {}
    for other in facts.staff_other_patient:
        busy.setdefault(other.staff, []).append((micros(other.start), micros(other.end)))
    stays = [days(stay.from_, stay.to, facts.patient_zone) for stay in facts.inpatient_stays]
    month = facts.month.span(facts.practice_tz)
    return _Away(
        month=(month,),
        inpatient=union(stays),
        busy={staff: union(times) for staff, times in busy.items()},
        before_consent={
            programme: union([(month[0], micros(e.consent.at))])
            for programme, e in enrolled.items()
            if e is not None and e.consent is not None
        },
    )


def _clipped(span: Span, away: _Away) -> Span:
    if span.logged is None:
        return span
    inside = span.logged
    (begin, end) = away.month[0]
    if not begin <= inside[0][0] <= inside[0][1] <= end:
        inside = intersect(span.logged, away.month)
        span = _outside(span, subtract(span.logged, inside), inside)
    if not span.pieces:
        return span
    cuts = (
        (away.busy.get(span.staff, ()), Reason.STAFF_BUSY_OTHER_PATIENT),
        (away.inpatient, Reason.INPATIENT),
        (away.before_consent.get(span.programme, ()), Reason.TIME_BEFORE_CONSENT),
    )
    for gone, reason in cuts:
        if gone:
            span = _cut(span, inside, gone, reason)
    return span


def _outside(span: Span, outside: Pieces, inside: Pieces) -> Span:
    reason = Reason.SPLIT_AT_MONTH_BOUNDARY if inside else Reason.OUTSIDE_MONTH
    if span.pieces:
        return span.cut(outside, reason)
    return replace(span, also=(*span.also, (reason, total(outside))))


def _cut(span: Span, inside: Pieces, away: Pieces, reason: Reason) -> Span:
    """What an earlier reason took is not taken twice, but the later reason is true of it too."""
    held = intersect(inside, away)
    if not held:
        return span
    cut = span.cut(away, reason)
    before = total(held) - (total(span.pieces) - total(cut.pieces))
    return replace(cut, also=(*cut.also, (reason, before))) if before else cut
