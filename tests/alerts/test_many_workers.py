"""Any number of workers, and any death of one, come to the same alerts and tasks."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from contextlib import contextmanager

import psycopg
import pytest

from alerts.evaluation import evaluate_set
from alerts.rulebook import load
from tests.alerts.clinics import Clinic, bp, twenty_days
from tests.alerts.make import NOW
from tests.conftest import ROOT

pytestmark = pytest.mark.services

PEOPLE, EACH = 40, 50


async def _filled(name, database, admin) -> Clinic:
    clinic = await Clinic(name, database, admin).open(people=PEOPLE)
    await clinic.send(*twenty_days(PEOPLE, EACH))
    return clinic


async def _drain(clinic: Clinic, *, size: int) -> int:
    """A worker that goes on until nobody has anything left; returns how many sets were its."""
    sets = 0
    async with await clinic.worker() as conn:
        while (await clinic.dump())["waiting"] != [(0,)]:
            done = await evaluate_set(conn, clinic.name, book=load(), now=NOW, size=size)
            sets += bool(done.claimed)
    return sets


async def test_four_workers_come_to_what_one_comes_to(database, admin):
    one, four = [await _filled(name, database, admin) for name in ("one", "four")]
    await one.judge()
    shares = await asyncio.gather(*(_drain(four, size=3) for _ in range(4)))
    assert sorted(shares)[-2] > 0, "only one of the four had anything to do"
    expected, found = await one.dump(), await four.dump()
    assert found == expected
    assert len(expected["judgements"]) == PEOPLE * EACH
    assert len(expected["alerts"]) > PEOPLE
    assert {a[4] for a in expected["alerts"]} == {"notice", "warning", "critical"}
    assert {a[5] for a in expected["alerts"]} == {True, False}
    assert {(a[8], a[9]) for a in expected["alerts"]} == {("alert", "open")}


async def test_days_that_arrive_one_after_another_come_to_the_same(database, admin):
    """Judged all at once, or after each delivery in another order: what is open says the same."""
    at_once, bit_by_bit = [
        await Clinic(name, database, admin).open(people=4) for name in ("once", "bits")
    ]
    days = [day for day in twenty_days(4, 40, seed=3) if day.kind != "weight"]
    await at_once.send(*days)
    await at_once.judge()
    for start in range(0, len(days), 20):
        await bit_by_bit.send(*days[start : start + 20])
        await bit_by_bit.judge(now=NOW)
    expected, found = await at_once.dump(), await bit_by_bit.dump()
    assert found == expected


async def test_two_workers_and_one_new_alert(clinic):
    for number in range(12):
        await clinic.send(bp(150 + number, 95, ago_h=24 * number))
    sets = await asyncio.gather(_drain(clinic, size=1), _drain(clinic, size=1))
    assert sum(sets) > 0
    assert (await clinic.alert())["episode"] == 1
    assert len(await clinic.rows("SELECT FROM finding")) == 12


@contextmanager
def _process(clinic: Clinic, *, size: int):
    """A real worker."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("HEARTHLINE_")}
    environment |= {
        "HEARTHLINE_DATABASE_URL": clinic._urls["hl_worker"],
        "HEARTHLINE_METRICS_PORT": "0",
        "HEARTHLINE_SET_SIZE": str(size),
        "HEARTHLINE_POLL_S": "0.2",
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "alerts"],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


async def _until(clinic: Clinic, query: str) -> None:
    async with asyncio.timeout(60):
        while not await clinic.rows(query):
            await asyncio.sleep(0.02)


_DONE = (
    "SELECT FROM clinic WHERE id = %(clinic)s AND NOT EXISTS"
    " (SELECT FROM evaluation_mark WHERE clinic_id = %(clinic)s)"
)


async def test_a_killed_worker_changes_nothing(database, admin):
    calm = await _filled("calm", database, admin)
    await calm.judge()
    storm = await _filled("storm", database, admin)
    for least in (1, 300, 700):
        with _process(storm, size=2):
            await _until(
                storm,
                f"SELECT FROM judgement WHERE clinic_id = %(clinic)s HAVING count(*) >= {least}",
            )
    assert await storm.rows("SELECT FROM evaluation_mark"), "killed too late to matter"
    with _process(storm, size=50) as last:
        await _until(storm, _DONE)
        last.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(last.wait, 20) == 0
    assert await storm.dump() == await calm.dump()


async def test_a_worker_killed_between_its_writes_leaves_the_marks_and_nothing_else(
    clinic, database
):
    await clinic.send(bp(190, 125), bp(80, 50, person=1))
    before = await clinic.dump()
    async with await psycopg.AsyncConnection.connect(database.admin) as blocker:
        await blocker.execute("LOCK TABLE alert_event IN SHARE MODE")
        with _process(clinic, size=10):  # killed when the block is left
            await _until(
                clinic,
                "SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
                " AND datname = current_database() AND query LIKE '%%INSERT INTO alert_event%%'",
            )
    assert await clinic.dump() == before
    with _process(clinic, size=10):
        await _until(clinic, _DONE)
    assert len(await clinic.alerts()) == 2
