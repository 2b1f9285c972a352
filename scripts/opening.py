"""Opening the demo clinic: every process started, ninety days arrived, everything judged."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from gateway.spool import open_spool
from scripts.clinic import HANDED_OVER, SetUp
from scripts.database import Database
from scripts.homes import fill, write_journal
from scripts.spine import CLINIC, GATEWAY, HOME_ZONE, Spine, SpineError, gateway_url, services
from simulator.patients.events import REPLACED, Expected
from simulator.patients.plan import Clinic, Home, plan
from vitals.clock import utc_now

LIVE = REPLACED.patient  # the home whose devices are on the air, and its only patient
#: What the live home's cuff adds to what must follow.
CRISIS = Expected(patient=f"DEMO-{LIVE:03}", lineage="blood_pressure.high", severity="critical")
#: The slots that a steady home's devices name; a meter has none.
WORN = {"blood_pressure": (1,), "weight": (1,), "glucose": (None,)}
#: Memory of the live home's devices: less than they have been there for.
REMEMBERED = ("--cuff-readings", "4", "--glucose-records", "6", "--scale-readings", "3")
ARRIVAL_TIMEOUT_S = 180.0
LOOK_S = 0.5
TELL_S = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """The clinic as it stands; `now` is when it was opened."""

    wanted: Clinic
    made: SetUp
    urls: dict[str, str]
    now: datetime


def say(text: str) -> None:
    sys.stderr.write(f"{text}\n")


def set_up(database: Database, *, seed: int, bare: bool = False) -> Opened:
    """Everybody registered, every gateway with its credentials."""
    now = utc_now()
    wanted = plan(seed=seed, now=now)
    outside = "HEARTHLINE_GATEWAY_MQTT_URL" in os.environ
    if outside or bare:
        # Somebody else's broker has one user for us: the other homes stay away.
        wanted = wanted.only(LIVE, bare=bare)
    made = database.set_up(CLINIC, wanted, zone=HOME_ZONE, now=now)
    names = [home.gateway for home in wanted.homes]
    urls = {GATEWAY: gateway_url()} if outside else services("add-gateways", CLINIC, *names)
    return Opened(wanted=wanted, made=made, urls=urls, now=now)


def start_services(spine: Spine) -> None:
    say("starting ingest, alerts and the sweep of abandoned timers")
    spine.start_ingest()
    spine.start_alerts()
    spine.start_sweep()
    spine.start_sealer()


def start_homes(spine: Spine, opened: Opened, *, seed: int, live: tuple[str, ...]) -> None:
    """History leaves all homes; the live one has devices on the air besides."""
    say(
        f"{len(opened.wanted.homes)} homes send the {opened.wanted.readings} readings"
        " of their last ninety days"
    )
    write_journal(opened.wanted, spine.history)
    for home in (h for h in opened.wanted.homes if h.number == LIVE):
        asyncio.run(_fill(spine.work / "spool.sqlite3", home))
    others = {name: url for name, url in opened.urls.items() if name != GATEWAY}
    spine.start_homes(others, seed=seed, now=opened.now)
    say("one of them has a cuff, a meter and a scale on the air")
    clocks = ("--zone", HOME_ZONE)
    devices = spine.start_simulator("--seed", str(seed), "--steady", *clocks, *REMEMBERED, *live)
    spine.database.hand_over(
        CLINIC,
        devices,
        patient=opened.made.patients[CRISIS.patient],
        since=opened.now - HANDED_OVER,
        slots=WORN,
    )


async def _fill(path: Path, home: Home) -> None:
    async with open_spool(path, utc_now()) as spool:
        await fill(spool, home, utc_now)


def await_history(spine: Spine, opened: Opened) -> None:
    """Until what left the homes is stored or refused, and judged."""
    others = opened.urls.keys() - {GATEWAY}
    _until(spine, lambda _: spine.arrived() >= len(others))
    _until(spine, lambda n: n["readings"] + n["quarantined"] >= opened.wanted.readings)
    await_judged(spine)


def await_judged(spine: Spine) -> None:
    _until(spine, lambda n: not n["pending"] and not n["unjudged"])


def _until(spine: Spine, done: Callable[[dict[str, int]], bool]) -> None:
    deadline = time.monotonic() + ARRIVAL_TIMEOUT_S
    told = 0.0
    while not done(counts := spine.database.counts(CLINIC)):
        if time.monotonic() > deadline:
            raise SpineError(f"not everything arrived and was judged: {counts}; {spine.work}")
        if time.monotonic() - told > TELL_S:
            told = time.monotonic()
            say(f"  {counts['readings']} readings stored, {counts['alerts']} alerts")
        time.sleep(LOOK_S)


def differences(rows: Iterable[dict[str, Any]], expected: frozenset[Expected]) -> list[str]:
    """Alerts that should be there and are not, and the other way round, in words."""
    found = [
        Expected(patient=r["patient"], lineage=r["lineage"], severity=r["severity"], late=r["late"])
        for r in rows
    ]
    missing = [f"missing: {_words(e)}" for e in sorted(expected - set(found))]
    extra = [f"not expected: {_words(e)}" for e in sorted(set(found) - expected)]
    twice = [f"twice: {_words(e)}" for e in sorted(set(found)) if found.count(e) > 1]
    return missing + extra + twice


def _words(alert: Expected) -> str:
    late = ", late" if alert.late else ""
    return f"{alert.patient} {alert.lineage} ({alert.severity}{late})"
