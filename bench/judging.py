"""How many readings one alert worker judges a second, with thousands of patients waiting at once.

    readings in TimescaleDB, days marked ─ NOTIFY ─ `python -m alerts` ─ findings, alerts, summaries
        stopwatch starts                                  nothing waits: stopwatch stops

A round is a day of the whole clinic, the day after the last one's, so each is judged beside what
was measured before. A reading counts once, however often a set looks at it again.
"""

from __future__ import annotations

import asyncio
import statistics
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from alerts.rulebook import Basis, load
from bench import machine, settings
from bench.report import say
from scripts.database import Database
from scripts.spine import ROOT, Spine
from store import crowd, fixtures
from store.pool import connection, open_pool
from store.tenancy import Connection
from vitals.clock import utc_now

CLINIC, ZONE = "crowd", "America/New_York"
PATIENCE_S = 600.0  # of one round
_LOOK_S = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What was asked for on the command line."""

    people: int = 10_000
    rounds: int = 5
    history_days: int = 8  # measured before the first round, as far back as a weight looks
    share: float = 0.02  # of the readings are beyond a limit


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """What one day of everybody came to."""

    judged: int
    found: int
    seconds: float
    worker_cpu_s: float
    database_cpu_s: float
    load: float


def run(wish: Wish) -> tuple[dict[str, Any], dict[str, Any], list[str]]:
    """Figures, ratios, and what was not judged."""
    with _worker() as (spine, admin_url):
        figures: dict[str, Any] = {"machine": machine.facts(admin_url)}
        rounds = asyncio.run(_rounds(wish, spine, admin_url))
    expected = wish.people * 4
    problems = [
        f"round {number}: {done.judged} of {expected} readings were judged"
        for number, done in enumerate(rounds, 1)
        if done.judged != expected
    ]
    figures |= _figures(rounds, wish)
    return figures, {"judged_per_s": figures["judged_per_s"]}, problems


@contextmanager
def _worker() -> Iterator[tuple[Spine, str]]:
    environment = settings.environment()
    with Database.fresh(
        environment[settings.DATABASE_URL], f"hl_bench_{uuid.uuid4().hex[:12]}"
    ) as database:
        work = ROOT / ".local" / "runs" / database.name
        with Spine(work=work, environment=environment, database=database) as spine:
            yield spine, database.admin_url


async def _rounds(wish: Wish, spine: Spine, admin_url: str) -> list[Round]:
    async with open_pool(admin_url, max_size=1) as pool, connection(pool) as conn:
        first = (utc_now() - timedelta(days=wish.rounds)).date()
        await _fill(conn, wish, first)
        spine.start_alerts()
        say("what was measured before is summed up")
        await crowd.mark(conn, CLINIC, day=first - timedelta(days=1))
        await _nothing_waits(conn)
        done = []
        for number in range(wish.rounds):
            day = first + timedelta(days=number)
            await crowd.measure(conn, CLINIC, day=day, zone=ZONE, share=wish.share)
            await crowd.analyse(conn)
            say(f"round {number + 1} of {wish.rounds}, load {machine.load()}")
            done.append(await _round(conn, spine, day))
        return done


async def _fill(conn: Connection, wish: Wish, first: date) -> None:
    say(f"{wish.people} patients, their devices and limits, {wish.history_days} days before")
    since = utc_now() - timedelta(days=wish.rounds + wish.history_days + 30)
    limits = [
        crowd.OwnLimit(rule=limit.rule, value=limit.bound, ucum=limit.ucum)
        for limit in load().limits_on(first)
        if limit.basis is Basis.VALUE
    ]
    await fixtures.register_clinic(conn, CLINIC, name="Crowd", zone=ZONE)
    await crowd.settle(conn, CLINIC, people=wish.people, zone=ZONE, since=since, limits=limits)
    for ago in range(wish.history_days, 0, -1):
        day = first - timedelta(days=ago)
        await crowd.measure(conn, CLINIC, day=day, zone=ZONE, share=0.0)


async def _round(conn: Connection, spine: Spine, day: date) -> Round:
    before = await crowd.judged(conn, CLINIC), await crowd.found(conn, CLINIC)
    worker = spine.children["alerts"].pid
    backends = set(await crowd.backends(conn, CLINIC))
    cpu = machine.cpu_s(worker), sum(map(machine.cpu_s, backends))
    started = time.perf_counter()
    await crowd.mark(conn, CLINIC, day=day)
    await _nothing_waits(conn)
    seconds = time.perf_counter() - started
    backends |= set(await crowd.backends(conn, CLINIC))
    return Round(
        judged=await crowd.judged(conn, CLINIC) - before[0],
        found=await crowd.found(conn, CLINIC) - before[1],
        seconds=seconds,
        worker_cpu_s=machine.cpu_s(worker) - cpu[0],
        database_cpu_s=sum(map(machine.cpu_s, backends)) - cpu[1],
        load=machine.load(),
    )


async def _nothing_waits(conn: Connection) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while await crowd.is_waiting(conn, CLINIC):  # noqa: ASYNC110 -- another process's doing
            await asyncio.sleep(_LOOK_S)


def _figures(rounds: list[Round], wish: Wish) -> dict[str, Any]:
    rates = [done.judged / done.seconds for done in rounds]
    judged = sum(done.judged for done in rounds)
    return {
        "people": wish.people,
        "rounds": len(rounds),
        "readings_a_round": judged // len(rounds),
        "findings_share": round(sum(done.found for done in rounds) / judged, 4),
        "judged_per_s": round(statistics.median(rates)),
        "judged_per_s_all": [round(rate) for rate in rates],
        "worker_cpu_us_per_reading": round(sum(d.worker_cpu_s for d in rounds) / judged * 1e6),
        "database_cpu_us_per_reading": round(sum(d.database_cpu_s for d in rounds) / judged * 1e6),
        "load_after": [done.load for done in rounds],
    }
