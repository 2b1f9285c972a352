"""One patient's month as a biller reads it: pure, from the engine's result."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from alerts.lineage import Lineage
from api.units import NONE
from api.words import KINDS
from ccm_link import words
from ccm_link.activities import ACTIVITIES, Activity
from ccm_link.explain import Kind
from ccm_link.intervals import total
from ccm_link.month import PatientMonth

Row = Mapping[str, Any]

#: The order in which questions are asked of a month, and their headings.
QUESTIONS = (
    (Kind.WHY, "Why this bills"),
    (Kind.WHAT_NEXT, "What next"),
    (Kind.WHY_NOT, "Why not yet"),
    (Kind.IMPOSSIBLE, "Not any more this month"),
    (Kind.LOOK, "Look at this before sending"),
)
_STATES = {
    "running": "Timer runs",
    "stopped": "Waits for confirmation",
    "confirmed": "Confirmed",
    "held": "Held: overlaps another patient, or was taken back before",
    "reversed": "Taken back",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """All sentences that answer one question."""

    heading: str
    sentences: list[tuple[str, str]]  # subject, sentence


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """One entry of the ledger: what was logged, what of it counts, and what caused it."""

    started_at: datetime | None
    ended_at: datetime | None
    staff: str
    programme: str
    activity: str
    logged: str
    counted: str
    lost: list[str]
    state: str
    note: str
    cause: str
    task_id: str | None
    review: str | None


def answers(of: PatientMonth) -> list[Answer]:
    """Only the questions that have one."""
    found = []
    for kind, heading in QUESTIONS:
        said = [(str(e.subject), words.text(e)) for e in of.result.explanations if e.kind is kind]
        shown = [(subject_words(s), told) for s, told in said if not _is_entry(s, of)]
        if shown:
            found.append(Answer(heading=heading, sentences=list(dict.fromkeys(shown))))
    return found


def subject_words(subject: str) -> str:
    """A code or a programme; a period is named by its first day."""
    try:
        day = date.fromisoformat(subject)
    except ValueError:
        return subject
    return f"Days from {day:%b} {day.day}"


def _is_entry(subject: str, of: PatientMonth) -> bool:
    """What is said of one entry is shown in the ledger, beside it."""
    return any(row.entry == subject for row in of.result.ledger)


def ledger_of(of: PatientMonth, rows: Sequence[Row]) -> list[Spent]:
    """Every entry that touches the month, the ones that do not count too."""
    judged = {row.entry: row for row in of.result.ledger}
    return [_spent(row, judged.get(str(row["id"])), of) for row in rows]


def _spent(row: Row, judged: Any, of: PatientMonth) -> Spent:
    seconds = _seconds(row["started_at"], row["ended_at"])
    said = [words.detail(r) for r in of.result.rejections if r.subject == str(row["id"])]
    if row["reversed_reason"]:
        said.insert(0, f"By {row['reversed_by_name'] or 'the rules'}: {row['reversed_reason']}")
    state = row["status"] if row["status"] != "active" else row["state"]
    activity = row["activity"]
    known = activity in set(Activity)
    return Spent(
        started_at=row["started_at"],
        ended_at=row["ended_at"],
        staff=row["staff_name"],
        programme=row["programme"],
        activity=ACTIVITIES[Activity(activity)].label if known else activity,
        logged=words.length(round(seconds * 1_000_000)),
        counted=words.length(total(judged.counted)) if judged else NONE,
        lost=said,
        state=_STATES[state],
        note=row["note"],
        cause=_cause(row),
        task_id=str(row["task_id"]) if row["task_id"] else None,
        review=row["review_reason"],
    )


def _seconds(start: datetime | None, end: datetime | None) -> float:
    return (end - start).total_seconds() if start and end else 0.0


def _cause(row: Row) -> str:
    lineage = row.get("lineage")
    if lineage:
        return f"Alert: {KINDS[Lineage(lineage)].lower()}"
    return "Follow-up" if row["task_id"] else "Logged by hand"
