"""Claiming: one has it, the other is told; claiming B pauses A; no timer stands in the way."""

from __future__ import annotations

import asyncio

import pytest

from ccm_link.codes import Programme
from ccm_link.errors import AlreadyDone, AlreadyTaken, NotFound, NotYours, Undocumented
from ccm_link.work import claim, pause, release, resolve, take_over
from tests.ccm_link.work.ward import NOW, after, resolving

pytestmark = pytest.mark.services


async def _attempt(conn, actor, task, now=NOW):
    try:
        return await claim(conn, "north", actor, task, now=now)
    except AlreadyTaken as refusal:
        return refusal


async def test_two_nurses_at_the_same_moment_one_has_it_the_other_is_told(ward):
    nora, nils = await ward.staff("Nora"), await ward.staff("Nils")
    first, second = await ward.connect(), await ward.connect()
    for number in range(20):
        task = await ward.task(f"P{number}")
        answers = await asyncio.gather(
            _attempt(first, nora, task), _attempt(second, nils, task), return_exceptions=True
        )
        (told,) = [a for a in answers if isinstance(a, AlreadyTaken)]
        (won,) = [a for a in answers if not isinstance(a, AlreadyTaken)]
        assert told.by_name == ("Nora" if answers[0] is won else "Nils")
        assert told.at == NOW
        (holder,) = await ward.one(
            "SELECT staff_id FROM time_entry WHERE task_id = %s AND state = 'running'", task
        )
        assert holder == (nora.id if answers[0] is won else nils.id)
    running = await ward.all("SELECT staff_id FROM time_entry WHERE state = 'running'")
    assert len(running) <= 2


async def test_claiming_starts_a_timer_in_the_patients_programme(ward):
    nora, conn = await ward.staff(), await ward.connect()
    patient = await ward.patient()
    await ward.enrol(patient, "CCM")
    _, task = await ward.alert(patient)
    claimed = await claim(conn, "north", nora, task, now=NOW)
    assert (claimed.programme, claimed.enrolled, claimed.paused) == (Programme.CCM, True, None)
    assert await ward.one("SELECT state, acknowledged_by FROM alert") == ("acknowledged", nora.id)
    events = await ward.all("SELECT event, state, actor FROM alert_event")
    assert events == [("acknowledged", "acknowledged", f"staff:{nora.id}")]
    entry = await ward.one("SELECT programme, role, source, lower(during) FROM time_entry")
    assert entry == ("CCM", "clinical_staff", "timer", NOW)


async def test_claiming_b_pauses_a_and_every_second_counts_once(ward):
    nora, conn = await ward.staff(), await ward.connect()
    a, b = await ward.task("A"), await ward.task("B")
    await claim(conn, "north", nora, a, now=NOW)
    claimed = await claim(conn, "north", nora, b, now=after(80))
    assert claimed.paused is not None
    assert (claimed.paused.task_id, claimed.paused.seconds) == (a, 80)
    await resolve(conn, "north", nora, b, now=after(140), **resolving())
    await resolve(conn, "north", nora, a, now=after(150), **resolving())
    assert await ward.entries(a) == [("confirmed", "active", "paused", 80.0)]
    assert await ward.entries(b) == [("confirmed", "active", "resolved", 60.0)]
    (touching,) = await ward.one(
        "SELECT count(*) FROM time_entry x JOIN time_entry y ON upper(x.during) = lower(y.during)"
    )
    assert touching == 1


async def test_claiming_ones_own_again_resumes_the_same_timer(ward):
    nora, conn = await ward.staff(), await ward.connect()
    task = await ward.task()
    first = await claim(conn, "north", nora, task, now=NOW)
    again = await claim(conn, "north", nora, task, now=after(30))
    assert again.entry_id == first.entry_id
    await pause(conn, "north", nora, task, now=after(60))
    resumed = await claim(conn, "north", nora, task, now=after(600))
    assert resumed.entry_id != first.entry_id
    assert await ward.all("SELECT event FROM alert_event") == [("acknowledged",)]
    (claimed_at,) = await ward.one("SELECT claimed_at FROM care_task WHERE id = %s", task)
    assert claimed_at == NOW


async def test_an_alert_that_fired_again_is_acknowledged_again(ward):
    nora, conn = await ward.staff(), await ward.connect()
    task = await ward.task()
    await claim(conn, "north", nora, task, now=NOW)
    await ward.admin.execute("UPDATE alert SET state = 'firing'")
    await claim(conn, "north", nora, task, now=after(10))
    assert await ward.one("SELECT state FROM alert") == ("acknowledged",)
    assert len(await ward.all("SELECT FROM alert_event")) == 2


async def test_whoever_claims_the_question_whose_reading_has_not_answered_it(ward):
    nora, conn = await ward.staff(), await ward.connect()
    task = await ward.task(lineage="weight.whose", state="pending")
    await claim(conn, "north", nora, task, now=NOW)
    await claim(conn, "north", nora, task, now=after(5))
    assert await ward.one("SELECT state, acknowledged_by FROM alert") == ("pending", nora.id)
    assert len(await ward.all("SELECT FROM alert_event")) == 1


async def test_two_sessions_of_one_person_leave_exactly_one_timer_running(ward):
    nora = await ward.staff()
    first, second = await ward.connect(), await ward.connect()
    for number in range(10):
        a, b = await ward.task(f"A{number}"), await ward.task(f"B{number}")
        now = after(number * 60)
        await asyncio.gather(
            claim(first, "north", nora, a, now=now), claim(second, "north", nora, b, now=now)
        )
        running = await ward.all(
            "SELECT task_id FROM time_entry WHERE state = 'running' AND status = 'active'"
        )
        assert len(running) == 1
        assert running[0][0] in {a, b}


async def test_a_claim_is_never_refused_for_a_clock_that_is_behind(ward):
    nora, conn = await ward.staff(), await ward.connect()
    a, b = await ward.task("A"), await ward.task("B")
    await claim(conn, "north", nora, a, now=NOW)
    claimed = await claim(conn, "north", nora, b, now=after(-2))
    assert claimed.paused is not None
    assert claimed.paused.seconds == 0
    assert await ward.entries(a) == [("stopped", "reversed", "paused", None)]


async def test_a_nurse_of_two_clinics_is_paused_in_one_by_claiming_in_the_other(ward):
    await ward.open_clinic("south", zone="America/Chicago")
    nora = await ward.staff(clinics=("north", "south"))
    conn = await ward.connect()
    a, b = await ward.task("A"), await ward.task("B", "south")
    await claim(conn, "north", nora, a, now=NOW)
    claimed = await claim(conn, "south", nora, b, now=after(45))
    assert claimed.paused is not None
    assert (claimed.paused.clinic, claimed.paused.seconds) == ("north", 45)
    assert await ward.entries(a) == [("stopped", "active", "paused", 45.0)]


async def test_what_is_done_or_of_another_clinic_is_not_claimed(ward):
    await ward.open_clinic("south", zone="America/Chicago")
    nora, nils = await ward.staff("Nora"), await ward.staff("Nils", clinics=("south",))
    conn = await ward.connect()
    task = await ward.task()
    with pytest.raises(NotFound):
        await claim(conn, "south", nils, task, now=NOW)
    await claim(conn, "north", nora, task, now=NOW)
    await resolve(conn, "north", nora, task, now=after(20), **resolving())
    with pytest.raises(AlreadyDone) as told:
        await claim(conn, "north", nora, task, now=after(30))
    assert (told.value.by_name, told.value.at) == ("Nora", after(20))


async def test_releasing_gives_the_task_back_and_keeps_the_time_waiting(ward):
    nora, nils = await ward.staff("Nora"), await ward.staff("Nils")
    conn = await ward.connect()
    task = await ward.task()
    await claim(conn, "north", nora, task, now=NOW)
    with pytest.raises(AlreadyTaken):
        await release(conn, "north", nils, task, now=after(10))
    await release(conn, "north", nora, task, now=after(50))
    with pytest.raises(NotYours):
        await pause(conn, "north", nora, task, now=after(51))
    assert await ward.one("SELECT state, assignee FROM care_task") == ("open", None)
    assert await ward.one("SELECT state, acknowledged_by FROM alert") == ("firing", None)
    assert await ward.entries(task) == [("stopped", "active", "released", 50.0)]


async def test_taking_over_stops_the_colleagues_timer_and_says_why(ward):
    nora, nils = await ward.staff("Nora"), await ward.staff("Nils")
    conn = await ward.connect()
    task = await ward.task()
    await claim(conn, "north", nora, task, now=NOW)
    with pytest.raises(Undocumented):
        await take_over(conn, "north", nils, task, reason=" ", now=after(40))
    await take_over(conn, "north", nils, task, reason="Nora is on a call", now=after(40))
    assert await ward.one("SELECT assignee, claimed_at FROM care_task") == (nils.id, after(40))
    assert await ward.entries(task) == [
        ("stopped", "active", "released", 40.0),
        ("running", "active", None, None),
    ]
    events = await ward.all("SELECT event, detail->>'reason' FROM alert_event ORDER BY seq")
    assert events == [
        ("acknowledged", None),
        ("released", "Nora is on a call"),
        ("acknowledged", None),
    ]


async def test_two_who_take_over_from_each_other_do_not_wait_for_ever(ward):
    nora, nils = await ward.staff("Nora"), await ward.staff("Nils")
    first, second = await ward.connect(), await ward.connect()
    a, b = await ward.task("A"), await ward.task("B")
    await claim(first, "north", nora, a, now=NOW)
    await claim(second, "north", nils, b, now=NOW)
    await asyncio.gather(
        take_over(first, "north", nora, b, reason="swap", now=after(10)),
        take_over(second, "north", nils, a, reason="swap", now=after(10)),
    )
    holders = await ward.all("SELECT id, assignee FROM care_task")
    assert dict(holders) == {a: nils.id, b: nora.id}
