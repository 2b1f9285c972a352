"""The fault run as a check from outside runs it; and the parts of it that could deceive."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest

from bench.faults import Progress
from bench.faults_homes import Noted
from bench.faults_kills import Killing, Victim
from bench.faults_plan import Household, as_spooled
from bench.faults_reference import outcome
from gateway.spool import SpoolFile
from scripts.spine import ROOT
from store.errors import Unavailable
from store.pool import open_pool

NOW = datetime(2026, 3, 20, 12, tzinfo=UTC)
KEYS = {"sent", "stored", "lost", "duplicated", "values_changed", "quarantined", "kills"}
PROCESSES = {"gateway", "homes", "mosquitto", "ingest", "ingest-2", "alerts", "postgres"}
SMALL = (
    *("--readings", "1500", "--over-gatt", "100", "--homes", "3", "--impossible", "2"),
    *("--seconds", "14", "--moments", "1"),
)


def fault_run(*arguments):
    done = subprocess.run(
        [sys.executable, "-m", "bench", "faults", "--json", *arguments],
        capture_output=True,
        text=True,
        timeout=420,
        check=False,
        cwd=ROOT,
        env=os.environ,
    )
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout.splitlines()[-1])
    assert report.keys() >= KEYS
    assert report["lost"] == report["duplicated"] == report["values_changed"] == 0
    assert report["sent"] == report["stored"] + report["quarantined"]
    assert report["alerts"] == report["alerts_expected"] > 0
    assert report["tasks"] == report["tasks_expected"] > 0
    assert report["kills"].keys() == PROCESSES
    return report


@pytest.mark.services
@pytest.mark.usefixtures("services")
def test_everything_killed_once_and_nothing_lost():
    report = fault_run(*SMALL)
    assert report["sent"] >= 1500
    assert report["quarantined"] == 2
    assert min(report["kills"].values()) >= 1


@pytest.mark.slow
@pytest.mark.services
@pytest.mark.usefixtures("services")
def test_everything_killed_five_times_and_nothing_lost():
    report = fault_run("--impossible", "5")
    assert report["sent"] >= 50_000
    assert report["over_gatt"] >= 1000
    assert min(report["kills"].values()) >= 5


# What is measured ---------------------------------------------------------------------------------


def journal_of(length=400, impossible=0, seed=3):
    home = Household(number=1)
    return list(home.journal(length, impossible=impossible, seed=seed, now=NOW))


def test_the_same_seed_gives_the_same_journal():
    assert journal_of() == journal_of() != journal_of(seed=4)


def test_every_measurement_can_be_told_from_every_other():
    entries = journal_of()
    assert len({(found.address, found.raw) for found in entries}) == len(entries) == 400
    assert len({as_spooled(found).id for found in entries}) == 400
    assert [found.measured_at for found in entries] == sorted(f.measured_at for f in entries)


def test_no_minute_of_storing_decides_whether_a_finding_is_late():
    for found in journal_of(2000):
        assert not timedelta(hours=20) < NOW - found.measured_at < timedelta(hours=28)


def test_what_nobody_can_have_is_in_the_journal_as_often_as_asked():
    systolic = [found.values.get("systolic_mmhg") for found in journal_of(impossible=3)]
    assert systolic.count(372) == 3


def test_a_home_never_notes_more_than_it_spooled(tmp_path):
    noted = Noted(tmp_path / "home.noted")
    assert noted.read() == 0
    noted.write(20)
    (tmp_path / "home.new").write_text("4", "utf-8")  # killed while writing the next one
    assert Noted(tmp_path / "home.noted").read() == 20


# What counts as a kill ----------------------------------------------------------------------------


def victim(*, lives=True, works=True):
    calls = []

    def kill():
        calls.append("kill")
        return lives

    found = Victim(
        name="one",
        kill=kill,
        start=lambda: calls.append("start"),
        has_work=lambda: works,
        window_s=0.0,
    )
    return found, calls


async def killed(found):
    killing = Killing(victims=[found], moments=1, seed=1, first_s=0, rest_s=0)
    await killing.run()
    return killing


async def test_a_kill_counts_and_is_followed_by_a_start():
    found, calls = victim()
    killing = await killed(found)
    assert (killing.kills, calls, killing.problems) == ({"one": 1}, ["kill", "start"], [])


async def test_who_has_no_work_is_not_killed():
    found, calls = victim(works=False)
    killing = await killed(found)
    assert (killing.kills, calls) == ({"one": 0}, [])


async def test_who_ended_by_itself_is_a_problem_and_no_kill():
    found, calls = victim(lives=False)
    killing = await killed(found)
    assert (killing.kills, calls) == ({"one": 0}, ["kill", "start"])
    assert killing.problems == ["one had ended by itself"]


def test_work_is_open_until_every_gateways_readings_are_stored():
    stored = {"a": 2}
    progress = Progress(ask=lambda: dict(stored), wanted={"a": 2, "b": 1})
    assert progress.open(["a"])
    progress.look()
    assert progress.open()
    assert not progress.open(["a"])
    stored["b"] = 1
    progress.look()
    assert not progress.open()


def test_a_database_that_is_away_leaves_progress_as_it_was_seen_last():
    def away():
        raise Unavailable("killed")

    progress = Progress(ask=away, wanted={"a": 2}, stored={"a": 1})
    progress.look()
    assert progress.stored == {"a": 1}


def alert(**other):
    row = dict.fromkeys(("patient", "lineage", "severity", "state"), "x")
    return {**row, "episode": 1, "late": False, "findings": 1, "task": "t", "id": "i", **other}


def test_alerts_are_told_apart_by_what_they_say_and_not_by_when_they_were_made():
    assert outcome([alert()]) == outcome([alert(id="j", task="u", opened_at=NOW)])
    for other in ({"findings": 2}, {"episode": 2}, {"severity": "y"}, {"task": None}):
        assert outcome([alert()]) != outcome([alert(**other)])
    assert outcome([alert(), alert()]) == Counter({next(iter(outcome([alert()]))): 2})


# What the loss of power hangs on, which no kill can show ------------------------------------------


def test_the_spool_waits_for_the_disk(tmp_path):
    with closing(SpoolFile(tmp_path / "spool.sqlite3")) as spool:
        assert spool._db.execute("PRAGMA synchronous").fetchone() == (2,)  # FULL
        assert spool._db.execute("PRAGMA journal_mode").fetchone() == ("wal",)


@pytest.mark.services
@pytest.mark.parametrize("role", ["hl_ingest", "hl_worker", "hl_api"])
@pytest.mark.parametrize("setting", ["fsync", "synchronous_commit", "full_page_writes"])
async def test_the_database_waits_for_the_disk_for_every_service(database, role, setting):
    async with open_pool(database.urls[role], max_size=1) as pool, pool.connection() as conn:
        row = await (await conn.execute(f"SHOW {setting}")).fetchone()
    assert row == ("on",)
