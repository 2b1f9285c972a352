"""A locked month takes nothing more in, whoever asks the database; taking back goes on."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from ccm_link import signing
from ccm_link.entries import confirm_entry, log_time
from ccm_link.errors import AlreadyLocked, MonthLocked, NoReason, NotLocked
from tests.ccm_link.months.closed import NOVEMBER, OVER

pytestmark = pytest.mark.services

NOON = datetime(2026, 11, 12, 17, tzinfo=UTC)
#: Half an hour around the practice's midnight at the month's two ends.
EDGES = (datetime(2026, 11, 1, 3, 45, tzinfo=UTC), datetime(2026, 12, 1, 4, 45, tzinfo=UTC))
MINUTES = timedelta(minutes=30)


async def log(api, nurse, patient, start=NOON, length=MINUTES, now=OVER):
    return await log_time(
        api, "north", nurse, patient, "CCM", "call", start, start + length, False, "Called",
        now=now,
    )  # fmt: skip


async def lock(api, biller):
    return await signing.lock(api, "north", biller, NOVEMBER, note="Sent", now=OVER)


async def test_locked_told_and_unlocked_with_a_reason(closed, api, biller):
    made = await lock(api, biller)
    assert (made.month, made.locked_by_name, made.note) == (NOVEMBER.first, "Bill Biller", "Sent")
    assert await signing.lock_of(api, "north", NOVEMBER) == made
    with pytest.raises(AlreadyLocked) as beaten:
        await lock(api, biller)
    assert beaten.value.by_name == "Bill Biller"
    with pytest.raises(NoReason):
        await signing.unlock(api, "north", biller, NOVEMBER, reason=" ", now=OVER)
    freed = await signing.unlock(api, "north", biller, NOVEMBER, reason="Late note", now=OVER)
    assert (freed.id, freed.unlocked_reason, freed.stands) == (made.id, "Late note", False)
    assert await signing.lock_of(api, "north", NOVEMBER) is None
    with pytest.raises(NotLocked):
        await signing.unlock(api, "north", biller, NOVEMBER, reason="Again", now=OVER)
    await lock(api, biller)
    assert [one.stands for one in await signing.locks(api, "north")].count(True) == 1
    assert len(await signing.locks(api, "north", NOVEMBER)) == 2


async def test_time_is_neither_logged_nor_confirmed_in_it(closed, api, biller):
    patient, nurse = await closed.billing(21)
    await closed.worked(patient, nurse, 5, day=20, state="stopped")
    await closed.worked(patient, nurse, 5, day=21, status="held")
    await lock(api, biller)
    with pytest.raises(MonthLocked):
        await log(api, nurse, patient)
    waiting = await closed.all(
        "SELECT id FROM time_entry WHERE state = 'stopped' OR status = 'held'"
    )
    assert len(waiting) == 2
    for (key,) in waiting:
        with pytest.raises(MonthLocked):
            await confirm_entry(api, "north", nurse, key, until=None, note="Mine", now=OVER)
    await signing.unlock(api, "north", biller, NOVEMBER, reason="Late note", now=OVER)
    await log(api, nurse, patient)
    for (key,) in waiting:
        await confirm_entry(api, "north", nurse, key, until=None, note="Mine", now=OVER)
    assert (await closed.shown(api, patient)).waiting.unconfirmed == 0


async def test_what_is_taken_back_is_taken_back(closed, api, biller):
    patient, nurse = await closed.billing(21, 22)
    await closed.sign(api, biller, patient)
    await lock(api, biller)
    await closed.reverse(api, nurse)
    shown = await closed.shown(api, patient)
    assert shown.changed_since_signed
    assert [entry.end - entry.start for entry in shown.facts.time_entries] == [
        timedelta(minutes=22)
    ]
    await signing.reopen(api, "north", biller, patient, NOVEMBER, reason="Wrong", now=OVER)
    with pytest.raises(MonthLocked):
        await closed.sign(api, biller, patient)
    seen = {patient: shown.seen}
    with pytest.raises(MonthLocked):
        await signing.sign_ready(api, "north", biller, NOVEMBER, seen, now=OVER)


@pytest.mark.parametrize("start", EDGES)
async def test_time_across_an_end_of_the_month_touches_it(closed, api, biller, start):
    patient, nurse = await closed.billing(21)
    await lock(api, biller)
    with pytest.raises(MonthLocked):
        await log(api, nurse, patient, start)
    outside = start + timedelta(minutes=15) if start > NOON else start - timedelta(minutes=15)
    await log(api, nurse, patient, outside)


async def test_another_clinics_month_is_not_this_ones(closed, api, biller):
    await closed.open_clinic("south", zone="America/New_York")
    other = await closed.staff("Sue", "biller", ("south",))
    patient, nurse = await closed.billing(21)
    await signing.lock(api, "south", other, NOVEMBER, now=OVER)
    await log(api, nurse, patient)
    await closed.sign(api, biller, patient)


@pytest.mark.parametrize(
    "change",
    [
        (
            "INSERT INTO time_entry (clinic_id, patient_id, staff_id, programme, activity, role,"
            " source, during, state, status, last_activity_at, created_at)"
            " SELECT clinic_id, patient_id, staff_id, 'CCM', 'call', role, 'manual',"
            " '[2026-11-15 12:00Z, 2026-11-15 12:10Z)', 'confirmed', 'active', now(), now()"
            " FROM time_entry LIMIT 1"
        ),
        "UPDATE time_entry SET state = 'confirmed' WHERE state = 'stopped'",
        "UPDATE time_entry SET status = 'active' WHERE status = 'reversed'",
        "UPDATE time_entry SET programme = 'RPM' WHERE status = 'active' AND state = 'confirmed'",
        (
            "UPDATE time_entry SET during = '[2026-11-15 12:00Z, 2026-11-15 12:10Z)'"
            " WHERE status = 'active' AND state = 'confirmed'"
        ),
    ],
)
async def test_the_database_refuses_whatever_the_code_asks(closed, api, biller, change):
    patient, nurse = await closed.billing(21)
    await closed.worked(patient, nurse, 5, day=20, state="stopped")
    await closed.worked(patient, nurse, 5, day=21, status="reversed")
    before = await closed.all("SELECT * FROM time_entry ORDER BY id")
    await lock(api, biller)
    with pytest.raises(psycopg.errors.CheckViolation) as refused:
        await closed.admin.execute(change)
    assert refused.value.diag.constraint_name == "month_is_locked"
    assert await closed.all("SELECT * FROM time_entry ORDER BY id") == before
    await closed.admin.execute("UPDATE time_entry SET review_reason = 'looked at'")


async def test_a_timer_that_still_ran_ends_and_is_not_confirmed(closed, api, biller):
    """It began before the month's end and was locked in; ending it adds nothing that counts."""
    patient, nurse = await closed.billing(21)
    await closed.admin.execute(
        "INSERT INTO time_entry (clinic_id, patient_id, staff_id, programme, activity, role,"
        " source, during, state, status, last_activity_at, lease_until, created_at)"
        " VALUES ('north', %s, %s, 'CCM', 'call', 'clinical_staff', 'timer',"
        " tstzrange('2026-12-01 04:50Z', NULL), 'running', 'active', '2026-12-01 05:10Z',"
        " '2026-12-01 05:11Z', now())",
        [patient, nurse.id],
    )
    await lock(api, biller)
    await log(api, nurse, patient, datetime(2026, 12, 1, 14, tzinfo=UTC))  # ends what ran out
    assert await closed.one("SELECT count(*) FROM time_entry WHERE stopped_by = 'abandoned'") == (
        1,
    )
    (key,) = await closed.one("SELECT id FROM time_entry WHERE state = 'stopped'")
    with pytest.raises(MonthLocked):
        await confirm_entry(api, "north", nurse, key, until=None, note="Call", now=OVER)


async def test_a_lock_waits_for_what_is_being_added(closed, api, biller):
    """No entry lands in a month that was locked before its transaction ended."""
    patient, nurse = await closed.billing(21)
    adding = await closed.connect()
    async with adding.transaction():
        await adding.execute("SELECT set_config('hearthline.clinic', 'north', true)")
        await adding.execute(
            "INSERT INTO time_entry (clinic_id, patient_id, staff_id, programme, activity, role,"
            " source, during, state, status, last_activity_at, created_at)"
            " VALUES ('north', %s, %s, 'CCM', 'call', 'clinical_staff', 'manual',"
            " '[2026-11-15 12:00Z, 2026-11-15 12:10Z)', 'confirmed', 'active', now(), now())",
            [patient, nurse.id],
        )
        locking = asyncio.create_task(lock(api, biller))
        waits = "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted)"
        async with asyncio.timeout(30):
            while await closed.one(waits) != (True,):
                await asyncio.sleep(0.02)
        assert not locking.done()
    made = await locking
    assert made.stands
    with pytest.raises(MonthLocked):
        await log(api, nurse, patient)
