"""Everything is killed, again and again, and then counted: is anything lost, doubled or changed?

    simulator ─GATT─ gateway ─┐                          ┌─ ingest ──┐
    many homes' gateways ─────┴─MQTT/TLS─ Mosquitto ─────┴─ ingest-2 ┴─ PostgreSQL ─ alerts
    └───── kill -9 ─────┘                  kill -9           kill -9      kill -9    kill -9

The simulator's journals say what was measured. What came of it must be what comes of the same
readings where nothing is killed (I1, I2, I5, I6).
"""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bench import faults_reference, machine, settings
from bench.faults_homes import remembered
from bench.faults_kills import Killing, Victim, service
from bench.faults_plan import Household, furnish
from bench.report import say
from scripts.database import Database
from scripts.spine import CLINIC, GATEWAY, ROOT, WORKERS, Spine, SpineError, services
from simulator import journal
from simulator.journal import Entry, Journal
from store.errors import Unavailable
from vitals.clock import utc_now

#: A gateway's settings where a process dies every few seconds; in a home a resend may take longer.
HASTE = {"RESEND_S": "2", "RESEND_MAX_S": "8", "REVISIT_S": "1"}
QUIET = {"QUIET_EXIT_S": "4", "QUIET_S": "2"}
SERVICES = ("mosquitto", "postgres")
RUNNING = '{"running"'  # what the homes say when their spools are open
GATT_SHARE = 0.45  # of the time; each kill, and connecting again, adds to it
WINDOW = 0.8  # of the time in which readings set out: they are killed no later than that
GATEWAY_WINDOW = 0.55  # the meter is read before the last home has brought its readings
LIMIT_S = 285.0  # all together
JUDGING_S = 40.0  # of them for the undisturbed run
LOOK_S = 2.0
IN_CUFF, IN_SCALE = 6, 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What was asked for on the command line."""

    readings: int
    over_gatt: int
    homes: int
    seconds: float  # that the homes take to bring theirs
    moments: int  # of killing, for each victim
    impossible: int
    seed: int

    @property
    def enough(self) -> int:
        """Kills of each victim; one moment may come when there is nothing left to do."""
        return max(1, self.moments - 1)

    @property
    def each(self) -> int:
        """Readings of one home."""
        return -(-(self.readings - self.over_gatt) // self.homes)

    @property
    def gap_s(self) -> float:
        """Between two records of the meter, so that it is still read when the gateway is killed."""
        return GATT_SHARE * self.seconds / self.over_gatt


@dataclass(slots=True, kw_only=True)
class Progress:
    """What is stored, as last seen: the database is not always there to be asked."""

    ask: Callable[[], dict[str, int]]  # how many are stored, by gateway
    wanted: Mapping[str, int]  # by gateway
    stored: dict[str, int] = field(default_factory=dict)

    async def watch(self) -> None:
        """Until cancelled."""
        while True:
            await asyncio.to_thread(self.look)
            await asyncio.sleep(LOOK_S)

    def look(self) -> None:
        try:
            self.stored = self.ask()
        except Unavailable:
            return

    def open(self, gateways: Sequence[str] | None = None) -> bool:
        """Whether readings are still on their way from these, or from any."""
        asked = self.wanted if gateways is None else gateways
        return any(self.stored.get(name, 0) < self.wanted[name] for name in asked)


def run(wish: Wish) -> tuple[dict[str, Any], list[str]]:
    """The report, and what is wrong."""
    started = time.monotonic()
    environment = _environment()
    say(f"seed {wish.seed}")
    with _database(environment) as database:
        facts = machine.facts(database.admin_url)
        work = ROOT / ".local" / "runs" / database.name
        with Spine(work=work, environment=environment, database=database) as spine:
            world = _world(spine, wish)
            world.furnish(database)
            watch = Stopwatch(started)
            watch.lap("set_up")
            killing = _disturbed(spine, world, wish, started + LIMIT_S - JUDGING_S)
            watch.lap("disturbed")
            report, lost = _compared(spine, world)
        alerts, misjudged = _judged(spine, _undisturbed(spine, world))
        watch.lap("undisturbed")
    few = [f"{n} was killed {k} times" for n, k in killing.kills.items() if k < wish.enough]
    report |= {"kills": killing.kills, **alerts, "over_gatt": world.wanted[GATEWAY]}
    report |= {"seed": wish.seed, "seconds": round(time.monotonic() - started, 1)}
    report |= {"laps_s": watch.laps, "load_after": machine.load(), "machine": facts}
    return report, [*killing.problems, *few, *lost, *misjudged]


def _environment() -> dict[str, str]:
    """Of this clone's own services: nobody else's are killed."""
    services("up", "--quiet")
    environment = settings.environment()
    own = services("env")
    for name in (settings.DATABASE_URL, settings.MQTT_URL):
        if urlsplit(environment[name]).netloc != urlsplit(own[name].replace("\\", "")).netloc:
            raise SpineError(f"{name} is not this clone's own service: nothing else is killed")
    return environment


@contextmanager
def _database(environment: Mapping[str, str]) -> Iterator[Database]:
    name = f"hl_faults_{uuid.uuid4().hex[:12]}"
    with Database.fresh(environment[settings.DATABASE_URL], name) as database:
        try:
            yield database
        finally:
            services("up", "--quiet")  # also where a run ended between a kill and a start


class Stopwatch:
    """Seconds of each part."""

    def __init__(self, started: float) -> None:
        self._last = started
        self.laps: dict[str, float] = {}

    def lap(self, name: str) -> None:
        now = time.monotonic()
        self.laps[name], self._last = round(now - self._last, 1), now


# Setting up ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Who is there, and what they measured."""

    now: datetime
    on_air: Sequence[dict[str, str]]  # the devices that are read over GATT
    households: Sequence[Household]
    memory: Mapping[str, Sequence[Entry]]  # by gateway, in order
    impossible: int  # of the first household's readings

    @property
    def wanted(self) -> dict[str, int]:
        """How many readings of each gateway must be stored."""
        wanted = {gateway: len(entries) for gateway, entries in self.memory.items()}
        wanted[self.households[0].gateway] -= self.impossible
        return wanted

    def furnish(self, database: Database) -> None:
        asyncio.run(
            furnish(database.admin_url, CLINIC, self.households, on_air=self.on_air, now=self.now)
        )


def _world(spine: Spine, wish: Wish) -> World:
    """Everything has been measured, and is on record, before anything moves."""
    now = utc_now().replace(microsecond=0)
    on_air = spine.start_simulator(
        *("--seed", str(wish.seed), "--glucose-records", str(wish.over_gatt)),
        *("--cuff-readings", str(IN_CUFF), "--scale-readings", str(IN_SCALE)),
        *("--glucose-gap", f"{wish.gap_s:.4f}"),
    )
    households = [Household(number=number + 1) for number in range(wish.homes)]
    with Journal(spine.history) as history:
        for home in households:
            odd = wish.impossible if home is households[0] else 0
            history.write(*home.journal(wish.each, impossible=odd, seed=wish.seed, now=now))
    by_device: dict[str, list[Entry]] = defaultdict(list)
    for found in [*journal.read(spine.journal), *journal.read(spine.history)]:
        by_device[found.address].append(found)
    devices = {home.gateway: list(home.devices.values()) for home in households}
    devices[GATEWAY] = [device["address"] for device in on_air]
    return World(
        now=now,
        on_air=on_air,
        households=households,
        memory={name: remembered(some, by_device) for name, some in devices.items()},
        impossible=wish.impossible,
    )


# The disturbed run --------------------------------------------------------------------------------


def _disturbed(spine: Spine, world: World, wish: Wish, until: float) -> Killing:
    """Returns when everything has arrived and is judged, or at `until` by the stopwatch."""
    servers = _servers(spine)
    for start in servers.values():
        start()
    senders = _senders(spine, world, wish)  # their time begins now
    for start in senders.values():
        start()
    progress = Progress(ask=partial(spine.database.arrivals, CLINIC), wanted=world.wanted)
    killing = Killing(
        victims=_victims(spine, progress, servers | senders, wish.seconds),
        moments=wish.moments,
        seed=wish.seed,
    )
    say(f"{sum(world.wanted.values())} readings set out")
    asyncio.run(_killed(killing, progress))
    say(f"no more killing; stored so far: {sum(progress.stored.values())}")
    spine.stop("gateway")
    senders["gateway"](**QUIET)
    killing.problems += _settled(spine, world, progress, until)
    return killing


def _servers(spine: Spine) -> dict[str, Callable[[], None]]:
    workers = {name: partial(spine.start_ingest, name) for name in WORKERS}
    return {**workers, "alerts": spine.start_alerts}


def _senders(spine: Spine, world: World, wish: Wish) -> dict[str, Callable[..., None]]:
    urls = services("add-gateways", CLINIC, *world.memory)
    homes = {
        h.gateway: {"url": urls[h.gateway], "devices": list(h.devices.values())}
        for h in world.households
    }
    file = spine.work / "homes.json"
    file.touch(mode=0o600)
    file.write_text(json.dumps(homes), "utf-8")
    return {
        "homes": partial(_start_homes, spine, file, utc_now(), wish.seconds),
        "gateway": partial(spine.start_gateway, urls[GATEWAY], **HASTE),
    }


def _start_homes(spine: Spine, file: Path, began: datetime, seconds: float) -> None:
    lives = len(spine.told("homes", RUNNING)) if (spine.work / "homes.log").exists() else 0
    spine.start_module(
        "homes",
        "bench.faults_homes",
        *("--homes", str(file), "--journal", str(spine.history), "--work", str(spine.work)),
        *("--clinic", CLINIC, "--ca", spine.environment["HEARTHLINE_MQTT_CA"]),
        *("--began", began.isoformat(), "--seconds", str(seconds)),
    )
    spine.wait_until("homes", lambda: len(spine.told("homes", RUNNING)) > lives)


def _victims(
    spine: Spine, progress: Progress, start: Mapping[str, Callable[[], None]], seconds: float
) -> list[Victim]:
    homes = [name for name in progress.wanted if name != GATEWAY]
    work = {"gateway": partial(progress.open, [GATEWAY]), "homes": partial(progress.open, homes)}
    children = [
        Victim(
            name=name,
            kill=partial(spine.kill, name),
            start=starter,
            has_work=work.get(name, progress.open),
            window_s=seconds * (GATEWAY_WINDOW if name == "gateway" else WINDOW),
        )
        for name, starter in start.items()
    ]
    daemons = [
        service(name, has_work=progress.open, window_s=seconds * WINDOW) for name in SERVICES
    ]
    return [*children, *daemons]


async def _killed(killing: Killing, progress: Progress) -> None:
    watching = asyncio.create_task(progress.watch(), name="progress")
    try:
        await killing.run()
    finally:
        watching.cancel()


def _settled(spine: Spine, world: World, progress: Progress, until: float) -> list[str]:
    """Everything is up; what is still on its way arrives, and is judged."""
    try:
        spine.wait_gateway(until - time.monotonic())
        while True:
            progress.look()
            counts = spine.database.counts(CLINIC)
            arrived = not progress.open() and spine.arrived() == len(world.households)
            if arrived and not counts["pending"] and not counts["unjudged"]:
                return []
            if time.monotonic() > until:
                return [f"not everything arrived and was judged: {counts}"]
            time.sleep(LOOK_S)
    except SpineError as failure:
        return [str(failure)]


# What came of it ----------------------------------------------------------------------------------


def _compared(spine: Spine, world: World) -> tuple[dict[str, Any], list[str]]:
    """Stored readings against the journals."""
    found = spine.compare()
    report = {
        "sent": found.taken,
        "stored": found.stored,
        "lost": found.lost,
        "duplicated": found.doubled,
        "values_changed": found.values_changed,
        "quarantined": spine.database.quarantined(CLINIC),
        "strangers": found.strangers,
    }
    problems = [] if found.exact else [f"readings differ from the journal: {found}"]
    if report["quarantined"] != world.impossible:
        problems.append(f"{report['quarantined']} in quarantine, {world.impossible} expected")
    return report, problems


def _undisturbed(spine: Spine, world: World) -> Counter[tuple[Any, ...]]:
    """Alerts of the same readings in a second database."""
    say("the same readings where nothing is killed")
    name = f"{spine.database.name}_calm"
    with Database.fresh(spine.environment[settings.DATABASE_URL], name) as database:
        world.furnish(database)
        faults_reference.judge(database, CLINIC, world.memory)
        return faults_reference.outcome(database.alerts(CLINIC))


def _judged(
    spine: Spine, undisturbed: Counter[tuple[Any, ...]]
) -> tuple[dict[str, Any], list[str]]:
    """Alerts and tasks against those of the undisturbed run."""
    found = faults_reference.outcome(spine.database.alerts(CLINIC))
    missing, extra = undisturbed - found, found - undisturbed
    report = {
        "alerts": found.total(),
        "alerts_expected": undisturbed.total(),
        "tasks": spine.database.counts(CLINIC)["tasks"],
        "tasks_expected": sum(n for alert, n in undisturbed.items() if alert[-1]),
    }
    problems = [f"alert missing: {alert}" for alert in sorted(missing.elements())]
    problems += [f"alert not expected: {alert}" for alert in sorted(extra.elements())]
    if report["tasks"] != report["tasks_expected"]:
        problems.append("not as many tasks as in the undisturbed run")
    return report, problems
