"""From the decision to connect until a reading is on disk, for each kind of device.

A virtual home in a process of its own, real HCI, ATT and SMP; the gateway has met none of its
devices, so pairing and discovery are in the time, and all of them are on the air at once.
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

from gateway.link import Nobody
from gateway.metrics import Metrics
from gateway.outbox import Outbox
from gateway.publisher import Publisher
from gateway.radio import open_radio
from gateway.service import Gateway
from gateway.settings import Settings
from gateway.spool import open_spool
from scripts.spine import ROOT
from vitals.clock import utc_now
from vitals.reading import Reading

PATIENCE_S = 60.0  # for a whole home
NO_BROKER = "mqtt://127.0.0.1:1"


@dataclass(slots=True)
class Stopwatch(Nobody):
    """Seconds from the decision to connect to the first reading on disk, by address."""

    began: dict[str, float] = field(default_factory=dict)
    took: dict[str, float] = field(default_factory=dict)
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def connecting(self, address: str) -> None:
        self.began[address] = time.perf_counter()

    def spooled(self, address: str, reading: Reading) -> None:  # noqa: ARG002 -- the protocol's
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
    problems: list[str] = []
    for number in range(rounds):
        with tempfile.TemporaryDirectory() as folder:
            took, home_s, missing = await _visit(Path(folder), seed=number + 1)
        for kind, second in took:
            seconds.setdefault(kind, []).append(second)
        homes.append(home_s)
        problems += [f"nothing came of {kind} in home {number + 1}" for kind in missing]
    return {
        "connect_to_spooled_s": {kind: _spread(found) for kind, found in sorted(seconds.items())},
        "whole_home_s": _spread(homes),
    }, problems


def _spread(found: Collection[float]) -> dict[str, Any]:
    return {
        "n": len(found),
        "median": round(statistics.median(found), 3),
        "max": round(max(found), 3),
    }


async def _visit(folder: Path, *, seed: int) -> tuple[list[tuple[str, float]], float, list[str]]:
    """(kind, seconds) of each device, seconds of all, and kinds of which nothing came."""
    async with _home(folder, seed) as ready:
        kinds = {device["address"]: device["kind"] for device in ready["devices"]}
        settings = Settings(
            clinic="bench",
            name="home",
            mqtt_url=NO_BROKER,
            radio=f"bumble:tcp-client:{ready['listening']}",
            spool=folder / "spool.sqlite3",
            keys=folder / "keys.json",
        )
        watch, began = Stopwatch(), time.perf_counter()
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
    took = [(kinds[address], second) for address, second in watch.took.items()]
    return took, home_s, [kind for address, kind in kinds.items() if address not in watch.took]


@asynccontextmanager
async def _home(folder: Path, seed: int) -> AsyncIterator[dict[str, Any]]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "simulator", "--listen", "127.0.0.1:0", "--seed", str(seed)),
        *("--journal", str(folder / "journal.jsonl")),
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
