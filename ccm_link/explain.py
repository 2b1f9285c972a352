"""Why, why not yet, what next, impossible now: drawn from the evaluation's own outcome.

No rule is decided here. An explanation is parts (subject, kind, key, values, entries); the words
are all in `ccm_link.words`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from enum import StrEnum

from msgspec import Struct, field

from ccm_link.codes import Reason
from ccm_link.intervals import Length
from ccm_link.outcome import Ids, Line, Note, Outcome, Parts, Refusal, Standing, Unit

#: What somebody can still change, and how: each has a sentence of what to do next.
CURABLE = frozenset(
    {
        Reason.NO_TIMEZONE,
        Reason.INVALID_ENTRY,
        Reason.UNDOCUMENTED_TIME,
        Reason.NON_CLINICAL_STAFF,
        Reason.ACTIVITY_NOT_COUNTABLE,
        Reason.NOT_ENROLLED,
        Reason.NO_CONSENT,
        Reason.CONSENT_INCOMPLETE,
        Reason.CONDITIONS_INSUFFICIENT,
        Reason.NO_CARE_PLAN,
        Reason.NO_24_7_ACCESS,
        Reason.NO_INITIATING_VISIT,
        Reason.NOT_ESTABLISHED_PATIENT,
        Reason.NO_INTERACTIVE_COMMUNICATION,
        Reason.COMPLEX_MDM_NOT_DOCUMENTED,
        Reason.OTHER_PRACTITIONER_BILLED,
        Reason.APCM_EXCLUDES_CCM_PCM,
        Reason.CONCURRENT_CODE_CONFLICT,
        Reason.STAFF_BUSY_OTHER_PATIENT,
        Reason.CROSS_PROGRAM_DOUBLE_COUNT,
        Reason.MUTUALLY_EXCLUSIVE_ALTERNATIVE,
        Reason.PERIOD_NOT_ENDED,
    }
)
#: What can only be cured within the month: `by` says until when, and afterwards it is impossible.
WITHIN_THE_MONTH = frozenset(
    {
        Reason.NO_CONSENT,
        Reason.CONSENT_INCOMPLETE,
        Reason.NO_CARE_PLAN,
        Reason.NO_INITIATING_VISIT,
        Reason.NO_INTERACTIVE_COMMUNICATION,
    }
)
#: What nobody can change any more.
FINAL = frozenset(
    {
        Reason.CODE_RETIRED,
        Reason.ONCE_PER_EPISODE,
        Reason.ONCE_PER_INITIATION,
        Reason.NOT_PERSONALLY_PERFORMED,
        Reason.PCM_CCM_SAME_PRACTITIONER,
        Reason.ADDON_MAX_UNITS,
        Reason.DEVICE_NOT_FDA_DEFINED,
    }
)


class Kind(StrEnum):
    """Which question it answers."""

    WHY = "why"  # why this bills
    WHY_NOT = "why_not"  # why this does not (yet)
    WHAT_NEXT = "what_next"  # what would change it
    IMPOSSIBLE = "impossible"  # nothing changes it any more
    LOOK = "look"  # it stands, but look at it


class Explanation(Struct, frozen=True, kw_only=True, gc=False):
    """`key` names the sentence; `parts` fill it."""

    subject: str
    kind: Kind
    key: str
    parts: Parts = field(default_factory=dict)
    entries: Ids = ()


def explain(
    outcome: Outcome, lines: Sequence[Line], *, month_end: date, today: date | None
) -> tuple[Explanation, ...]:
    return (
        *[_why(line) for line in lines],
        *[e for refusal in outcome.refusals for e in _why_not(refusal, month_end, today)],
        *[e for standing in outcome.standings for e in _next(standing, today)],
        *[_look(note) for note in outcome.notes],
    )


def _why(line: Line) -> Explanation:
    key = "line_days" if line.days else "line_time" if line.micros else "line_once"
    parts = {
        "units": line.units,
        "time": Length(line.micros),
        "count": len(line.entries),
        "days": len(line.days),
        "served_on": line.served_on,
    }
    return Explanation(subject=line.code, kind=Kind.WHY, key=key, parts=parts, entries=line.entries)


def _why_not(refusal: Refusal, month_end: date, today: date | None) -> Iterator[Explanation]:
    reason, parts = refusal.reason, refusal.parts
    yield _about(refusal, Kind.WHY_NOT, parts)
    if reason in FINAL:
        yield _about(refusal, Kind.IMPOSSIBLE, parts)
    elif reason in WITHIN_THE_MONTH and today is not None:
        over = today > month_end
        kind = Kind.IMPOSSIBLE if over else Kind.WHAT_NEXT
        yield _about(refusal, kind, {**parts, "by": month_end})
    elif reason in CURABLE:
        yield _about(refusal, Kind.WHAT_NEXT, parts)


def _about(refusal: Refusal, kind: Kind, parts: Parts) -> Explanation:
    return Explanation(
        subject=refusal.subject,
        kind=kind,
        key=refusal.reason,
        parts=parts,
        entries=refusal.entries,
    )


def _next(standing: Standing, today: date | None) -> Iterator[Explanation]:
    kind, key = _outlook(standing, today)
    if key is None:
        return
    size = Length if standing.unit is Unit.SECONDS else int
    yield Explanation(
        subject=standing.code,
        kind=kind,
        key=f"{key}_{standing.unit}",
        parts={
            "missing": size(standing.missing),
            "have": size(standing.have),
            "need": size(standing.need),
            "ends_on": standing.ends_on,
            "last_chance": standing.last_chance,
        },
        entries=standing.entries,
    )


def _outlook(standing: Standing, today: date | None) -> tuple[Kind, str | None]:
    if standing.waiting:
        return Kind.WHY_NOT, "waiting" if standing.have else None
    if today is not None and standing.out_of_reach(today):
        return Kind.IMPOSSIBLE, "out_of_reach"
    return Kind.WHAT_NEXT, "short" if standing.missing else None


def _look(note: Note) -> Explanation:
    return Explanation(subject=note.subject, kind=Kind.LOOK, key=note.advice, parts=note.parts)
