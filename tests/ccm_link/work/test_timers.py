"""A running timer lives on proof of activity, and only documented time counts (I7)."""

from __future__ import annotations

import asyncio
from contextlib import nullcontext
from datetime import UTC, date, datetime, timedelta

import pytest

from ccm_link.codes import Programme
from ccm_link.errors import (
    BeyondProof,
    BusyElsewhere,
    NotFound,
    NotReversible,
    NotYours,
    TimerRunning,
    Undocumented,
    told,
)
from ccm_link.ledger import LEASE_S, StoppedBy
from ccm_link.service import sweep
from ccm_link.work import (
    Actor,
    beat,
    claim,
    confirm_entry,
    log_time,
    month_seconds,
    pause,
    preview,
    resolve,
    reverse_entry,
    tick,
)
from store.ledger import patient_time, start_timer, waiting_entries
from store.pool import open_pool
from store.tenancy import clinic_session
from tests.ccm_link.work.ward import NOW, after, resolving

pytestmark = pytest.mark.services
NOVEMBER, ZONE = date(2026, 11, 1), "America/New_York"


async def _month(conn, patient, programme=Programme.CCM, month=NOVEMBER, clinic="north"):
    return await month_seconds(conn, clinic, patient, programme, month, ZONE)


async def _sweep(ward, now):
    async with open_pool(ward.database.urls["hl_worker"]) as pool:
        return await sweep(pool, now=now)


async def _logged(conn, actor, patient, start, end, programme="CCM", **changes):
    words = {"activity": "call", "interactive": False, "note": "By phone.", "now": after(hours=8)}
    return await log_time(
        conn, "north", actor, patient, programme, start=start, end=end, **(words | changes)
    )


async def test_a_browser_killed_in_mid_timer_ends_at_its_last_proof_and_waits(ward):
    nora, conn = await ward.staff(), await ward.connect()
    patient = await ward.patient()
    _, task = await ward.alert(patient)
    claimed = await claim(conn, "north", nora, task, now=NOW)
    proof = await beat(conn, "north", nora, claimed.entry_id, now=after(60))
    assert (proof.running, proof.seconds) == (True, 60)
    assert await _sweep(ward, after(60 + LEASE_S)) == 0
    assert await _sweep(ward, after(61 + LEASE_S)) == 1
    assert await ward.entries(task) == [("stopped", "active", "abandoned", 60.0)]
    assert await _month(conn, patient) == 0
    (waiting,) = await waiting_entries(conn, "north", nora.id)
    assert (waiting["id"], waiting["seconds"]) == (claimed.entry_id, 60)

    late = await beat(conn, "north", nora, claimed.entry_id, now=after(600))
    assert (late.running, late.seconds, late.ended_reason) == (False, 60, StoppedBy.ABANDONED)
    with pytest.raises(BeyondProof):
        await confirm_entry(
            conn, "north", nora, claimed.entry_id, until=after(61), note="n", now=after(700)
        )
    await confirm_entry(
        conn, "north", nora, claimed.entry_id, until=after(50), note="Read.", now=after(700)
    )
    assert await _month(conn, patient, Programme.RPM) == 50
    with pytest.raises(NotReversible):
        await confirm_entry(
            conn, "north", nora, claimed.entry_id, until=None, note="n", now=after(701)
        )


async def test_a_late_beat_ends_what_no_sweep_has_found_yet(ward):
    nora, conn = await ward.staff(), await ward.connect()
    task = await ward.task()
    claimed = await claim(conn, "north", nora, task, now=NOW)
    await tick(conn, "north", nora, task, "repeat", done=True, now=after(30))
    late = await beat(conn, "north", nora, claimed.entry_id, now=after(31 + LEASE_S))
    assert (late.running, late.ended_reason) == (False, StoppedBy.ABANDONED)
    assert await ward.entries(task) == [("stopped", "active", "abandoned", 30.0)]
    again = await beat(conn, "north", nora, claimed.entry_id, now=after(40))
    assert not again.running


async def test_confirming_ends_what_no_sweep_has_found_yet(ward):
    nora, conn = await ward.staff(), await ward.connect()
    task = await ward.task()
    claimed = await claim(conn, "north", nora, task, now=NOW)
    await beat(conn, "north", nora, claimed.entry_id, now=after(20))
    await confirm_entry(
        conn, "north", nora, claimed.entry_id, until=None, note="Read it.", now=after(500)
    )
    assert await ward.entries(task) == [("confirmed", "active", "abandoned", 20.0)]


async def test_the_database_itself_refuses_a_second_running_timer(ward):
    """Past the lock and past the pause, the constraint speaks in the domain's words."""
    nora, conn = await ward.staff(), await ward.connect()
    timer = {
        "clinic": "north", "staff": nora.id, "task": None, "programme": "CCM",
        "activity": "call", "role": "clinical_staff", "now": NOW, "lease_until": after(90),
        "patient": await ward.patient(),
    }  # fmt: skip
    for expected in (nullcontext(), pytest.raises(TimerRunning)):
        with expected, told():
            async with clinic_session(conn, "north", staff=nora.id):
                await start_timer(conn, timer)
    assert await ward.all("SELECT state FROM time_entry") == [("running",)]


async def test_a_timer_that_measured_nothing_is_taken_back(ward):
    nora, conn = await ward.staff(), await ward.connect()
    task = await ward.task()
    claimed = await claim(conn, "north", nora, task, now=NOW)
    await pause(conn, "north", nora, task, now=NOW)
    await claim(conn, "north", nora, task, now=after(5))
    assert await _sweep(ward, after(5 + LEASE_S + 1)) == 1
    assert await ward.entries(task) == [
        ("stopped", "reversed", "paused", None),
        ("stopped", "reversed", "abandoned", None),
    ]
    gone = await beat(conn, "north", nora, claimed.entry_id, now=after(6))
    assert (gone.running, gone.seconds) == (False, 0)


async def test_resolving_after_the_lease_ran_out_counts_only_what_was_proven(ward):
    nora, conn = await ward.staff(), await ward.connect()
    task = await ward.task()
    claimed = await claim(conn, "north", nora, task, now=NOW)
    await beat(conn, "north", nora, claimed.entry_id, now=after(70))
    saved = await resolve(conn, "north", nora, task, now=after(3600), **resolving())
    assert (saved.seconds, saved.entry_ids) == (70, (claimed.entry_id,))
    assert await ward.entries(task) == [("confirmed", "active", "abandoned", 70.0)]


async def test_every_worker_may_sweep_and_each_timer_ends_once(ward):
    conn = await ward.connect()
    for number in range(8):
        nurse = await ward.staff(f"N{number}")
        claimed = await claim(conn, "north", nurse, await ward.task(f"P{number}"), now=NOW)
        await beat(conn, "north", nurse, claimed.entry_id, now=after(10))
    ended = await asyncio.gather(*(_sweep(ward, after(200)) for _ in range(4)))
    assert sum(ended) == 8


async def test_a_timer_over_the_end_of_a_month_is_split_to_the_second(ward):
    """Midnight of the practice, not of UTC: 2026-12-01 05:00Z in New York."""
    nora, conn = await ward.staff(), await ward.connect()
    patient = await ward.patient()
    await ward.enrol(patient)
    midnight = datetime(2026, 12, 1, 5, tzinfo=UTC)
    _, task = await ward.alert(patient, opened_at=midnight - timedelta(hours=1))
    start, end = midnight - timedelta(seconds=50), midnight + timedelta(seconds=31)
    await claim(conn, "north", nora, task, now=start)
    seen = await preview(conn, "north", nora, task, Programme.CCM, now=end)
    assert [(m.month.month, m.before_s, m.after_s) for m in seen.months] == [
        (11, 0, 50),
        (12, 0, 31),
    ]
    assert seen.sentence == (
        "Will count 0:50 to CCM in November 2026 (0:00 becomes 0:50)"
        " and 0:31 to CCM in December 2026 (0:00 becomes 0:31)."
    )
    assert seen.today_seconds == 31
    await resolve(conn, "north", nora, task, now=end, **resolving())
    assert await _month(conn, patient) == 50
    assert await _month(conn, patient, month=date(2026, 12, 1)) == 31
    (entry,) = await patient_time(conn, "north", patient, date(2026, 12, 1), end)
    assert (entry["seconds_in_month"], entry["staff_name"]) == (31, "Nora Nurse")


async def test_the_night_of_the_clock_change_has_its_own_number_of_seconds(ward):
    """2026-11-01: New York repeats the hour from one to two; 00:30 to 02:30 are three hours."""
    nora, conn = await ward.staff(), await ward.connect()
    patient = await ward.patient()
    start, end = datetime(2026, 11, 1, 4, 30, tzinfo=UTC), datetime(2026, 11, 1, 7, 30, tzinfo=UTC)
    await _logged(conn, nora, patient, start, end)
    local = await ward.connect()
    await local.execute("SET timezone = 'America/New_York'")
    for reader in (conn, local):
        assert await _month(reader, patient) == 3 * 3600
        (entry,) = await patient_time(reader, "north", patient, NOVEMBER, NOW)
        assert entry["seconds_in_month"] == 3 * 3600


async def test_two_people_on_one_patient_at_once_count_one(ward):
    nora, nils = await ward.staff("Nora"), await ward.staff("Nils")
    conn, patient = await ward.connect(), await ward.patient()
    await _logged(conn, nora, patient, NOW, after(600))
    await _logged(conn, nils, patient, after(300), after(900))
    await _logged(conn, nils, patient, after(900), after(960), "RPM")
    await _logged(conn, nils, patient, after(880), after(900), "RPM")
    await _logged(conn, nora, patient, after(2000), after(2600), activity="supervision_only")
    assert await _month(conn, patient) == 880  # the twenty shared with monitoring are monitoring's
    assert await _month(conn, patient, Programme.RPM) == 80


async def test_manual_time_that_overlaps_another_patient_is_held_and_said(ward):
    nora, conn = await ward.staff(), await ward.connect()
    ann, bob = await ward.patient("Ann"), await ward.patient("Bob")
    first = await _logged(conn, nora, ann, NOW, after(600))
    second = await _logged(conn, nora, bob, after(300), after(900))
    assert (first.held, second.held) == (False, True)
    waiting = await waiting_entries(conn, "north", nora.id)
    assert [(e["id"], e["status"]) for e in waiting] == [(second.entry_id, "held")]
    assert await _month(conn, bob) == 0
    with pytest.raises(BusyElsewhere):
        await confirm_entry(
            conn, "north", nora, second.entry_id, until=None, note="n", now=after(hours=9)
        )
    await reverse_entry(conn, "north", nora, first.entry_id, "wrong patient", now=after(hours=9))
    await confirm_entry(
        conn, "north", nora, second.entry_id, until=None, note="n", now=after(hours=9)
    )
    assert (await _month(conn, ann), await _month(conn, bob)) == (0, 600)
    (kept,) = await patient_time(conn, "north", ann, NOVEMBER, after(hours=9))
    assert (kept["status"], kept["reversed_reason"], kept["reversed_by_name"]) == (
        "reversed",
        "wrong patient",
        "Nora Nurse",
    )


async def test_an_abandoned_timer_does_not_hold_what_was_done_after_it(ward):
    nora, conn = await ward.staff(), await ward.connect()
    task, bob = await ward.task("Ann"), await ward.patient("Bob")
    claimed = await claim(conn, "north", nora, task, now=NOW)
    await beat(conn, "north", nora, claimed.entry_id, now=after(40))
    logged = await _logged(conn, nora, bob, after(60), after(120))
    assert not logged.held


async def test_only_ones_own_time_is_confirmed_and_only_an_admin_reverses_for_others(ward):
    nora, nils = await ward.staff("Nora"), await ward.staff("Nils")
    ada = await ward.staff("Ada", "admin")
    conn, task = await ward.connect(), await ward.task()
    claimed = await claim(conn, "north", nora, task, now=NOW)
    entry = claimed.entry_id
    with pytest.raises(TimerRunning):
        await confirm_entry(conn, "north", nora, entry, until=None, note="n", now=after(1))
    await pause(conn, "north", nora, task, now=after(30))
    with pytest.raises(NotYours):
        await confirm_entry(conn, "north", nils, entry, until=None, note="n", now=after(40))
    with pytest.raises(Undocumented):
        await confirm_entry(conn, "north", nora, entry, until=None, note="  ", now=after(40))
    with pytest.raises(NotYours):
        await reverse_entry(conn, "north", nils, entry, "no", now=after(40))
    await reverse_entry(conn, "north", ada, entry, "test call", now=after(40))
    with pytest.raises(NotReversible):
        await reverse_entry(conn, "north", ada, entry, "again", now=after(41))


async def test_reversing_a_running_timer_stops_it_first(ward):
    nora, conn = await ward.staff(), await ward.connect()
    task = await ward.task()
    claimed = await claim(conn, "north", nora, task, now=NOW)
    await reverse_entry(conn, "north", nora, claimed.entry_id, "wrong chart", now=after(20))
    assert await ward.entries(task) == [("stopped", "reversed", "paused", 20.0)]


async def test_ids_of_another_clinic_are_nothing_here(ward):
    await ward.open_clinic("south", zone="America/Chicago")
    nora = await ward.staff(clinics=("north", "south"))
    conn, task = await ward.connect(), await ward.task()
    claimed = await claim(conn, "north", nora, task, now=NOW)
    entry = claimed.entry_id
    stranger = Actor(id=nora.id, role="admin")
    with pytest.raises(NotFound):
        await beat(conn, "south", nora, entry, now=after(1))
    with pytest.raises(NotFound):
        await reverse_entry(conn, "south", stranger, entry, "r", now=after(1))
    with pytest.raises(NotFound):
        await confirm_entry(conn, "south", nora, entry, until=None, note="n", now=after(1))
    with pytest.raises(NotFound):
        await preview(conn, "south", nora, task, Programme.CCM, now=after(1))
    patient = await ward.patient()
    with pytest.raises(NotFound):
        await log_time(
            conn, "south", nora, patient, "CCM", "call", NOW, after(9), False, "n", now=after(10)
        )
    assert await month_seconds(conn, "south", patient, Programme.CCM, NOVEMBER, ZONE) == 0


async def test_the_sentence_says_what_will_be_counted_and_where(ward):
    nora, conn = await ward.staff(), await ward.connect()
    patient = await ward.patient()
    await ward.enrol(patient)
    _, task = await ward.alert(patient)
    await _logged(conn, nora, patient, after(hours=-2), after(850, hours=-2))
    await claim(conn, "north", nora, task, now=NOW)
    seen = await preview(conn, "north", nora, task, Programme.CCM, now=after(65))
    assert (seen.task_seconds, seen.today_seconds) == (65, 915)
    assert (seen.month_seconds_before, seen.month_seconds_after) == (850, 915)
    assert seen.sentence == "Will count 1:05 to CCM in November 2026 (14:10 becomes 15:15)."
    other = await preview(conn, "north", nora, task, Programme.RPM, now=after(65))
    assert other.sentence == (
        "1:05 will be kept and not counted: the patient is not enrolled in RPM."
    )
    saved = await resolve(conn, "north", nora, task, now=after(65), **resolving())
    assert saved.seconds == 65
    assert await _month(conn, patient) == 915
