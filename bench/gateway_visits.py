"""From the decision to connect until a reading is on disk, for each kind of device.

A virtual home in a process of its own, real HCI, ATT and SMP; the gateway has met none of its
devices, so pairing and discovery are in the time, and all of them are on the air at once: a device
waits for its turn to be connected to. A strap is listened to before the middle of its values is a
reading. Beside it the moments in which a value is nowhere but in memory: a device deletes it when
the radio confirms it, which is right behind the callback; the reading is safe after the fsync.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import structlog

from bench.spread import spread
from gateway.link import Nobody
from gateway.metrics import Metrics
from gateway.outbox import Outbox
from gateway.publisher import Publisher
from gateway.radio import open_radio
from gateway.service import Gateway
from gateway.settings import Settings
from gateway.spool import open_spool
from scripts.spine import ROOT
from simulator.behaviour import BEURER_SCALE
from vitals.clock import utc_now
from vitals.reading import Kind, Reading

PRODUCTS = ("and-cuff", "contour", "beurer-scale", "oximeter", "thermometer", "strap")
PUSHED = (Kind.BLOOD_PRESSURE, Kind.WEIGHT, Kind.TEMPERATURE)  # deleted once it is confirmed
PATIENCE_S = 60.0  # for a whole home
NO_BROKER = "mqtt://127.0.0.1:1"


@dataclass(slots=True)
class Stopwatch(Nobody):
    """Seconds from the decision to connect to the first reading on disk, by address."""

    began: dict[str, float] = field(default_factory=dict)
    took: dict[str, float] = field(default_factory=dict)
    exposed: list[float] = field(default_factory=list)  # seconds between confirmation and fsync
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def connecting(self, address: str) -> None:
        self.began[address] = time.perf_counter()

    def spooled(self, address: str, reading: Reading) -> None:
        if reading.kind in PUSHED:
            self.exposed.append((utc_now() - reading.received_at).total_seconds())
        self.took.setdefault(address, time.perf_counter() - self.began[address])
        self.changed.set()

    async def until(self, devices: int) -> None:
        """Something has come of so many."""
        while len(self.took) < devices:
            self.changed.clear()
            await self.changed.wait()


async def run(rounds: int) -> tuple[dict[str, Any], list[str]]:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    seconds: dict[str, list[float]] = {}
    homes: list[float] = []
    exposed: list[float] = []
    problems: list[str] = []
    for number in range(rounds):
        with tempfile.TemporaryDirectory() as folder:
            watch = Stopwatch()
            kinds, home_s = await _visit(Path(folder), watch, seed=number + 1)
        for address, second in watch.took.items():
            seconds.setdefault(kinds[address], []).append(second)
        exposed += watch.exposed
        missing = [kind for address, kind in kinds.items() if address not in watch.took]
        homes.append(home_s)
        problems += [f"nothing came of {kind} in home {number + 1}" for kind in missing]
    return {
        "connect_to_spooled_s": {kind: _spread(found) for kind, found in sorted(seconds.items())},
        "whole_home_s": _spread(homes),
        "confirmed_to_durable": spread(exposed),
    }, problems


def _spread(found: Collection[float]) -> dict[str, Any]:
    return {
        "n": len(found),
        "median": round(statistics.median(found), 3),
        "max": round(max(found), 3),
    }


async def _visit(folder: Path, watch: Stopwatch, *, seed: int) -> tuple[dict[str, str], float]:
    """The kind of each device by its address, and the seconds of all of them."""
    async with _home(folder, seed) as ready:
        kinds = {device["address"]: device["kind"] for device in ready["devices"]}
        settings = Settings(
            clinic="bench",
            name="home",
            mqtt_url=NO_BROKER,
            radio=f"bumble:tcp-client:{ready['listening']}",
            spool=folder / "spool.sqlite3",
            keys=folder / "keys.json",
            consents={address: dict(BEURER_SCALE.pins) for address in kinds},
        )
        began = time.perf_counter()
        async with (
            open_spool(settings.spool, utc_now()) as spool,
            open_radio(settings.radio, settings.keys) as radio,
        ):
            metrics = Metrics()
            outbox = Outbox(spool=spool, metrics=metrics, gateway="home", clock=utc_now)
            publisher = Publisher(
                broker=settings.broker,
                clinic="bench",
                gateway="home",
                version="bench",
                outbox=outbox,
                clock=utc_now,
            )
            gateway = Gateway(
                settings=settings,
                radio=radio,
                spool=spool,
                publisher=publisher,
                metrics=metrics,
                clock=utc_now,
                watcher=watch,
            )
            running = asyncio.create_task(gateway.run(), name="gateway")
            with suppress(TimeoutError):
                async with asyncio.timeout(PATIENCE_S):
                    await watch.until(len(kinds))
            home_s = time.perf_counter() - began
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
    return kinds, home_s


@asynccontextmanager
async def _home(folder: Path, seed: int) -> AsyncIterator[dict[str, Any]]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "simulator", "--listen", "127.0.0.1:0", "--seed", str(seed)),
        *("--journal", str(folder / "journal.jsonl")),
        *(part for product in PRODUCTS for part in ("--product", product)),
        stdout=asyncio.subprocess.PIPE,
        cwd=ROOT,
    )
    try:
        if process.stdout is None:
            raise RuntimeError("the home has no output")
        yield json.loads(await process.stdout.readline())
    finally:
        process.terminate()
        await process.communicate()
