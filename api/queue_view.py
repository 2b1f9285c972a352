"""One row of the queue, as it is read: pure, from a row of `store.worklist.queue_rows`.

A row's version is of all that it shows but the passing of time. An open page says which versions it
has, and is told of these only that they stand where they stand.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from alerts import rulebook, superseded
from alerts.lineage import Lineage
from api import times, words
from api.auth.viewer import Viewer
from api.units import glucose_in, weight_in

Row = dict[str, Any]

#: Where in a point of `series` a measure is found: [epoch, main value, diastolic, pulse].
_PLACE = {"diastolic_mmhg": 2, "pulse_per_min": 3}


@dataclass(frozen=True, slots=True, kw_only=True)
class Spark:
    """A trend of 14 days with its limit, in the reader's unit."""

    values: list[float | None]
    upper: float | None
    lower: float | None
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Unchanged:
    """A row that the reader has already."""

    is_whole: ClassVar[bool] = False
    key: str
    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueRow:
    """Everything that the row shows, in words."""

    is_whole: ClassVar[bool] = True
    key: str
    version: str
    href: str
    severity: str
    late: bool
    name: str
    age: str
    what: str
    hint: str
    spark: Spark | None
    waited: str
    target: str
    overdue: bool
    contact: str
    assignee: str | None
    is_mine: bool
    is_claimed: bool
    is_done: bool
    snoozed_until: datetime | None
    announce: str


def rows_of(rows: Sequence[Row], viewer: Viewer, now: datetime) -> list[QueueRow]:
    return [row_of(row, viewer, now) for row in rows]


def news_of(
    rows: Sequence[Row], viewer: Viewer, now: datetime, has: Collection[str]
) -> list[QueueRow | Unchanged]:
    """As `rows_of`; of those versions that the reader `has` the place alone."""
    return [
        Unchanged(key=str(row["task_id"]), version=version)
        if (version := version_of(row)) in has
        else row_of(row, viewer, now)
        for row in rows
    ]


def row_of(row: Row, viewer: Viewer, now: datetime) -> QueueRow:
    severity = row["severity"] or "notice"
    what = _what(row, viewer)
    done = row["task_state"] == "done"
    since = row["opened_at"] or row["created_at"]
    today = now.astimezone(viewer.zone).date()
    name = words.name_of(row)
    return QueueRow(
        key=str(row["task_id"]),
        version=version_of(row),
        href=f"/tasks/{row['task_id']}",
        severity=severity,
        late=row["late"],
        name=name,
        age=words.age(row["birth_date"], today),
        what=what,
        hint=_hint(row, viewer, now),
        spark=_spark(row, viewer),
        waited=times.span(now - since),
        target=times.span(row["due_at"] - since),
        overdue=row["overdue"] and not done,
        is_done=done,
        contact=_contact(row, now),
        assignee=row["assignee_name"],
        is_mine=row["assignee"] == viewer.staff_id,
        is_claimed=row["task_state"] == "claimed",
        snoozed_until=row["snoozed_until"],
        announce=f"{_SPOKEN[severity]}, {name}, {what}",
    )


_SPOKEN = {"critical": "Act now", "warning": "Warning", "notice": "Notice"}


def _what(row: Row, viewer: Viewer) -> str:
    if not row["lineage"]:
        return f"Follow-up: {row['title']}" if row["title"] else "Follow-up"
    return words.story(row["lineage"], row["findings"], row, viewer)


def _hint(row: Row, viewer: Viewer, now: datetime) -> str:
    """What to do next, one thing."""
    if row["review_reason"] in superseded.REASONS:
        return "Look again: late data changed what was found"
    if row["review_reason"]:
        return "Look again: its readings were re-assigned"
    if row["late"]:
        return "It came late: review it, no hurry"
    if row["repeat_due_at"] and row["readings"] == 1:
        late = " (overdue)" if row["repeat_due_at"] < now else ""
        return f"Ask for a repeat by {times.clock(row['repeat_due_at'], viewer.zone)}{late}"
    if not row["lineage"]:
        return ""
    protocol = rulebook.load().protocol(Lineage(row["lineage"]), on=now.date())
    return protocol.steps[0].text


def _contact(row: Row, now: datetime) -> str:
    if row["contact_at"] is None:
        return "No contact yet"
    verb = "Talked" if row["contact_reached"] else "Tried"
    return f"{verb} {times.ago(row['contact_at'], now)}"


def _spark(row: Row, viewer: Viewer) -> Spark | None:
    if not row["lineage"] or not row["series"]:
        return None
    limits = row["findings"][0]["limits"] if row["findings"] else []
    bound = next((x for x in limits if x.get("value") and x["ucum"] != "%"), None)
    measure = bound["measure"] if bound else ""
    place = _PLACE.get(measure, 3 if row["lineage"].startswith("pulse") else 1)
    known = [point[place] for point in row["series"]]
    subject = row["lineage"].partition(".")[0]
    has_line = bound is not None and subject != "weight"
    limit = _shown(bound["value"], subject, viewer) if bound and has_line else None
    is_low = bound is not None and bound["comparator"] == "<"
    return Spark(
        values=[_shown(x, subject, viewer) for x in known],
        upper=None if is_low else limit,
        lower=limit if is_low else None,
        label=f"{words.kind_of(row['lineage'])}: {len(known)} readings in 14 days",
    )


def _shown(number: float | None, subject: str, viewer: Viewer) -> float | None:
    if number is None:
        return None
    if subject == "glucose":
        return round(glucose_in(number, viewer.glucose_unit), 1)
    if subject == "weight":
        return round(weight_in(number, viewer.weight_unit), 1)
    return round(number, 1)


def version_of(row: Row) -> str:
    """Changes when something in the row does that is not the passing of time; no two rows' same."""
    seen = (
        row["task_id"],
        row["task_state"],
        row["assignee"],
        row["severity"],
        row["alert_state"],
        row["readings"],
        row["due_at"],
        row["snoozed_until"],
        row["overdue"],
        row["contact_at"],
        row["review_reason"],
    )
    return hashlib.blake2b(repr(seen).encode(), digest_size=8).hexdigest()
