"""What evidence is made of: an entry, a task, an alert, a reading down to its bytes. Data only.

They are also the parts of an audit packet's JSON (docs/exports.md): fields are added, never
renamed.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

import msgspec

Ids = tuple[UUID, ...]


class Cause(StrEnum):
    """What an entry was spent on."""

    ALERT = "alert"  # a care task that an alert opened
    FOLLOW_UP = "follow_up"  # a care task that another one asked for
    CONTACT = "contact"  # a logged conversation, without a task
    BY_HAND = "by_hand"  # logged by its person: plan work, coordination


class _Part(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is evidence; lengths are seconds, instants are aware."""


class Person(_Part, frozen=True):
    """A member of staff as they were named."""

    name: str
    credential: str = ""


class Patient(_Part, frozen=True):
    """Whose month it is."""

    id: UUID
    family_name: str
    given_name: str
    birth_date: date | None
    sex: str | None
    record_number: str | None
    conditions: tuple[str, ...]
    zone: str


class Practice(_Part, frozen=True):
    """Where; months are in its zone."""

    id: str
    name: str
    zone: str
    glucose_unit: str
    weight_unit: str


class Stretch(_Part, frozen=True):
    """A piece of time that counted."""

    start: datetime
    end: datetime


class Loss(_Part, frozen=True):
    """Time that was logged and does not count."""

    reason: str
    seconds: Decimal


class Said(_Part, frozen=True):
    """A refusal and its sentence."""

    reason: str
    detail: str


class Entry(_Part, frozen=True):
    """A row of the time ledger and what became of it."""

    id: UUID
    staff: Person
    role: str
    programme: str
    activity: str
    source: str  # timer or manual
    state: str
    status: str  # active, held or reversed
    started_at: datetime | None
    ended_at: datetime | None
    logged_seconds: Decimal
    is_judged: bool  # whether the engine saw it: only confirmed time that stands
    counted_seconds: Decimal
    counted: tuple[Stretch, ...]
    lost: tuple[Loss, ...]
    said: tuple[Said, ...]
    interactive: bool
    note: str
    created_at: datetime
    confirmed_at: datetime | None
    cause: Cause
    task_id: UUID | None
    contacts: Ids
    replaces: UUID | None
    replaced_by: UUID | None
    reversed_at: datetime | None
    reversed_by: str | None
    reversed_reason: str | None
    stopped_by: str | None
    review_reason: str | None
    import_sha256: str | None  # of the file that it came in, and its line there
    import_line: int | None


class Step(_Part, frozen=True):
    """A step of a checklist that was ticked."""

    step: str
    at: str | None
    by: str | None


class Task(_Part, frozen=True):
    """A care task: what somebody had to do, and how it ended."""

    id: UUID
    kind: str
    title: str
    alert_id: UUID | None
    follows: UUID | None
    created_at: datetime
    due_at: datetime
    assignee: str | None
    done_at: datetime | None
    done_by: str | None
    outcome: str | None
    note: str
    checklist: tuple[Step, ...]


class Event(_Part, frozen=True):
    """A step in the life of an alert; `by` is a person, or the rules."""

    at: datetime
    event: str
    state: str
    by: str


class Finding(_Part, frozen=True):
    """A rule that a reading met. `observed` is empty where it was somebody else's reading."""

    id: UUID
    rule: str
    severity: str
    late: bool
    measured_at: datetime
    found_at: datetime
    rules_version: str
    observed: Mapping[str, Any]
    limits: tuple[Mapping[str, Any], ...]
    reading_id: UUID | None
    quarantine_id: int | None
    quarantine_reason: str | None
    quarantine_sha256: str | None
    withdrawn_at: datetime | None
    withdrawn_reason: str | None


class Alert(_Part, frozen=True):
    """An alert with its story and what it was opened for."""

    id: UUID
    lineage: str
    severity: str
    episode: int
    late: bool
    starts_at: datetime
    last_at: datetime
    opened_at: datetime
    state: str
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    resolved_at: datetime | None
    resolved_by: str | None
    outcome: str | None
    note: str
    review_reason: str | None
    events: tuple[Event, ...]
    findings: tuple[Finding, ...]


class Bytes(_Part, frozen=True):
    """A characteristic value as the device sent it, and the codec that reads it."""

    characteristic: str
    codec: str
    hex: str


class Measured(_Part, frozen=True):
    """A number of a reading with its LOINC code and UCUM unit."""

    measure: str
    value: float
    loinc: str
    ucum: str


class Clock(_Part, frozen=True):
    """How device time became an instant. `offset_seconds`: device clock minus UTC."""

    certainty: str
    device_time: datetime | None  # naive, as the device showed it
    offset_seconds: float | None
    uncertainty_seconds: float


class Source(_Part, frozen=True):
    """Which device measured, and how its slot came to be this patient's."""

    kind: str | None
    model: str | None
    serial: str | None
    user_slot: int | None
    assigned_since: datetime | None
    assigned_until: datetime | None
    decided_by: str | None  # a person who said whose this one reading is
    decided_at: datetime | None


class Reading(_Part, frozen=True):
    """One act of measuring, down to its bytes and the envelope that it travelled in."""

    id: UUID
    kind: str
    measured_at: datetime
    values: tuple[Measured, ...]
    comparator: str | None
    failed: bool
    flags: tuple[str, ...]
    origin: str
    raw: tuple[Bytes, ...]
    context: Mapping[str, Any]
    clock: Clock
    source: Source
    sequence: int | None
    received_at: datetime
    stored_at: datetime
    gateway: str
    envelope_id: str
    counts_on: date | None  # the patient's day that it makes count


class Contact(_Part, frozen=True):
    """A conversation, or the attempt at one."""

    id: UUID
    task_id: UUID | None
    at: datetime
    channel: str
    reached: bool
    staff: Person
    note: str


class Consent(_Part, frozen=True):
    """What the patient agreed to."""

    id: UUID
    programme: str
    practitioner: Person
    given_at: datetime
    method: str
    elements: tuple[str, ...]
    recorded_by: str
    recorded_at: datetime
    stopped_at: datetime | None


class Enrolment(_Part, frozen=True):
    """A programme of the patient, with what its gates ask for."""

    id: UUID
    programme: str
    practitioner: Person
    since: date | None
    until: date | None
    qualifying_conditions: tuple[str, ...]
    high_risk_condition: bool
    care_plan_on: date | None
    access_24_7: bool
    new_or_not_seen_12m: bool
    initiating_visit_on: date | None
    established_patient: bool
    created_by: str
    created_at: datetime


class Statement(_Part, frozen=True):
    """What nobody measures and somebody said: a stay, another's claim, a decision, a set-up."""

    id: UUID
    kind: str
    first_day: date
    last_day: date | None
    code: str | None
    by: Person | None  # who billed, decided, taught or planned; None: another practice
    level: str | None
    fda_device: bool | None
    with_visit: bool | None
    personally: bool | None
    note: str
    recorded_by: str
    recorded_at: datetime
    replaces: UUID | None
    reversed_at: datetime | None
    reversed_by: str | None
    reversed_reason: str | None


class Day(_Part, frozen=True):
    """A reading day with the readings that make it one."""

    day: date
    readings: Ids


class ClaimLine(_Part, frozen=True):
    """A claim line, why it bills, and where its proof begins. `amount`: dollars, of all units."""

    code: str
    programme: str
    units: int
    seconds: Decimal
    amount: Decimal
    amount_verified: bool
    served_on: tuple[date, ...]
    why: tuple[str, ...]
    entries: Ids
    days: tuple[Day, ...]


class Evidence(_Part, frozen=True):
    """The whole chain of one patient's month."""

    month: str
    patient: Patient
    practice: Practice
    lines: tuple[ClaimLine, ...]
    entries: tuple[Entry, ...]
    tasks: tuple[Task, ...]
    alerts: tuple[Alert, ...]
    readings: tuple[Reading, ...]
    contacts: tuple[Contact, ...]
    consents: tuple[Consent, ...]
    enrolments: tuple[Enrolment, ...]
    statements: tuple[Statement, ...]
    gaps: tuple[str, ...]  # what the result names and the store has no more
    changes: tuple[str, ...]  # what happened after `as_of`

    def entry(self, key: UUID) -> Entry | None:
        return next((x for x in self.entries if x.id == key), None)

    def task(self, key: UUID | None) -> Task | None:
        return next((x for x in self.tasks if x.id == key), None)

    def alert(self, key: UUID | None) -> Alert | None:
        return next((x for x in self.alerts if x.id == key), None)

    def reading(self, key: UUID | None) -> Reading | None:
        return next((x for x in self.readings if x.id == key), None)

    def alert_of(self, entry: Entry) -> Alert | None:
        """What the entry's task was for; of a follow-up, what the task was for that it follows."""
        task = self.task(entry.task_id)
        while task is not None and task.alert_id is None:
            task = self.task(task.follows)
        return self.alert(task.alert_id) if task else None

    def contacts_of(self, entry: Entry) -> tuple[Contact, ...]:
        return tuple(x for x in self.contacts if x.id in entry.contacts)
