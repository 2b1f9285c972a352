"""Closing a task is one act: note, confirmed time, alert and task, all or nothing."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from ccm_link.errors import (
    AlreadyDone,
    AlreadyTaken,
    BadInterval,
    EpisodeOpen,
    NotYours,
    TooLate,
    Undocumented,
    UnknownWord,
)
from ccm_link.work import (
    UNDO_S,
    claim,
    log_contact,
    pause,
    resolve,
    snooze,
    take_over,
    tick,
    undo_resolve,
)
from store.errors import DataRefused
from store.worklist import queue_counts, queue_rows
from tests.ccm_link.work.ward import NOW, after, resolving

pytestmark = pytest.mark.services


async def test_resolving_writes_note_time_alert_and_task_in_one_act(ward):
    nora, conn = await ward.staff(), await ward.connect()
    task = await ward.task()
    await claim(conn, "north", nora, task, now=NOW)
    await pause(conn, "north", nora, task, now=after(50))
    await claim(conn, "north", nora, task, now=after(100))
    saved = await resolve(
        conn, "north", nora, task, now=after(130), **resolving(programme="RPM", activity="call")
    )
    assert (saved.seconds, len(saved.entry_ids)) == (80, 2)
    assert saved.undo_until == after(130 + UNDO_S)
    rows = await ward.all(
        "SELECT DISTINCT state, programme, activity, note, confirmed_at FROM time_entry"
    )
    note = resolving()["note"]
    assert rows == [("confirmed", "RPM", "call", note, after(130))]
    alert = await ward.one("SELECT state, resolved_by, outcome, note FROM alert")
    assert alert == ("resolved", nora.id, "patient_advised", note)
    done = await ward.one("SELECT state, done_by, outcome, note, done_at FROM care_task")
    assert done == ("done", nora.id, "patient_advised", note, after(130))
    events = await ward.all("SELECT event, detail->>'outcome' FROM alert_event ORDER BY seq")
    assert events == [("acknowledged", None), ("resolved", "patient_advised")]


async def test_a_question_is_dismissed_where_it_was_another_persons_weight(ward):
    nora, conn = await ward.staff(), await ward.connect()
    task = await ward.task(lineage="weight.whose", state="pending")
    await claim(conn, "north", nora, task, now=NOW)
    words = resolving(outcome="not_this_patient")
    await resolve(conn, "north", nora, task, now=after(9), **words)
    assert await ward.one("SELECT state, outcome FROM alert") == ("resolved", "not_this_patient")
    events = await ward.all("SELECT event, state FROM alert_event ORDER BY seq")
    assert events == [("acknowledged", "pending"), ("dismissed", "resolved")]


async def test_what_fails_at_the_end_leaves_nothing_written(ward):
    """The task's own row refuses, after entries and alert were written."""
    nora, conn = await ward.staff(), await ward.connect()
    task = await ward.task()
    await claim(conn, "north", nora, task, now=NOW)
    await ward.admin.execute(
        "ALTER TABLE care_task ADD CONSTRAINT refuse_done CHECK (state <> 'done')"
    )
    with pytest.raises(DataRefused) as refusal:
        await resolve(conn, "north", nora, task, now=after(60), **resolving())
    assert refusal.value.constraint == "refuse_done"
    assert await ward.entries(task) == [("running", "active", None, None)]
    assert await ward.one("SELECT state, outcome FROM alert") == ("acknowledged", None)
    assert len(await ward.all("SELECT FROM alert_event")) == 1


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"note": " "}, Undocumented),
        ({"outcome": "fine"}, UnknownWord),
        ({"programme": "TCM"}, UnknownWord),
        ({"activity": "napping"}, UnknownWord),
    ],
)
async def test_words_outside_of_their_sets_are_refused(ward, changes, refusal):
    nora, conn = await ward.staff(), await ward.connect()
    task = await ward.task()
    await claim(conn, "north", nora, task, now=NOW)
    with pytest.raises(refusal):
        await resolve(conn, "north", nora, task, now=after(9), **resolving(**changes))
    assert await ward.one("SELECT state FROM care_task") == ("claimed",)


async def test_only_who_has_a_task_closes_it_and_only_once(ward):
    nora, nils = await ward.staff("Nora"), await ward.staff("Nils")
    conn, task = await ward.connect(), await ward.task()
    with pytest.raises(NotYours):
        await resolve(conn, "north", nora, task, now=NOW, **resolving())
    await claim(conn, "north", nora, task, now=NOW)
    with pytest.raises(AlreadyTaken):
        await resolve(conn, "north", nils, task, now=after(5), **resolving())
    await resolve(conn, "north", nora, task, now=after(10), **resolving())
    with pytest.raises(AlreadyDone):
        await resolve(conn, "north", nora, task, now=after(11), **resolving())


async def test_a_colleagues_time_on_the_task_stays_theirs_to_document(ward):
    nora, nils = await ward.staff("Nora"), await ward.staff("Nils")
    conn, task = await ward.connect(), await ward.task()
    await claim(conn, "north", nora, task, now=NOW)
    await take_over(conn, "north", nils, task, reason="shift ends", now=after(30))
    saved = await resolve(conn, "north", nils, task, now=after(70), **resolving())
    assert saved.seconds == 40
    assert await ward.entries(task) == [
        ("stopped", "active", "released", 30.0),
        ("confirmed", "active", "resolved", 40.0),
    ]


async def test_undo_brings_task_alert_and_time_back_and_leaves_a_trace(ward):
    nora, nils = await ward.staff("Nora"), await ward.staff("Nils")
    conn, task = await ward.connect(), await ward.task()
    await claim(conn, "north", nora, task, now=NOW)
    words = resolving(follow_up=date(2026, 11, 23), interactive=True)
    saved = await resolve(conn, "north", nora, task, now=after(60), **words)
    with pytest.raises(AlreadyDone):
        await undo_resolve(conn, "north", nils, task, now=after(61))
    await undo_resolve(conn, "north", nora, task, now=after(60 + UNDO_S))
    assert await ward.one("SELECT state, assignee, note FROM care_task WHERE id = %s", task) == (
        "claimed",
        nora.id,
        "",
    )
    assert await ward.one("SELECT state, outcome, resolved_at FROM alert") == (
        "acknowledged",
        None,
        None,
    )
    assert await ward.one("SELECT state, outcome FROM care_task WHERE follows = %s", task) == (
        "done",
        "withdrawn",
    )
    rows = await ward.all(
        "SELECT state, status, interactive, replaces, note FROM time_entry ORDER BY created_at"
    )
    assert rows == [
        ("confirmed", "reversed", True, None, words["note"]),
        ("stopped", "active", False, saved.entry_ids[0], ""),
    ]
    again = await resolve(conn, "north", nora, task, now=after(400), **resolving())
    assert again.seconds == 60


async def test_undo_ends_after_five_minutes_and_where_it_fired_again(ward):
    nora, conn = await ward.staff(), await ward.connect()
    patient = await ward.patient()
    _, task = await ward.alert(patient)
    with pytest.raises(TooLate):
        await undo_resolve(conn, "north", nora, task, now=NOW)
    await claim(conn, "north", nora, task, now=NOW)
    await resolve(conn, "north", nora, task, now=after(60), **resolving())
    with pytest.raises(TooLate):
        await undo_resolve(conn, "north", nora, task, now=after(61 + UNDO_S))
    await ward.alert(patient, opened_at=after(90))
    with pytest.raises(EpisodeOpen):
        await undo_resolve(conn, "north", nora, task, now=after(100))
    assert await ward.entries(task) == [("confirmed", "active", "resolved", 60.0)]


async def test_a_live_talk_marks_the_time_that_it_fell_into(ward):
    nora, conn = await ward.staff(), await ward.connect()
    task = await ward.task()
    await claim(conn, "north", nora, task, now=NOW)
    await _contact(conn, nora, task, "phone", after(20))
    await pause(conn, "north", nora, task, now=after(40))
    await claim(conn, "north", nora, task, now=after(60))
    await _contact(conn, nora, task, "message", after(70))
    await _contact(conn, nora, task, "phone", after(75), reached=False)
    await resolve(conn, "north", nora, task, now=after(90), **resolving(interactive=True))
    marks = await ward.all("SELECT interactive FROM time_entry ORDER BY created_at")
    assert marks == [(True,), (False,)]
    assert len(await ward.all("SELECT FROM contact WHERE reached")) == 2


async def test_a_ticked_conversation_without_a_logged_call_marks_the_last_entry(ward):
    nora, conn = await ward.staff(), await ward.connect()
    task = await ward.task()
    for start in (0, 60):
        await claim(conn, "north", nora, task, now=after(start))
        await pause(conn, "north", nora, task, now=after(start + 30))
    await resolve(conn, "north", nora, task, now=after(100), **resolving(interactive=True))
    marks = await ward.all("SELECT interactive FROM time_entry ORDER BY created_at")
    assert marks == [(False,), (True,)]


async def _contact(conn, actor, task, channel, now, *, reached=True):
    return await log_contact(
        conn, "north", actor, task, channel=channel, reached=reached, note="", now=now
    )


async def test_a_call_after_the_lease_ran_out_marks_nothing(ward):
    nora, conn = await ward.staff(), await ward.connect()
    task = await ward.task()
    await claim(conn, "north", nora, task, now=NOW)
    await tick(conn, "north", nora, task, "repeat", done=True, now=after(30))
    await _contact(conn, nora, task, "phone", after(1000))
    assert await ward.all("SELECT interactive, stopped_by FROM time_entry") == [
        (False, "abandoned")
    ]
    with pytest.raises(UnknownWord):
        await _contact(conn, nora, task, "fax", after(1001))


async def test_steps_are_ticked_and_taken_back_by_who_has_the_task(ward):
    nora, nils = await ward.staff("Nora"), await ward.staff("Nils")
    conn, task = await ward.connect(), await ward.task()
    await claim(conn, "north", nora, task, now=NOW)
    ticked = await tick(conn, "north", nora, task, "repeat", done=True, now=after(5))
    assert ticked["repeat"]["by"] == str(nora.id)
    with pytest.raises(AlreadyTaken):
        await tick(conn, "north", nils, task, "call", done=True, now=after(6))
    assert await tick(conn, "north", nora, task, "repeat", done=False, now=after(7)) == {}


async def test_a_snoozed_task_is_hidden_until_then_and_its_timer_is_paused(ward):
    nora, nils = await ward.staff("Nora"), await ward.staff("Nils")
    conn, task = await ward.connect(), await ward.task()
    await claim(conn, "north", nora, task, now=NOW)
    until = after(3600)
    with pytest.raises(BadInterval):
        await snooze(conn, "north", nora, task, NOW, "r", now=NOW)
    with pytest.raises(Undocumented):
        await snooze(conn, "north", nora, task, until, "", now=NOW)
    with pytest.raises(NotYours):
        await snooze(conn, "north", nils, task, until, "r", now=NOW)
    await snooze(conn, "north", nora, task, until, "repeat at four", now=after(20))
    assert await ward.entries(task) == [("stopped", "active", "paused", 20.0)]
    assert await _tabs(conn, nora, after(30)) == {"medical": 0, "snoozed": 1, "mine": 1}
    (row,) = await queue_rows(conn, "north", viewer=nora.id, tab="snoozed", now=after(30))
    assert (row["snoozed_until"], row["snoozed_reason"]) == (until, "repeat at four")
    assert await _tabs(conn, nora, until) == {"medical": 1, "snoozed": 0, "mine": 1}


async def _tabs(conn, viewer, now):
    counts = await queue_counts(conn, "north", viewer.id, now)
    tabs = {}
    for tab in ("medical", "snoozed", "mine"):
        tabs[tab] = len(await queue_rows(conn, "north", viewer=viewer.id, tab=tab, now=now))
        assert counts[tab] == tabs[tab]
    return tabs


async def test_a_follow_up_waits_for_its_day_where_the_practice_is(ward):
    nora, conn = await ward.staff(), await ward.connect()
    task = await ward.task()
    await claim(conn, "north", nora, task, now=NOW)
    saved = await resolve(
        conn, "north", nora, task, now=after(60), **resolving(follow_up=date(2026, 11, 23))
    )
    dawn = datetime(2026, 11, 23, 5, tzinfo=UTC)  # midnight in New York
    row = await ward.one(
        "SELECT snoozed_until, due_at, kind, follows FROM care_task WHERE id = %s",
        saved.follow_up_id,
    )
    assert row == (dawn, dawn + timedelta(days=1), "follow_up", task)
    assert (await _tabs(conn, nora, after(61)))["medical"] == 0
    assert (await _tabs(conn, nora, dawn))["medical"] == 1
    assert saved.follow_up_id is not None
    await claim(conn, "north", nora, saved.follow_up_id, now=dawn)
    done = await resolve(
        conn, "north", nora, saved.follow_up_id, now=dawn + timedelta(seconds=9), **resolving()
    )
    assert done.seconds == 9
