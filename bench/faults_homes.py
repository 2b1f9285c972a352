"""The fault run's homes, all in one process that may be killed at any moment and started again.

What the devices remember is the journal, which was written before. A gateway fetches some of it,
spools it reading by reading, each with its fsync, and then notes how far it has come; killed in
between, it fetches the same once more, as a real one would. Spool and publisher are the gateway's
own. A visit comes no sooner than its time, so that readings are on their way for as long as things
are killed.

    python -m bench.faults_homes --homes FILE --journal FILE --work DIR --clinic NAME --ca FILE
        --began INSTANT --seconds UNTIL_THE_LAST_VISIT
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import signal
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from random import Random

import structlog

from bench.faults_plan import as_spooled
from gateway.metrics import Metrics
from gateway.outbox import Backoff, Outbox
from gateway.publisher import Publisher
from gateway.settings import Broker
from gateway.spool import Spool, SpoolFile, open_spool
from simulator import journal
from simulator.journal import Entry
from vitals.clock import utc_now

FETCH = 80  # readings of one visit at most
NOTED = 20  # after so many it is noted how far the visit has come
#: First and longest wait for a receipt: shorter than in a home, where less is killed.
PATIENCE = Backoff.of_seconds(2, 8)
VERSION = "0.1.0"
_LOOK_S = 0.1


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.faults_homes", description=__doc__)
    parser.add_argument("--homes", type=Path, required=True, help="{gateway: {url, devices}}")
    parser.add_argument("--journal", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--clinic", required=True)
    parser.add_argument("--ca", type=Path, required=True)
    parser.add_argument("--began", type=datetime.fromisoformat, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    options = parser.parse_args()
    by_device: dict[str, list[Entry]] = defaultdict(list)
    for found in journal.read(options.journal):
        by_device[found.address].append(found)
    homes = [
        Home(
            gateway=gateway,
            clinic=options.clinic,
            broker=Broker(facts["url"], options.ca),
            work=options.work,
            memory=remembered(facts["devices"], by_device),
            began=options.began,
            seconds=options.seconds,
        )
        for gateway, facts in json.loads(options.homes.read_text("utf-8")).items()
    ]
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    asyncio.run(_run(homes))


def remembered(devices: Sequence[str], by_device: Mapping[str, list[Entry]]) -> list[Entry]:
    """All that these devices measured, in order."""
    entries = [found for address in devices for found in by_device.get(address, [])]
    return sorted(entries, key=lambda found: found.measured_at)


async def _run(homes: Sequence[Home]) -> None:
    loop = asyncio.get_running_loop()
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(home.run(), name=home.gateway) for home in homes]
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, lambda: [task.cancel() for task in tasks])
        _say({"running": len(homes)})


def _say(line: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


@dataclass(frozen=True, slots=True, kw_only=True)
class Home:
    """One home's gateway without its radio."""

    gateway: str
    clinic: str
    broker: Broker
    work: Path
    memory: Sequence[Entry]
    began: datetime
    seconds: float

    async def run(self) -> None:
        path = self.work / f"{self.gateway}.sqlite3"
        visited = await asyncio.to_thread(SpoolFile, path)
        with closing(visited):
            async with open_spool(path, utc_now()) as spool, asyncio.TaskGroup() as group:
                group.create_task(self._publisher(spool).run(), name="publisher")
                await self._visits(visited, spool.changed)
                while await spool.depth():
                    with suppress(TimeoutError):
                        async with asyncio.timeout(_LOOK_S):
                            await spool.changed.wait()
                _say({"arrived": self.gateway})

    async def _visits(self, spool: SpoolFile, changed: asyncio.Event) -> None:
        """Some readings at a time, at moments of their own, until the memory is read."""
        noted = Noted(self.work / f"{self.gateway}.noted")
        while (done := noted.read()) < len(self.memory):
            await asyncio.sleep(self._early_s(done))
            await asyncio.to_thread(self._visit, spool, noted, done)
            changed.set()

    def _visit(self, spool: SpoolFile, noted: Noted, done: int) -> None:
        """Not through the publisher's own spool: it shall wake at the end, not at each reading."""
        for number, found in enumerate(self.memory[done : done + FETCH], start=done + 1):
            spool.add(as_spooled(found), utc_now())
            if number % NOTED == 0 or number == len(self.memory):
                noted.write(number)

    def _early_s(self, done: int) -> float:
        """How long it is until the visit that follows so many readings."""
        chance = Random(f"{self.gateway}:{done}")  # noqa: S311 -- a pace, not a secret
        due_s = self.seconds * min(1.0, (done + chance.uniform(0, FETCH)) / len(self.memory))
        return max(0.0, due_s - (utc_now() - self.began).total_seconds())

    def _publisher(self, spool: Spool) -> Publisher:
        return Publisher(
            broker=self.broker,
            clinic=self.clinic,
            gateway=self.gateway,
            version=VERSION,
            outbox=Outbox(
                spool=spool,
                metrics=Metrics(),
                gateway=self.gateway,
                clock=utc_now,
                backoff=PATIENCE,
            ),
            clock=utc_now,
        )


class Noted:
    """How much of the memory has been spooled; never more than that."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> int:
        return int(self._path.read_text("utf-8")) if self._path.exists() else 0

    def write(self, number: int) -> None:
        new = self._path.with_suffix(".new")
        new.write_text(str(number), "utf-8")
        new.replace(self._path)


if __name__ == "__main__":
    main()
