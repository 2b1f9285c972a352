"""One patient's chart of a year, with a tenth of the readings stored and with all of them.

Two databases on one server, filled in the same run: as many days, patients and readings of each
patient, so that the chart is equally long; only the others are ten times as many. Requests go to
and fro between the two, so that whatever else the machine does meets both.

`chart` is `store.charts.overview`, the product's own reader, as the console connects: warm, the
same patients again and again; cold, each patient once after the database's files have left the
system's cache. `page` is the whole chart page over HTTP from a console of its own, with its
longest range, the audit entry and the rendering. `late` is a batch of one home's readings of two
years written as ingest does, beside one of the last day's.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from statistics import median
from typing import Any

from api.auth.passwords import hash_password
from bench import cold, machine, settings, stored, ward
from bench.pages import timed
from bench.report import say
from bench.spread import Spread, spread
from bench.staff import signed_in
from bench.ward import GATEWAYS, Bed
from scripts.clinic import NURSE, PASSWORD
from scripts.database import Database
from scripts.spine import ROOT, Spine
from store import bulk, charts, measure
from store.batch import write_batch
from store.pool import connection, open_pool
from store.rows import ReadingRow
from store.staff import NewStaff, create_member
from vitals.clock import utc_now

CLINIC = "bench"
TIMES = 10  # as many readings in the large database as in the small one
A_PATIENT = 2_000  # readings of each in all the days
DAYS, YEAR = 730, timedelta(days=365)
SUBJECTS, ROUNDS = 40, 5
LATE = 1_000  # readings of a batch
PAGE_ROUNDS, PAGE_REQUESTS = 3, 40
_SEED = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What was asked for on the command line."""

    readings: int = 20_000_000
    chunk_days: int | None = None  # None: as the migrations say
    pages: bool = True

    @property
    def patients(self) -> int:
        return max(TIMES, self.readings // A_PATIENT)


@dataclass(slots=True, kw_only=True)
class Held:
    """A filled database and what was measured in it; durations in seconds."""

    database: Database
    patients: int
    rows_per_s: int = 0
    until: datetime = field(default_factory=utc_now)
    warm: list[list[float]] = field(default_factory=list)  # by round
    cold: list[float] = field(default_factory=list)
    pages: list[Spread] = field(default_factory=list)
    planning_ms: list[float] = field(default_factory=list)
    execution_ms: list[float] = field(default_factory=list)
    late: list[float] = field(default_factory=list)
    fresh: list[float] = field(default_factory=list)
    server_cpu_s: float | None = None  # of the filling; None where the server is elsewhere
    lengths: set[int] = field(default_factory=set)  # rows of a chart

    @property
    def since(self) -> datetime:
        return self.until - YEAR

    def told(self) -> dict[str, Any]:
        asked = [seconds for one in self.warm for seconds in one]
        return {
            "patients": self.patients,
            "filled_rows_per_s": self.rows_per_s,
            "rows_a_chart": [min(self.lengths), max(self.lengths)],
            "chart_warm": spread(asked),
            "chart_cold": spread(self.cold),
            "planning_ms": round(median(self.planning_ms), 2),
            "execution_ms": round(median(self.execution_ms), 2),
            "page": _middle(self.pages),
            "late_batch_ms": round(median(self.late) * 1000, 1),
            "fresh_batch_ms": round(median(self.fresh) * 1000, 1),
        }


def run(wish: Wish) -> tuple[dict[str, Any], dict[str, Any], list[str]]:
    """Figures, ratios, and what went wrong."""
    environment = settings.environment()
    admin_url = environment[settings.DATABASE_URL]
    with ExitStack() as stack:
        small, large = (
            filled(stack, admin_url, wish, part) for part in (wish.patients // TIMES, wish.patients)
        )
        both = (small, large)
        figures: dict[str, Any] = {"machine": machine.facts(small.database.admin_url)}
        asyncio.run(rounds(both))
        _cold(both)
        if wish.pages:
            _pages(both, environment)
        asyncio.run(late(both))
        figures |= {"small": small.told(), "large": large.told()}
        figures |= _stored(large)
        figures["load_after"] = machine.load()
    return figures, _ratios(small, large), _problems(small, large, figures)


def filled(stack: ExitStack, admin_url: str, wish: Wish, patients: int) -> Held:
    """A database of its own with that many patients, each with as many readings."""
    name = f"hl_bench_{uuid.uuid4().hex[:12]}"
    database = stack.enter_context(Database.fresh(admin_url, name))
    if wish.chunk_days is not None:
        measure.set_chunk_interval(database.admin_url, wish.chunk_days)
    readings = wish.readings * patients // wish.patients
    say(f"{readings} readings of {patients} patients are stored")
    found = stored.fill(database.admin_url, CLINIC, patients=patients, readings=readings, days=DAYS)
    say(f"  {found.rows_per_s} rows/s, load {machine.load()}")
    bulk.analyze(database.admin_url)
    measure.checkpoint(database.admin_url)
    return Held(
        database=database,
        patients=patients,
        rows_per_s=found.rows_per_s,
        until=found.until,
        server_cpu_s=found.server_cpu_s,
    )


# The chart ----------------------------------------------------------------------------------------


def _subjects(held: Sequence[Held]) -> list[uuid.UUID]:
    """The same numbers in both databases, all over the small one."""
    fewest = min(one.patients for one in held)
    step = max(1, fewest // SUBJECTS)
    return [stored.patient_id(CLINIC, number) for number in range(1, fewest + 1, step)][:SUBJECTS]


async def rounds(both: Sequence[Held]) -> None:
    """The same charts in every database, request by request in turn."""
    subjects = _subjects(both)
    for number in range(ROUNDS + 1):
        taken = await _asked(both, subjects)
        for held, seconds in zip(both, taken, strict=True):
            if number:  # the first only warms
                held.warm.append(seconds)
    for held in both:
        await _explained(held, subjects)


async def _asked(some: Sequence[Held], subjects: Sequence[uuid.UUID]) -> list[list[float]]:
    """Patient by patient in every database, each on one connection as the console opens it."""
    taken: list[list[float]] = [[] for _ in some]
    async with AsyncExitStack() as stack:
        conns = [await stack.enter_async_context(_reader(held)) for held in some]
        for held, conn in zip(some, conns, strict=True):  # what a connection learns of tables
            await charts.overview(
                conn, CLINIC, uuid.UUID(int=0), since=held.since, until=held.until
            )
        for patient in subjects:
            for held, conn, seconds in zip(some, conns, taken, strict=True):
                started = time.perf_counter()
                found = await charts.overview(
                    conn, CLINIC, patient, since=held.since, until=held.until
                )
                seconds.append(time.perf_counter() - started)
                held.lengths.add(len(found.series))
    return taken


@asynccontextmanager
async def _reader(held: Held) -> AsyncIterator[Any]:
    url = held.database.urls["hl_api"]
    async with open_pool(url, max_size=1, fresh_plans=True) as pool, connection(pool) as conn:
        yield conn


async def _explained(held: Held, subjects: Sequence[uuid.UUID]) -> None:
    window = {"since": held.since, "until": held.until}
    async with _reader(held) as conn:
        for patient in subjects:
            values = {"patient": patient, **window}
            plan = await measure.explained(conn, CLINIC, "charts", "series", values)
            held.planning_ms.append(plan.planning_ms)
            held.execution_ms.append(plan.execution_ms)


def _cold(both: Sequence[Held]) -> None:
    """Each patient once; nothing where the server's files are elsewhere."""
    subjects = _subjects(both)
    for held in both:
        if cold.forget(held.database.admin_url):
            (held.cold,) = asyncio.run(_asked([held], subjects))


# The page -----------------------------------------------------------------------------------------


def _pages(both: Sequence[Held], environment: dict[str, str]) -> None:
    addresses = [f"/patients/{patient}?days=90" for patient in _subjects(both)]
    for held in both:
        asyncio.run(_hire(held))
    for _ in range(PAGE_ROUNDS):
        for held in both:
            work = ROOT / ".local" / "runs" / held.database.name
            with Spine(work=work, environment=environment, database=held.database) as spine:
                spine.start_console()
                held.pages.append(asyncio.run(_page(spine, addresses)))


async def _hire(held: Held) -> None:
    who = NewStaff(email=NURSE.email, name=NURSE.name, credential=NURSE.credential, role=NURSE.role)
    async with open_pool(held.database.admin_url, max_size=1) as pool, connection(pool) as conn:
        password_hash = hash_password(PASSWORD)
        await create_member(conn, CLINIC, who, password_hash=password_hash, now=utc_now())


async def _page(spine: Spine, addresses: list[str]) -> Spread:
    async with signed_in(f"http://127.0.0.1:{spine.ports['console']}", NURSE) as colleague:
        return await timed(colleague.client, addresses, PAGE_REQUESTS)


# Late readings ------------------------------------------------------------------------------------


async def late(both: Sequence[Held]) -> None:
    """Batches of one patient each, by turns: a backlog of all the days, and of the last."""
    beds = [Bed(number=n) for n in range(1, 2 * ROUNDS + 1)]
    chance = Random(_SEED)  # noqa: S311 -- plausible, not secret
    async with AsyncExitStack() as stack:
        conns = [await stack.enter_async_context(_writer(held, beds)) for held in both]
        for old, young in zip(beds[::2], beds[1::2], strict=True):
            for held, conn in zip(both, conns, strict=True):
                held.late.append(await _written(conn, _backlog(old, held.until, DAYS, chance)))
                held.fresh.append(await _written(conn, _backlog(young, held.until, 1, chance)))


@asynccontextmanager
async def _writer(held: Held, beds: Sequence[Bed]) -> AsyncIterator[Any]:
    """As ingest connects; everybody is registered."""
    since = held.until - timedelta(days=DAYS + 1)
    await ward.furnish(held.database.admin_url, CLINIC, beds, since=since)
    async with open_pool(held.database.ingest_url, max_size=1) as pool, connection(pool) as conn:
        yield conn


async def _written(conn: Any, rows: list[ReadingRow]) -> float:
    started = time.perf_counter()
    outcome = await write_batch(conn, readings=rows, quarantined=[])
    taken = time.perf_counter() - started
    if len(outcome.stored) != len(rows):
        raise RuntimeError("a late reading was taken for another")
    return taken


def _backlog(bed: Bed, until: datetime, days: int, chance: Random) -> list[ReadingRow]:
    step = timedelta(days=days) / LATE
    readings = [ward.ordinary(bed, until - step * n, chance) for n in range(1, LATE + 1)]
    return [
        ReadingRow(clinic=CLINIC, gateway=GATEWAYS[0], envelope_id=str(bed.number), reading=one)
        for one in readings
    ]


# What it comes to ---------------------------------------------------------------------------------


def _stored(held: Held) -> dict[str, Any]:
    admin_url = held.database.admin_url
    readings, sizes = measure.readings(admin_url), measure.sizes(admin_url)
    each = {name: round(size / readings, 1) for name, size in sizes.items()}
    each["sum"] = round(sum(sizes.values()) / readings, 1)
    return {
        "readings_stored": readings,
        "late_readings": 2 * ROUNDS * LATE,
        "chunks": measure.chunks(admin_url),
        "bytes_a_reading": each,
    }


def _ratios(small: Held, large: Held) -> dict[str, float | None]:
    def growth(of: Callable[[Held], Spread | None]) -> float | None:
        before, after = of(small), of(large)
        return round(after.p95_ms / before.p95_ms, 3) if before and after else None

    return {
        # The middle of the rounds: each is a pair that ran side by side.
        "p95_growth": round(median(_by_round(small, large)), 3),
        "p95_growth_cold": growth(lambda held: spread(held.cold)),
        "page_p95_growth": growth(lambda held: _middle(held.pages)),
    }


def _by_round(small: Held, large: Held) -> list[float]:
    pairs = zip(small.warm, large.warm, strict=True)
    spreads = [(spread(before), spread(after)) for before, after in pairs]
    return [after.p95_ms / before.p95_ms for before, after in spreads if before and after]


def _middle(spreads: Sequence[Spread]) -> Spread | None:
    """The round with the middle p95."""
    ordered = sorted(spreads, key=lambda one: one.p95_ms)
    return ordered[len(ordered) // 2] if ordered else None


def _problems(small: Held, large: Held, figures: dict[str, Any]) -> list[str]:
    problems = []
    if small.lengths != large.lengths:
        problems.append("the charts are not equally long")
    expected = A_PATIENT * large.patients + figures["late_readings"]
    if figures["readings_stored"] != expected:
        problems.append(f"{figures['readings_stored']} readings are stored, not {expected}")
    return problems
