"""The time ledger of a patient's month, as it is read: pure.

Rows are `store.ledger.patient_time`'s. What counts, and who loses what to whom, is the billing
engine's own word (`ccm_link.shares`); a patient in no programme has none.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from api.times import clock, duration
from ccm_link import words
from ccm_link.activities import ACTIVITIES, Activity
from ccm_link.codes import Reason
from ccm_link.intervals import SECOND, Pieces, micros
from ccm_link.ledger import StoppedBy
from ccm_link.month import PatientMonth
from ccm_link.outcome import Refusal
from ccm_link.shares import Lost, Share, by_day, shares

Row = dict[str, Any]
_SOURCES = {"timer": "Timer", "manual": "By hand", "import": "Imported"}


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryRow:
    """One entry, what became of it, and what its reader may do."""

    id: UUID
    who: str
    programme: str
    activity: str
    started_at: datetime
    ended_at: datetime | None
    seconds: int
    days: list[str]  # where midnight of the practice lies inside
    source: str
    state: str
    tone: str
    losses: list[str]  # what of it does not count, why, and who keeps it
    replaces: str  # the entry that this one stands for
    replaced: bool
    note: str
    interactive: bool
    review: str
    task_id: UUID | None
    waits: bool
    may_confirm: bool
    may_decide: bool
    may_correct: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class DayRow:
    """A day of the practice: what was logged on it, and what counts by programme."""

    day: date
    logged_s: int
    counted_s: dict[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """The engine's word on a month; none for a patient who is in no programme."""

    shares: Mapping[str, Share]
    said: Mapping[str, tuple[Refusal, ...]]  # by entry
    refused: list[tuple[str, str]]  # a programme that bills nothing, and why


def judged_of(month: PatientMonth | None) -> Judged | None:
    if month is None:
        return None
    result = month.result
    said: dict[str, tuple[Refusal, ...]] = {}
    for refusal in result.rejections:
        said[refusal.subject] = (*said.get(refusal.subject, ()), refusal)
    refused = [(str(p), words.detail(r)) for p in sorted(result.refused) for r in said.get(p, ())]
    return Judged(shares=shares(month.facts, result), said=said, refused=refused)


def entries_of(
    rows: Sequence[Row], judged: Judged | None, *, viewer: UUID, zone: ZoneInfo
) -> list[EntryRow]:
    """What waits for somebody first, then the newest."""
    named = {str(row["id"]): _named(row, zone) for row in rows}
    made = [_entry(row, judged, named, viewer, zone) for row in rows]
    return sorted(made, key=lambda e: (not e.waits, -e.started_at.timestamp()))


def _named(row: Row, zone: ZoneInfo) -> str:
    """How one entry is told from another: whose, when, in which programme."""
    start = row["started_at"]
    day = start.astimezone(zone)
    return f"{row['staff_name']}, {row['programme']}, {day:%b} {day.day} {clock(start, zone)}"


def _entry(
    row: Row, judged: Judged | None, named: Mapping[str, str], viewer: UUID, zone: ZoneInfo
) -> EntryRow:
    share = judged.shares.get(str(row["id"])) if judged else None
    state, tone = _state(row, share)
    held = row["status"] == "held"
    own, ended = row["staff_id"] == viewer, row["state"] != "running"
    waits = held or (row["state"] == "stopped" and row["status"] == "active")
    credential = f", {row['credential']}" if row["credential"] else ""
    return EntryRow(
        id=row["id"],
        who=f"{row['staff_name']}{credential}",
        programme=row["programme"],
        activity=activity_words(row["activity"]),
        started_at=row["started_at"],
        ended_at=row["ended_at"],
        seconds=row["seconds_in_month"],
        days=_days(row, zone),
        source=_SOURCES[row["source"]],
        state=state,
        tone=tone,
        losses=_losses(row, share, judged, named),
        replaces=named.get(str(row["replaces"]), "an earlier entry") if row["replaces"] else "",
        replaced=bool(row["replaced_by"]),
        note=row["note"],
        interactive=row["interactive"],
        review=row["review_reason"] or "",
        task_id=row["task_id"],
        waits=waits,
        may_confirm=waits and own and not held,
        may_decide=held and own,
        may_correct=own and ended and row["status"] != "reversed",
    )


def activity_words(activity: str) -> str:
    known = activity in ACTIVITIES
    return ACTIVITIES[Activity(activity)].label if known else activity.replace("_", " ")


def _pieces(row: Row) -> Pieces:
    ended = row["ended_at"]
    return ((micros(row["started_at"]), micros(ended)),) if ended else ()


def _days(row: Row, zone: ZoneInfo) -> list[str]:
    found = by_day(_pieces(row), zone)
    if len(found) < 2:  # noqa: PLR2004 -- midnight lies inside
        return []
    return [f"{day:%b} {day.day}: {duration(spent // SECOND)}" for day, spent in found]


_WAITS = {
    StoppedBy.ABANDONED: "Ended by itself at the last activity: confirm what was worked",
    StoppedBy.PAUSED: "Paused: waits for its note",
    StoppedBy.RELEASED: "Given back: waits for its note",
    StoppedBy.RESOLVED: "Waits for its note",
}
_NOTHING = {
    Reason.NOT_ENROLLED: "Kept, counts nothing: not enrolled in {programme} then",
    Reason.ACTIVITY_NOT_COUNTABLE: "Kept, counts nothing: this activity never counts",
    Reason.NON_CLINICAL_STAFF: "Kept, counts nothing: not a clinical role",
}


def _state(row: Row, share: Share | None) -> tuple[str, str]:
    """In words, and the tone of its pill."""
    if row["status"] == "reversed":
        by = f" by {row['reversed_by_name']}" if row["reversed_by_name"] else ""
        done = "Corrected" if row["replaced_by"] else "Taken back"
        return f"{done}{by}: {row['reversed_reason'] or 'no reason given'}", ""
    if row["status"] == "held":
        elsewhere = f"{row['staff_name']} is recorded on another patient then"
        return f"Held: {elsewhere}, or it was taken back before", "warning"
    if row["state"] == "running":
        return "Runs now", "notice"
    if row["state"] == "stopped":
        return _WAITS[StoppedBy(row["stopped_by"] or "resolved")], "warning"
    if share is None:
        return _NOTHING[Reason.NOT_ENROLLED].format(programme=row["programme"]), ""
    return _counts(row, share)


def _counts(row: Row, share: Share) -> tuple[str, str]:
    if not share.micros:
        known = (_NOTHING[x.reason] for x in share.lost if x.reason in _NOTHING)
        said = next(known, "Kept, counts nothing").format(programme=row["programme"])
        return said, ""
    whole = all(lost.reason is Reason.SPLIT_AT_MONTH_BOUNDARY for lost in share.lost)
    if whole:
        return "Counts", "good"
    return f"Counts {duration(share.micros // SECOND)}", "good"


def _losses(
    row: Row, share: Share | None, judged: Judged | None, named: Mapping[str, str]
) -> list[str]:
    if share is None or judged is None:
        return []
    said = {refusal.reason: refusal for refusal in judged.said.get(str(row["id"]), ())}
    return [
        _loss(lost, said.get(lost.reason), named)
        for lost in share.lost
        if lost.reason not in _NOTHING
    ]


def _loss(lost: Lost, refusal: Refusal | None, named: Mapping[str, str]) -> str:
    keepers = "; ".join(named[key] for key in lost.kept_by if key in named)
    kept = f" Kept by: {keepers}." if keepers else ""
    why = words.detail(refusal) if refusal else f"{words.length(lost.micros)} do not count."
    return f"{why}{kept}"


def days_of(
    rows: Iterable[Row], judged: Judged | None, zone: ZoneInfo, month: date
) -> list[DayRow]:
    """Every day of the month with confirmed time, the newest first."""
    logged: dict[date, int] = {}
    counted: dict[date, dict[str, int]] = {}
    for row in rows:
        if row["status"] != "active" or row["state"] != "confirmed":
            continue
        for day, spent in by_day(_pieces(row), zone):
            logged[day] = logged.get(day, 0) + spent
        share = judged.shares.get(str(row["id"])) if judged else None
        for day, spent in by_day(share.counted, zone) if share else ():
            sums = counted.setdefault(day, {})
            sums[row["programme"]] = sums.get(row["programme"], 0) + spent
    return [
        DayRow(
            day=day,
            logged_s=logged[day] // SECOND,
            counted_s={p: s // SECOND for p, s in sorted(counted.get(day, {}).items())},
        )
        for day in sorted(logged, reverse=True)
        if (day.year, day.month) == (month.year, month.month)
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Contest:
    """A held entry's rival, and what would be left of each."""

    who: str  # the other patient, or that it is in another clinic
    patient_id: UUID | None
    programme: str
    activity: str
    started_at: datetime
    ended_at: datetime | None
    shared_s: int
    note: str
    here: bool
    running: bool


def contests_of(entry: Row, others: Iterable[Row]) -> list[Contest]:
    return [_contest(entry, other) for other in others]


def _contest(entry: Row, other: Row) -> Contest:
    here = other["clinic_id"] == entry["clinic_id"] and other["family_name"] is not None
    ended = other["ended_at"]
    until = min(entry["ended_at"], ended) if ended else entry["ended_at"]
    shared = (until - max(entry["started_at"], other["started_at"])).total_seconds()
    return Contest(
        who=f"{other['given_name']} {other['family_name']}" if here else "In another clinic",
        patient_id=other["patient_id"] if here else None,
        programme=other["programme"],
        activity=activity_words(other["activity"]),
        started_at=other["started_at"],
        ended_at=ended,
        shared_s=int(shared),
        note=other["note"] if here else "",
        here=here,
        running=other["state"] == "running",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingRow:
    """Time that counts nothing until somebody documents or decides it."""

    id: UUID
    patient: str
    who: str
    programme: str
    activity: str
    started_at: datetime
    ended_at: datetime
    seconds: int
    source: str
    held: bool
    own: bool
    month: str


def waiting_of(rows: Iterable[Row], *, viewer: UUID, zone: ZoneInfo) -> list[WaitingRow]:
    """What is held first, then the oldest."""
    made = [
        WaitingRow(
            id=row["id"],
            patient=f"{row['given_name']} {row['family_name']}",
            who=row["staff_name"],
            programme=row["programme"],
            activity=activity_words(row["activity"]),
            started_at=row["started_at"],
            ended_at=row["ended_at"],
            seconds=row["seconds"],
            source=_SOURCES[row["source"]],
            held=row["status"] == "held",
            own=row["staff_id"] == viewer,
            month=f"{row['started_at'].astimezone(zone):%Y-%m}",
        )
        for row in rows
    ]
    return sorted(made, key=lambda w: (not w.held, w.started_at))
