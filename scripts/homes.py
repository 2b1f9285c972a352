"""The gateways of the demo clinic's homes, all in one process: ninety days arrive at once.

Only the radio is missing. Each home's readings are bytes that the gateway's own `normalise` reads;
they lie in the gateway's own durable spool, its own publisher sends them with the home's own
credentials, and a reading is gone from here when ingest's receipt says so.

    python -m scripts.homes --urls FILE --work DIR --ca FILE --clinic NAME --seed N --now INSTANT
"""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from gateway.metrics import Metrics
from gateway.normalise import Provenance, normalise, with_context
from gateway.outbox import Outbox
from gateway.publisher import Publisher
from gateway.settings import Broker
from gateway.spool import DeviceRecord, Spool, open_spool
from simulator.journal import Journal
from simulator.patients.plan import MODELS, Clinic, Home, Sent, plan
from vitals.clock import utc_now
from vitals.reading import Reading

VERSION = "0.1.0"
LOOK_S = 0.1


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m scripts.homes", description=__doc__)
    parser.add_argument("--urls", type=Path, required=True, help="JSON: {gateway: broker URL}")
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--ca", type=Path, required=True)
    parser.add_argument("--clinic", required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--now", type=datetime.fromisoformat, required=True)
    options = parser.parse_args()
    clinic = plan(seed=options.seed, now=options.now)
    senders = [
        Sender(home, clinic=options.clinic, broker=Broker(url, options.ca), work=options.work)
        for home in clinic.homes
        if (url := json.loads(options.urls.read_text("utf-8")).get(home.gateway))
    ]
    asyncio.run(_run(senders))


def write_journal(clinic: Clinic, path: Path) -> None:
    """What is true, before anybody can send it."""
    with Journal(path) as journal:
        journal.write(*(sent.entry for home in clinic.homes for sent in home.sent))


async def _run(senders: Iterable[Sender]) -> None:
    loop = asyncio.get_running_loop()
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(s.run(), name=s.home.gateway) for s in senders]
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, lambda: [task.cancel() for task in tasks])


class Sender:
    """One home's gateway without its radio."""

    def __init__(self, home: Home, *, clinic: str, broker: Broker, work: Path) -> None:
        self.home = home
        self._clinic = clinic
        self._broker = broker
        self._spool = work / f"{home.gateway}.sqlite3"

    def clock(self) -> datetime:
        """A home that is offline said its last word then."""
        return utc_now() - (self.home.offline_for or timedelta())

    async def run(self) -> None:
        async with open_spool(self._spool, self.clock()) as spool:
            await fill(spool, self.home, self.clock)
            publisher = self._publisher(spool)
            async with asyncio.TaskGroup() as group:
                publishing = group.create_task(publisher.run(), name="publisher")
                while await spool.depth():
                    with suppress(TimeoutError):
                        async with asyncio.timeout(LOOK_S):
                            await spool.changed.wait()
                sys.stdout.write(json.dumps({"arrived": self.home.gateway}) + "\n")
                sys.stdout.flush()
                publisher.status_changed.set()
                if self.home.offline_for is not None:
                    publishing.cancel()

    def _publisher(self, spool: Spool) -> Publisher:
        outbox = Outbox(spool=spool, metrics=Metrics(), gateway=self.home.gateway, clock=self.clock)
        return Publisher(
            broker=self._broker,
            clinic=self._clinic,
            gateway=self.home.gateway,
            version=VERSION,
            outbox=outbox,
            clock=self.clock,
        )


async def fill(spool: Spool, home: Home, clock: Callable[[], datetime]) -> None:
    """Into the spool, as after a visit to each device."""
    zone = ZoneInfo(home.zone)
    last: dict[str, Sent] = {}
    for sent in home.sent:
        await spool.add(reading(sent, zone), clock())
        last[sent.entry.address] = sent
    for address, sent in last.items():
        await spool.seen(
            DeviceRecord(
                address=address,
                last_seen=sent.received_at,
                bonded=True,
                battery_pct=sent.battery_pct,
                clock_offset_s=sent.clock_offset_s,
                model=MODELS[sent.entry.kind],
            )
        )


def reading(sent: Sent, zone: ZoneInfo) -> Reading:
    """What a gateway that read these bytes would spool."""
    origin = Provenance(
        device=sent.entry.address,
        received_at=sent.received_at,
        zone=zone,
        offset_s=sent.clock_offset_s,
        battery_pct=sent.battery_pct,
        manufacturer="Hearthline Simulator",
        model=MODELS[sent.entry.kind],
        serial=sent.entry.address.replace(":", "")[-6:],
    )
    found = normalise(sent.characteristic, bytes.fromhex(sent.entry.raw), origin)
    if sent.entry.context is None:
        return found
    return with_context(found, bytes.fromhex(sent.entry.context))


if __name__ == "__main__":
    main()
