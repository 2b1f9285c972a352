"""From stored rows to the parts of evidence, as they were at an instant. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from ccm_link.evidence_parts import (
    Alert,
    Bytes,
    Clock,
    Consent,
    Contact,
    Enrolment,
    Event,
    Finding,
    Measured,
    Patient,
    Person,
    Practice,
    Reading,
    Source,
    Statement,
    Step,
    Task,
)
from store.evidence import EvidenceRows
from vitals.reading import CODINGS

Row = Mapping[str, Any]

#: Which codec reads the bytes: Bluetooth GATT characteristics by their 16-bit UUID.
CODECS = {
    "2A35": "Blood Pressure Measurement",
    "2A18": "Glucose Measurement",
    "2A34": "Glucose Measurement Context",
    "2A9D": "Weight Measurement",
    "2A9C": "Body Composition Measurement",
    "2A5E": "PLX Spot-Check Measurement",
    "2A5F": "PLX Continuous Measurement",
    "2A1C": "Temperature Measurement",
    "2A37": "Heart Rate Measurement",
    "2AA7": "CGM Measurement",
    "SD181D": "Weight in an advertisement (Xiaomi)",
    "SD181B": "Body composition in an advertisement (Xiaomi)",
    "2A08": "Date Time",
    "2A2B": "Current Time",
}


class Then:
    """The instant that the month is shown at; None: now."""

    def __init__(self, as_of: datetime | None) -> None:
        self.as_of = as_of

    def is_later(self, at: datetime | None) -> bool:
        return self.as_of is not None and at is not None and at > self.as_of

    def or_none(self, row: Row, mark: str, *names: str) -> dict[str, Any]:
        """These columns, empty where the act that fills them came later."""
        hidden = self.is_later(row[mark])
        return {name: None if hidden else row[name] for name in (mark, *names)}


def patient_of(head: Row) -> Patient:
    return Patient(
        id=head["id"],
        family_name=head["family_name"],
        given_name=head["given_name"],
        birth_date=head["birth_date"],
        sex=head["sex"],
        record_number=head["record_number"],
        conditions=tuple(head["conditions"]),
        zone=head["zone"],
    )


def practice_of(head: Row) -> Practice:
    return Practice(
        id=head["clinic_id"],
        name=head["clinic_name"],
        zone=head["clinic_zone"],
        glucose_unit=head["glucose_unit"],
        weight_unit=head["weight_unit"],
    )


def task_of(row: Row, then: Then) -> Task:
    done = then.or_none(row, "done_at", "done_by_name", "outcome", "note")
    return Task(
        id=row["id"],
        kind=row["kind"],
        title=row["title"],
        alert_id=row["alert_id"],
        follows=row["follows"],
        created_at=row["created_at"],
        due_at=row["due_at"],
        assignee=row["assignee_name"],
        done_at=done["done_at"],
        done_by=done["done_by_name"],
        outcome=done["outcome"],
        note=done["note"] or "",
        checklist=tuple(
            Step(step=step, at=ticked.get("at"), by=ticked.get("by"))
            for step, ticked in sorted(row["checklist"].items())
        ),
    )


def alerts_of(rows: EvidenceRows, then: Then) -> Iterable[Alert]:
    stories, found = defaultdict(list), defaultdict(list)
    for row in rows.events:
        if not then.is_later(row["at"]):
            stories[row["alert_id"]].append(row)
    for row in rows.findings:
        if not then.is_later(row["found_at"]):
            found[row["alert_id"]].append(row)
    for row in rows.alerts:
        if not then.is_later(row["opened_at"]):
            yield _alert(row, stories[row["id"]], found[row["id"]], then)


def _alert(row: Row, story: Sequence[Row], found: Sequence[Row], then: Then) -> Alert:
    seen = then.or_none(row, "acknowledged_at", "acknowledged_by_name")
    ended = then.or_none(row, "resolved_at", "resolved_by_name", "outcome", "note")
    return Alert(
        id=row["id"],
        lineage=row["lineage"],
        severity=row["severity"],
        episode=row["episode"],
        late=row["late"],
        starts_at=row["starts_at"],
        last_at=row["last_at"],
        opened_at=row["opened_at"],
        state=story[-1]["state"] if story else row["state"],
        acknowledged_at=seen["acknowledged_at"],
        acknowledged_by=seen["acknowledged_by_name"],
        resolved_at=ended["resolved_at"],
        resolved_by=ended["resolved_by_name"],
        outcome=ended["outcome"],
        note=ended["note"] or "",
        review_reason=row["review_reason"],
        events=tuple(
            Event(at=e["at"], event=e["event"], state=e["state"], by=e["staff_name"] or "rules")
            for e in story
        ),
        findings=tuple(_finding(f, then) for f in found),
    )


def _finding(row: Row, then: Then) -> Finding:
    gone = then.or_none(row, "withdrawn_at", "withdrawn_reason")
    return Finding(
        id=row["id"],
        rule=row["rule"],
        severity=row["severity"],
        late=row["late"],
        measured_at=row["measured_at"],
        found_at=row["found_at"],
        rules_version=row["rules_version"],
        observed=row["observed"],
        limits=tuple(row["limits"]),
        reading_id=row["reading_id"],
        quarantine_id=row["quarantine_id"],
        quarantine_reason=row["quarantine_reason"],
        quarantine_sha256=row["quarantine_sha256"],
        withdrawn_at=gone["withdrawn_at"],
        withdrawn_reason=gone["withdrawn_reason"],
    )


def reading_of(row: Row, days: Mapping[UUID, date]) -> Reading:
    return Reading(
        id=row["reading_id"],
        kind=row["kind"],
        measured_at=row["measured_at"],
        values=tuple(
            Measured(measure=measure, value=row[measure], loinc=coding.loinc, ucum=coding.ucum)
            for measure, coding in CODINGS.items()
            if row[measure] is not None
        ),
        comparator=row["comparator"],
        failed=row["failed"],
        flags=tuple(row["flags"]),
        origin=row["origin"],
        raw=tuple(
            Bytes(
                characteristic=raw["characteristic"],
                codec=CODECS.get(raw["characteristic"], "not known"),
                hex=raw["hex"],
            )
            for raw in row["raw"]
        ),
        context=row["context"],
        clock=Clock(
            certainty=row["clock_certainty"],
            device_time=row["device_time"],
            offset_seconds=row["clock_offset_s"],
            uncertainty_seconds=row["clock_uncertainty_s"],
        ),
        source=_source(row),
        sequence=row["sequence"],
        received_at=row["received_at"],
        stored_at=row["stored_at"],
        gateway=row["gateway"],
        envelope_id=row["envelope_id"],
        counts_on=days.get(row["reading_id"]),
    )


def _source(row: Row) -> Source:
    return Source(
        kind=row["device_kind"],
        model=row["device_model"],
        serial=row["device_serial"],
        user_slot=row["user_slot"] if row["user_slot"] >= 0 else None,
        assigned_since=row["assigned_since"],
        assigned_until=row["assigned_until"],
        decided_by=row["decided_by_name"],
        decided_at=row["decided_at"],
    )


def contact_of(row: Row) -> Contact:
    return Contact(
        id=row["id"],
        task_id=row["task_id"],
        at=row["at"],
        channel=row["channel"],
        reached=row["reached"],
        staff=Person(name=row["staff_name"], credential=row["credential"]),
        note=row["note"],
    )


def consent_of(row: Row, then: Then) -> Consent:
    return Consent(
        id=row["id"],
        programme=row["programme"],
        practitioner=_practitioner(row),
        given_at=row["given_at"],
        method=row["method"],
        elements=tuple(sorted(row["elements"])),
        recorded_by=row["recorded_by_name"],
        recorded_at=row["recorded_at"],
        stopped_at=then.or_none(row, "stopped_at")["stopped_at"],
    )


def _practitioner(row: Row) -> Person:
    return Person(name=row["practitioner_name"], credential=row["practitioner_credential"])


def enrolment_of(row: Row) -> Enrolment:
    return Enrolment(
        id=row["id"],
        programme=row["programme"],
        practitioner=_practitioner(row),
        since=row["since"],
        until=row["until"],
        qualifying_conditions=tuple(row["qualifying_conditions"]),
        high_risk_condition=row["high_risk_condition"],
        care_plan_on=row["care_plan_on"],
        access_24_7=row["access_24_7"],
        new_or_not_seen_12m=row["new_or_not_seen_12m"],
        initiating_visit_on=row["initiating_visit_on"],
        established_patient=row["established_patient"],
        created_by=row["created_by_name"],
        created_at=row["created_at"],
    )


def statement_of(row: Row, then: Then) -> Statement:
    back = then.or_none(row, "reversed_at", "reversed_by_name", "reversed_reason")
    by = row["by_name"]
    return Statement(
        id=row["id"],
        kind=row["kind"],
        first_day=row["first_day"],
        last_day=row["last_day"],
        code=row["code"],
        by=Person(name=by, credential=row["by_credential"]) if by else None,
        level=row["level"],
        fda_device=row["fda_device"],
        with_visit=row["with_visit"],
        personally=row["personally"],
        note=row["note"],
        recorded_by=row["recorded_by_name"],
        recorded_at=row["recorded_at"],
        replaces=row["replaces"],
        reversed_at=back["reversed_at"],
        reversed_by=back["reversed_by_name"],
        reversed_reason=back["reversed_reason"],
    )
