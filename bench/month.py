"""A clinic's month: thousands of enrolled patients evaluated and stored by the command itself.

    readings, entries, consents in TimescaleDB ─ `python -m ccm_link evaluate-month` ─ a draft each
           stopwatch starts with the process                     stopwatch stops with it

The month is the one before the running one. Memory is the sum of what each process of the command
had at most; processor time of the database is that of the whole server, so nothing else may use it.
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from datetime import time as midnight
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from bench import engine, machine, settings, stored
from bench.report import say
from ccm_link.calendar_month import Month
from scripts.database import Database
from scripts.spine import ROOT
from store import bulk, month_crowd
from store.pool import connection, open_pool
from vitals.clock import utc_now

CLINIC = "months"
GOAL_S, GOAL_MB, GOAL_ENGINE_MS = 20.0, 500.0, 1.0
ENROLLED_BEFORE = timedelta(days=75)
_ALONE = 2000  # patient-months of the engine by itself
_LOOK_S = 0.05
_KB = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What was asked for on the command line."""

    people: int = 10_000
    entries: int = 30
    days: int = 40
    rounds: int = 3
    processes: int = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """One run of the command."""

    seconds: float
    rss_mb: float
    command_cpu_s: float
    database_cpu_s: float | None  # None: the server is elsewhere
    told: dict[str, Any]
    load: float


def run(wish: Wish) -> tuple[dict[str, Any], dict[str, Any], list[str]]:
    """Figures, ratios, and what was not evaluated or stored."""
    admin_url = settings.environment()[settings.DATABASE_URL]
    name = f"hl_bench_{uuid.uuid4().hex[:12]}"
    with Database.fresh(admin_url, name) as database:
        figures: dict[str, Any] = {"machine": machine.facts(database.admin_url)}
        month = _last_month()
        _fill(database, month, wish)
        rounds = [_round(database, month, wish, number) for number in range(wish.rounds)]
        counts = asyncio.run(_counts(database))
    alone = engine.ms_per_patient_month(
        patients=min(wish.people, _ALONE), size=engine.Size(entries=wish.entries, days=wish.days)
    )
    figures |= _figures(rounds, wish, counts)
    figures |= {"engine_ms": round(alone["wall"], 3), "engine_cpu_ms": round(alone["cpu"], 3)}
    return figures, _ratios(figures), _problems(rounds, wish, counts)


def _last_month() -> Month:
    return Month(Month.of(utc_now().astimezone(ZoneInfo(stored.ZONE)).date()) - 1)


def _fill(database: Database, month: Month, wish: Wish) -> None:
    zone = ZoneInfo(stored.ZONE)
    begins = datetime.combine(month.first, midnight(), zone)
    ends = datetime.combine(month.last + timedelta(days=1), midnight(), zone)
    say(f"{wish.people} patients with {wish.days} days of readings each until the end of {month}")
    stored.fill(
        database.admin_url, CLINIC, patients=wish.people, readings=wish.people * wish.days,
        days=wish.days, until=ends,
    )  # fmt: skip
    say(f"and {wish.entries} time entries each")

    async def work() -> None:
        async with open_pool(database.admin_url, max_size=1) as pool, connection(pool) as conn:
            await month_crowd.work(
                conn, CLINIC, patients=wish.people, entries=wish.entries,
                since=begins - ENROLLED_BEFORE, begins=begins, ends=ends,
            )  # fmt: skip

    asyncio.run(work())
    bulk.analyze(database.admin_url)


def _round(database: Database, month: Month, wish: Wish, number: int) -> Round:
    say(f"round {number + 1} of {wish.rounds}, load {machine.load()}")
    server = machine.database_pid(database.admin_url)
    before = machine.family_cpu_s(server) if server else 0.0
    command = [sys.executable, "-m", "ccm_link", "evaluate-month", "--clinic", CLINIC, "--json"]
    command += ["--month", str(month), "--processes", str(wish.processes)]
    environment = {**settings.environment(), settings.DATABASE_URL: database.urls["hl_worker"]}
    children, started = os.times(), time.perf_counter()
    with (
        subprocess.Popen(  # noqa: S603 -- our own command
            command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True
        ) as running,
        _watched(running.pid) as most,
    ):
        said, _ = running.communicate()
    seconds, ended = time.perf_counter() - started, os.times()
    if running.returncode:
        raise SystemExit(f"bench: evaluate-month ended with {running.returncode}")
    return Round(
        seconds=seconds,
        rss_mb=round(sum(most.values()) / _KB, 1),
        command_cpu_s=ended.children_user + ended.children_system
        - children.children_user - children.children_system,
        database_cpu_s=machine.family_cpu_s(server) - before if server else None,
        told=json.loads(said.splitlines()[-1]),
        load=machine.load(),
    )  # fmt: skip


@contextmanager
def _watched(pid: int) -> Iterator[dict[int, int]]:
    """The most that the process and each of its descendants had resident, in KB."""
    most: dict[int, int] = {}
    done = threading.Event()

    def look() -> None:
        while not done.wait(_LOOK_S):
            for one in _family(pid):
                most[one] = max(most.get(one, 0), _peak_kb(one))

    watcher = threading.Thread(target=look, daemon=True)
    watcher.start()
    try:
        yield most
    finally:
        done.set()
        watcher.join()


def _family(pid: int) -> list[int]:
    found = [pid]
    for one in found:
        for path in Path(f"/proc/{one}/task").glob("*/children"):
            found += map(int, _text(path).split())
    return found


def _peak_kb(pid: int) -> int:
    lines = _text(Path(f"/proc/{pid}/status")).splitlines()
    return next((int(line.split()[1]) for line in lines if line.startswith("VmHWM")), 0)


def _text(path: Path) -> str:
    try:
        return path.read_text("ascii", "replace")
    except OSError:  # it ended meanwhile
        return ""


async def _counts(database: Database) -> dict[str, Any]:
    async with open_pool(database.admin_url, max_size=1) as pool, connection(pool) as conn:
        return await month_crowd.counts(conn, CLINIC)


def _figures(rounds: list[Round], wish: Wish, counts: dict[str, Any]) -> dict[str, Any]:
    seconds = statistics.median(done.seconds for done in rounds)
    command = statistics.median(done.command_cpu_s for done in rounds)
    server = [done.database_cpu_s for done in rounds if done.database_cpu_s is not None]
    database = statistics.median(server) if server else None
    return {
        "people": wish.people,
        "entries": wish.entries,
        "days": wish.days,
        "processes": wish.processes,
        "month_s": round(seconds, 2),
        "month_s_all": [round(done.seconds, 2) for done in rounds],
        "rss_mb": max(done.rss_mb for done in rounds),
        "ms_per_patient_month": round(seconds * 1000 / wish.people, 3),
        "command_cpu_s": round(command, 2),
        "database_cpu_s": database and round(database, 2),
        "database_share_of_cpu": database and round(database / (database + command), 3),
        "result_kb_each": round(counts["result_bytes"] / counts["stored"] / _KB, 1),
        "told": rounds[-1].told,
        "load_after": [done.load for done in rounds],
    }


def _ratios(figures: dict[str, Any]) -> dict[str, Any]:
    """The goal over what was measured: 1 is the goal, more is better."""
    return {
        "month_s": figures["month_s"],
        "rss_mb": figures["rss_mb"],
        "engine_ms": figures["engine_ms"],
        "month_of_goal": round(GOAL_S / figures["month_s"], 2),
        "rss_of_goal": round(GOAL_MB / figures["rss_mb"], 2),
        "engine_of_goal": round(GOAL_ENGINE_MS / figures["engine_ms"], 2),
    }


def _problems(rounds: list[Round], wish: Wish, counts: dict[str, Any]) -> list[str]:
    found = {
        "patients": (counts["patients"], wish.people),
        "time entries": (counts["entries"], wish.people * wish.entries),
        "readings": (counts["readings"], wish.people * wish.days),
        "drafts": (counts["stored"], wish.people),
        "evaluated": (min(done.told["enrolled"] for done in rounds), wish.people),
    }
    return [f"{got} of {want} {what}" for what, (got, want) in found.items() if got != want]
