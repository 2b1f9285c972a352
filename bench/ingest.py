"""One ingest worker at full speed, side by side with what people would use instead.

    vs_node_red       one-reading messages of 200 homes: against Node-RED, which writes row by row
    vs_bare_loop      the same: against receiving and acknowledging with the faster whole client
    vs_copy_limit     a hundred readings in a message: against COPY and ON CONFLICT without a broker
    cpu_two_workers   processor time of a reading, two workers against one

Each round makes all of them one after another, so that a busy machine is busy for all; medians of
the rounds. Readings are stored durably, deduplicated, attributed, marked and receipted, or they do
not count. Then the database stands still for a while under full load, and memory is watched.
"""

from __future__ import annotations

import asyncio
import secrets
import statistics
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from bench import judging, machine, peer, settings, stall, stored
from bench.bare import Client
from bench.report import say
from bench.track import (
    CLINIC,
    HOMES,
    OUR_FILTER,
    PATIENCE_S,
    Load,
    Telling,
    midnight,
    packed,
    plain_broker,
    publishing,
)
from ingest.retire import retire
from scripts.database import Database
from scripts.spine import ROOT, WORKERS, Spine
from store.race import Track, until
from vitals.wire import MAX_READINGS

BACKLOG = 100  # readings in a message, after a night without network
COPY_AT_ONCE = 2_000
LOOK_S = 0.05
CANDIDATES = (Client.AIOMQTT, Client.GMQTT)  # whole clients; the faster is the measure


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What was asked for on the command line."""

    readings: int = 20_000
    backlog: int = 100_000
    rounds: int = 5
    stall_s: float = 60.0
    people: int = 10_000  # for the alert worker; 0: without it


@dataclass(frozen=True, slots=True, kw_only=True)
class Lap:
    """One run of one contender."""

    per_s: float
    cpu_us: float = 0.0  # of the worker or workers, a reading
    database_us: float = 0.0


class Race:
    """Everything that stands ready beside the track."""

    def __init__(self, wish: Wish, spine: Spine, track: Track, port: int) -> None:
        self.wish, self.spine, self.track, self.port = wish, spine, track, port
        self.until: datetime = midnight()
        self.broker = f"mqtt://127.0.0.1:{port}"
        self.database_pid = machine.database_pid(spine.database.admin_url)
        self.laps: dict[str, list[Lap]] = defaultdict(list)
        self._seed = 0

    def load(self, count: int, *, each: int = 1) -> Load:
        """Never the same twice: a reading that is known already is no work."""
        self._seed += 1
        load = Load(count=count, each=each, seed=self._seed, until=self.until)
        self.until = load.since
        return load

    def round(self, *, with_peer: bool) -> None:
        one, many = self.wish.readings, self.wish.backlog
        if with_peer:
            self._keep("node_red", self._peer(self.load(one)))
        self._keep("ours", self._ours(self.load(one), workers=1))
        for client in (*CANDIDATES, Client.MQTT5):
            self._keep(f"bare_{client}", self._bare(client, self.load(one)))
        self._keep("backlog", self._ours(self.load(many, each=BACKLOG), workers=1))
        self._keep("copy_limit", self._copied(self.load(many, each=BACKLOG)))
        self._keep("two_workers", self._ours(self.load(one), workers=2))

    def _keep(self, name: str, lap: Lap) -> None:
        self.laps[name].append(lap)
        say(f"{name:14} {lap.per_s:9,.0f}/s  {lap.cpu_us:6.1f} us  {lap.database_us:6.1f} us")

    # Contenders -------------------------------------------------------------------------------

    def _ours(self, load: Load, *, workers: int) -> Lap:
        file = packed(self.spine.work, "ours.packets", load.ours())
        counting = partial(self.track.count_readings, load.since, load.until)
        with self._workers(workers) as pids:
            sender = publishing(file, self.port)
            used, base = sum(map(machine.cpu_s, pids)), self._database_cpu()
            started = sender.go()
            arrived = until(counting, load.count, timeout_s=PATIENCE_S, look_s=LOOK_S)
            seconds = time.perf_counter() - started
            sender.line("sent")
            sender.end()
            used = sum(map(machine.cpu_s, pids)) - used
            base = self._database_cpu() - base
        if not arrived:
            raise RuntimeError(f"{counting()} of {load.count} readings arrived")
        return _lap(load, seconds, cpu_s=used, database_s=base)

    @contextmanager
    def _workers(self, number: int) -> Iterator[list[int]]:
        names = WORKERS[:number]
        for name in names:
            self.spine.start_ingest(name)
        try:
            yield [self.spine.children[name].pid for name in names]
        finally:
            for name in names:
                self.spine.stop(name)
                asyncio.run(retire(self.broker, ca=None, client_id=f"hl-{name}"))

    def _peer(self, load: Load) -> Lap:
        file = packed(self.spine.work, "peer.packets", load.peers())
        self.track.clear("peer")
        counting = partial(self.track.count, "peer")
        url = self.spine.database.admin_url
        with peer.running(self.spine.work, broker_port=self.port, database_url=url) as pid:
            sender = publishing(file, self.port)
            used, base = machine.cpu_s(pid), self._database_cpu()
            started = sender.go()
            arrived = until(counting, load.count, timeout_s=PATIENCE_S, look_s=LOOK_S)
            seconds = time.perf_counter() - started
            sender.line("sent")
            sender.end()
            used, base = machine.cpu_s(pid) - used, self._database_cpu() - base
        if not arrived:
            raise RuntimeError(f"Node-RED stored {counting()} of {load.count}")
        return _lap(load, seconds, cpu_s=used, database_s=base)

    def _bare(self, client: Client, load: Load) -> Lap:
        file = packed(self.spine.work, "bare.packets", load.ours())
        bare = Telling(
            *("bench.bare", client, "--port", str(self.port)),
            *("--topic", OUR_FILTER, "--count", str(load.count)),
        )
        sender = publishing(file, self.port)
        started = sender.go()
        _, cpu_s = bare.line("received")
        seconds = time.perf_counter() - started
        sender.line("sent")
        sender.end()
        bare.end()
        return _lap(load, seconds, cpu_s=cpu_s)

    def _copied(self, load: Load) -> Lap:
        rows = load.rows()
        self.track.clear("copied")
        seconds = self.track.copy_all(rows, at_once=COPY_AT_ONCE)
        if self.track.count("copied") != load.count:
            raise RuntimeError("COPY stored another number of rows")
        return _lap(load, seconds)

    def _database_cpu(self) -> float:
        return machine.family_cpu_s(self.database_pid) if self.database_pid else 0.0


def _lap(load: Load, seconds: float, *, cpu_s: float = 0.0, database_s: float = 0.0) -> Lap:
    return Lap(
        per_s=load.count / seconds,
        cpu_us=cpu_s / load.count * 1e6,
        database_us=database_s / load.count * 1e6,
    )


def run(wish: Wish) -> tuple[dict[str, Any], dict[str, Any], list[str]]:
    """Figures, ratios, and what was not measured."""
    environment = settings.environment()
    problems: list[str] = []
    with ExitStack() as stack:
        race = _race(wish, stack, environment)
        facts = machine.facts(race.spine.database.admin_url)
        with_peer = _with_peer(problems)
        for number in range(wish.rounds):
            say(f"round {number + 1} of {wish.rounds}")
            race.round(with_peer=with_peer)
        load = race.load(stall.READINGS, each=MAX_READINGS)
        memory = stall.watch(race.spine, race.track, race.port, load, seconds=wish.stall_s)
        figures, ratios = _figures(race), _ratios(race)
    figures |= {"stalled": memory, "machine": facts}
    if wish.people:
        judged, _, missing = judging.run(judging.Wish(people=wish.people, rounds=wish.rounds))
        figures["judging"] = judged
        problems += missing
    return figures, ratios, problems


def _race(wish: Wish, stack: ExitStack, environment: dict[str, str]) -> Race:
    name = f"hl_race_{secrets.token_hex(6)}"
    work = ROOT / ".local" / "runs" / name
    database = stack.enter_context(Database.fresh(environment[settings.DATABASE_URL], name))
    port = stack.enter_context(plain_broker())
    stored.fill(database.admin_url, CLINIC, patients=HOMES, readings=HOMES, days=60)
    spine = Spine(
        work=work,
        environment=environment,
        database=database,
        broker_url=f"mqtt://127.0.0.1:{port}",
    )
    stack.enter_context(spine)
    track = Track.open(database.admin_url)
    stack.callback(track.close)
    track.prepare("peer")
    track.prepare("copied")
    return Race(wish, spine, track, port)


def _with_peer(problems: list[str]) -> bool:
    try:
        peer.install()
    except peer.NoPeer as missing:
        problems.append(f"no race against Node-RED: {missing}")
        return False
    return True


def _figures(race: Race) -> dict[str, Any]:
    told = {}
    for name, laps in race.laps.items():
        told[name] = {
            "readings_per_s": round(statistics.median(lap.per_s for lap in laps)),
            "slowest": round(min(lap.per_s for lap in laps)),
            "fastest": round(max(lap.per_s for lap in laps)),
            "cpu_us": round(statistics.median(lap.cpu_us for lap in laps), 1),
            "database_cpu_us": round(statistics.median(lap.database_us for lap in laps), 1),
        }
    return {"readings": race.wish.readings, "rounds": race.wish.rounds, "contenders": told}


def _ratios(race: Race) -> dict[str, float | None]:
    """Medians of the ratios within a round: both sides had the same machine."""
    faster = max(CANDIDATES, key=lambda client: _median(race, f"bare_{client}"))
    return {
        "vs_node_red": _ratio(race, "ours", "node_red"),
        "vs_bare_loop": _ratio(race, "ours", f"bare_{faster}"),
        "vs_bare_codec": _ratio(race, "ours", f"bare_{Client.MQTT5}"),
        "vs_copy_limit": _ratio(race, "backlog", "copy_limit"),
        "cpu_two_workers": _cpu_ratio(race, "two_workers", "ours"),
    }


def _median(race: Race, name: str) -> float:
    return statistics.median(lap.per_s for lap in race.laps[name])


def _ratio(race: Race, one: str, other: str) -> float | None:
    pairs = list(zip(race.laps[one], race.laps[other], strict=False))
    return round(statistics.median(a.per_s / b.per_s for a, b in pairs), 2) if pairs else None


def _cpu_ratio(race: Race, one: str, other: str) -> float | None:
    """Workers and database together."""
    pairs = zip(race.laps[one], race.laps[other], strict=True)
    return round(
        statistics.median(
            (a.cpu_us + a.database_us) / (b.cpu_us + b.database_us) for a, b in pairs
        ),
        2,
    )
