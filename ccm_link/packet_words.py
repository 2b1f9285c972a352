"""An audit packet in the words and short marks that paper needs. Pure.

Paper refers by marks: E an entry, T a task, A an alert, C a contact, R a reading, K a consent.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from alerts.lineage import LABELS, Lineage
from alerts.outcomes import ALL_LABELS
from ccm_link import words
from ccm_link.activities import ACTIVITIES, Activity
from ccm_link.evidence_parts import (
    Cause,
    ClaimLine,
    Clock,
    Day,
    Entry,
    Evidence,
    Finding,
    Person,
    Reading,
    Statement,
)
from ccm_link.facts import Policy
from ccm_link.packet import RateTable
from vitals.reading import CODINGS, Measure

_KEY = re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b")
_ROLES = {
    "clinical_staff": "clinical staff",
    "qhp": "practitioner",
    "non_clinical": "not clinical",
}
_CAUSES = {
    Cause.ALERT: "Alert",
    Cause.FOLLOW_UP: "Follow-up",
    Cause.CONTACT: "Contact",
    Cause.BY_HAND: "Logged by hand",
}
_CERTAINTIES = {
    "device_clock": "device clock, corrected",
    "home_zone": "device time in the home's zone",
    "received": "time of receipt",
}
_UNITS = {"mm[Hg]": "mmHg", "kg/m2": "kg/m\N{SUPERSCRIPT TWO}", "Cel": "°C"}
_STATEMENTS = {
    "inpatient_stay": "Inpatient stay",
    "other_claim": "Billed elsewhere",
    "complex_decision": "Complex decisions documented",
    "apcm": "Advanced primary care chosen",
    "device_setup": "Devices set up and taught",
    "care_planning": "Extra care planning",
}
_OF_A_MONTH = {"other_claim", "complex_decision", "apcm"}
_HEAD = 48  # letters
_BEYOND = {
    ">": "above what the device can show",
    "<": "below what the device can show",
}
_PRESSURE = (Measure.SYSTOLIC, Measure.DIASTOLIC)
#: The number that the reading is about needs no name.
_IS_KIND = {
    Measure.GLUCOSE,
    Measure.WEIGHT,
    Measure.SPO2,
    Measure.TEMPERATURE,
    Measure.HEART_RATE,
    Measure.SENSOR_GLUCOSE,
}
_NAMES = {
    Measure.SYSTOLIC: "systolic",
    Measure.DIASTOLIC: "diastolic",
    Measure.MEAN_ARTERIAL: "mean",
    Measure.PULSE: "pulse",
    Measure.GLUCOSE: "glucose",
    Measure.WEIGHT: "weight",
    Measure.BMI: "BMI",
    Measure.HEIGHT: "height",
    Measure.SPO2: "oxygen saturation",
    Measure.TEMPERATURE: "temperature",
    Measure.HEART_RATE: "heart rate",
    Measure.SENSOR_GLUCOSE: "sensor glucose",
    Measure.BODY_FAT: "body fat",
}


class Marks:
    """Short names for keys, in the order in which the packet lists them."""

    def __init__(self, evidence: Evidence) -> None:
        kinds: list[tuple[str, Iterable[UUID]]] = [
            ("E", (x.id for x in evidence.entries)),
            ("T", (x.id for x in evidence.tasks)),
            ("A", (x.id for x in evidence.alerts)),
            ("C", (x.id for x in evidence.contacts)),
            ("K", (x.id for x in evidence.consents)),
            ("R", (x.id for x in evidence.readings)),
        ]
        self._marks = {
            key: f"{letter}{number}"
            for letter, keys in kinds
            for number, key in enumerate(keys, start=1)
        }

    def __call__(self, key: UUID | None) -> str:
        """Empty where the packet does not hold it."""
        return "" if key is None else self._marks.get(key, "")

    def within(self, text: str) -> str:
        """A sentence with the marks of the keys that it names."""
        return _KEY.sub(lambda found: self(UUID(found[0])) or found[0], text)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingsOf:
    """The readings of a day; `day` None: those of alerts that make no day count."""

    day: date | None
    readings: tuple[Reading, ...]


def by_day(evidence: Evidence) -> list[ReadingsOf]:
    groups: defaultdict[date | None, list[Reading]] = defaultdict(list)
    for reading in evidence.readings:
        groups[reading.counts_on].append(reading)
    days = sorted(day for day in groups if day is not None)
    order: Sequence[date | None] = [*days, *([None] if None in groups else [])]
    return [ReadingsOf(day=day, readings=tuple(groups[day])) for day in order]


def instant(at: datetime | None, zone: str) -> str:
    """'Mar 10, 2026, 09:00:00 EDT'; nothing where there is none."""
    return f"{day(at, zone)}, {at.astimezone(ZoneInfo(zone)):%H:%M:%S %Z}" if at else ""


def clock(at: datetime | None, zone: str) -> str:
    """'09:00:00', beside a day that is told already."""
    return "" if at is None else f"{at.astimezone(ZoneInfo(zone)):%H:%M:%S}"


def day(value: date | datetime | None, zone: str | None = None) -> str:
    if value is None:
        return ""
    local = value.astimezone(ZoneInfo(zone)) if isinstance(value, datetime) and zone else value
    return words.plain(local)


def days_in(days: Sequence[Day]) -> str:
    """'Mar 2 (2), Mar 3 (1)': the day, and how many readings make it one."""
    return ", ".join(f"{x.day:%b} {x.day.day} ({len(x.readings)})" for x in days)


def length(seconds: Decimal) -> str:
    """To the second and beyond: '45:00', '1:05:00', '19:59.5'."""
    whole = int(seconds)
    hours, minutes = whole // 3600, whole // 60 % 60
    parts = f"{seconds % 60:f}"
    rest = parts if "." not in parts else parts.rstrip("0").rstrip(".")
    padded = rest if len(rest.partition(".")[0]) > 1 else f"0{rest}"
    return f"{hours}:{minutes:02d}:{padded}" if hours else f"{minutes}:{padded}"


def switches(policy: Policy) -> list[str]:
    """What the clinic set otherwise than the rules have it."""
    own = [f"at most {most} units of {code}" for code, most in sorted(policy.caps.items())]
    qhp = "a practitioner's time counts as staff's"
    return [*([qhp] if policy.qhp_time_counts_as_staff else []), *own]


def statement(said: Statement) -> str:
    """'Inpatient stay, Oct 3, 2026 to Oct 5, 2026', 'Other claim 99490, Oct 2026'."""
    name = _STATEMENTS.get(said.kind, plain(said.kind))
    if said.kind == "inpatient_stay":
        return f"{name}, {day(said.first_day)} to {day(said.last_day) or 'still there'}"
    of_a_month = said.kind in _OF_A_MONTH
    when = f"{said.first_day:%B %Y}" if of_a_month else day(said.first_day)
    marks = (
        said.code,
        f"{said.level} complexity" if said.level else None,
        _told(said.fda_device, "a medical device as the FDA defines it"),
        _told(said.with_visit, "beside the initiating visit"),
        _told(said.personally, "in person"),
        f"by {person(said.by)}" if said.by else None,
    )
    return ", ".join([name, when, *(mark for mark in marks if mark)])


def _told(holds: bool | None, what: str) -> str | None:  # noqa: FBT001 -- a stored yes or no
    if holds is None:
        return None
    return what if holds else f"not {what}"


def dollars(line: ClaimLine) -> str:
    """'$60.49', an estimate where no rate was loaded; some codes have not even that."""
    if not line.amount:
        return "not known"
    return f"${line.amount:.2f}{'' if line.amount_verified else ' (estimate)'}"


def rates(table: RateTable | None) -> str:
    if table is None:
        return "estimates of the rule table; no rates were loaded"
    where = f", {table.locality}" if table.locality else ""
    return f"{table.name}{where}, {day(table.first)} to {day(table.last)}; {table.source}"


def subject(text: str) -> str:
    """A code or a programme; a 30-day period is named by its first day."""
    try:
        return f"Days from {day(date.fromisoformat(text))}"
    except ValueError:
        return text


def plain(text: str) -> str:
    """A word of a closed set as it is read: `OVERLAP_SAME_STAFF`, `alert_review`."""
    return text.replace("_", " ").lower()


def person(who: Person) -> str:
    return f"{who.name}, {who.credential}" if who.credential else who.name


def activity(name: str) -> str:
    return ACTIVITIES[Activity(name)].label if name in set(Activity) else plain(name)


def role(name: str) -> str:
    return _ROLES.get(name, plain(name))


def lineage(name: str) -> str:
    return LABELS[Lineage(name)] if name in set(Lineage) else name


def outcome(name: str | None) -> str:
    return ALL_LABELS.get(name, plain(name)) if name else ""


def cause(entry: Entry, evidence: Evidence, mark: Marks) -> str:
    """'Alert: high blood pressure (A1, T1)'."""
    said = _CAUSES[entry.cause]
    alert = evidence.alert_of(entry)
    if alert is not None:
        said = f"{said}: {lineage(alert.lineage).lower()}"
    marks = [mark(alert.id if alert else None), mark(entry.task_id)]
    marks += [mark(contact) for contact in entry.contacts]
    known = ", ".join(filter(None, marks))
    return f"{said} ({known})" if known else said


def state(entry: Entry) -> str:
    """Why an entry was not judged, or that it was."""
    if entry.status == "reversed":
        return "taken back"
    if entry.status == "held":
        return "held: overlaps another patient, or was taken back before"
    if entry.state != "confirmed":
        return "timer runs" if entry.state == "running" else "waits for confirmation"
    return "confirmed"


def value(reading: Reading) -> str:
    """'191/124 mmHg, pulse 88 per min'; a bound, or that it failed."""
    if reading.failed:
        return "the device could not measure"
    found = {m.measure: m for m in reading.values}
    said = []
    if all(name in found for name in _PRESSURE):
        upper, lower = (found.pop(name) for name in _PRESSURE)
        said.append(f"{upper.value:g}/{lower.value:g} mmHg")
    said += [_measured(m.measure, m.value, named=m.measure not in _IS_KIND) for m in found.values()]
    if reading.comparator:
        said.append(_BEYOND.get(reading.comparator, reading.comparator))
    return ", ".join(said) or "not decoded; its bytes are kept"


def _measured(measure: str, number: float, *, named: bool = True) -> str:
    ucum = CODINGS[Measure(measure)].ucum
    name = _NAMES[Measure(measure)] if named else ""
    return f"{name} {number:g} {_UNITS.get(ucum, ucum)}".strip()


def device(reading: Reading) -> str:
    source = reading.source
    named = [source.model or plain(source.kind or "device"), source.serial or ""]
    slot = "" if source.user_slot is None else f"user {source.user_slot}"
    return " · ".join(filter(None, [*named, slot]))


def correction(told: Clock) -> str:
    """'device clock, corrected by -3 s (±2 s)': device time minus this offset is UTC."""
    said = _CERTAINTIES.get(told.certainty, plain(told.certainty))
    if told.offset_seconds is not None:
        said += f", offset {told.offset_seconds:+g} s"
    return f"{said} (\N{PLUS-MINUS SIGN}{told.uncertainty_seconds:g} s)"


def observed(finding: Finding) -> str:
    """What the rule saw: 'systolic 191 mmHg, diastolic 124 mmHg'."""
    if not finding.observed:
        return "the reading was found to be somebody else's"
    return ", ".join(
        _measured(key, seen)
        if key in set(Measure) and isinstance(seen, int | float)
        else f"{plain(key)} {_short(seen)}"
        for key, seen in finding.observed.items()
    )


def limits(finding: Finding) -> str:
    """What it was held against, and where that limit was read: 'systolic > 180 mmHg [AHA …]'."""
    return "; ".join(_limit(row) for row in finding.limits)


def _limit(row: Mapping[str, Any]) -> str:
    measure, ucum = str(row.get("measure", "")), str(row.get("ucum", ""))
    name = _NAMES[Measure(measure)] if measure in set(Measure) else plain(measure)
    parts = (name, row.get("comparator"), _short(row.get("value")), _UNITS.get(ucum, ucum))
    source = f"[{row['source']}]" if row.get("source") else ""
    return " ".join(str(part) for part in (*parts, source) if part)


def _short(seen: object) -> str:
    return f"{seen:g}" if isinstance(seen, int | float) else "" if seen is None else str(seen)


def grouped_hex(text: str) -> str:
    """'1e780050 006000ea …': a space every four bytes, so that a line may break."""
    return " ".join(text[at : at + 8] for at in range(0, len(text), 8))


def shortened(text: str) -> str:
    """For the head of a page, where the whole name stands on the first one."""
    return text if len(text) <= _HEAD else f"{text[: _HEAD - 1].rstrip()}\N{HORIZONTAL ELLIPSIS}"
