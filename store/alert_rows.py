"""The rows that the alert worker reads and writes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

import msgspec


@dataclass(frozen=True, slots=True)
class Mark:
    """A day of a patient that waits to be judged.

    `ids`: of its rows in `evaluation_mark`; none where it is a row of `pending_evaluation`.
    """

    patient_id: UUID
    day: date
    marked_at: datetime  # the first time
    ids: Sequence[int] = ()

    @property
    def rows(self) -> int:
        return len(self.ids) or 1


class Sample(msgspec.Struct, frozen=True):
    """What rules see of a reading. `asked`: judge it; else it is only another's history.

    A struct, because of all rows there are by far the most of these.
    """

    reading_id: UUID
    patient_id: UUID
    kind: str
    measured_at: datetime
    stored_at: datetime
    systolic_mmhg: float | None = None
    diastolic_mmhg: float | None = None
    pulse_per_min: float | None = None
    glucose_mg_dl: float | None = None
    weight_kg: float | None = None
    spo2_pct: float | None = None
    temperature_c: float | None = None
    heart_rate_per_min: float | None = None
    sensor_glucose_mg_dl: float | None = None
    body_fat_pct: float | None = None
    comparator: str | None = None
    failed: bool = False
    control_solution: bool = False
    automatic: bool = True  # not typed in by a person
    clock_uncertainty_s: float = 0.0
    asked: bool = True


@dataclass(frozen=True, slots=True)
class SetAside:
    """A quarantined value whose patient is known."""

    quarantine_id: int
    patient_id: UUID
    reason: str
    measured_at: datetime
    first_seen: datetime
    waits: bool  # not yet replayed or discarded


@dataclass(frozen=True, slots=True)
class Window:
    """Readings of one patient: loaded between the outer instants, judged between the inner ones."""

    patient_id: UUID
    since: datetime
    judge_from: datetime
    judge_until: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class KnownAlert:
    """An alert as it stands before a set is written."""

    id: UUID
    patient_id: UUID
    lineage: str
    state: str
    severity: str
    episode: int
    starts_at: datetime
    last_at: datetime
    not_needed: bool = False  # closed by the rules, because nothing of it was left


@dataclass(frozen=True, slots=True)
class StandingFinding:
    """What was found in a reading before, and where it belongs."""

    patient_id: UUID
    lineage: str
    reading_id: UUID
    alert_id: UUID
    rule: str
    severity: str
    late: bool
    observed: dict[str, Any]
    limits: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Bereft:
    """An alert that lost findings, as it stands after that."""

    id: UUID
    state: str
    standing: int  # findings that are left
    acted: bool  # a person did something about it
    flagged: bool  # it waits for a person to look at it again


@dataclass(frozen=True, slots=True, kw_only=True)
class NewFinding:
    """`reading_id` or `quarantine_id`."""

    alert_id: UUID
    patient_id: UUID
    lineage: str
    reading_id: UUID | None
    quarantine_id: int | None
    rule: str
    severity: str
    late: bool
    measured_at: datetime
    observed: dict[str, Any]
    limits: list[dict[str, Any]]
    rules_version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NewAlert:
    """An alert and its task; what sums up its findings is written from them."""

    id: UUID
    task_id: UUID
    patient_id: UUID
    lineage: str
    state: str
    severity: str
    late: bool
    episode: int
    starts_at: datetime
    last_at: datetime
    repeat_due_at: datetime | None
    due_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertChange:
    """What new findings do to an open alert and to its task."""

    id: UUID
    state: str
    repeat_due_at: datetime | None
    due_at: datetime
    wakes: bool  # a snoozed task comes back


@dataclass(frozen=True, slots=True, kw_only=True)
class Return:
    """An alert that was closed as not needed, and is needed after all; with its task."""

    id: UUID
    state: str
    repeat_due_at: datetime | None
    due_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Flag:
    """An alert that a person has to look at again, and why."""

    id: UUID
    review_reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NewEvent:
    """A line of an alert's story."""

    alert_id: UUID
    event: str
    state: str
    detail: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Writing:
    """Everything that a set of judged days leaves behind."""

    findings: list[NewFinding]
    opened: list[NewAlert]
    returned: list[Return]
    changed: list[AlertChange]
    events: list[NewEvent]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settling:
    """What becomes of alerts that lost findings."""

    closed: list[UUID]
    flagged: list[Flag]
    events: list[NewEvent]
