"""The chain behind a line in words: every link, and what is said where a link is missing."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from uuid import uuid4
from zoneinfo import ZoneInfo

import msgspec

from api.auth.viewer import Role, Viewer
from api.chain_steps import Chain
from api.line_view import line_page
from ccm_link.calendar_month import Month
from ccm_link.codes import Programme, Reason
from ccm_link.codes import Role as Worked
from ccm_link.evaluate import Result
from ccm_link.evidence_parts import Cause, Said
from ccm_link.outcome import LedgerRow, Refusal
from ccm_link.rules import rules_for
from tests.api.month import evidence as made

VIEWER = Viewer(
    staff_id=uuid4(),
    name="Demo Biller",
    credential="",
    role=Role.BILLER,
    clinic="north",
    clinic_name="North Clinic",
    zone=ZoneInfo("America/New_York"),
    glucose_unit="mg/dL",
    weight_unit="lb",
    csrf="token",
    token_hash=b"",
)
RULES = rules_for(Month.parse("2026-11"))


def result(*rejections, ledger=()):
    return Result(
        billable=(),
        rejections=rejections,
        alternatives=(),
        ledger=ledger,
        standings=(),
        notes=(),
        explanations=(),
        refused=frozenset(),
        rules_version="0123456789ab",
    )


def page(code="99490", of=None, *rejections):
    return line_page(code, of or made.evidence(), result(*rejections), RULES, VIEWER)


def links(step):
    """From a step down its first child, by kind."""
    return [step.kind, *(links(step.steps[0]) if step.steps else [])]


def test_a_minute_leads_down_to_the_bytes():
    shown = page()
    (entry,) = shown.chain
    assert links(entry) == ["entry", "task", "alert", "finding", "reading"]
    reading = entry.steps[0].steps[0].steps[0].steps[0]
    assert reading.title == "Blood pressure 191/124 mmHg"
    assert reading.raw == (("2A35 Blood Pressure Measurement", "16bf007c000000"),)
    facts = dict(reading.facts)
    assert facts["Device clock showed"] == "2026-11-03 09:56:30"
    assert facts["Device clock minus UTC"] == "\N{MINUS SIGN}4:57:30"
    assert facts["Device"] == "BP7000 0042, user 1"
    assert [step.kind for step in entry.steps] == ["task", "call"]


def test_a_day_leads_down_to_the_bytes_too():
    (day,) = page("99454").chain
    assert (day.title, day.said) == ("Tue, Nov 3, 2026", "1 reading that counts")
    assert links(day) == ["day", "reading"]


def test_every_step_says_what_it_proves():
    def walk(step):
        yield step
        for inner in step.steps:
            yield from walk(inner)

    steps = [s for code in ("99490", "99454") for top in page(code).chain for s in walk(top)]
    assert all(step.proves.endswith(".") for step in steps)


def test_time_by_hand_says_that_nothing_lies_behind_it():
    entry = made.an_entry(cause=Cause.BY_HAND, task_id=None, contacts=())
    (only,) = page(of=made.evidence(entries=(entry,))).chain
    assert links(only) == ["entry", "plan"]
    assert "note" in only.steps[0].proves


def test_a_follow_up_leads_to_the_task_that_it_follows():
    entry = made.an_entry(cause=Cause.FOLLOW_UP, task_id=made.key(21))
    follow = made.a_task(21, kind="follow_up", title="Call again", alert_id=None)
    follow = msgspec.structs.replace(follow, follows=made.key(20))
    (only,) = page(of=made.evidence(entries=(entry,), tasks=(made.a_task(), follow))).chain
    assert links(only) == ["entry", "task", "task", "alert", "finding", "reading"]
    assert only.steps[0].title == "Follow-up: Call again"


def test_a_reading_that_is_gone_is_said_and_not_left_out():
    (entry,) = page(of=made.evidence(readings=())).chain
    lost = entry.steps[0].steps[0].steps[0].steps[0]
    assert "not here any more" in lost.title
    assert lost.problem
    (day,) = page("99454", made.evidence(readings=())).chain
    assert day.problem == "No reading of this day is here any more."


def test_a_withdrawn_finding_asks_for_a_look_and_shows_no_value_of_somebody_else():
    gone = made.a_finding(
        withdrawn_at=made.AT, withdrawn_reason="reassigned", observed={}, reading_id=None, limits=()
    )
    of = made.evidence(alerts=(made.an_alert(findings=(gone,)),))
    (finding,) = Chain(of=of, viewer=VIEWER).alert(of.alerts[0]).steps
    assert finding.title == "High blood pressure"
    assert "reassigned" in finding.problem


def test_what_did_not_count_stands_beside_it_with_its_reason():
    lost = made.an_entry(
        2, said=(Said(reason="INPATIENT", detail="12 min fall on days in hospital."),)
    )
    back = made.an_entry(3, status="reversed", reversed_by="Demo Nurse", reversed_reason="Twice")
    waits = made.an_entry(4, state="stopped")
    other = made.an_entry(5, programme="RPM", said=lost.said)
    of = made.evidence(entries=(made.an_entry(), lost, back, waits, other))
    told = [" ".join(row.why) for row in page("99490", of).not_counted]
    assert told == [
        "12 min fall on days in hospital.",
        "Taken back by Demo Nurse: Twice.",
        "Not confirmed: it waits for its note.",
    ]


def test_refusals_of_the_lines_programme_only():
    days = Refusal(
        subject="2026-11-08", reason=Reason.PERIOD_NOT_ENDED, parts={"days": 3, "last": "x"}
    )
    ccm = Refusal(subject="99487", reason=Reason.COMPLEX_MDM_NOT_DOCUMENTED)
    rpm = Refusal(subject="99457", reason=Reason.NO_INTERACTIVE_COMMUNICATION)
    own = {
        code: [r.what for r in page(code, None, days, ccm, rpm).not_counted]
        for code in ("99490", "99454")
    }
    assert own == {"99490": ["99487"], "99454": ["Days from Nov 8", "99457"]}


def test_an_entrys_refusal_is_told_with_the_entry_alone():
    row = LedgerRow(
        entry="e1", programme=Programme.CCM, staff="s", role=Worked.CLINICAL_STAFF,
        logged=1, counted=(), lost=(),
    )  # fmt: skip
    refusal = Refusal(subject="e1", reason=Reason.INVALID_ENTRY)
    shown = line_page("99490", made.evidence(), result(refusal, ledger=(row,)), RULES, VIEWER)
    assert shown is not None
    assert shown.not_counted == ()


def test_the_rules_and_the_gate_stand_beside_the_line():
    assert [rule.confidence for rule in page().rules] == ["V1", "V1"]
    assert "16 days" in page("99454").rules[0].says
    assert {row.what for row in page().in_place} == {
        "Enrolled",
        "Conditions",
        "Care plan",
        "Consent",
    }


def test_what_was_stated_stands_beside_it_until_it_is_taken_back():
    gone = made.a_stay(reversed_at=made.AT, reversed_by="Demo Nurse", reversed_reason="Wrong")
    told = page(of=made.evidence(statements=(made.a_stay(), gone))).in_place[-1]
    assert told.what == "Inpatient stays"
    assert told.record.startswith("Nov 10, 2026 to Nov 12, 2026, Pneumonia; recorded by Demo Nurse")
    assert [row.what for row in page(of=made.evidence(statements=(gone,))).in_place][-1] == (
        "Consent"
    )


def test_an_amount_says_whether_it_is_an_estimate():
    assert page().amount == "$66.13, an estimate"
    loaded = made.a_line(amount_verified=True)
    assert page(of=made.evidence(lines=(loaded,))).amount == "$66.13"
    unknown = made.a_line(amount=Decimal(0))
    assert page(of=made.evidence(lines=(unknown,))).amount == ""


def test_a_code_that_the_month_does_not_have_has_no_page():
    assert page("99491") is None


def test_instants_are_read_in_the_clinics_zone():
    (entry,) = page().chain
    assert dict(entry.facts)["From"] == "Tue, Nov 3, 2026, 10:00 AM EST"
    assert datetime(2026, 11, 3, 15, tzinfo=UTC) == made.AT
