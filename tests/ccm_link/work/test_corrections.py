"""The ledger is corrected by reversing and replacing, in one act, and is never edited (I7)."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from ccm_link.calendar_month import Month
from ccm_link.codes import Programme
from ccm_link.corrections import Corrected
from ccm_link.errors import (
    BadInterval,
    BusyElsewhere,
    CareError,
    MonthLocked,
    NotFound,
    NotReversible,
    NotYours,
    TimerRunning,
    Unchanged,
    Undocumented,
    UnknownWord,
)
from ccm_link.months_service import patient_month
from ccm_link.signing import lock
from ccm_link.work import (
    beat,
    claim,
    confirm_entry,
    correct_entry,
    decide_held,
    log_time,
    pause,
    resolve,
    reverse_entry,
)
from store.pool import connection, open_pool
from tests.ccm_link.work.ward import NOW, after, resolving

pytestmark = pytest.mark.services
NOVEMBER = Month.parse("2026-11")
BUSY = (BusyElsewhere, NotReversible, TimerRunning)


def instead(start, end, **changes):
    words: dict[str, Any] = {"programme": "CCM", "activity": "call", "note": "By phone."}
    return Corrected(start=start, end=end, interactive=False, **(words | changes))


async def logged(conn, actor, patient, start, end, programme="CCM", **changes):
    words = {"activity": "call", "interactive": False, "note": "By phone.", "now": after(hours=8)}
    done = await log_time(
        conn, "north", actor, patient, programme, start=start, end=end, **(words | changes)
    )
    return done.entry_id


async def correct(conn, actor, entry, new, reason="Typed wrong", clinic="north"):
    return await correct_entry(conn, clinic, actor, entry, new, reason=reason, now=after(hours=9))


async def decide(conn, actor, entry, *, stands, reason="Asked her", clinic="north"):
    return await decide_held(
        conn, clinic, actor, entry, stands=stands, reason=reason, now=after(hours=9)
    )


async def ledger_of(ward, patient):
    """(status, from, seconds, replaces something), the oldest first; minutes after NOW."""
    rows = await ward.all(
        "SELECT status, lower(during), extract(epoch FROM upper(during) - lower(during))::int,"
        " replaces IS NOT NULL FROM time_entry WHERE patient_id = %s"
        " ORDER BY lower(during), status",
        patient,
    )
    return [(s, (at - NOW).total_seconds() / 60, length, r) for s, at, length, r in rows]


async def counted(conn, patient, programme=Programme.CCM, month=NOVEMBER):
    """What the engine counts, out of the database."""
    found = await patient_month(conn, "north", patient, month, now=after(days=40))
    rows = [] if found is None else found.result.ledger
    pieces = [p for r in rows if r.programme is programme for p in r.counted]
    return sum(end - start for start, end in pieces) / 1_000_000


async def consented(ward, patient, programme="CCM"):
    await ward.enrol(patient, programme)
    await ward.admin.execute(
        "INSERT INTO consent (clinic_id, patient_id, programme, practitioner, given_at, method,"
        " elements, recorded_by, recorded_at)"
        " SELECT clinic_id, patient_id, programme, practitioner,"
        " '2026-01-05', 'verbal', '{availability,cost_sharing,one_practitioner,right_to_stop}',"
        " practitioner, now() FROM enrolment WHERE patient_id = %s AND programme = %s",
        [patient, programme],
    )


async def test_a_correction_reverses_and_replaces_in_one_act(ward):
    nora, conn = await ward.staff(), await ward.connect()
    patient = await ward.patient()
    await consented(ward, patient)
    _, task = await ward.alert(patient)
    claimed = await claim(conn, "north", nora, task, now=NOW)
    await beat(conn, "north", nora, claimed.entry_id, now=after(60))
    await resolve(conn, "north", nora, task, now=after(120), **resolving())
    assert await counted(conn, patient) == 120

    done = await correct(
        conn, nora, claimed.entry_id, instead(NOW, after(minutes=7), note="It went on")
    )
    assert not done.held
    assert await ledger_of(ward, patient) == [
        ("active", 0, 420, True),
        ("reversed", 0, 120, False),
    ]
    assert await ward.one(
        "SELECT replaces, staff_id, task_id, role, source, state, note, confirmed_at"
        " FROM time_entry WHERE id = %s", done.entry_id
    ) == (
        claimed.entry_id, nora.id, task, "clinical_staff", "manual", "confirmed", "It went on",
        after(hours=9),
    )  # fmt: skip
    assert await ward.one(
        "SELECT reversed_by, reversed_reason, note FROM time_entry WHERE status = 'reversed'"
    ) == (nora.id, "Typed wrong", resolving()["note"])
    assert await ward.one("SELECT actor FROM audit_event WHERE action = 'time.correct'") == (
        str(nora.id),
    )
    assert await counted(conn, patient) == 420


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"programme": "BHI"}, UnknownWord),
        ({"activity": "golf"}, UnknownWord),
        ({"note": " "}, Undocumented),
        ({"end": NOW}, BadInterval),
        ({"end": after(hours=10)}, BadInterval),
        ({"start": after(hours=-17), "end": after(hours=8)}, BadInterval),
        ({}, Unchanged),
    ],
)
async def test_a_correction_that_makes_no_sense_changes_nothing(ward, changes, refusal):
    nora, conn = await ward.staff(), await ward.connect()
    patient = await ward.patient()
    entry = await logged(conn, nora, patient, NOW, after(600))
    before = await ward.all("SELECT * FROM time_entry")
    new = instead(**({"start": NOW, "end": after(600)} | changes))
    with pytest.raises(refusal):
        await correct(conn, nora, entry, new)
    with pytest.raises(Undocumented):
        await correct(conn, nora, entry, instead(NOW, after(300)), reason=" ")
    assert await ward.all("SELECT * FROM time_entry") == before


async def test_who_may_correct_and_what(ward):
    nora, nils = await ward.staff("Nora"), await ward.staff("Nils")
    boss = await ward.staff("Bo", "admin")
    await ward.open_clinic("south", zone="America/Chicago")
    conn, patient = await ward.connect(), await ward.patient()
    entry = await logged(conn, nora, patient, NOW, after(600))
    with pytest.raises(NotYours):
        await correct(conn, nils, entry, instead(NOW, after(300)))
    with pytest.raises(NotYours):
        await reverse_entry(conn, "north", nils, entry, "r", now=after(hours=9))
    with pytest.raises(NotFound):
        await correct(conn, boss, entry, instead(NOW, after(300)), clinic="south")
    done = await correct(conn, boss, entry, instead(NOW, after(300)))
    assert await ward.one("SELECT staff_id FROM time_entry WHERE id = %s", done.entry_id) == (
        nora.id,
    )
    with pytest.raises(NotReversible):
        await correct(conn, nora, entry, instead(NOW, after(200)))
    task = await ward.task()
    running = await claim(conn, "north", nora, task, now=after(-30, hours=9))
    with pytest.raises(TimerRunning):
        await correct(conn, nora, running.entry_id, instead(NOW, after(200)))


async def test_waiting_time_is_documented_by_correcting_it(ward):
    nora, conn = await ward.staff(), await ward.connect()
    patient = await ward.patient()
    _, task = await ward.alert(patient)
    claimed = await claim(conn, "north", nora, task, now=NOW)
    await pause(conn, "north", nora, task, now=after(60))
    await correct(conn, nora, claimed.entry_id, instead(NOW, after(60), activity="alert_review"))
    assert await ledger_of(ward, patient) == [("active", 0, 60, True), ("reversed", 0, 60, False)]


async def test_a_correction_onto_time_with_another_patient_is_held(ward):
    nora, conn = await ward.staff(), await ward.connect()
    ann, bob = await ward.patient("Ann"), await ward.patient("Bob")
    await logged(conn, nora, bob, after(minutes=20), after(minutes=30))
    entry = await logged(conn, nora, ann, NOW, after(minutes=10))
    done = await correct(conn, nora, entry, instead(NOW, after(minutes=25)))
    assert done.held
    assert await ledger_of(ward, ann) == [("held", 0, 1500, True), ("reversed", 0, 600, False)]


async def _held(ward, conn, nora):
    """Ann's is held: 10 to 40 of it, of which 20 to 30 are Bob's by now."""
    ann, bob = await ward.patient("Ann"), await ward.patient("Bob")
    for patient in (ann, bob):
        await consented(ward, patient)
    await logged(conn, nora, bob, after(minutes=20), after(minutes=30))
    held = await logged(conn, nora, ann, after(minutes=10), after(minutes=40))
    return ann, bob, held


async def test_this_stands_and_the_other_loses_what_was_shared(ward):
    nora, conn = await ward.staff(), await ward.connect()
    ann, bob, held = await _held(ward, conn, nora)
    cal = await ward.patient("Cal")
    await logged(conn, nora, cal, after(minutes=35), after(minutes=50))
    decided = await decide(conn, nora, held, stands=True)
    assert (decided.stands, decided.reversed, decided.written) == (True, 2, 1)
    assert await ledger_of(ward, ann) == [("active", 10, 1800, False)]
    assert await ledger_of(ward, bob) == [("reversed", 20, 600, False)]
    assert await ledger_of(ward, cal) == [("reversed", 35, 900, False), ("active", 40, 600, True)]
    assert (await counted(conn, ann), await counted(conn, bob)) == (1800, 0)
    with pytest.raises(NotReversible):
        await decide(conn, nora, held, stands=False)


async def test_the_other_stands_and_this_goes_on_around_it(ward):
    nora, conn = await ward.staff(), await ward.connect()
    ann, bob, held = await _held(ward, conn, nora)
    decided = await decide(conn, nora, held, stands=False)
    assert (decided.stands, decided.reversed, decided.written) == (True, 1, 2)
    assert await ledger_of(ward, ann) == [
        ("active", 10, 600, True),
        ("reversed", 10, 1800, False),
        ("active", 30, 600, True),
    ]
    assert await ledger_of(ward, bob) == [("active", 20, 600, False)]
    assert (await counted(conn, ann), await counted(conn, bob)) == (1200, 600)


async def test_a_held_entry_within_the_other_leaves_nothing(ward):
    nora, conn = await ward.staff(), await ward.connect()
    ann, bob = await ward.patient("Ann"), await ward.patient("Bob")
    await logged(conn, nora, bob, NOW, after(minutes=30))
    held = await logged(conn, nora, ann, after(minutes=10), after(minutes=20))
    decided = await decide(conn, nora, held, stands=False)
    assert (decided.stands, decided.written) == (False, 0)
    assert await ledger_of(ward, ann) == [("reversed", 10, 600, False)]


async def test_once_nothing_overlaps_a_held_entry_simply_counts(ward):
    nora, conn = await ward.staff(), await ward.connect()
    ann, bob, held = await _held(ward, conn, nora)
    (other,) = await ward.one("SELECT id FROM time_entry WHERE patient_id = %s", bob)
    await reverse_entry(conn, "north", nora, other, "was Ann's", now=after(hours=9))
    decided = await decide(conn, nora, held, stands=False)
    assert (decided.stands, decided.reversed) == (True, 0)
    assert await ledger_of(ward, ann) == [("active", 10, 1800, False)]


async def test_who_may_decide_and_when(ward):
    nora, nils = await ward.staff("Nora"), await ward.staff("Nils")
    boss, conn = await ward.staff("Bo", "admin"), await ward.connect()
    _, bob, held = await _held(ward, conn, nora)
    with pytest.raises(NotYours):
        await decide(conn, nils, held, stands=True)
    with pytest.raises(Undocumented):
        await decide(conn, nora, held, stands=True, reason=" ")
    (stands,) = await ward.one("SELECT id FROM time_entry WHERE patient_id = %s", bob)
    with pytest.raises(NotReversible):
        await decide(conn, nora, stands, stands=True)
    assert (await decide(conn, boss, held, stands=True)).stands


async def test_a_timer_that_runs_on_the_other_is_paused_first(ward):
    nora, conn = await ward.staff(), await ward.connect()
    ann, task = await ward.patient("Ann"), await ward.task("Bob")
    claimed = await claim(conn, "north", nora, task, now=NOW)
    await beat(conn, "north", nora, claimed.entry_id, now=after(80))
    entry = await log_time(
        conn, "north", nora, ann, "CCM", "call", after(-60), after(60), False, "n", now=after(85)
    )
    assert entry.held
    with pytest.raises(TimerRunning):
        await decide_held(
            conn, "north", nora, entry.entry_id, stands=True, reason="r", now=after(86)
        )
    assert await ward.one("SELECT state FROM time_entry WHERE task_id = %s", task) == ("running",)


async def test_time_in_another_clinic_can_only_stand(ward):
    await ward.open_clinic("south", zone="America/Chicago")
    nora = await ward.staff(clinics=("north", "south"))
    conn, ann = await ward.connect(), await ward.patient("Ann")
    away = await ward.patient("Away", "south")
    await log_time(
        conn, "south", nora, away, "CCM", "call", NOW, after(600), False, "n", now=after(hours=8)
    )
    held = await logged(conn, nora, ann, after(300), after(900))
    with pytest.raises(BusyElsewhere):
        await decide(conn, nora, held, stands=True)
    boss = await ward.staff(
        "Bo", "admin"
    )  # of north alone: the wall hides it, the constraint does not
    with pytest.raises(BusyElsewhere):
        await decide(conn, boss, held, stands=True)
    await decide(conn, nora, held, stands=False)
    assert await ledger_of(ward, ann) == [("reversed", 5, 600, False), ("active", 10, 300, True)]
    assert await ledger_of(ward, away) == [("active", 0, 600, False)]


async def test_a_locked_month_takes_no_correction_and_lets_go_of_what_was_wrong(ward):
    nora, boss = await ward.staff(), await ward.staff("Bo", "admin")
    conn, patient = await ward.connect(), await ward.patient()
    october = datetime(2026, 10, 7, 15, tzinfo=UTC)
    entry = await logged(conn, nora, patient, october, october + timedelta(minutes=10))
    await lock(conn, "north", boss, Month.parse("2026-10"), now=NOW)
    with pytest.raises(MonthLocked):
        await correct(conn, nora, entry, instead(october, october + timedelta(minutes=5)))
    with pytest.raises(MonthLocked):
        await logged(
            conn, nora, patient, october + timedelta(hours=1), october + timedelta(hours=2)
        )
    assert await ward.one("SELECT status FROM time_entry") == ("active",)
    await reverse_entry(conn, "north", nora, entry, "Not her", now=after(hours=9))
    assert await ward.one("SELECT status FROM time_entry") == ("reversed",)


@pytest.mark.parametrize(
    "change",
    [
        "during = tstzrange(lower(during), upper(during) + interval '1 second')",
        "note = 'better'",
        "programme = 'RPM'",
        "interactive = true",
        "staff_id = (SELECT id FROM staff WHERE name = 'Nils')",
        "state = 'stopped'",
        "status = 'held'",
    ],
)
async def test_the_database_itself_refuses_to_edit_what_stands(ward, change):
    nora, conn = await ward.staff(), await ward.connect()
    await ward.staff("Nils")
    patient = await ward.patient()
    entry = await logged(conn, nora, patient, NOW, after(600))
    await conn.execute("SELECT set_config('hearthline.clinic', 'north', false)")
    for who in (conn, ward.admin):
        with pytest.raises(psycopg.errors.CheckViolation, match="never edited"):
            await _edit(who, entry, change)
    await reverse_entry(conn, "north", nora, entry, "r", now=after(hours=9))
    for again in (change, "status = 'active'", "reversed_reason = 'another'"):
        with pytest.raises(psycopg.errors.CheckViolation, match="never edited"):
            await _edit(ward.admin, entry, again)


async def _edit(conn, entry, change):
    await conn.execute(f"UPDATE time_entry SET {change} WHERE id = %s", [entry])  # noqa: S608


async def _race(ward, *acts):
    """Both at once, each on a connection of its own; a refusal is an answer."""
    async with open_pool(ward.database.urls["hl_api"], max_size=len(acts)) as pool:

        async def alone(act):
            async with connection(pool) as conn:
                try:
                    return await act(conn)
                except CareError as refused:
                    return refused

        return await asyncio.gather(*(alone(act) for act in acts))


@pytest.mark.parametrize("rival", ["correct", "reverse", "confirm"])
async def test_two_sessions_at_the_same_entry_one_of_them_acts(ward, rival):
    nora, conn = await ward.staff(), await ward.connect()
    patient = await ward.patient()
    await consented(ward, patient)
    for number in range(8):
        start = after(hours=-number * 2)
        entry = await logged(conn, nora, patient, start, start + timedelta(minutes=10))

        async def first(conn, entry=entry, start=start):
            return await correct(conn, nora, entry, instead(start, start + timedelta(minutes=4)))

        async def second(conn, entry=entry, start=start):
            if rival == "correct":
                new = instead(start, start + timedelta(minutes=6))
                return await correct(conn, nora, entry, new)
            if rival == "reverse":
                return await reverse_entry(conn, "north", nora, entry, "r", now=after(hours=9))
            return await confirm_entry(
                conn, "north", nora, entry, until=None, note="n", now=after(hours=9)
            )

        answers = await _race(ward, first, second)
        refused = [a for a in answers if isinstance(a, CareError)]
        assert [type(r) for r in refused] == [NotReversible]
        rows = await ward.all(
            "SELECT id, status, replaces FROM time_entry WHERE id = %s OR replaces = %s",
            entry, entry,
        )  # fmt: skip
        standing = [row for row in rows if row[1] == "active"]
        assert len([row for row in rows if row[1] == "reversed"]) == 1
        assert len(standing) <= 1
        if rival != "reverse":
            assert len(standing) == 1
    each = {
        row[0]
        for row in await ward.all(
            "SELECT count(*) FROM time_entry WHERE replaces IS NOT NULL GROUP BY replaces"
        )
    }
    assert each <= {1}, "nothing is replaced twice"
    stored = await ward.one(
        "SELECT coalesce(sum(extract(epoch FROM upper(during) - lower(during))), 0)::float"
        " FROM time_entry WHERE status = 'active'"
    )
    assert await counted(conn, patient) == stored[0]


async def test_a_claim_and_a_decision_about_the_same_minutes(ward):
    """Whichever comes first, nobody is on two patients and no minute is lost."""
    nora, conn = await ward.staff(), await ward.connect()
    for _ in range(6):
        *_, held = await _held(ward, conn, nora)

        async def this(conn, held=held):
            return await decide(conn, nora, held, stands=True)

        async def others(conn, held=held):
            return await decide(conn, nora, held, stands=False)

        answers = await _race(ward, this, others)
        assert len([a for a in answers if isinstance(a, BUSY)]) == 1
        (overlapping,) = await ward.one(
            "SELECT count(*) FROM time_entry x JOIN time_entry y ON x.staff_id = y.staff_id"
            " AND x.patient_id <> y.patient_id AND x.during && y.during"
            " AND x.status = 'active' AND y.status = 'active'"
        )
        assert overlapping == 0
        (minutes,) = await ward.one(
            "SELECT sum(extract(epoch FROM upper(during) - lower(during)))::int / 60"
            " FROM time_entry WHERE status = 'active'"
        )
        assert minutes == 30
        await ward.admin.execute(
            "UPDATE time_entry SET status = 'reversed', reversed_at = now() WHERE status = 'active'"
        )
