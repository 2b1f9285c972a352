"""Days that wait to be judged: ingest appends a mark for them, and waits for nobody (I5)."""

from __future__ import annotations

import asyncio

import psycopg
import pytest

from store import alerts as store
from store.alerts import clinics_to_judge
from store.tenancy import clinic_session
from tests.alerts.clinics import bp
from tests.alerts.make import NOW

pytestmark = pytest.mark.services
MARKS = "SELECT id FROM evaluation_mark WHERE clinic_id = %(clinic)s ORDER BY id"


async def test_ingest_does_not_wait_for_a_worker_and_its_mark_outlives_the_set(clinic, database):
    await clinic.send(bp(150, 95, ago_h=1))
    async with await psycopg.AsyncConnection.connect(
        database.urls["hl_worker"], autocommit=True
    ) as worker:
        async with clinic_session(worker, clinic.name):
            claimed = await store.claim_days(worker, size=10)
            async with asyncio.timeout(20):  # to wait for the worker would be to wait for ever
                await clinic.send(bp(190, 125))  # the same day
            people = {mark.patient_id for mark in claimed}
            await store.finish(
                worker, marks=claimed, set_aside=[], verdicts=[], patients=people, now=NOW
            )
        assert len(claimed) == 1
        (left,) = await clinic.rows(MARKS)
        assert [left["id"]] > list(claimed[0].ids)
        assert await clinics_to_judge(worker) == [clinic.name]
    await clinic.judge()
    assert (await clinic.alert())["severity"] == "critical"
    assert await clinic.rows(MARKS) == []


async def test_any_number_of_marks_of_a_day_cost_one_evaluation(clinic):
    for ago_h in (3, 2, 1):
        await clinic.send(bp(150, 95, ago_h=ago_h))
    assert len(await clinic.rows(MARKS)) == 3
    (done,) = await clinic.judge()
    assert (done.claimed, done.judged, done.opened) == (3, 3, {"blood_pressure.high": 1})
    assert await clinic.events() == [("fired", "firing")]


async def test_two_workers_hold_different_marks(clinic, database):
    await clinic.send(bp(150, 95))
    await clinic.send(bp(150, 95, person=1))
    url = database.urls["hl_worker"]
    async with (
        await psycopg.AsyncConnection.connect(url, autocommit=True) as one,
        await psycopg.AsyncConnection.connect(url, autocommit=True) as other,
        clinic_session(one, clinic.name),
        clinic_session(other, clinic.name),
    ):
        first = await store.claim_days(one, size=1)
        second = await store.claim_days(other, size=10)
        assert [mark.patient_id for mark in first] == [clinic.people[0].id], "the longest waiting"
        assert [mark.patient_id for mark in second] == [clinic.people[1].id]


async def test_a_day_that_the_old_version_marked_is_judged_too(clinic):
    await clinic.send(bp(150, 95))
    await clinic.admin.execute(
        "WITH moved AS (DELETE FROM evaluation_mark RETURNING clinic_id, patient_id, day)"
        " INSERT INTO pending_evaluation (clinic_id, patient_id, day) SELECT * FROM moved"
    )
    await clinic.judge()
    assert (await clinic.alert())["lineage"] == "blood_pressure.high"
    assert (await clinic.dump())["waiting"] == [(0,)]


@pytest.mark.parametrize("role", ["hl_ingest", "hl_worker", "hl_api"])
async def test_nobody_changes_a_mark(clinic, database, role):
    """Ingest appends and reads nothing back; a worker may lock and remove."""
    await clinic.send(bp(150, 95))
    async with await psycopg.AsyncConnection.connect(database.urls[role]) as conn:
        await conn.execute("SELECT set_config('hearthline.clinic', %s, true)", [clinic.name])
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            await conn.execute("UPDATE evaluation_mark SET marked_at = now() - interval '1 day'")
