"""Rounds on the event stream with one number of readings in the store, and with ten times as many.

One run, one machine, the same load: what the two sizes make of it may be compared. The readings
that are only there belong to another clinic. Its rows lie in the same chunks and indexes.
"""

from __future__ import annotations

import asyncio
from itertools import islice
from pathlib import Path
from typing import Any

from bench import machine, stream, ward
from bench.gateways import connected
from bench.report import say
from bench.staff import signed_in
from bench.stored import fill
from bench.stream import Load
from bench.ward import Bed
from scripts.clinic import STAFF
from scripts.database import Database
from scripts.opening import await_judged
from scripts.spine import CLINIC, Spine
from store import bulk
from vitals.clock import utc_now

BASE, GROWN = "base", "grown"
STORED_CLINIC, STORED_DAYS = "bench-stored", 730
ARRIVAL_S = 120.0
SEED = 7


def measure(
    spine: Spine, urls: dict[str, str], ca: Path, steady: list[Bed], ill: list[Bed], load: Load
) -> dict[str, Any]:
    """By the size of the store: the rounds of the second find ten times as much in it."""
    database = spine.database
    say(f"{load.open_tasks} tasks are open, {load.streams} nurses look at them")
    asyncio.run(_raise(urls, ca, steady[: load.open_tasks]))
    await_judged(spine)
    pids = {name: spine.children[name].pid for name in ("ingest", "alerts", "console")}
    if server := machine.database_pid(database.admin_url):
        pids[stream.DATABASE] = server
    figures, beds, filled, half = {}, iter(ill), 0, len(steady) // 2
    well = iter((steady[:half], steady[half:]))  # nobody has measured more often the second time
    for name, size in ((BASE, load.stored), (GROWN, load.stored * load.growth)):
        filled = _fill(database, filled, size)
        mine = list(islice(beds, load.crises * load.rounds))
        rounds = asyncio.run(_stream_rounds(spine, urls, ca, load, next(well), mine, pids))
        figures[name] = {"stored": size} | stream.figures(rounds, database, CLINIC, load)
    return figures


def _fill(database: Database, filled: int, size: int) -> int:
    """One reading a day of each patient of another clinic: chunks and indexes are shared."""
    say(f"{size} readings of {STORED_DAYS} days are stored")
    patients, there = size // STORED_DAYS, filled // STORED_DAYS
    if patients > there:
        more = patients - there
        fill(
            database.admin_url,
            STORED_CLINIC,
            patients=more,
            readings=more * STORED_DAYS,
            days=STORED_DAYS,
            first=there + 1,
        )
        bulk.analyze(database.admin_url)
    return size


async def _raise(urls: dict[str, str], ca: Path, beds: list[Bed]) -> None:
    """A task for each of them that may wait."""
    async with connected(CLINIC, urls, ca) as gateways:
        now = utc_now()
        readings = [(bed, ward.raised(bed, now)) for bed in beds]
        for bed, reading in readings:
            await gateways.send(bed.gateway, [reading])
        ids = [reading.id for _, reading in readings]
        if not await gateways.settled(ids, timeout_s=ARRIVAL_S):
            raise RuntimeError("the open tasks did not arrive")


async def _stream_rounds(  # noqa: PLR0913, PLR0917 -- who, where, what
    spine: Spine,
    urls: dict[str, str],
    ca: Path,
    load: Load,
    steady: list[Bed],
    ill: list[Bed],
    pids: dict[str, int],
) -> list[stream.Heard]:
    address = f"http://127.0.0.1:{spine.ports['console']}"
    async with connected(CLINIC, urls, ca) as gateways, signed_in(address, STAFF[1]) as helper:
        place = stream.Place(
            address=address,
            database=spine.database,
            gateways=gateways,
            helper=helper,
            pids=pids,
        )
        return await stream.measure(
            load, place, steady=steady, ill=ill, seed=f"{SEED}:{ill[0].number}"
        )
