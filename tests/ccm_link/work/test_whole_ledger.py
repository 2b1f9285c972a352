"""The ledger's hard nights on the real database: what it holds, and what the engine then counts."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from ccm_link.calendar_month import Month
from ccm_link.codes import Programme
from ccm_link.errors import CareError
from ccm_link.intervals import total
from ccm_link.ledger import LEASE_S
from ccm_link.months_service import patient_month
from ccm_link.service import sweep
from ccm_link.shares import by_day, shares
from ccm_link.work import (
    beat,
    claim,
    confirm_entry,
    correct_entry,
    log_time,
    pause,
    resolve,
    reverse_entry,
)
from store.pool import connection, open_pool
from tests.ccm_link.work.test_corrections import consented, instead
from tests.ccm_link.work.ward import NOW, after, resolving

pytestmark = pytest.mark.services
NOVEMBER, DECEMBER = Month.parse("2026-11"), Month.parse("2026-12")
NEW_YORK = ZoneInfo("America/New_York")
LONG_AFTER = datetime(2027, 1, 5, 15, tzinfo=UTC)
SECOND = 1_000_000


async def evaluated(conn, patient, month=NOVEMBER):
    found = await patient_month(conn, "north", patient, month, now=LONG_AFTER)
    assert found is not None
    return found


async def counted(conn, patient, month=NOVEMBER):
    """{programme: seconds} that the engine counts of what is stored."""
    found = await evaluated(conn, patient, month)
    sums: dict[str, float] = {}
    for row in found.result.ledger:
        sums[str(row.programme)] = sums.get(str(row.programme), 0) + total(row.counted) / SECOND
    return {programme: spent for programme, spent in sums.items() if spent}


async def worked(conn, actor, task, start, seconds, programme="CCM"):
    """A timer from its claim to its resolve, with proofs of activity on the way."""
    claimed = await claim(conn, "north", actor, task, now=start)
    at = start
    while (start + timedelta(seconds=seconds) - at).total_seconds() > LEASE_S:
        at += timedelta(seconds=60)
        await beat(conn, "north", actor, claimed.entry_id, now=at)
    words = resolving(programme=programme)
    await resolve(conn, "north", actor, task, now=start + timedelta(seconds=seconds), **words)
    return claimed.entry_id


async def test_two_timers_of_one_nurse_count_each_second_once(ward):
    nora, conn = await ward.staff(), await ward.connect()
    ann, bob = await ward.patient("Ann"), await ward.patient("Bob")
    for patient in (ann, bob):
        await consented(ward, patient)
    (_, first), (_, second) = await ward.alert(ann), await ward.alert(bob)
    await claim(conn, "north", nora, first, now=NOW)
    await claim(conn, "north", nora, second, now=after(70))
    await claim(conn, "north", nora, first, now=after(130))
    await resolve(conn, "north", nora, first, now=after(190), **resolving())
    await resolve(conn, "north", nora, second, now=after(200), **resolving())
    stored = await ward.all(
        "SELECT patient_id, sum(extract(epoch FROM upper(during) - lower(during)))::int"
        " FROM time_entry WHERE state = 'confirmed' AND status = 'active' GROUP BY patient_id"
    )
    assert dict(stored) == {ann: 130, bob: 60}
    assert (await counted(conn, ann), await counted(conn, bob)) == ({"CCM": 130}, {"CCM": 60})


async def test_a_timer_across_the_end_of_a_month(ward):
    """23:59:10 to 00:02 in New York: fifty seconds are November's, two minutes December's."""
    nora, conn = await ward.staff(), await ward.connect()
    patient = await ward.patient()
    await consented(ward, patient)
    midnight = datetime(2026, 12, 1, 5, tzinfo=UTC)
    _, task = await ward.alert(patient, opened_at=midnight - timedelta(hours=1))
    entry = await worked(conn, nora, task, midnight - timedelta(seconds=50), 170)
    assert await counted(conn, patient) == {"CCM": 50}
    assert await counted(conn, patient, DECEMBER) == {"CCM": 120}
    assert len(await ward.all("SELECT FROM time_entry")) == 1
    found = await evaluated(conn, patient)
    (lost,) = shares(found.facts, found.result)[str(entry)].lost
    assert (str(lost.reason), lost.micros) == ("SPLIT_AT_MONTH_BOUNDARY", 120 * SECOND)


@pytest.mark.parametrize(
    ("night", "start", "wall"),
    [
        # From 00:30 to 03:30 on the clock: four hours in autumn, two in spring.
        ("autumn", datetime(2026, 11, 1, 4, 30, tzinfo=UTC), 4 * 3600),
        ("spring", datetime(2026, 3, 8, 5, 30, tzinfo=UTC), 2 * 3600),
    ],
)
async def test_a_daylight_saving_night_has_its_own_length(ward, night, start, wall):
    nora, conn = await ward.staff(), await ward.connect()
    patient = await ward.patient()
    await consented(ward, patient)
    end = start + timedelta(seconds=wall)
    local = [t.astimezone(NEW_YORK).strftime("%H:%M") for t in (start, end)]
    assert local == ["00:30", "03:30"]
    await log_time(conn, "north", nora, patient, "CCM", "call", start, end, False, "Night", now=NOW)
    month = Month.of(start.astimezone(NEW_YORK).date())
    assert await counted(conn, patient, month) == {"CCM": wall}


async def test_a_night_of_clock_change_splits_at_the_right_midnights(ward):
    """From 22:00 on Saturday to 22:00 on Sunday of 1 November: 2 hours, and 23 of a day of 25."""
    nora, conn = await ward.staff(), await ward.connect()
    patient = await ward.patient()
    await consented(ward, patient)
    start = datetime(2026, 11, 1, 2, tzinfo=UTC)
    entry = (
        await log_time(
            conn, "north", nora, patient, "CCM", "call", start, start + timedelta(hours=24),
            False, "Long", now=NOW,
        )
    ).entry_id  # fmt: skip
    found = await evaluated(conn, patient)
    share = shares(found.facts, found.result)[str(entry)]
    assert share.micros == 22 * 3600 * SECOND
    whole = ((int(start.timestamp()) * SECOND, int(start.timestamp() + 86_400) * SECOND),)
    assert [(d.day, s // SECOND // 3600) for d, s in by_day(whole, NEW_YORK)] == [(31, 2), (1, 22)]


async def test_an_abandoned_timer_counts_what_was_proven_and_documented(ward):
    nora, conn = await ward.staff(), await ward.connect()
    patient = await ward.patient()
    await consented(ward, patient)
    _, task = await ward.alert(patient)
    claimed = await claim(conn, "north", nora, task, now=NOW)
    await beat(conn, "north", nora, claimed.entry_id, now=after(75))
    async with open_pool(ward.database.urls["hl_worker"]) as pool:
        assert await sweep(pool, now=after(75 + LEASE_S + 1)) == 1
    assert await ward.entries(task) == [("stopped", "active", "abandoned", 75.0)]
    assert await counted(conn, patient) == {}
    await confirm_entry(
        conn, "north", nora, claimed.entry_id, until=None, note="Read it", now=after(900)
    )
    assert await counted(conn, patient) == {"CCM": 75} or await counted(conn, patient) == {
        "RPM": 75
    }


async def test_a_correction_moves_what_the_engine_counts(ward):
    nora, conn = await ward.staff(), await ward.connect()
    patient = await ward.patient()
    for programme in ("CCM", "RPM"):
        await consented(ward, patient, programme)
    _, task = await ward.alert(patient)
    entry = await worked(conn, nora, task, NOW, 600)
    assert await counted(conn, patient) == {"CCM": 600}
    new = instead(NOW, after(540), programme="RPM", activity="alert_review")
    await correct_entry(conn, "north", nora, entry, new, reason="Monitoring", now=after(hours=1))
    assert await counted(conn, patient) == {"RPM": 540}
    # A correction to the month before takes the minutes there.
    (latest,) = await ward.one("SELECT id FROM time_entry WHERE status = 'active'")
    october = datetime(2026, 10, 31, 20, tzinfo=UTC)
    moved = instead(october, october + timedelta(seconds=540), activity="alert_review")
    await correct_entry(conn, "north", nora, latest, moved, reason="Wrong day", now=after(hours=2))
    assert await counted(conn, patient) == {}
    assert await counted(conn, patient, Month.parse("2026-10")) == {"CCM": 540}
    chain = await ward.all("SELECT status, replaces IS NULL FROM time_entry ORDER BY created_at")
    assert chain == [("reversed", True), ("reversed", False), ("active", False)]


async def test_two_sessions_of_one_nurse_whatever_they_do(ward):
    """Claims, pauses, notes and reversals from two tabs: one patient at a time, and sums agree."""
    nora, conn = await ward.staff(), await ward.connect()
    patients = [await ward.patient(name) for name in ("Ann", "Bob", "Cal")]
    tasks = []
    for patient in patients:
        await consented(ward, patient)
        tasks.append((await ward.alert(patient))[1])

    async def tab(offset):
        async with open_pool(ward.database.urls["hl_api"], max_size=1) as pool:
            for step in range(12):
                task, now = tasks[(step + offset) % 3], after(step * 30 + offset)
                async with connection(pool) as own:
                    try:
                        claimed = await claim(own, "north", nora, task, now=now)
                        await beat(own, "north", nora, claimed.entry_id, now=now + timedelta(0, 9))
                        if step % 3 == 2:
                            await pause(own, "north", nora, task, now=now + timedelta(0, 9))
                            await confirm_entry(
                                own, "north", nora, claimed.entry_id, until=None, note="Done",
                                now=now + timedelta(0, 10),
                            )  # fmt: skip
                        if step % 4 == 3:
                            await reverse_entry(own, "north", nora, claimed.entry_id, "No", now=now)
                    except CareError:
                        continue

    await asyncio.gather(tab(0), tab(1))
    (overlapping,) = await ward.one(
        "SELECT count(*) FROM time_entry x JOIN time_entry y ON x.id < y.id"
        " AND x.during && y.during AND x.status = 'active' AND y.status = 'active'"
        " AND x.patient_id <> y.patient_id"
    )
    (running,) = await ward.one(
        "SELECT count(*) FROM time_entry WHERE state = 'running' AND status = 'active'"
    )
    assert (overlapping, running <= 1) == (0, True)
    for patient in patients:
        stored = await ward.one(
            "SELECT coalesce(sum(extract(epoch FROM upper(r) - lower(r))), 0)::float FROM ("
            " SELECT unnest(range_agg(during)) AS r FROM time_entry WHERE patient_id = %s"
            " AND state = 'confirmed' AND status = 'active') AS united", patient
        )  # fmt: skip
        assert sum((await counted(conn, patient)).values()) == stored[0]


async def test_who_loses_a_minute_and_to_whom(ward):
    """Two people in one programme, and one of them in another: each loss names who keeps it."""
    nora, nils, conn = await ward.staff("Nora"), await ward.staff("Nils"), await ward.connect()
    patient = await ward.patient()
    for programme in ("CCM", "RPM"):
        await consented(ward, patient, programme)

    async def logged(actor, start, end, programme):
        done = await log_time(
            conn, "north", actor, patient, programme, "call", start, end, False, "n",
            now=after(hours=8),
        )  # fmt: skip
        return str(done.entry_id)

    first = await logged(nora, NOW, after(600), "CCM")
    second = await logged(nils, after(300), after(900), "CCM")
    monitoring = await logged(nils, after(840), after(1000), "RPM")
    found = await evaluated(conn, patient)
    share = shares(found.facts, found.result)
    assert [s.micros // SECOND for s in (share[first], share[second], share[monitoring])] == [
        600, 240, 160,
    ]  # fmt: skip
    lost = {(str(x.reason), x.micros // SECOND, x.kept_by) for x in share[second].lost}
    assert lost == {
        ("OVERLAP_TWO_STAFF", 300, (first,)),
        ("CROSS_PROGRAM_DOUBLE_COUNT", 60, (monitoring,)),
    }
    assert await counted(conn, patient) == {"CCM": 840, "RPM": 160}
    assert share[first].programme is Programme.CCM
