"""From the publish call to the alert's notice on a signed-in nurse's event stream, under load.

    gateways ─ 200 readings/s ─ ingest ─ TimescaleDB ─ alerts ─ NOTIFY ─ console ─ event streams

Hundreds of tasks are open, and many nurses look at their queues at once. Rounds are measured with
one number of readings stored and then with ten times as many, in the same run: what grows with the
stored data shows as a ratio of the two, whatever the machine is worth.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any

from bench import machine, ward
from bench.gateways import Gateways, Sealed, Sent, seal
from bench.patience import until
from bench.report import say
from bench.screens import Screen, screens
from bench.spread import Spread, spread
from bench.staff import Colleague
from bench.ward import Bed
from scripts.clinic import STAFF
from scripts.database import Database
from vitals.clock import utc_now

DATABASE = "database"  # among the processes whose time is told
PATIENCE_S = 60.0  # how long after a round an alert may still come
SEALING_S = 0.004  # of one envelope, at most: a round begins when all of it is ready
SNOOZES = 8  # at once, while a round is cleared away
_AROUND = timedelta(minutes=5)  # a reading says its own second, not that of its sending
_NURSES = STAFF[:2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What is asked of the machine in each round."""

    rate: float = 200.0  # readings a second
    seconds: float = 20.0
    share: float = 0.05  # of the readings are a crisis
    rounds: int = 3  # of each size of the store
    streams: int = 20  # nurses whose queues are open
    open_tasks: int = 500  # before the first round
    stored: int = 200_000  # readings in the store in the first rounds
    growth: int = 10  # and so many times as many in the last

    @property
    def readings(self) -> int:
        return round(self.rate * self.seconds)

    @property
    def crises(self) -> int:
        """Of one round."""
        return max(1, round(self.readings * self.share))


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One envelope of a round. `due`: seconds after its beginning."""

    due: float
    bed: Bed
    ill: bool
    sealed: Sealed


@dataclass(slots=True, kw_only=True)
class Heard:
    """What came of one round; the keys of `sent` are beds."""

    sent: dict[Bed, tuple[str, Sent]] = field(default_factory=dict)  # the crises: reading, when
    first: dict[str, float] = field(default_factory=dict)  # the observer's, by alert id
    last: dict[str, float] = field(default_factory=dict)  # of all streams, by alert id
    asked: list[float] = field(default_factory=list)
    refused: int = 0
    kilobytes: float = 0.0
    published_s: float = 0.0
    cpu_s: dict[str, float] = field(default_factory=dict)
    late_s: float = 0.0  # of the load generator itself, at most


def plan(
    load: Load,
    clinic: str,
    steady: Sequence[Bed],
    ill: Sequence[Bed],
    *,
    begin: datetime,
    seed: str,
) -> Iterator[Turn]:
    """The round's envelopes, one reading each; every crisis is another patient's."""
    chance = Random(seed)  # noqa: S311 -- plausible, not secret
    places = dict(zip(chance.sample(range(load.readings), len(ill)), ill, strict=True))
    for place in range(load.readings):
        due = place / load.rate
        at = begin + timedelta(seconds=due)
        bed = places.get(place) or steady[place % len(steady)]
        is_ill = place in places
        reading = ward.crisis(bed, at) if is_ill else ward.ordinary(bed, at, chance)
        sealed = seal(clinic, bed.gateway, [reading], at=at)
        yield Turn(due=due, bed=bed, ill=is_ill, sealed=sealed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where the rounds are, and who tidies up between them. `pids`: whose time is told."""

    address: str
    database: Database
    gateways: Gateways
    helper: Colleague
    pids: dict[str, int]


async def measure(
    load: Load, place: Place, *, steady: Sequence[Bed], ill: Sequence[Bed], seed: str
) -> list[Heard]:
    """`load.rounds` rounds, each with beds of its own from `ill`."""
    rounds, clinic = [], place.gateways.clinic
    for number in range(load.rounds):
        say(f"  round {number + 1} of {load.rounds}, load {machine.load()}")
        begin = utc_now() + timedelta(seconds=load.readings * SEALING_S)
        mine = ill[number * load.crises : (number + 1) * load.crises]
        turns = list(plan(load, clinic, steady, mine, begin=begin, seed=f"{seed}:{number}"))
        await asyncio.sleep(max(0.0, (begin - utc_now()).total_seconds()))
        rounds.append(await _round(load, place, turns))
        await _clear(place, set(rounds[-1].first))
    return rounds


async def _round(load: Load, place: Place, turns: list[Turn]) -> Heard:
    members = [_NURSES[n % len(_NURSES)] for n in range(load.streams + 1)]
    async with screens(place.address, members) as (observer, *others), asyncio.TaskGroup() as group:
        listening = [group.create_task(observer.live(asks=False))]
        listening += [group.create_task(screen.live(asks=True)) for screen in others]
        await until(lambda: all(s.ready for s in (observer, *others)), timeout_s=PATIENCE_S)
        heard, before = Heard(), _cpu(place.pids)
        await _publish(place.gateways, turns, heard)
        await until(lambda: len(observer.heard) >= len(heard.sent), timeout_s=PATIENCE_S)
        await asyncio.sleep(1.0)
        spent = _cpu(place.pids)
        heard.cpu_s = {name: seconds - before[name] for name, seconds in spent.items()}
        for task in listening:
            task.cancel()
    _collect(heard, observer, others)
    return heard


async def _publish(gateways: Gateways, turns: list[Turn], heard: Heard) -> None:
    started = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for turn in turns:
            wait = started + turn.due - time.perf_counter()
            heard.late_s = max(heard.late_s, -wait)
            if wait > 0:
                await asyncio.sleep(wait)
            group.create_task(_post(gateways, turn, heard))
    heard.published_s = time.perf_counter() - started


async def _post(gateways: Gateways, turn: Turn, heard: Heard) -> None:
    sent = await gateways.post(turn.sealed)
    if turn.ill:
        heard.sent[turn.bed] = (turn.sealed.ids[0], sent)


def _collect(heard: Heard, observer: Screen, others: list[Screen]) -> None:
    heard.first = dict(observer.heard)
    for screen in (observer, *others):
        for alert, at in screen.heard.items():
            heard.last[alert] = max(at, heard.last.get(alert, at))
        heard.asked += screen.answers
        heard.refused += screen.refused
        heard.kilobytes += screen.received / 1000


def _cpu(pids: dict[str, int]) -> dict[str, float]:
    """The database's with all of its processes; `bench` is this one."""
    own = {name: machine.cpu_s(pid) for name, pid in pids.items() if name != DATABASE}
    shared = {DATABASE: machine.family_cpu_s(pids[DATABASE])} if DATABASE in pids else {}
    return own | shared | {"bench": time.process_time()}


async def _clear(place: Place, alerts: set[str]) -> None:
    """The round's tasks out of the queue: the next one finds as many as this one did."""
    rows = await asyncio.to_thread(place.database.alerts, place.gateways.clinic)
    tasks = [str(row["task"]) for row in rows if str(row["id"]) in alerts]
    for start in range(0, len(tasks), SNOOZES):
        await asyncio.gather(*(place.helper.snooze(key) for key in tasks[start : start + SNOOZES]))


# Figures ------------------------------------------------------------------------------------------


def figures(rounds: Sequence[Heard], database: Database, clinic: str, load: Load) -> dict[str, Any]:
    """Of all rounds together; `p99_ms_of_rounds` is what the ratio of two sizes is made of."""
    alerts = {row["patient"]: str(row["id"]) for row in database.alerts(clinic)}
    first = [_delays(heard, heard.first, alerts) for heard in rounds]
    last = [delay for heard in rounds for delay in _delays(heard, heard.last, alerts)]
    readings = load.readings * len(rounds)
    return {
        "readings_per_s": round(readings / sum(heard.published_s for heard in rounds), 1),
        "alerts_published": sum(len(heard.sent) for heard in rounds),
        "alerts_heard": sum(len(delays) for delays in first),
        "published_to_stream": spread(delay for delays in first for delay in delays),
        "published_to_last_stream": spread(last),
        "p99_ms_of_rounds": [found.p99_ms for delays in first if (found := spread(delays))],
        "stages": _stages(rounds, database, clinic),
        "queue_asks": spread(seconds for heard in rounds for seconds in heard.asked),
        "queue_asks_refused": sum(heard.refused for heard in rounds),
        "queue_kilobytes": round(sum(heard.kilobytes for heard in rounds)),
        "cpu_ms_per_reading": {
            name: round(1000 * sum(heard.cpu_s[name] for heard in rounds) / readings, 2)
            for name in (rounds[0].cpu_s if rounds else ())
        },
        "generator_late_ms": round(1000 * max((heard.late_s for heard in rounds), default=0.0), 1),
    }


def typical_p99(found: dict[str, Any]) -> float | None:
    """The median of the rounds: one hiccup of the machine is not the store's."""
    each: list[float] = found["p99_ms_of_rounds"]
    return statistics.median(each) if each else None


def growth(base: dict[str, Any], grown: dict[str, Any]) -> float | None:
    """How many times as long it takes with more in the store."""
    before, after = typical_p99(base), typical_p99(grown)
    return round(after / before, 2) if before and after else None


def _delays(heard: Heard, told: dict[str, float], alerts: dict[str, str]) -> list[float]:
    return [
        told[alert] - sent.started
        for bed, (_, sent) in heard.sent.items()
        if (alert := alerts.get(bed.record_number, "")) in told
    ]


def _stages(rounds: Sequence[Heard], database: Database, clinic: str) -> dict[str, Spread | None]:
    """By the database's stamps: where a batch's transaction begins, where a set's, the notice."""
    since = min((sent.at for heard in rounds for _, sent in heard.sent.values()), default=None)
    rows = database.readings(clinic, since=since and since - _AROUND)
    stored = {str(row["reading_id"]): row["stored_at"] for row in rows}
    steps: dict[str, list[float]] = {
        "published_to_stored": [],
        "stored_to_judged": [],
        "judged_to_notice": [],
    }
    alerts = {row["patient"]: row for row in database.alerts(clinic)}
    for heard in rounds:
        for bed, (reading, sent) in heard.sent.items():
            alert, at = alerts.get(bed.record_number), stored.get(reading)
            if alert is None or at is None or str(alert["id"]) not in heard.first:
                continue
            told = sent.at + timedelta(seconds=heard.first[str(alert["id"])] - sent.started)
            ends = (at, alert["opened_at"], told)
            for step, begun, end in zip(steps.values(), (sent.at, *ends), ends, strict=False):
                step.append((end - begun).total_seconds())
    return {name: spread(values) for name, values in steps.items()}
