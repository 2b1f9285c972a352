"""The time ledger of a patient's month, as it is read: pure, from `store.ledger.patient_time`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from api.patient_view import covers
from ccm_link.activities import ACTIVITIES, Activity
from ccm_link.ledger import StoppedBy, WhyNot, why_not

Row = dict[str, Any]


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
    source: str
    state: str
    tone: str
    note: str
    interactive: bool
    review: str
    task_id: UUID | None
    waits: bool
    may_confirm: bool
    may_reverse: bool


def entries_of(
    rows: Sequence[Row], enrolments: Sequence[Row], *, viewer: UUID, zone: ZoneInfo
) -> list[EntryRow]:
    """What waits for somebody first, then the newest."""
    made = [_entry(row, enrolments, viewer, zone) for row in rows]
    return sorted(made, key=lambda e: (not e.waits, -e.started_at.timestamp()))


def counting(rows: Sequence[Row], enrolments: Sequence[Row], zone: ZoneInfo) -> list[Row]:
    """What the month's minutes are summed from: the entries of which the ledger says "Counts"."""
    return [
        r
        for r in rows
        if r["state"] == "confirmed"
        and r["status"] == "active"
        and r["ended_at"]
        and _why_not(r, enrolments, zone) is None
    ]


def _entry(row: Row, enrolments: Sequence[Row], viewer: UUID, zone: ZoneInfo) -> EntryRow:
    state, tone = _state(row, enrolments, zone)
    waits = row["status"] == "held" or (row["state"] == "stopped" and row["status"] == "active")
    own = row["staff_id"] == viewer
    credential = f", {row['credential']}" if row["credential"] else ""
    return EntryRow(
        id=row["id"],
        who=f"{row['staff_name']}{credential}",
        programme=row["programme"],
        activity=activity_words(row["activity"]),
        started_at=row["started_at"],
        ended_at=row["ended_at"],
        seconds=row["seconds_in_month"],
        source="Timer" if row["source"] == "timer" else "By hand",
        state=state,
        tone=tone,
        note=row["note"],
        interactive=row["interactive"],
        review=row["review_reason"] or "",
        task_id=row["task_id"],
        waits=waits,
        may_confirm=waits and own,
        may_reverse=own and row["status"] != "reversed" and row["state"] != "running",
    )


def activity_words(activity: str) -> str:
    known = activity in ACTIVITIES
    return ACTIVITIES[Activity(activity)].label if known else activity.replace("_", " ")


_WAITS = {
    StoppedBy.ABANDONED: "Ended by itself at the last activity: confirm what was worked",
    StoppedBy.PAUSED: "Paused: waits for its note",
    StoppedBy.RELEASED: "Given back: waits for its note",
    StoppedBy.RESOLVED: "Waits for its note",
}
_WHY_NOT = {
    WhyNot.NOT_ENROLLED: "Kept, counts nothing: not enrolled in {programme} then",
    WhyNot.NOT_COUNTABLE: "Kept, counts nothing: this activity never counts",
    WhyNot.NON_CLINICAL: "Kept, counts nothing: not a clinical role",
}


def _state(row: Row, enrolments: Sequence[Row], zone: ZoneInfo) -> tuple[str, str]:
    """In words, and the tone of its pill."""
    if row["status"] == "reversed":
        by = f" by {row['reversed_by_name']}" if row["reversed_by_name"] else ""
        return f"Taken back{by}: {row['reversed_reason'] or 'no reason given'}", ""
    if row["status"] == "held":
        return f"Held: {row['staff_name']} is recorded on another patient then", "warning"
    if row["state"] == "running":
        return "Runs now", "notice"
    if row["state"] == "stopped":
        return _WAITS[StoppedBy(row["stopped_by"] or "resolved")], "warning"
    if reason := _why_not(row, enrolments, zone):
        return _WHY_NOT[reason].format(programme=row["programme"]), ""
    return "Counts", "good"


def _why_not(row: Row, enrolments: Sequence[Row], zone: ZoneInfo) -> WhyNot | None:
    day = row["started_at"].astimezone(zone).date()
    enrolled = any(e["programme"] == row["programme"] and covers(e, day) for e in enrolments)
    return why_not(enrolled=enrolled, activity=row["activity"], role=row["role"])
