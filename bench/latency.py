"""From the publish call of a home's gateway to the row in a nurse's open queue; and every page.

    gateways ─MQTT/TLS, QoS 1─ ingest ─ TimescaleDB ─ alerts ─ NOTIFY ─ console ─ a real Chromium
        stopwatch starts                                       row in the page: stopwatch stops

All of it are real processes, in the demo clinic with its ninety days. A crisis opens one alert of
its patient, so a row is waited for once per crisis. The list of a queue holds `store.worklist.PAGE`
rows: what a round has brought there, a colleague snoozes through the console before the next.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any

from bench import machine, pages, settings, sizes, stream, ward
from bench.gateways import Gateways, Sent, connected
from bench.patience import until
from bench.report import say
from bench.spread import Spread, spread
from bench.staff import Colleague, signed_in
from bench.stream import Load
from bench.ward import Bed
from bench.watch import Watch, watching
from scripts.clinic import ADMIN, LONG_AGO, NURSE, STAFF
from scripts.database import Database
from scripts.opening import Opened, await_history, await_judged, set_up
from scripts.spine import CLINIC, ROOT, Spine, services
from vitals.clock import utc_now
from vitals.reading import Reading

ROOM = 40  # rows of one round: with those of the demo they stay below the queue's page
PATIENCE_S = 30.0  # how long after a round a row may still come
SETTLING_S = 1.0  # between two rounds
SEED = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What was asked for on the command line."""

    rate: float = 50.0  # readings a second
    seconds: float = 60.0
    share: float = 0.08  # of the readings are a crisis
    requests: int = 40  # of each page
    load: Load = field(default_factory=Load)  # of the rounds on the event stream

    @property
    def crises(self) -> int:
        return max(1, round(self.rate * self.seconds * self.share))

    @property
    def rounds(self) -> int:
        return -(-self.crises // ROOM)

    @property
    def readings_a_round(self) -> int:
        return round(self.rate * self.seconds / self.rounds)


@dataclass(slots=True, kw_only=True)
class Seen:
    """What came of the rounds; the keys are beds."""

    crises: dict[Bed, tuple[Reading, Sent]] = field(default_factory=dict)
    sent: dict[str, Sent] = field(default_factory=dict)  # by reading id
    receipts: dict[str, float] = field(default_factory=dict)
    rows: dict[str, float] = field(default_factory=dict)  # by name
    notices: dict[str, float] = field(default_factory=dict)  # by alert id
    refused: int = 0
    published_s: float = 0.0
    load: list[float] = field(default_factory=list)


def run(wish: Wish) -> tuple[dict[str, Any], dict[str, Any], list[str]]:
    """Figures, ratios, and what is missing."""
    with _clinic() as (spine, opened):
        figures: dict[str, Any] = {"machine": machine.facts(spine.database.admin_url)}
        say("asking for every page")
        figures |= asyncio.run(_pages(_address(spine), wish.requests))
        wards = Wards.of(wish)
        urls = services("add-gateways", CLINIC, *ward.GATEWAYS)
        since = opened.now - LONG_AGO
        say(f"{len(wards.all)} patients are registered")
        asyncio.run(ward.furnish(spine.database.admin_url, CLINIC, wards.all, since=since))
        ca = Path(spine.environment["HEARTHLINE_MQTT_CA"])
        asyncio.run(_history(urls, ca, wards.in_browser))
        await_judged(spine)
        before = _cpu(spine)
        seen = asyncio.run(_rounds(_address(spine), urls, ca, wards.in_browser, wish))
        figures |= _figures(seen, spine.database, wish)
        figures["cpu_s"] = {k: round(v - before[k], 2) for k, v in _cpu(spine).items()}
        figures["stream"] = sizes.measure(spine, urls, ca, wards.steady, wards.ill, wish.load)
    latency, worst, on_stream = (
        figures[name] for name in ("published_to_row", "pages_worst", "stream")
    )
    ratios = {
        "p99_ms": latency and latency.p99_ms,
        "pages_p95_ms": worst["p95_ms"],
        "stream_p99_ms": stream.typical_p99(on_stream[sizes.BASE]),
        "p99_growth_10x": stream.growth(on_stream[sizes.BASE], on_stream[sizes.GROWN]),
    }
    return figures, ratios, _problems(seen, on_stream)


def _problems(seen: Seen, on_stream: dict[str, Any]) -> list[str]:
    missing = sorted(bed.name for bed in seen.crises if bed.name not in seen.rows)
    problems = [f"no row of {name} was seen" for name in missing]
    problems += [f"{seen.refused} readings were refused"] if seen.refused else []
    for size, found in on_stream.items():
        unheard = found["alerts_published"] - found["alerts_heard"]
        problems += [f"{unheard} alerts were not heard, {size}"] if unheard else []
    return problems


@contextmanager
def _clinic() -> Iterator[tuple[Spine, Opened]]:
    """The demo clinic in a database of its own, its history judged, every service up."""
    environment = settings.environment()
    with Database.fresh(
        environment[settings.DATABASE_URL], f"hl_bench_{uuid.uuid4().hex[:12]}"
    ) as database:
        opened = set_up(database, seed=SEED)
        work = ROOT / ".local" / "runs" / database.name
        with Spine(work=work, environment=environment, database=database) as spine:
            spine.start_ingest()
            spine.start_alerts()
            say(f"{opened.wanted.readings} readings of ninety days arrive")
            spine.start_homes(opened.urls, seed=SEED, now=opened.now)
            await_history(spine, opened)
            spine.start_console()
            yield spine, opened


def _address(spine: Spine) -> str:
    return f"http://127.0.0.1:{spine.ports['console']}"


def _cpu(spine: Spine) -> dict[str, float]:
    return {
        name: machine.cpu_s(spine.children[name].pid) for name in ("ingest", "alerts", "console")
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Wards:
    """Who is ill where: nobody is in two of them."""

    in_browser: list[Bed]  # one for each crisis; and nobody measures twice within a second
    steady: list[Bed]  # on the stream: whoever is not ill, half of them for each size of the store
    ill: list[Bed]  # on the stream, one for each crisis

    @classmethod
    def of(cls, wish: Wish) -> Wards:
        load = wish.load
        browser = max(wish.crises, round(wish.rate) + 2)
        steady = max(load.open_tasks, 2 * (round(load.rate) + 2))
        ill = load.crises * load.rounds * 2  # sizes of the store
        beds = iter(Bed(number=n + 1) for n in range(browser + steady + ill))
        return cls(
            in_browser=list(islice(beds, browser)),
            steady=list(islice(beds, steady)),
            ill=list(beds),
        )

    @property
    def all(self) -> list[Bed]:
        return self.in_browser + self.steady + self.ill


# Pages --------------------------------------------------------------------------------------------


async def _pages(address: str, requests: int) -> dict[str, Any]:
    """Each by a nurse where she may, else by the admin."""
    told: dict[str, Spread] = {}
    before = machine.load()
    for member in (NURSE, ADMIN):
        async with signed_in(address, member) as colleague:
            found = await pages.follow(colleague.client, "/account", told)
            for template, addresses in sorted(found.addresses().items()):
                told[template] = await pages.timed(colleague.client, addresses, requests)
    worst = max(told, key=lambda template: told[template].p95_ms)
    return {
        "pages": dict(sorted(told.items())),
        "pages_not_reached": sorted({r.path for r in pages.get_routes()} - told.keys()),
        "pages_worst": {"page": worst, "p95_ms": told[worst].p95_ms},
        "pages_load": [before, machine.load()],
    }


# Rounds -------------------------------------------------------------------------------------------


async def _history(urls: dict[str, str], ca: Path, beds: list[Bed]) -> None:
    """What the benchmark's patients measured before."""
    say(f"{len(beds)} patients have measured for {ward.HISTORY_DAYS} days")
    chance, now = Random(SEED), utc_now()  # noqa: S311 -- plausible, not secret
    async with connected(CLINIC, urls, ca) as gateways:
        ids = []
        for bed in beds:
            readings = list(ward.history(bed, now, chance))
            ids += [reading.id for reading in readings]
            await gateways.send(bed.gateway, readings)
        if not await gateways.settled(ids, timeout_s=PATIENCE_S * 4):
            raise RuntimeError("the history did not arrive")


async def _rounds(
    address: str, urls: dict[str, str], ca: Path, beds: list[Bed], wish: Wish
) -> Seen:
    seen = Seen()
    nurse, colleague = STAFF[:2]
    async with (
        connected(CLINIC, urls, ca) as gateways,
        signed_in(address, colleague) as helper,
        watching(address, nurse) as watch,
        asyncio.TaskGroup() as group,
    ):
        listening = group.create_task(helper.notices(seen.notices), name="event stream")
        await asyncio.sleep(SETTLING_S)
        for number in range(wish.rounds):
            say(f"round {number + 1} of {wish.rounds}, load {machine.load()}")
            await _round(Round(beds, number, wish), gateways, watch, seen)
            await _clear(watch, helper, seen)
        listening.cancel()
        seen.receipts, seen.refused, seen.rows = gateways.receipts, gateways.refused, watch.rows
    return seen


class Round:
    """Who measures what, one after the other; the crises come when they come."""

    def __init__(self, beds: list[Bed], number: int, wish: Wish) -> None:
        self._beds = beds
        self._wish = wish
        each = wish.crises / wish.rounds
        self.crises = beds[round(each * number) : round(each * (number + 1))]
        self.length = max(wish.readings_a_round, len(self.crises))
        self._chance = Random(f"{SEED}:{number}")  # noqa: S311 -- plausible, not secret
        places = self._chance.sample(range(self.length), len(self.crises))
        self._ill = dict(zip(places, self.crises, strict=True))

    def turns(self) -> Iterator[tuple[float, Bed, bool]]:
        """(when, who, whether it is a crisis)."""
        others = [bed for bed in self._beds if bed not in set(self.crises)] or self._beds
        for place in range(self.length):
            ill = self._ill.get(place)
            yield place / self._wish.rate, ill or others[place % len(others)], ill is not None

    def reading(self, bed: Bed, *, ill: bool) -> Reading:
        return ward.crisis(bed, utc_now()) if ill else ward.ordinary(bed, utc_now(), self._chance)


async def _round(plan: Round, gateways: Gateways, watch: Watch, seen: Seen) -> None:
    started = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for due, bed, ill in plan.turns():
            await asyncio.sleep(max(0.0, started + due - time.perf_counter()))
            reading = plan.reading(bed, ill=ill)
            group.create_task(_send(gateways, bed, reading, seen, ill=ill))
    seen.published_s += time.perf_counter() - started
    seen.load.append(machine.load())
    wanted = {bed.name for bed in plan.crises}
    await until(lambda: wanted <= watch.rows.keys(), timeout_s=PATIENCE_S)


async def _send(gateways: Gateways, bed: Bed, reading: Reading, seen: Seen, *, ill: bool) -> None:
    sent = await gateways.send(bed.gateway, [reading])
    seen.sent[reading.id] = sent
    if ill:
        seen.crises[bed] = (reading, sent)


async def _clear(watch: Watch, helper: Colleague, seen: Seen) -> None:
    for key in watch.keys.values():
        await helper.snooze(key)
    watch.keys.clear()
    await watch.cleared(timeout_s=PATIENCE_S)
    await asyncio.sleep(SETTLING_S)
    seen.load.append(machine.load())


# Figures ------------------------------------------------------------------------------------------


def _figures(seen: Seen, database: Database, wish: Wish) -> dict[str, Any]:
    rows = [
        seen.rows[bed.name] - sent.started
        for bed, (_, sent) in seen.crises.items()
        if bed.name in seen.rows
    ]
    receipts = [
        seen.receipts[name] - sent.started
        for name, sent in seen.sent.items()
        if name in seen.receipts
    ]
    return {
        "readings": len(seen.sent),
        "readings_per_s": round(len(seen.sent) / seen.published_s, 1),
        "rounds": wish.rounds,
        "alerts_published": len(seen.crises),
        "alerts_seen": len(rows),
        "published_to_row": spread(rows),
        "published_to_receipt": spread(receipts),
        "stages": _stages(seen, database),
        "load_during": [min(seen.load), max(seen.load)],
    }


def _stages(seen: Seen, database: Database) -> dict[str, Spread | None]:
    """Where the time goes, by the database's stamps and the first notice of each alert."""
    stored = {str(row["reading_id"]): row["stored_at"] for row in database.readings(CLINIC)}
    alerts = {row["patient"]: row for row in database.alerts(CLINIC)}
    steps: dict[str, list[float]] = {
        "published_to_stored": [],
        "stored_to_judged": [],
        "judged_to_notice": [],
        "notice_to_row": [],
    }
    for bed, (reading, sent) in seen.crises.items():
        alert, at = alerts.get(bed.record_number), stored.get(reading.id)
        if alert is None or at is None or bed.name not in seen.rows:
            continue
        ends = (at, alert["opened_at"], _wall(sent, seen.notices.get(str(alert["id"]))))
        begins = (sent.at, *ends)
        for name, begin, end in zip(
            steps, begins, (*ends, _wall(sent, seen.rows[bed.name])), strict=True
        ):
            if begin is not None and end is not None:
                steps[name].append((end - begin).total_seconds())
    return {name: spread(values) for name, values in steps.items()}


def _wall(sent: Sent, stopwatch: float | None) -> Any:
    """The stopwatch as an instant, by the two stamps of the publish call."""
    return None if stopwatch is None else sent.at + timedelta(seconds=stopwatch - sent.started)
