"""One virtual home: a cuff, a glucose meter and a scale, or the products that are asked for.

The same seed gives the same home.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

from simulator import products
from simulator.air import Air
from simulator.clock import DeviceClock
from simulator.cuff import Cuff
from simulator.journal import Journal
from simulator.meter import Meter
from simulator.patients.records import GlucoseTaken, PressureTaken, Taken, WeightTaken
from simulator.peripheral import Peripheral, Setting
from simulator.scale import Scale
from vitals.clock import utc_now

CRISIS = (190, 125, 94)  # mmHg, mmHg, per minute
_BETWEEN_READINGS = timedelta(hours=5)
_STEADY = (Cuff.kind, Meter.kind, Scale.kind)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What the home holds and how it behaves."""

    seed: int = 1
    cuff_readings: int = 5
    glucose_records: int = 20
    scale_readings: int = 3
    every_s: float | None = None  # measure again and again; None: only what is stored at the start
    gap_s: float = 0.0  # seconds between two records of the meter
    passkey: int | None = None  # of the meter
    steady: bool = False  # somebody whose values give no reason to act; False: anything goes
    crisis_after_s: float | None = None  # then the cuff measures a crisis, once
    zone: str = "UTC"  # whose wall time its clocks show, give or take
    products: tuple[str, ...] = ()  # `simulator.products`; none: cuff, meter and scale
    each: int = 3  # readings that each product holds at the start


class Home:
    """The devices of one home, with what they measured before the start."""

    def __init__(self, air: Air, journal: Journal, plan: Plan) -> None:
        self._chance = Random(plan.seed)  # noqa: S311 -- plausible, not secret
        self._plan = plan
        self.instruments: list[Peripheral] = []
        if plan.products:
            self._fill_with_products(air, journal)
        else:
            self._fill(air, journal)

    def _fill(self, air: Air, journal: Journal) -> None:
        plan = self._plan
        cuff = Cuff(self._setting(air, journal))
        meter = Meter(self._setting(air, journal, plan.passkey), gap_s=plan.gap_s)
        scale = Scale(self._setting(air, journal))
        self.instruments += [cuff, meter, scale]
        self._remember(cuff, plan.cuff_readings)
        self._remember(meter, plan.glucose_records)
        self._remember(scale, plan.scale_readings)

    def _fill_with_products(self, air: Air, journal: Journal) -> None:
        for name in self._plan.products:
            passkey = self._plan.passkey if name in products.WITH_PASSKEY else None
            instrument = products.make(name, self._setting(air, journal, passkey))
            self.instruments.append(instrument)
            self._remember(instrument, self._plan.each)

    def described(self) -> list[dict[str, str]]:
        return [{"address": i.address, "kind": i.kind} for i in self.instruments]

    async def live(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            for instrument in self.instruments:
                tasks.create_task(instrument.live(), name=instrument.name)
            if self._plan.every_s is not None:
                tasks.create_task(self._measure_on(self._plan.every_s), name="measure")
            if self._plan.crisis_after_s is not None:
                tasks.create_task(self._crisis(self._plan.crisis_after_s), name="crisis")

    async def _measure_on(self, every_s: float) -> None:
        while True:
            await asyncio.sleep(every_s)
            for instrument in self.instruments:
                self._measure(instrument, utc_now())

    async def _crisis(self, after_s: float) -> None:
        await asyncio.sleep(after_s)
        systolic, diastolic, pulse = CRISIS
        taken = PressureTaken(at=utc_now(), systolic=systolic, diastolic=diastolic, pulse=pulse)
        next(i for i in self.instruments if isinstance(i, Cuff)).take(taken)

    def _measure(self, instrument: Peripheral, at: datetime) -> None:
        if self._plan.steady and instrument.kind in _STEADY:
            instrument.take(_steady(instrument.kind, at, self._chance))
        else:
            instrument.measure(at, self._chance)

    def _setting(self, air: Air, journal: Journal, passkey: int | None = None) -> Setting:
        return Setting(
            air=air,
            journal=journal,
            address=_static_address(self._chance),
            clock=DeviceClock(self._wall() + timedelta(seconds=self._chance.randint(-180, 180))),
            passkey=passkey,
        )

    def _wall(self) -> timedelta:
        return utc_now().astimezone(ZoneInfo(self._plan.zone)).utcoffset() or timedelta()

    def _remember(self, instrument: Peripheral, count: int) -> None:
        """Measurements of the last days, the oldest first."""
        now = utc_now()
        for back in range(count, 0, -1):
            self._measure(instrument, now - back * _BETWEEN_READINGS)


def _steady(kind: str, at: datetime, chance: Random) -> Taken:
    if kind == Cuff.kind:
        systolic, diastolic = chance.randint(118, 134), chance.randint(70, 84)
        pulse = chance.randint(62, 78)
        return PressureTaken(at=at, systolic=systolic, diastolic=diastolic, pulse=pulse)
    if kind == Scale.kind:
        return WeightTaken(at=at, kg=round(chance.uniform(80.7, 81.3), 2))
    return GlucoseTaken(at=at, mg_dl=chance.randint(96, 168))


def _static_address(chance: Random) -> str:
    """A static random address: its two highest bits are set."""
    octets = [0xC0 | chance.randrange(0x3F), *(chance.randrange(256) for _ in range(5))]
    return ":".join(f"{octet:02X}" for octet in octets)
