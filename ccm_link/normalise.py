"""Steps 1 to 3: from entries as logged to the pieces of them that may count.

Nothing is dropped silently: what is cut off keeps its reason, so that at the end
logged = counted + lost, to the microsecond.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from ccm_link.codes import UNENROLLED, Programme, Reason, Role
from ccm_link.facts import Enrollment, Facts, TimeEntry
from ccm_link.intervals import Length, Pieces, days, instant, intersect, micros, subtract, union
from ccm_link.outcome import Parts, Refusal
from ccm_link.rules import Rules


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """An entry on its way through the steps."""

    id: str
    programme: Programme
    staff: str
    role: Role
    logged: Pieces | None  # None: no usable instants
    pieces: Pieces = ()  # what still counts
    losses: tuple[tuple[Reason, Pieces], ...] = ()
    faults: tuple[tuple[Reason, Parts], ...] = ()  # why it counts for nothing at all
    shared: tuple[Reason, ...] = ()  # overlaps: the later one is told

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

    def refuse(self, reason: Reason, **parts: object) -> Span:
        lost = (*self.losses, (reason, self.pieces)) if self.pieces else self.losses
        return replace(self, pieces=(), losses=lost, faults=(*self.faults, (reason, parts)))

    def refusals(self) -> Iterator[Refusal]:
        said = dict.fromkeys(reason for reason, _ in self.faults)
        for reason, parts in self.faults:
            yield Refusal(subject=self.id, reason=reason, parts=parts, entries=(self.id,))
        for reason in dict.fromkeys([*(reason for reason, _ in self.losses), *self.shared]):
            if reason not in said:
                gone = sum(b - a for r, p in self.losses if r is reason for a, b in p)
                parts = {"gone": Length(gone)}
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
    away = _away(facts, enrolled)
    spans = [_judged(entry, facts, rules, enrolled[entry.program]) for entry in _unique(facts)]
    return [_clipped(span, away) for span in _without_doubles(sorted(spans, key=_order))]


def _unique(facts: Facts) -> list[TimeEntry]:
    """Where an id stands twice for the very same entry, the second says nothing new."""
    return list({entry.id: entry for entry in facts.time_entries}.values())


def _order(span: Span) -> tuple[int, int, str]:
    start, end = span.logged[0] if span.logged else (0, 0)
    return start, end, span.id


def _judged(entry: TimeEntry, facts: Facts, rules: Rules, enrolment: Enrollment | None) -> Span:
    logged = _logged(entry)
    span = Span(
        id=entry.id,
        programme=entry.program,
        staff=entry.staff,
        role=entry.role,
        logged=logged,
        pieces=logged or (),
    )
    if logged is None:
        return span.refuse(_unusable(entry))
    if entry.program not in UNENROLLED and not _is_enrolled(enrolment, logged, facts):
        span = span.refuse(Reason.NOT_ENROLLED, programme=entry.program)
    if entry.role is Role.NON_CLINICAL:
        span = span.refuse(Reason.NON_CLINICAL_STAFF)
    if never := rules.never.get(entry.activity):
        span = span.refuse(Reason.ACTIVITY_NOT_COUNTABLE, why=never.why)
    return span


def _logged(entry: TimeEntry) -> Pieces | None:
    if entry.start is None or entry.end is None or not _aware(entry.start, entry.end):
        return None
    piece = micros(entry.start), micros(entry.end)
    return (piece,) if piece[0] < piece[1] else None


def _aware(*instants: datetime) -> bool:
    return all(at.tzinfo is not None for at in instants)


def _unusable(entry: TimeEntry) -> Reason:
    if entry.start is None or entry.end is None:
        return Reason.UNDOCUMENTED_TIME
    return Reason.INVALID_ENTRY if _aware(entry.start, entry.end) else Reason.NO_TIMEZONE


def _is_enrolled(enrolment: Enrollment | None, logged: Pieces, facts: Facts) -> bool:
    if enrolment is None:
        return False
    day = instant(logged[0][0]).astimezone(facts.practice_tz).date()
    begun = enrolment.since is None or enrolment.since <= day
    return begun and (enrolment.until is None or day <= enrolment.until)


def _without_doubles(spans: list[Span]) -> Iterator[Span]:
    """The same person, programme and instants twice: the first (by id) stands."""
    seen: dict[tuple[object, ...], str] = {}
    for span in spans:
        key = span.programme, span.staff, span.role, span.logged
        if not span.pieces or seen.setdefault(key, span.id) == span.id:
            yield span
        else:
            yield span.refuse(Reason.DUPLICATE_ENTRY, first=seen[key])


def _away(facts: Facts, enrolled: Mapping[Programme, Enrollment | None]) -> _Away:
    busy: dict[str, list[tuple[int, int]]] = {}
    for other in facts.staff_other_patient:
        busy.setdefault(other.staff, []).append((micros(other.start), micros(other.end)))
    stays = [days(stay.from_, stay.to, facts.patient_zone) for stay in facts.inpatient_stays]
    month = days(facts.month.first, facts.month.last, facts.practice_tz)
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
    if not span.pieces:
        return span
    inside = intersect(span.pieces, away.month)
    outside = subtract(span.pieces, inside)
    if outside:
        reason = Reason.SPLIT_AT_MONTH_BOUNDARY if inside else Reason.OUTSIDE_MONTH
        span = span.cut(outside, reason)
    span = span.cut(away.busy.get(span.staff, ()), Reason.STAFF_BUSY_OTHER_PATIENT)
    span = span.cut(away.inpatient, Reason.INPATIENT)
    return span.cut(away.before_consent.get(span.programme, ()), Reason.TIME_BEFORE_CONSENT)
