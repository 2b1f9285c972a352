"""The chain over a real database: from a claim line to the bytes, and what a signature cites."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from uuid import UUID

import msgspec
import pytest

from ccm_link import statements
from ccm_link.corrections import reverse_entry
from ccm_link.evidence import evidence_of_month, rests_on
from ccm_link.evidence_parts import Cause
from ccm_link.months_service import patient_month
from ccm_link.stated import Kind as Stated
from store.evidence import RestsOn, reading_ids
from store.tenancy import clinic_session
from tests.ccm_link.export.story import DAYS, FIRST, MONTH, SEVERE, SIGNED, WORKED_S, tell
from vitals.reading import Kind


@pytest.fixture
async def month(story, console):
    return await patient_month(console, "north", story.patient, MONTH, now=SIGNED)


async def read(console, story, month, **more):
    found = await evidence_of_month(console, "north", story.patient, MONTH, month.result, **more)
    assert found is not None
    return found


@pytest.fixture
async def evidence(story, console, month):
    return await read(console, story, month, facts=month.facts)


def line(evidence, code):
    return next(line for line in evidence.lines if line.code == code)


async def test_a_line_of_minutes_leads_down_to_the_bytes(story, evidence):
    billed = line(evidence, "99490")
    assert set(billed.entries) == {story.timed, story.by_hand}
    assert billed.seconds == WORKED_S + 15 * 60
    assert billed.why
    entry = evidence.entry(story.timed)
    assert entry.cause is Cause.ALERT
    assert (entry.staff.name, entry.role, entry.source) == ("Demo Nurse", "clinical_staff", "timer")
    assert entry.counted_seconds == WORKED_S
    assert [(s.start, s.end) for s in entry.counted] == [(entry.started_at, entry.ended_at)]
    task = evidence.task(entry.task_id)
    assert (task.id, task.outcome, task.done_by) == (story.task, "patient_advised", "Demo Nurse")
    alert = evidence.alert_of(entry)
    assert (alert.id, alert.lineage) == (task.alert_id, "blood_pressure.high")
    assert alert.events[0].event == "fired"
    assert alert.events[-1].event == "resolved"
    assert alert.events[-1].by == "Demo Nurse"
    finding = next(f for f in alert.findings if f.reading_id == UUID(story.severe))
    assert finding.observed["systolic_mmhg"] == 191
    assert finding.limits[0]["source"]
    assert finding.rules_version
    reading = evidence.reading(finding.reading_id)
    assert reading.measured_at == SEVERE
    assert [m.value for m in reading.values] == [191, 124]
    assert [(b.characteristic, b.codec) for b in reading.raw] == [
        ("2A35", "Blood Pressure Measurement")
    ]
    assert bytes.fromhex(reading.raw[0].hex)
    assert (reading.clock.certainty, reading.clock.offset_seconds) == ("device_clock", 0)
    assert (reading.source.kind, reading.source.assigned_since is not None) == (
        "blood_pressure",
        True,
    )
    assert (reading.gateway, reading.envelope_id) == ("gw-1", "e")


async def test_the_call_inside_of_an_entry_is_found(story, evidence):
    (contact,) = evidence.contacts_of(evidence.entry(story.timed))
    assert (contact.id, contact.channel, contact.reached) == (story.contact, "phone", True)
    assert evidence.entry(story.timed).interactive


async def test_work_by_hand_says_so(story, evidence):
    entry = evidence.entry(story.by_hand)
    assert (entry.cause, entry.task_id, entry.contacts) == (Cause.BY_HAND, None, ())
    assert entry.note == "Went through the plan with the daughter."


async def test_a_correction_is_told_whole(story, evidence):
    wrong, right = evidence.entry(story.wrong), evidence.entry(story.right)
    assert (wrong.status, wrong.is_judged, wrong.counted_seconds) == ("reversed", False, 0)
    assert (wrong.reversed_by, wrong.reversed_reason) == (
        "Demo Nurse",
        "It was five minutes, not fifty",
    )
    assert (right.status, right.counted_seconds) == ("active", 300)
    assert (right.replaces, wrong.replaced_by) == (wrong.id, right.id)


async def test_what_somebody_stated_is_told_with_what_was_taken_back(story, console, month):
    stay = statements.Statement(
        kind=Stated.INPATIENT_STAY,
        first_day=date(2026, 10, 25),
        last_day=date(2026, 10, 27),
        note="Discharge letter",
    )
    nurse = story.actor("nurse")
    said = await statements.state(
        story.admin, "north", nurse, story.patient, stay, now=SIGNED - timedelta(days=1)
    )
    signed = await story.sign()
    as_signed = {"signing": signed.id, "as_of": signed.signed_at}
    (told,) = (await read(console, story, month, **as_signed)).statements
    assert (told.id, told.kind, told.recorded_by) == (said, "inpatient_stay", "Demo Nurse")
    assert (told.first_day, told.last_day) == (date(2026, 10, 25), date(2026, 10, 27))
    await statements.take_back(
        story.admin, "north", nurse, said, "Another patient's", now=SIGNED + timedelta(days=1)
    )
    after = await read(console, story, month, **as_signed)
    assert after.statements == (told,)
    (change,) = after.changes
    assert change.startswith("Taken back 2026-11-04")
    (now,) = (await read(console, story, month)).statements
    assert now.reversed_reason == "Another patient's"


async def test_a_day_has_the_readings_that_make_it_one(story, evidence):
    billed = line(evidence, "99454")
    assert [day.day for day in billed.days] == [
        FIRST.date() + timedelta(days=n) for n in range(DAYS)
    ]
    assert [day.readings for day in billed.days] == [(UUID(r),) for r in story.readings]
    assert evidence.reading(UUID(story.readings[0])).counts_on == FIRST.date()
    assert len(evidence.readings) == DAYS
    assert evidence.gaps == ()


async def test_consents_and_enrolments(evidence):
    assert [(c.programme, c.method, len(c.elements)) for c in evidence.consents] == [
        ("CCM", "verbal", 4),
        ("RPM", "verbal", 4),
    ]
    ccm, rpm = evidence.enrolments
    assert ccm.qualifying_conditions == ("Hypertension", "Diabetes")
    assert (ccm.care_plan_on, rpm.care_plan_on) == (date(2026, 10, 1), None)
    assert ccm.practitioner.name == "Demo Provider"


async def test_a_reading_of_a_failed_or_uncertain_day_is_not_counted(database, story, console):
    at = FIRST + timedelta(days=DAYS)
    await story.home.measure([], Kind.UNDECODED, at=at)
    async with clinic_session(console, "north"):
        found = await reading_ids(
            console, "north", {story.patient: RestsOn(days=[at.date(), FIRST.date()])}
        )
    assert found == {story.patient: frozenset({UUID(story.readings[0])})}


async def test_what_a_signature_cites_is_what_the_evidence_shows(story, console, month, evidence):
    signed = await story.sign()
    cited = await (
        await story.admin.execute(
            "SELECT reading_id FROM reading_citation WHERE why = %s", [f"month {signed.id}"]
        )
    ).fetchall()
    shown = {reading.id for reading in evidence.readings}
    assert {row[0] for row in cited} == shown
    async with clinic_session(console, "north"):
        found = await reading_ids(console, "north", {story.patient: rests_on(month.facts)})
    assert found[story.patient] == shown


async def test_many_patients_are_asked_for_at_once(database, admin, console, story):
    other = await tell(database, admin, clinic="south", number=2)
    nobody = UUID(int=9)
    async with clinic_session(console, "north"):
        found = await reading_ids(
            console,
            "north",
            {
                story.patient: RestsOn(entries=[story.timed]),
                other.patient: RestsOn(days=[FIRST.date()], entries=[other.timed]),
                nobody: RestsOn(days=[FIRST.date()]),
            },
        )
    assert found == {
        story.patient: frozenset({UUID(story.severe)}),
        other.patient: frozenset(),  # another clinic's
        nobody: frozenset(),
    }


async def test_another_clinic_has_no_evidence(database, admin, story, console, month):
    await tell(database, admin, clinic="south", number=2)
    found = await evidence_of_month(console, "south", story.patient, MONTH, month.result)
    assert found is None


async def test_a_reading_that_was_somebody_elses_shows_no_value(story, console, month):
    await story.admin.execute(
        "UPDATE finding SET withdrawn_at = %s, withdrawn_reason = 'reassigned'", [SIGNED]
    )
    found = await read(console, story, month)
    for finding in found.alerts[0].findings:
        assert (finding.reading_id, finding.observed) == (None, {})
        assert finding.withdrawn_reason == "reassigned"
    async with clinic_session(console, "north"):
        cited = await reading_ids(console, "north", {story.patient: RestsOn(entries=[story.timed])})
    assert cited == {story.patient: frozenset()}


async def test_a_day_whose_readings_moved_is_a_gap(story, console, month):
    await story.admin.execute(
        "UPDATE reading SET patient_id = NULL WHERE measured_at = %s", [FIRST]
    )
    found = await read(console, story, month)
    assert found.gaps == ("99454: no reading of Oct 2, 2026 is this patient's any more.",)


async def test_of_a_signed_month_nothing_later_is_shown_and_all_of_it_is_told(
    story, console, month
):
    signed = await story.sign()
    as_signed = {"facts": month.facts, "signing": signed.id, "as_of": signed.signed_at}
    before = await read(console, story, month, **as_signed)
    assert (before.changes, before.gaps) == ((), ())
    later = SIGNED + timedelta(days=1)
    nurse = story.actor("nurse")
    await reverse_entry(story.admin, "north", nurse, story.by_hand, "Another patient's", now=later)
    await story.home.pressure(130, 80, at=FIRST + timedelta(hours=1))
    after = await read(console, story, month, **as_signed)
    assert [change.partition(" ")[0] for change in after.changes] == ["Entry", "Readings"]
    assert str(story.by_hand) in after.changes[0]
    assert after.changes[1].endswith(": 1.")
    assert msgspec.structs.replace(after, changes=()) == before
    assert after.entry(story.by_hand).status == "active"


async def test_a_cited_reading_that_moved_is_a_gap(story, console, month):
    signed = await story.sign()
    await story.admin.execute(
        "UPDATE reading SET patient_id = NULL WHERE measured_at = %s", [FIRST]
    )
    found = await read(
        console, story, month, facts=month.facts, signing=signed.id, as_of=signed.signed_at
    )
    assert found.gaps == (
        "99454: no reading of Oct 2, 2026 is this patient's any more.",
        "Readings that were signed for and are not this patient's any more: 1.",
    )


async def test_a_month_without_anything(story, console, month):
    june = type(MONTH).parse("2026-06")
    result = replace(month.result, billable=(), ledger=(), rejections=())
    found = await evidence_of_month(console, "north", story.patient, june, result)
    assert found is not None
    assert (found.lines, found.entries, found.readings, found.alerts) == ((), (), (), ())
    assert found.enrolments == ()
