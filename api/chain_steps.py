"""The chain behind a claim line, step by step: entry, task, alert, finding, reading, bytes. Pure.

Each step says what it proves, and leads to the next. What the store has no more is said, not
left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from alerts.lineage import Lineage
from alerts.outcomes import ALL_LABELS
from api import words
from api.auth.viewer import Viewer
from api.reading_view import value_words
from api.story import Reader
from api.task_view import CHANNELS, limit_words
from api.times import clock, duration, full, minutes, short
from api.vocabulary import CERTAINTIES, KINDS, flag_words
from ccm_link.activities import ACTIVITIES, Activity
from ccm_link.evidence_parts import (
    Alert,
    Cause,
    Contact,
    Day,
    Entry,
    Evidence,
    Finding,
    Reading,
    Task,
)
from vitals.reading import Measure

Facts = tuple[tuple[str, str], ...]
_SOURCES = {
    "timer": "a timer that ran while the person worked",
    "manual": "written by hand",
    "import": "taken over from a file",
}
_ROLES = {"clinical_staff": "clinical staff", "qhp": "practitioner", "non_clinical": "other staff"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One link of the chain."""

    kind: str
    title: str
    said: str  # beside the title, while it is closed
    proves: str
    facts: Facts = ()
    raw: tuple[tuple[str, str], ...] = ()  # a characteristic with its codec, and its bytes
    href: str | None = None
    problem: str = ""  # what a person should look at
    steps: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """Makes steps of one patient's evidence, in the words and units of who looks."""

    of: Evidence
    viewer: Viewer

    def entry(self, entry: Entry) -> Step:
        whole = minutes(float(entry.logged_seconds))
        counted = minutes(float(entry.counted_seconds))
        who = " ".join(filter(None, [entry.staff.name, entry.staff.credential]))
        return Step(
            kind="entry",
            title=f"{counted} of {whole}" if counted != whole else whole,
            said=f"{who}, {self._at(entry.started_at)}",
            proves="Who worked, from when to when, on what, and how much of it counts.",
            facts=tuple(self._entry_facts(entry)),
            problem=entry.review_reason or "",
            steps=tuple(self._behind(entry)),
        )

    def _entry_facts(self, entry: Entry) -> Iterator[tuple[str, str]]:
        yield "From", self._full(entry.started_at)
        yield "Until", self._full(entry.ended_at)
        known = entry.activity in set(Activity)
        yield "Spent on", ACTIVITIES[Activity(entry.activity)].label if known else entry.activity
        yield "Programme", entry.programme
        yield "Worked as", _ROLES.get(entry.role, entry.role)
        yield "Recorded by", _SOURCES.get(entry.source, entry.source)
        if entry.note:
            yield "Note", entry.note
        if entry.confirmed_at:
            yield "Confirmed", self._full(entry.confirmed_at)
        if entry.counted and entry.counted_seconds != entry.logged_seconds:
            pieces = (f"{self._clock(p.start)} to {self._clock(p.end)}" for p in entry.counted)
            yield "Counts", ", ".join(pieces)
        for said in entry.said:
            yield "Does not count", said.detail
        if entry.replaces:
            yield "Correction", "It replaces an entry that was taken back."

    def _behind(self, entry: Entry) -> Iterator[Step]:
        if task := self.of.task(entry.task_id):
            yield self.task(task)
        for contact in self.of.contacts_of(entry):
            yield self.contact(contact)
        if entry.cause is Cause.BY_HAND:
            yield Step(
                kind="plan",
                title="No task and no call",
                said="written by hand",
                proves="It rests on its note and on whoever wrote it.",
            )

    def task(self, task: Task) -> Step:
        ended = ALL_LABELS.get(task.outcome or "", task.outcome or "")
        facts = [
            ("Opened", self._full(task.created_at)),
            ("Due", self._full(task.due_at)),
            ("Done", f"{self._full(task.done_at)} by {task.done_by}" if task.done_at else "open"),
            ("Outcome", ended),
            ("Note", task.note),
            ("Checklist", ", ".join(step.step.replace("_", " ") for step in task.checklist)),
        ]
        return Step(
            kind="task",
            title="Care task" if task.alert_id else f"Follow-up: {task.title}".rstrip(": "),
            said=ended or "open",
            proves="Why somebody worked, how it ended, and what was written down.",
            facts=_there(facts),
            href=f"/tasks/{task.id}",
            steps=tuple(self._cause_of(task)),
        )

    def _cause_of(self, task: Task) -> Iterator[Step]:
        if alert := self.of.alert(task.alert_id):
            yield self.alert(alert)
        if before := self.of.task(task.follows):
            yield self.task(before)

    def contact(self, contact: Contact) -> Step:
        how = CHANNELS.get(contact.channel, contact.channel)
        reached = "reached" if contact.reached else "not reached"
        return Step(
            kind="call",
            title=f"{how}, {reached}",
            said=f"{contact.staff.name}, {self._at(contact.at)}",
            proves="A conversation was held, or tried, while the time ran.",
            facts=_there([("At", self._full(contact.at)), ("Note", contact.note)]),
        )

    def alert(self, alert: Alert) -> Step:
        ended = ALL_LABELS.get(alert.outcome or "", alert.outcome or "")
        facts = [
            ("First reading", self._full(alert.starts_at)),
            ("Last reading", self._full(alert.last_at)),
            ("Opened", self._full(alert.opened_at)),
            ("Claimed", self._by(alert.acknowledged_at, alert.acknowledged_by)),
            ("Resolved", self._by(alert.resolved_at, alert.resolved_by)),
            ("Outcome", ended),
            ("Note", alert.note),
        ]
        return Step(
            kind="alert",
            title=words.kind_of(alert.lineage),
            said=f"{alert.severity}{', came late' if alert.late else ''}",
            proves="The patient's own readings asked for somebody to look.",
            facts=_there(facts),
            problem=alert.review_reason or "",
            steps=tuple(self.finding(found, alert.lineage) for found in alert.findings),
        )

    def finding(self, found: Finding, lineage: str) -> Step:
        rests = self.of.reading(found.reading_id)
        gone = f"No longer found since {self._full(found.withdrawn_at)}: {found.withdrawn_reason}."
        facts = [
            ("Limit", "; ".join(limit_words(found.limits, self.viewer))),
            ("Limit from", "; ".join(sorted({str(x["source"]) for x in found.limits}))),
            ("Found", self._full(found.found_at)),
            ("Rules", found.rules_version),
        ]
        return Step(
            kind="finding",
            title=_headline(lineage, found.observed, self.viewer),
            said=self._at(found.measured_at),
            proves="This reading met this limit, by the rules of that day.",
            facts=_there(facts),
            problem=gone if found.withdrawn_at else "",
            steps=(self.reading(rests),) if rests else (self._lost(found.reading_id),),
        )

    def _lost(self, reading: UUID | None) -> Step:
        said = "removed by the clinic's retention" if reading else "set aside, or somebody else's"
        return Step(
            kind="reading",
            title="The reading is not here any more",
            said=said,
            proves="Nothing: the chain ends at the finding.",
            problem="Look at it before this is sent.",
        )

    def day(self, day: Day) -> Step:
        found = [r for key in day.readings if (r := self.of.reading(key)) is not None]
        count = len(found)
        return Step(
            kind="day",
            title=_day(day.day),
            said="1 reading that counts" if count == 1 else f"{count} readings that count",
            proves="On this day of the patient a device measured by itself, and succeeded.",
            problem="" if found else "No reading of this day is here any more.",
            steps=tuple(map(self.reading, found)),
        )

    def reading(self, reading: Reading) -> Step:
        viewer = self.viewer
        units = Reader(
            zone=viewer.zone, glucose_unit=viewer.glucose_unit, weight_unit=viewer.weight_unit
        )
        value, more = value_words(_as_row(reading), units)
        return Step(
            kind="reading",
            title=f"{KINDS.get(reading.kind, reading.kind)} {value}",
            said=self._at(reading.measured_at),
            proves="A device of this patient sent these bytes; the clock says when.",
            facts=_there([("Also", more), *self._reading_facts(reading)]),
            raw=tuple((f"{x.characteristic} {x.codec}", x.hex) for x in reading.raw),
        )

    def _reading_facts(self, reading: Reading) -> Iterator[tuple[str, str]]:
        of = reading.source
        kind = KINDS.get(of.kind or "", "").lower()
        device = " ".join(filter(None, [of.model, of.serial])) or f"{kind} device".strip()
        slot = "" if of.user_slot is None else f", user {of.user_slot}"
        yield "Measured", self._full(reading.measured_at)
        yield "Device", f"{device}{slot}"
        yield "This patient's since", self._full(of.assigned_since)
        if of.decided_at:
            yield "Whose it is", f"decided by {of.decided_by}, {self._full(of.decided_at)}"
        yield "Flags", ", ".join(flag_words(flag) for flag in reading.flags)
        yield "Device clock showed", _naive(reading.clock.device_time)
        yield "Instant from", CERTAINTIES.get(reading.clock.certainty, reading.clock.certainty)
        yield "Device clock minus UTC", _against_utc(reading)
        yield "Uncertainty", f"\N{PLUS-MINUS SIGN}{reading.clock.uncertainty_seconds:g} s"
        yield "Sequence", "" if reading.sequence is None else str(reading.sequence)
        yield "Gateway", reading.gateway
        yield "Received", self._full(reading.received_at)
        yield "Stored", self._full(reading.stored_at)

    def _full(self, at: datetime | None) -> str:
        return full(at, self.viewer.zone) if at else ""

    def _at(self, at: datetime | None) -> str:
        return short(at, self.viewer.zone) if at else ""

    def _clock(self, at: datetime) -> str:
        return clock(at, self.viewer.zone)

    def _by(self, at: datetime | None, who: str | None) -> str:
        return f"{self._full(at)} by {who or 'the rules'}" if at else ""


def _there(facts: list[tuple[str, str]]) -> Facts:
    return tuple((term, value) for term, value in facts if value)


def _headline(lineage: str, observed: Mapping[str, Any], viewer: Viewer) -> str:
    """Of a reading that was somebody else's there is nothing to show."""
    return words.headline(lineage, observed, viewer) if observed else words.KINDS[Lineage(lineage)]


def _as_row(reading: Reading) -> dict[str, Any]:
    """The shape of a stored row, which is what readings are put into words from."""
    values = dict.fromkeys((str(measure) for measure in Measure), None)
    return values | {
        "kind": reading.kind,
        "failed": reading.failed,
        "comparator": reading.comparator,
        "context": reading.context,
        **{part.measure: part.value for part in reading.values},
    }


def _against_utc(reading: Reading) -> str:
    """What is taken away from what the device showed; its zone is a part of it."""
    offset = reading.clock.offset_seconds
    if offset is None:
        return ""
    sign = "\N{MINUS SIGN}" if offset < 0 else "+"
    return f"{sign}{duration(abs(offset))}"


def _naive(shown: datetime | None) -> str:
    return f"{shown:%Y-%m-%d %H:%M:%S}" if shown else ""


def _day(day: date) -> str:
    return f"{day:%a, %b} {day.day}, {day.year}"
