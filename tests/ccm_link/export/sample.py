"""Evidence of any size, without a database: what a packet is drawn from, and timed on."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from ccm_link import packet
from ccm_link.evaluate import evaluate
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
    Event,
    Evidence,
    Finding,
    Loss,
    Measured,
    Patient,
    Person,
    Reading,
    Said,
    Source,
    Statement,
    Step,
    Stretch,
    Task,
)
from ccm_link.facts import decode
from ccm_link.freeze import frozen
from ccm_link.rules import rules_for
from ccm_link.view import as_bytes
from tests.ccm_link.export.make import PATIENT, PRACTICE, SIGNED_AT, facts, signed
from vitals.reading import CODINGS, Measure

NURSE = Person(name="Nora Nurse", credential="RN")
DOCTOR = Person(name="Dora Doctor", credential="MD")
START = datetime(2026, 3, 2, 14, tzinfo=UTC)
NOTES = (
    "Called about this morning's value; she had not taken her tablets. Repeat in an hour.",
    "Reviewed two weeks of readings with the plan. No change.",
    "Pharmacy: refill of lisinopril arranged, side effects talked through with the daughter.",
)


def key(kind: int, number: int) -> UUID:
    return UUID(int=(kind << 96) + number)


def a_reading(number: int, day: date | None) -> Reading:
    at = START + timedelta(days=number % 30, minutes=7 * (number // 30))
    return Reading(
        id=key(6, number),
        kind="blood_pressure",
        measured_at=at,
        values=tuple(
            Measured(measure=m, value=float(v), loinc=CODINGS[m].loinc, ucum=CODINGS[m].ucum)
            for m, v in (
                (Measure.SYSTOLIC, 120 + number % 70),
                (Measure.DIASTOLIC, 80 + number % 40),
                (Measure.PULSE, 60 + number % 30),
            )
        ),
        comparator=None,
        failed=False,
        flags=("irregular_pulse",) if number % 11 == 0 else (),
        origin="automatic",
        raw=(
            Bytes(
                characteristic="2A35",
                codec="Blood Pressure Measurement",
                hex=f"1e{120 + number % 70:02x}00{80 + number % 40:02x}006000"
                f"ea0703020e{number % 60:02x}003c000100",
            ),
        ),
        context={},
        clock=Clock(
            certainty="device_clock" if number % 5 else "home_zone",
            device_time=at.replace(tzinfo=None),
            offset_seconds=-3.0 if number % 5 else None,
            uncertainty_seconds=2.0,
        ),
        source=Source(
            kind="blood_pressure",
            model="BP-7000",
            serial=f"SN-{number % 3:04d}",
            user_slot=1,
            assigned_since=START - timedelta(days=60),
            assigned_until=None,
            decided_by=None,
            decided_at=None,
        ),
        sequence=number,
        received_at=at + timedelta(seconds=9),
        stored_at=at + timedelta(seconds=11),
        gateway="gw-1",
        envelope_id=str(key(8, number)),
        counts_on=day,
    )


def an_entry(number: int, seconds: int = 540) -> Entry:
    start = START + timedelta(days=number % 28, hours=number // 28)
    worked = number % 3 == 0
    lost = number % 7 == 3
    counted = Decimal(seconds - (120 if lost else 0))
    return Entry(
        id=key(1, number),
        staff=NURSE if number % 4 else DOCTOR,
        role="clinical_staff" if number % 4 else "qhp",
        programme="CCM" if number % 5 else "RPM",
        activity="alert_review" if worked else "care_coordination",
        source="timer" if worked else "manual",
        state="confirmed",
        status="active",
        started_at=start,
        ended_at=start + timedelta(seconds=seconds),
        logged_seconds=Decimal(seconds),
        is_judged=True,
        counted_seconds=counted,
        counted=(Stretch(start=start, end=start + timedelta(seconds=int(counted))),),
        lost=(Loss(reason="OVERLAP_TWO_STAFF", seconds=Decimal(120)),) if lost else (),
        said=(
            (
                Said(
                    reason="OVERLAP_TWO_STAFF",
                    detail="Two people logged the same time; it counts once.",
                ),
            )
            if lost
            else ()
        ),
        interactive=worked,
        note=NOTES[number % 3],
        created_at=start,
        confirmed_at=start + timedelta(seconds=seconds + 20),
        cause=Cause.ALERT if worked else Cause.BY_HAND,
        task_id=key(2, 0) if worked else None,
        contacts=(key(4, 0),) if number == 0 else (),
        replaces=None,
        replaced_by=None,
        reversed_at=None,
        reversed_by=None,
        reversed_reason=None,
        stopped_by="resolved" if worked else None,
        review_reason=None,
        import_sha256="ab" * 32 if number == 1 else None,
        import_line=7 if number == 1 else None,
    )


def reversed_entry(number: int) -> Entry:
    plain = an_entry(number)
    values: dict[str, Any] = {name: getattr(plain, name) for name in plain.__struct_fields__}
    return Entry(
        **values
        | {
            "status": "reversed",
            "is_judged": False,
            "counted_seconds": Decimal(0),
            "counted": (),
            "lost": (),
            "said": (),
            "reversed_at": SIGNED_AT - timedelta(days=1),
            "reversed_by": "Nora Nurse",
            "reversed_reason": "It was another patient's call",
        }
    )


def an_alert() -> Alert:
    opened = START
    return Alert(
        id=key(3, 0),
        lineage="blood_pressure.high",
        severity="critical",
        episode=1,
        late=False,
        starts_at=opened,
        last_at=opened + timedelta(minutes=12),
        opened_at=opened,
        state="resolved",
        acknowledged_at=opened + timedelta(minutes=3),
        acknowledged_by="Nora Nurse",
        resolved_at=opened + timedelta(minutes=15),
        resolved_by="Nora Nurse",
        outcome="patient_advised",
        note="She rested, the repeat was lower.",
        review_reason=None,
        events=tuple(
            Event(at=opened + timedelta(minutes=m), event=event, state=state, by=by)
            for m, event, state, by in (
                (0, "fired", "firing", "rules"),
                (3, "acknowledged", "acknowledged", "Nora Nurse"),
                (15, "resolved", "resolved", "Nora Nurse"),
            )
        ),
        findings=(
            Finding(
                id=key(7, 0),
                rule="systolic.severe",
                severity="critical",
                late=False,
                measured_at=opened,
                found_at=opened + timedelta(seconds=2),
                rules_version="3f2a9c1b0d4e",
                observed={"systolic_mmhg": 191.0, "diastolic_mmhg": 124.0},
                limits=(
                    {
                        "measure": "systolic_mmhg",
                        "comparator": ">",
                        "value": 180,
                        "ucum": "mm[Hg]",
                        "source": "AHA severe range",
                    },
                ),
                reading_id=key(6, 0),
                quarantine_id=None,
                quarantine_reason=None,
                quarantine_sha256=None,
                withdrawn_at=None,
                withdrawn_reason=None,
            ),
        ),
    )


def a_patient(**changes: Any) -> Patient:
    plain: dict[str, Any] = {
        "id": PATIENT,
        "family_name": "Testperson",
        "given_name": "Synthetic",
        "birth_date": date(1950, 2, 3),
        "sex": "female",
        "record_number": "MRN-1042",
        "conditions": ("Hypertension", "Type 2 diabetes"),
        "zone": "America/Chicago",
    }
    return Patient(**plain | changes)


def evidence(*, entries: int = 9, readings: int = 60, **changes: Any) -> Evidence:
    """Of March 2026: `entries` of the ledger, and `readings` over 30 days."""
    days = [date(2026, 3, 2) + timedelta(days=n) for n in range(min(30, readings))]
    made = [a_reading(n, days[n % len(days)]) for n in range(readings)]
    ledger = [an_entry(n) for n in range(entries)]
    lines = _lines(ledger, made, days) if entries else ()
    plain: dict[str, Any] = {
        "month": "2026-03",
        "patient": a_patient(),
        "practice": PRACTICE,
        "lines": lines,
        "entries": (*ledger, reversed_entry(entries)) if entries else (),
        "tasks": (_task(),) if entries else (),
        "alerts": (an_alert(),) if entries and readings else (),
        "readings": tuple(sorted(made, key=lambda r: (r.measured_at, r.id))),
        "contacts": (_contact(),) if entries else (),
        "consents": (_consent("CCM"), _consent("RPM")),
        "enrolments": (_enrolment("CCM"), _enrolment("RPM")),
        "statements": (_stay(),) if entries else (),
        "gaps": (),
        "changes": (),
    }
    return Evidence(**plain | changes)


def _lines(ledger: list[Entry], made: list[Reading], days: list[date]) -> tuple[ClaimLine, ...]:
    lines = [
        ClaimLine(
            code="99490",
            programme="CCM",
            units=1,
            seconds=sum((x.counted_seconds for x in ledger), Decimal(0)),
            amount=Decimal("60.49"),
            amount_verified=True,
            served_on=(date(2026, 3, 4),),
            why=("1 unit(s): 45 min in 5 entries; threshold met 4 Mar 2026.",),
            entries=tuple(x.id for x in ledger),
            days=(),
        )
    ]
    if days:
        own = {day: tuple(r.id for r in made if r.counts_on == day) for day in days}
        lines.append(
            ClaimLine(
                code="99454",
                programme="RPM",
                units=1,
                seconds=Decimal(0),
                amount=Decimal("43.03"),
                amount_verified=False,
                served_on=(date(2026, 3, 31),),
                why=("1 unit(s): days with an automatic reading; counted to 31 Mar 2026.",),
                entries=(),
                days=tuple(Day(day=day, readings=ids) for day, ids in own.items()),
            )
        )
    return tuple(lines)


def _task() -> Task:
    return Task(
        id=key(2, 0),
        kind="alert",
        title="",
        alert_id=key(3, 0),
        follows=None,
        created_at=START,
        due_at=START + timedelta(minutes=15),
        assignee="Nora Nurse",
        done_at=START + timedelta(minutes=15),
        done_by="Nora Nurse",
        outcome="patient_advised",
        note="She rested, the repeat was lower.",
        checklist=(Step(step="call_patient", at=None, by="Nora Nurse"),),
    )


def _contact() -> Contact:
    return Contact(
        id=key(4, 0),
        task_id=key(2, 0),
        at=START + timedelta(minutes=4),
        channel="phone",
        reached=True,
        staff=NURSE,
        note="Felt well, no headache.",
    )


def _consent(programme: str) -> Consent:
    return Consent(
        id=key(5, len(programme) + ord(programme[0])),
        programme=programme,
        practitioner=DOCTOR,
        given_at=datetime(2026, 1, 15, 15, tzinfo=UTC),
        method="verbal",
        elements=("availability", "cost_sharing", "one_practitioner", "right_to_stop"),
        recorded_by="Nora Nurse",
        recorded_at=datetime(2026, 1, 15, 15, 4, tzinfo=UTC),
        stopped_at=None,
    )


def _stay() -> Statement:
    return Statement(
        id=key(10, 0),
        kind="inpatient_stay",
        first_day=date(2026, 3, 20),
        last_day=date(2026, 3, 22),
        code=None,
        by=None,
        level=None,
        fda_device=None,
        with_visit=None,
        personally=None,
        note="County hospital, discharge letter of Mar 22",
        recorded_by="Nora Nurse",
        recorded_at=datetime(2026, 3, 24, 15, tzinfo=UTC),
        replaces=None,
        reversed_at=None,
        reversed_by=None,
        reversed_reason=None,
    )


def _enrolment(programme: str) -> Enrolment:
    return Enrolment(
        id=key(9, ord(programme[0])),
        programme=programme,
        practitioner=DOCTOR,
        since=date(2026, 1, 15),
        until=None,
        qualifying_conditions=("Hypertension", "Type 2 diabetes") if programme == "CCM" else (),
        high_risk_condition=False,
        care_plan_on=date(2026, 1, 20) if programme == "CCM" else None,
        access_24_7=True,
        new_or_not_seen_12m=False,
        initiating_visit_on=None,
        established_patient=True,
        created_by="Dora Doctor",
        created_at=datetime(2026, 1, 15, 15, tzinfo=UTC),
    )


def a_packet(of: Evidence, *, sign: bool = True, **changes: Any) -> packet.Packet:
    """With the engine's own refusals and rules, of facts that bill something."""
    case = facts("CCM", "RPM", minutes=45, days=12)
    decoded = decode(json.dumps(case))
    rules = rules_for(decoded.month)
    result = evaluate(decoded, rules, today=SIGNED_AT.date())
    found = signed(case)
    values: dict[str, Any] = {
        "facts": frozen(decoded),
        "result_json": as_bytes(result),
        "as_of": SIGNED_AT,
        "evaluated_on": SIGNED_AT.date(),
        "signed": found if sign else None,
        "reproduced": True if sign else None,
    }
    return packet.build(of, result, rules, **values | changes)
