"""What is past its time goes; what is held, cited, at work or late stays; nothing comes back."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from contextlib import AsyncExitStack
from datetime import timedelta
from uuid import UUID

import psycopg
import pytest

from scripts.spine import ROOT
from store import audit, fixtures, reassign, retention
from store.batch import write_batch
from store.errors import DataRefused
from store.pool import open_pool
from store.retain import drop_empty_chunks, retain
from store.tenancy import clinic_session
from tests.store.make import CUFF, NOW, row
from tests.store.reassigning import CRISIS, HOUR, household
from vitals.clock import utc_now
from vitals.reading import RawValue

pytestmark = pytest.mark.services

YEAR = timedelta(days=365)
LATER = NOW + YEAR - 100 * HOUR  # a year on, what is older than 100 hours now is past its time
OLD, YOUNG = 150, 50  # hours ago
MONTHS_BEFORE = 60 * 24  # in an earlier chunk, and nobody's


@pytest.fixture
async def house(admin, home, database):
    async with AsyncExitStack() as opened:
        yield await household(admin, database.urls, opened)


@pytest.fixture
async def pool(database):
    async with open_pool(database.admin, max_size=2) as opened:
        yield opened


async def keep(house, months=12, at=NOW):
    return await retention.set_rule(
        house.api, "north", months, reason="Board", by=house.nurse, now=at
    )


async def run(pool, *, now=LATER, dry_run=False, batch=2_000):
    return [one async for one in retain(pool, now=now, dry_run=dry_run, batch=batch)]


async def hold(house, patient):
    return await retention.place_hold(
        house.api, "north", patient, reason="Letter of the court", by=house.nurse, now=NOW
    )


async def stored(house):
    return [str(r["reading_id"]) for r in await house.rows("SELECT reading_id FROM reading")]


async def measured_and_judged(house):
    """One reading that is past its time and one that is not."""
    old, young = await house.measure(OLD), await house.measure(YOUNG)
    await house.judge()
    return old, young


async def test_only_what_is_past_its_time_goes(house, pool):
    _, young = await measured_and_judged(house)
    await keep(house)
    (told,) = await run(pool)
    assert (told.looked, told.removed) == (1, 1)
    assert await stored(house) == [young]


async def test_without_a_rule_everything_is_kept(house, pool):
    await measured_and_judged(house)
    (told,) = await run(pool)
    assert (told.cutoff, told.removed) == (None, 0)
    await keep(house)
    await keep(house, None, NOW + HOUR)
    (told,) = await run(pool)
    assert (told.cutoff, len(await stored(house))) == (None, 2)


async def test_a_dry_run_counts_the_same_and_removes_nothing(house, pool):
    await measured_and_judged(house)
    await keep(house)
    (told,) = await run(pool, dry_run=True)
    assert (told.removed, len(await stored(house))) == (1, 2)
    async with clinic_session(house.api, "north"):
        assert "retention.run" not in {e["action"] for e in await audit.recent(house.api)}


async def test_a_resend_of_what_was_removed_is_a_duplicate_and_stores_nothing(house, pool):
    old, young = await measured_and_judged(house)
    (kept,) = await house.rows("SELECT * FROM reading WHERE reading_id = %s", old)
    await keep(house)
    await run(pool)
    at = kept["measured_at"]
    again = row(measured_at=at, device_time=kept["device_time"], received_at=at)
    amended = row(
        measured_at=at,
        device_time=kept["device_time"],
        received_at=at,
        raw=[*again.reading.raw, RawValue(characteristic="2A34", hex="00")],
    )
    assert again.reading.id == amended.reading.id == old
    for sent in (again, amended):
        outcome = await write_batch(house.ingest, readings=[sent], quarantined=[])
        assert (outcome.duplicate, outcome.stored) == (frozenset({("north", old)}), frozenset())
    assert await stored(house) == [young]


async def test_small_batches_remove_the_same(house, pool):
    ids = [await house.measure(OLD + n / 60) for n in range(7)]
    await house.judge()
    await retention.cite(house.admin, [], why="nothing", now=NOW)
    async with clinic_session(house.api, "north"):
        await retention.cite(house.api, [UUID(ids[3])], why="month 1", now=NOW)
    await keep(house)
    (told,) = await run(pool, batch=2)
    assert (told.looked, told.removed, told.cited) == (7, 6, 1)
    assert await stored(house) == [ids[3]]


async def test_what_a_signed_month_cites_stays(house, pool):
    old, _ = await measured_and_judged(house)
    await keep(house)
    async with clinic_session(house.api, "north"):
        gone = await retention.cite(house.api, [UUID(old)], why="month 1", now=NOW)
        assert not gone
        assert not await retention.cite(house.api, [UUID(old)], why="month 1", now=NOW)
    (told,) = await run(pool)
    assert (told.removed, told.cited) == (0, 1)


async def test_nothing_is_signed_on_what_is_gone(house, pool):
    old, young = (UUID(one) for one in await measured_and_judged(house))
    await keep(house)
    await run(pool)
    async with clinic_session(house.api, "north"):
        assert await retention.cite(house.api, [old, young], why="month 1", now=NOW) == {old}
    async with clinic_session(house.api, "elsewhere"):
        assert await retention.cite(house.api, [young], why="month 1", now=NOW) == {young}


@pytest.mark.parametrize("whose", ["clinic", "patient"])
async def test_a_hold_keeps_everything_until_it_is_released(house, pool, whose):
    await measured_and_judged(house)
    await keep(house)
    placed = await hold(house, None if whose == "clinic" else house.ann)
    (told,) = await run(pool)
    assert (told.removed, told.on_hold) == (0, 1)
    await retention.release_hold(
        house.api, "north", placed, reason="Settled", by=house.nurse, now=NOW
    )
    (told,) = await run(pool)
    assert (told.removed, told.on_hold) == (1, 0)
    with pytest.raises(retention.NoSuchHold):
        await retention.release_hold(
            house.api, "north", placed, reason="Again", by=house.nurse, now=NOW
        )


async def test_a_patients_hold_keeps_what_is_nobodys_and_what_was_theirs(house, pool):
    """Ann's crisis was given to Ben; a reading in an unknown slot may be hers."""
    await house.measure(OLD, CRISIS)
    await house.measure(OLD + 1)
    await house.judge()
    await house.measure(OLD + 2, user_slot=2)
    await house.give(OLD + 0.5, OLD - 0.5)
    await house.judge()
    await house.admin.execute("UPDATE alert SET state = 'resolved', review_reason = NULL")
    await keep(house)
    placed = await hold(house, house.ann)
    (told,) = await run(pool, dry_run=True)
    assert (told.removed, told.on_hold) == (0, 3)
    await retention.release_hold(house.api, "north", placed, reason="x", by=house.nurse, now=NOW)
    await hold(house, house.ben)
    (told,) = await run(pool)
    assert (told.removed, told.on_hold) == (1, 2)


async def test_what_somebody_works_on_stays(house, pool):
    """Waiting to be judged; of an open alert, of one under review; held for a person to decide."""
    await house.measure(OLD, CRISIS)
    await keep(house)
    (told,) = await run(pool)
    assert (told.removed, told.at_work) == (0, 1)
    await house.judge()
    (told,) = await run(pool)
    assert (told.removed, told.at_work) == (0, 1)
    await house.admin.execute("UPDATE alert SET state = 'resolved', review_reason = 'Look again'")
    (told,) = await run(pool)
    assert (told.removed, told.at_work) == (0, 1)
    await house.admin.execute("UPDATE alert SET review_reason = NULL")
    await house.admin.execute("UPDATE reading SET held = true")
    (told,) = await run(pool)
    assert (told.removed, told.at_work) == (0, 1)
    await house.admin.execute("UPDATE reading SET held = false")
    (told,) = await run(pool)
    assert (told.removed, told.at_work) == (1, 0)


async def test_what_came_late_is_kept_as_long_as_the_rest(house, pool):
    await measured_and_judged(house)
    await house.admin.execute("UPDATE reading SET stored_at = %s", [NOW])
    await keep(house)
    (told,) = await run(pool)
    assert (told.removed, told.came_late) == (0, 1)
    (told,) = await run(pool, now=NOW + YEAR + HOUR)
    assert (told.removed, told.came_late) == (2, 0)


async def test_findings_and_their_page_outlive_the_reading(house, pool):
    await house.measure(OLD, CRISIS)
    await house.judge()
    await house.admin.execute("UPDATE alert SET state = 'resolved'")
    await keep(house)
    (told,) = await run(pool)
    assert told.removed == 1
    (finding,) = await house.rows("SELECT observed FROM finding")
    assert finding["observed"]


async def test_each_clinic_has_its_own_time(house, pool, admin):
    await measured_and_judged(house)
    await fixtures.register_clinic(admin, "south", name="South", zone="America/New_York")
    await admin.execute(
        'INSERT INTO reading SELECT (jsonb_populate_record(r, \'{"clinic_id": "south"}\')).*'
        " FROM reading r"
    )
    await keep(house)
    north, south = await run(pool)
    assert (north.clinic, north.removed, south.clinic, south.cutoff) == ("north", 1, "south", None)
    left = await house.rows("SELECT clinic_id FROM reading ORDER BY 1")
    assert [one["clinic_id"] for one in left] == ["north", "south", "south"]


async def test_a_shorter_time_waits_a_week_and_can_be_taken_back(house, pool):
    await measured_and_judged(house)
    week = retention.SHORTER_WAITS
    assert await keep(house) == NOW + week
    assert await keep(house, None, NOW + HOUR) == NOW + HOUR
    (told,) = await run(pool)
    assert told.cutoff is None
    await keep(house, 24, NOW + 2 * HOUR)
    at = NOW + 2 * HOUR + week
    assert await keep(house, 36, at) == at
    assert await keep(house, 12, at + HOUR) == at + HOUR + week


@pytest.mark.parametrize("months", [11, 0, -1, 1201])
async def test_a_time_that_is_a_slip_of_the_pen_is_refused(house, months):
    with pytest.raises(DataRefused):
        await keep(house, months)


async def test_every_act_is_in_the_audit_trail(house, pool):
    await measured_and_judged(house)
    await keep(house)
    placed = await hold(house, house.ben)
    await retention.release_hold(
        house.api, "north", placed, reason="Settled", by=house.nurse, now=NOW
    )
    await run(pool)
    async with clinic_session(house.api, "north"):
        events = await audit.recent(house.api, limit=4)
    assert [(e["actor"], e["action"]) for e in events] == [
        ("retention", "retention.run"),
        (str(house.nurse), "hold.release"),
        (str(house.nurse), "hold.place"),
        (str(house.nurse), "retention.set"),
    ]
    assert events[0]["detail"]["removed"] == 1
    assert events[2]["detail"] == {"patient": str(house.ben)}
    assert events[3]["detail"] == {"months": 12, "was": None}


@pytest.mark.parametrize("role", ["hl_api", "hl_worker", "hl_ingest"])
async def test_no_service_can_remove(database, house, role):
    await measured_and_judged(house)
    async with await psycopg.AsyncConnection.connect(database.urls[role], autocommit=True) as conn:
        for attempt in (
            "SELECT retain_batch(now(), '-infinity', gen_random_uuid(), 'infinity', 9, false)",
            "DELETE FROM reading",
            "DELETE FROM reading_citation",
            "DELETE FROM legal_hold",
            "UPDATE retention_rule SET months = 12",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                await conn.execute(attempt)
    assert len(await stored(house)) == 2


async def test_a_hold_waits_for_the_batch_that_is_being_removed(house, database):
    """And from then on holds: no batch is in between."""
    await measured_and_judged(house)
    await keep(house)
    async with await psycopg.AsyncConnection.connect(database.admin) as remover:
        await remover.execute("SELECT set_config('hearthline.clinic', 'north', true)")
        await remover.execute(
            "SELECT retain_batch(%s, '-infinity', %s, 'infinity', 9, false)", [LATER, UUID(int=0)]
        )
        placing = asyncio.create_task(hold(house, None))
        async with asyncio.timeout(20):
            while not await house.rows(
                "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
            ):
                await asyncio.sleep(0.02)
        assert not placing.done()
        await remover.commit()
        await placing


async def test_a_chunk_goes_when_nobody_has_a_reading_in_it(house, pool):
    await measured_and_judged(house)
    await house.measure(MONTHS_BEFORE)
    await house.judge()
    chunks = "SELECT count(*) AS n FROM timescaledb_information.chunks"
    (before,) = await house.rows(chunks)
    assert await drop_empty_chunks(pool, before=LATER) == 0
    await keep(house)
    await run(pool)
    assert await drop_empty_chunks(pool, before=NOW - YEAR) == 0
    dropped = await drop_empty_chunks(pool, before=LATER)
    (after,) = await house.rows(chunks)
    assert (dropped > 0, before["n"] - after["n"]) == (True, dropped)
    assert len(await stored(house)) == 1


async def test_a_late_reading_does_not_fall_into_a_chunk_that_is_going(house, pool, database):
    """Ingest waits for the drop and makes the chunk anew: nothing is lost (I1)."""
    await house.measure(MONTHS_BEFORE)
    await measured_and_judged(house)
    await keep(house)
    await run(pool)
    (chunk,) = await house.rows(
        "SELECT format('%I.%I', chunk_schema, chunk_name) AS name FROM"
        " timescaledb_information.chunks ORDER BY range_start LIMIT 1"
    )
    async with await psycopg.AsyncConnection.connect(database.admin) as dropper:
        asked = "SELECT drop_chunk_if_empty(%s::regclass)"
        assert await (await dropper.execute(asked, [chunk["name"]])).fetchone() == (True,)
        late = asyncio.create_task(house.measure(MONTHS_BEFORE + 1))
        async with asyncio.timeout(20):
            while not await house.rows(
                "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
            ):
                await asyncio.sleep(0.02)
        await dropper.commit()
        assert await late in await stored(house)


async def test_a_moved_reading_is_its_new_patients(house, pool):
    """Re-assigning after a run meets no trace of what was removed."""
    await measured_and_judged(house)
    await keep(house)
    await run(pool)
    shown = await reassign.effect(house.api, "north", house.period(OLD + 10))
    assert sum(loss.readings for loss in shown.losses) == 1


async def test_the_command_says_what_it_does(house, database):
    at = utc_now() - timedelta(days=3 * 365)
    old = row(measured_at=at, device_time=at.replace(tzinfo=None), received_at=at)
    await write_batch(house.ingest, readings=[old], quarantined=[])
    await house.admin.execute("UPDATE reading SET stored_at = received_at")
    await house.admin.execute("DELETE FROM evaluation_mark")
    await retention.set_rule(
        house.api, "north", 24, reason="Board", by=house.nurse, now=utc_now() - timedelta(days=8)
    )

    def command(*options):
        done = subprocess.run(
            [sys.executable, "-m", "store", "retain", *options],
            capture_output=True, text=True, check=True, cwd=ROOT, timeout=60,
            env={"HEARTHLINE_DATABASE_URL": database.admin},
        )  # fmt: skip
        return done.stdout

    assert "1 readings would be removed" in command("--dry-run")
    assert len(await stored(house)) == 1
    told = command()
    assert "1 readings removed" in told
    assert "empty chunks dropped: 1" in told
    assert await stored(house) == []
    assert CUFF not in told
