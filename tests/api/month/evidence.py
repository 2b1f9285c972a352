"""A month's evidence made by hand: one entry for an alert, one for a call, days of readings."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from ccm_link.evidence_parts import (
    Alert,
    Bytes,
    Cause,
    ClaimLine,
    Clock,
    Consent,
    Contact,
    Day,
    Enrolment,
    Entry,
    Evidence,
    Finding,
    Measured,
    Patient,
    Person,
    Practice,
    Reading,
    Source,
    Statement,
    Step,
    Stretch,
    Task,
)

AT = datetime(2026, 11, 3, 15, tzinfo=UTC)
NURSE = Person(name="Demo Nurse", credential="RN")


def key(number: int) -> UUID:
    return UUID(int=number)


def an_entry(number: int = 1, **more: Any) -> Entry:
    plain: dict[str, Any] = {
        "id": key(number),
        "staff": NURSE,
        "role": "clinical_staff",
        "programme": "CCM",
        "activity": "call",
        "source": "timer",
        "state": "confirmed",
        "status": "active",
        "started_at": AT,
        "ended_at": AT + timedelta(minutes=20),
        "logged_seconds": Decimal(1200),
        "is_judged": True,
        "counted_seconds": Decimal(1200),
        "counted": (Stretch(start=AT, end=AT + timedelta(minutes=20)),),
        "lost": (),
        "said": (),
        "interactive": True,
        "note": "Called about the pressure",
        "created_at": AT,
        "confirmed_at": AT + timedelta(minutes=21),
        "cause": Cause.ALERT,
        "task_id": key(20),
        "contacts": (key(40),),
        "replaces": None,
        "replaced_by": None,
        "reversed_at": None,
        "reversed_by": None,
        "reversed_reason": None,
        "stopped_by": "resolved",
        "import_sha256": None,
        "import_line": None,
        "review_reason": None,
    }
    return Entry(**(plain | more))


def a_task(number: int = 20, **more: Any) -> Task:
    plain: dict[str, Any] = {
        "id": key(number),
        "kind": "alert",
        "title": "",
        "alert_id": key(30),
        "follows": None,
        "created_at": AT - timedelta(minutes=5),
        "due_at": AT + timedelta(minutes=10),
        "assignee": "Demo Nurse",
        "done_at": AT + timedelta(minutes=20),
        "done_by": "Demo Nurse",
        "outcome": "repeat_normal",
        "note": "Repeat 138/82",
        "checklist": (Step(step="call_patient", at=None, by=None),),
    }
    return Task(**(plain | more))


def a_finding(**more: Any) -> Finding:
    limit = {
        "measure": "systolic_mmhg",
        "comparator": ">",
        "value": 180.0,
        "ucum": "mm[Hg]",
        "source": "AHA",
    }
    plain: dict[str, Any] = {
        "id": key(50),
        "rule": "systolic.high",
        "severity": "critical",
        "late": False,
        "measured_at": AT - timedelta(minutes=6),
        "found_at": AT - timedelta(minutes=5),
        "rules_version": "0123456789ab",
        "observed": {"systolic_mmhg": 191.0, "diastolic_mmhg": 124.0},
        "limits": (limit,),
        "reading_id": key(60),
        "quarantine_id": None,
        "quarantine_reason": None,
        "quarantine_sha256": None,
        "withdrawn_at": None,
        "withdrawn_reason": None,
    }
    return Finding(**(plain | more))


def an_alert(**more: Any) -> Alert:
    plain: dict[str, Any] = {
        "id": key(30),
        "lineage": "blood_pressure.high",
        "severity": "critical",
        "episode": 1,
        "late": False,
        "starts_at": AT - timedelta(minutes=6),
        "last_at": AT - timedelta(minutes=6),
        "opened_at": AT - timedelta(minutes=5),
        "state": "resolved",
        "acknowledged_at": AT,
        "acknowledged_by": "Demo Nurse",
        "resolved_at": AT + timedelta(minutes=20),
        "resolved_by": "Demo Nurse",
        "outcome": "repeat_normal",
        "note": "",
        "review_reason": None,
        "events": (),
        "findings": (a_finding(),),
    }
    return Alert(**(plain | more))


def a_reading(number: int = 60, **more: Any) -> Reading:
    measured = {
        "systolic_mmhg": (191.0, "8480-6", "mm[Hg]"),
        "diastolic_mmhg": (124.0, "8462-4", "mm[Hg]"),
    }
    plain: dict[str, Any] = {
        "id": key(number),
        "kind": "blood_pressure",
        "measured_at": AT - timedelta(minutes=6),
        "values": tuple(
            Measured(measure=name, value=value, loinc=loinc, ucum=ucum)
            for name, (value, loinc, ucum) in measured.items()
        ),
        "comparator": None,
        "failed": False,
        "flags": ("irregular_pulse",),
        "origin": "automatic",
        "raw": (
            Bytes(characteristic="2A35", codec="Blood Pressure Measurement", hex="16bf007c000000"),
        ),
        "context": {},
        "clock": Clock(
            certainty="device_clock",
            device_time=datetime(2026, 11, 3, 9, 56, 30),  # noqa: DTZ001 -- as the device showed it
            offset_seconds=-17_850.0,
            uncertainty_seconds=2.0,
        ),
        "source": Source(
            kind="blood_pressure",
            model="BP7000",
            serial="0042",
            user_slot=1,
            assigned_since=AT - timedelta(days=90),
            assigned_until=None,
            decided_by=None,
            decided_at=None,
        ),
        "sequence": 17,
        "received_at": AT - timedelta(minutes=6),
        "stored_at": AT - timedelta(minutes=6),
        "gateway": "gw-1",
        "envelope_id": "e",
        "counts_on": date(2026, 11, 3),
    }
    return Reading(**(plain | more))


def a_stay(**more: Any) -> Statement:
    plain: dict[str, Any] = {
        "id": key(90),
        "kind": "inpatient_stay",
        "first_day": date(2026, 11, 10),
        "last_day": date(2026, 11, 12),
        "code": None,
        "by": None,
        "level": None,
        "fda_device": None,
        "with_visit": None,
        "personally": None,
        "note": "Pneumonia",
        "recorded_by": "Demo Nurse",
        "recorded_at": AT,
        "replaces": None,
        "reversed_at": None,
        "reversed_by": None,
        "reversed_reason": None,
    }
    return Statement(**(plain | more))


def a_contact(**more: Any) -> Contact:
    plain: dict[str, Any] = {
        "id": key(40),
        "task_id": key(20),
        "at": AT + timedelta(minutes=5),
        "channel": "phone",
        "reached": True,
        "staff": NURSE,
        "note": "",
    }
    return Contact(**(plain | more))


def a_line(**more: Any) -> ClaimLine:
    plain: dict[str, Any] = {
        "code": "99490",
        "programme": "CCM",
        "units": 1,
        "seconds": Decimal(1200),
        "amount": Decimal("66.13"),
        "amount_verified": False,
        "served_on": (date(2026, 11, 3),),
        "why": ("1 unit(s): 20 min in 1 entry.",),
        "entries": (key(1),),
        "days": (),
    }
    return ClaimLine(**(plain | more))


def days_line(*readings: int) -> ClaimLine:
    keys = tuple(map(key, readings))
    return a_line(
        code="99454",
        programme="RPM",
        seconds=Decimal(0),
        entries=(),
        days=(Day(day=date(2026, 11, 3), readings=keys),),
    )


def evidence(**more: Any) -> Evidence:
    provider = Person(name="Demo Provider", credential="MD")
    plain: dict[str, Any] = {
        "month": "2026-11",
        "patient": Patient(
            id=key(9),
            family_name="Testperson",
            given_name="Mona",
            birth_date=None,
            sex=None,
            record_number=None,
            conditions=(),
            zone="America/New_York",
        ),
        "practice": Practice(
            id="north",
            name="North Clinic",
            zone="America/New_York",
            glucose_unit="mg/dL",
            weight_unit="lb",
        ),
        "lines": (a_line(), days_line(60)),
        "entries": (an_entry(),),
        "tasks": (a_task(),),
        "alerts": (an_alert(),),
        "readings": (a_reading(),),
        "contacts": (a_contact(),),
        "consents": (
            Consent(
                id=key(70),
                programme="CCM",
                practitioner=provider,
                given_at=AT - timedelta(days=40),
                method="verbal",
                elements=("availability", "cost_sharing"),
                recorded_by="Demo Nurse",
                recorded_at=AT - timedelta(days=40),
                stopped_at=None,
            ),
        ),
        "enrolments": (
            Enrolment(
                id=key(80),
                programme="CCM",
                practitioner=provider,
                since=date(2026, 10, 1),
                until=None,
                qualifying_conditions=("hypertension", "diabetes"),
                high_risk_condition=False,
                care_plan_on=date(2026, 10, 1),
                access_24_7=True,
                new_or_not_seen_12m=False,
                initiating_visit_on=None,
                established_patient=True,
                created_by="Demo Nurse",
                created_at=AT - timedelta(days=40),
            ),
        ),
        "statements": (),
        "gaps": (),
        "changes": (),
    }
    return Evidence(**(plain | more))
