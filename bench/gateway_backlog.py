"""A gateway's backlog: how fast its spool drains, and what the process weighs.

    drain_vs_bare          readings a second out of the spool, against the bare client's
    drain_vs_bare_puback   the same against what the broker acknowledges, delivered or not

Both publish the same readings in full envelopes over TLS at QoS 1, with the same library and
window, to the same broker and the same listener, in turns; the listener opens every envelope and
answers with a receipt. The bare client has sealed its envelopes before, keeps nothing and hears no
receipt. The gateway is `python -m gateway run` as at home, with BlueZ's radio on a bus of its own
where nobody answers: it reads its spool, seals, publishes, hears the receipts and removes. Both
clocks start with the first envelope at the listener. The bare client's ends with the last one, the
gateway's when its spool is empty.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import ssl
import statistics
import sys
import tempfile
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import aiomqtt
import msgspec

from bench import bus
from bench.patience import until
from bench.report import say
from bench.settings import environment
from gateway.normalise import BLOOD_PRESSURE, Provenance, normalise
from gateway.publisher import NO_DELAY
from gateway.settings import Broker
from gateway.spool_file import SpoolFile
from scripts.spine import ROOT, services
from vitals import topics, wire
from vitals.topics import Branch

CLINIC, GATEWAY = "bench", "drain"
PATIENCE_S = 300.0
_FRAME = bytes.fromhex("1e780050005d00ea07030a080000480001" + "0000")  # 120/80, pulse 72, user 1
_MB = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """Readings of a backlog, how often each side drains one, and when a gateway is at rest."""

    backlog: int
    rounds: int
    rest_s: float = 15.0


class _Id(msgspec.Struct):
    id: str


class _Ids(msgspec.Struct):
    readings: list[_Id]


@dataclass(slots=True, kw_only=True)
class Listener:
    """Plays ingest: takes envelopes, answers with receipts, and looks at the stopwatch."""

    client: aiomqtt.Client
    first_at: float | None = None
    last_at: float = 0.0
    ids: list[str] = field(default_factory=list)

    def reset(self) -> None:
        self.first_at, self.ids = None, []

    async def run(self) -> None:
        decode = msgspec.json.Decoder(_Ids).decode
        receipts = topics.build(CLINIC, GATEWAY, Branch.RECEIPTS)
        async for message in self.client.messages:
            self.last_at = time.perf_counter()
            self.first_at = self.first_at or self.last_at
            ids = [reading.id for reading in decode(bytes(message.payload)).readings]
            self.ids += ids
            await self.client.publish(receipts, wire.encode(wire.Receipt(stored=ids)), qos=0)


def bodies(count: int) -> Iterator[tuple[str, bytes, float]]:
    """Readings as a gateway spools them: id, encoded, and when it was added."""
    start = datetime(2026, 3, 1, tzinfo=UTC)
    origin = Provenance(device="C0:FF:EE:00:00:01", received_at=start, zone=ZoneInfo("UTC"))
    usual = normalise(BLOOD_PRESSURE, _FRAME, origin)
    for number in range(count):
        at = start + timedelta(minutes=number)
        reading = msgspec.structs.replace(
            usual,
            id=str(uuid.uuid5(uuid.NAMESPACE_OID, f"{os.getpid()} {number}")),
            received_at=at,
            measured_at=at,
        )
        yield reading.id, wire.encode_reading(reading), at.timestamp()


def fill(path: Path, count: int) -> list[str]:
    """A spool with a backlog; the ids in the order in which they came."""
    SpoolFile(path).close()
    rows = list(bodies(count))
    with closing(sqlite3.connect(path)) as db, db:
        db.executemany("INSERT INTO reading (id, body, added_at) VALUES (?, ?, ?)", rows)
    return [row[0] for row in rows]


async def run(wish: Wish) -> tuple[dict[str, Any], dict[str, Any], list[str]]:
    env = environment()
    ca = Path(env["HEARTHLINE_MQTT_CA"])
    url = services("add-gateway", CLINIC, GATEWAY)["HEARTHLINE_GATEWAY_MQTT_URL"]
    bench = _Bench(wish=wish, url=url, ca=ca)
    broker = Broker(env["HEARTHLINE_MQTT_URL"], ca)
    async with _client(broker, "hl-bench-listener") as client:
        await client.subscribe(topics.build(CLINIC, GATEWAY, Branch.READINGS), qos=1)
        bench.listener = Listener(client=client)
        listening = asyncio.create_task(bench.listener.run())
        try:
            await bench.go()
        finally:
            listening.cancel()
    return bench.figures(), bench.ratios(), bench.problems


def _client(broker: Broker, identifier: str) -> aiomqtt.Client:
    return aiomqtt.Client(
        broker.host,
        broker.port,
        username=broker.username,
        password=broker.password,
        identifier=identifier,
        protocol=aiomqtt.ProtocolVersion.V5,
        tls_context=ssl.create_default_context(cafile=broker.ca),
        socket_options=[NO_DELAY],
    )


@dataclass(slots=True, kw_only=True)
class _Bench:
    wish: Wish
    url: str
    ca: Path
    listener: Listener = field(init=False)
    gateway_per_s: list[float] = field(default_factory=list)
    bare_per_s: list[float] = field(default_factory=list)
    acknowledged_per_s: list[float] = field(default_factory=list)
    peak_mb: list[float] = field(default_factory=list)
    rest_mb: float = 0.0
    problems: list[str] = field(default_factory=list)

    async def go(self) -> None:
        for number in range(self.wish.rounds):
            say(f"backlog: round {number + 1} of {self.wish.rounds}")
            await self._bare()
            with tempfile.TemporaryDirectory() as folder:
                await self._gateway(Path(folder), rest=number == 0)

    def figures(self) -> dict[str, Any]:
        return {
            "backlog_readings": self.wish.backlog,
            "drain_per_s": round(statistics.median(self.gateway_per_s)),
            "bare_publish_per_s": round(statistics.median(self.bare_per_s)),
            "bare_acknowledged_per_s": round(statistics.median(self.acknowledged_per_s)),
            "drain_rounds_per_s": [round(rate) for rate in self.gateway_per_s],
            "bare_rounds_per_s": [round(rate) for rate in self.bare_per_s],
            "rss_at_rest_mb": round(self.rest_mb, 1),
            "rss_peak_mb": round(max(self.peak_mb), 1),
        }

    def ratios(self) -> dict[str, Any]:
        return {
            "drain_vs_bare": _ratio(self.gateway_per_s, self.bare_per_s),
            "drain_vs_bare_puback": _ratio(self.gateway_per_s, self.acknowledged_per_s),
        }

    async def _bare(self) -> None:
        self.listener.reset()
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bench.gateway_bare", self.url, str(self.ca)),
            str(self.wish.backlog),
            stdout=asyncio.subprocess.PIPE,
            cwd=ROOT,
        )
        said, _ = await process.communicate()
        seconds = float(said.split()[-1])
        self.acknowledged_per_s.append(self.wish.backlog / seconds)
        if not await until(
            lambda: len(self.listener.ids) >= self.wish.backlog, timeout_s=PATIENCE_S
        ):
            self.problems.append("not all of the bare client's readings were delivered")
        span = self.listener.last_at - (self.listener.first_at or 0.0)
        self.bare_per_s.append(self.wish.backlog / span)

    async def _gateway(self, folder: Path, *, rest: bool) -> None:
        spool = folder / "spool.sqlite3"
        ids = await asyncio.to_thread(fill, spool, self.wish.backlog)
        self.listener.reset()
        async with bus.private(folder) as address, self._running(spool, address) as process:
            done = await until(
                lambda: len(self.listener.ids) >= len(ids) and _depth(spool) == 0,
                timeout_s=PATIENCE_S,
            )
            ended = time.perf_counter()
            self._judge(ids, done=done)
            self.gateway_per_s.append(len(ids) / (ended - (self.listener.first_at or ended)))
            self.peak_mb.append(_memory_mb(process.pid, "VmHWM"))
        if rest:
            async with bus.private(folder) as address, self._running(spool, address) as p:
                await asyncio.sleep(self.wish.rest_s)
                self.rest_mb = _memory_mb(p.pid, "VmRSS")

    def _judge(self, ids: list[str], *, done: bool) -> None:
        if not done:
            self.problems.append(f"{len(ids) - len(set(self.listener.ids))} readings did not drain")
        once = list(dict.fromkeys(self.listener.ids))
        if done and once != ids:
            self.problems.append("the backlog did not drain in order of age")

    @asynccontextmanager
    async def _running(
        self, spool: Path, address: str
    ) -> AsyncIterator[asyncio.subprocess.Process]:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "gateway", "run"),
            cwd=ROOT,
            env={
                **environment(),
                "HEARTHLINE_GATEWAY_CLINIC": CLINIC,
                "HEARTHLINE_GATEWAY_NAME": GATEWAY,
                "HEARTHLINE_GATEWAY_MQTT_URL": self.url,
                "HEARTHLINE_GATEWAY_MQTT_CA": str(self.ca),
                "HEARTHLINE_GATEWAY_SPOOL": str(spool),
                "HEARTHLINE_GATEWAY_RADIO": "bluez",
                "DBUS_SYSTEM_BUS_ADDRESS": address,
            },
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            yield process
        finally:
            if process.returncode is None:
                process.send_signal(signal.SIGTERM)
            await process.wait()


def _ratio(ours: list[float], theirs: list[float]) -> float:
    """The median of the rounds: each was measured beside the other."""
    return round(statistics.median(a / b for a, b in zip(ours, theirs, strict=True)), 3)


def _depth(spool: Path) -> int:
    with closing(sqlite3.connect(f"{spool.as_uri()}?mode=ro", uri=True)) as db:
        return int(db.execute("SELECT count(*) FROM reading").fetchone()[0])


def _memory_mb(pid: int, what: str) -> float:
    """`VmRSS`: resident now; `VmHWM`: the most it ever was."""
    lines = Path(f"/proc/{pid}/status").read_text("utf-8").splitlines()
    kilobytes = next(line.split()[1] for line in lines if line.startswith(f"{what}:"))
    return int(kilobytes) * 1024 / _MB
