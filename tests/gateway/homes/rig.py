# ruff: noqa: ARG002, S311 -- a fake keeps the signatures of the real; nothing here is secret
"""A home of virtual products and the whole gateway beside it, in one process, over a real HCI.

The clinic is a stand-in that receipts whatever is in the spool and keeps what it got by id, so that
a reading that is made anew under another id shows as two.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

from gateway.link import Nobody, Radio
from gateway.metrics import Metrics
from gateway.outbox import Outbox
from gateway.publisher import Publisher
from gateway.radio import open_radio
from gateway.service import Gateway
from gateway.settings import Settings
from gateway.spool import Spool, open_spool
from simulator import journal, products
from simulator.air import Air, serve
from simulator.clock import DeviceClock
from simulator.journal import Journal
from simulator.peripheral import Peripheral, Setting
from vitals import wire
from vitals.clock import utc_now
from vitals.identity import expected_id
from vitals.reading import Reading

LOOK_S = 0.02
AS_GOOD_AS = timedelta(seconds=4)  # a clock is read to the second, over a link that takes its time
PASSKEY = 123_456


class Patient:
    """Reads the six digits off the display, or types something else."""

    def __init__(self, typed: int | None = PASSKEY) -> None:
        self.typed = typed

    async def passkey(self, address: str) -> int | None:
        return self.typed

    async def confirm(self, address: str, number: int) -> bool:
        return True

    async def show(self, address: str, passkey: int) -> None: ...


@dataclass
class World:
    """What is on the air, and what is true."""

    air: Air
    path: Path
    listening: str
    devices: dict[str, Peripheral]
    folder: Path
    used: set[tuple[str, datetime]] = field(default_factory=set)
    chance: Random = field(default_factory=lambda: Random(6))

    def measure(self, name: str, times: int = 1, *, ago: timedelta = timedelta()) -> None:
        """Somebody uses a device, minutes apart, the last time `ago`."""
        for back in range(times - 1, -1, -1):
            at = utc_now() - ago - back * timedelta(minutes=7)
            while (name, at.replace(microsecond=0)) in self.used:
                at -= timedelta(seconds=1)  # nobody measures twice in a second
            self.used.add((name, at.replace(microsecond=0)))
            self.devices[name].measure(at, self.chance)

    def entries(self, name: str | None = None) -> list[journal.Entry]:
        found = journal.read(self.path)
        return found if name is None else [e for e in found if e.address == self.address(name)]

    def address(self, name: str) -> str:
        return self.devices[name].address

    def settings(self, **changes: object) -> Settings:
        usual = {
            "clinic": "clinic",
            "name": "home-1",
            "mqtt_url": "mqtt://127.0.0.1:1",
            "radio": f"bumble:tcp-client:{self.listening}",
            "spool": self.folder / "spool.sqlite3",
            "keys": self.folder / "keys.json",
            "revisit_s": 0.3,
            "quiet_s": 0.3,
            "context_wait_s": 0.3,
            "stream_rest_s": 600.0,
            "consents": {
                device.address: dict(device.behaviour.pins)
                for device in self.devices.values()
                if device.behaviour.pins
            },
        }
        return Settings.model_validate(usual | changes)


@asynccontextmanager
async def world(
    folder: Path, names: Sequence[str], offsets: dict[str, timedelta] | None = None
) -> AsyncIterator[World]:
    """`offsets` of the devices' clocks; the others are some seconds wrong."""
    air, path, chance = Air(), folder / "journal.jsonl", Random(4)
    with Journal(path) as written:
        devices = {}
        for number, name in enumerate(names):
            wrong = timedelta(seconds=chance.randint(-180, 180))
            setting = Setting(
                air=air,
                journal=written,
                address=f"C0:00:00:00:0{number // 10}:1{number % 10}",
                clock=DeviceClock((offsets or {}).get(name, wrong)),
                passkey=PASSKEY if name in products.WITH_PASSKEY else None,
            )
            devices[name] = products.make(name, setting)
        async with serve(air, "127.0.0.1", 0) as listening:
            lives = [asyncio.create_task(d.live(), name=n) for n, d in devices.items()]
            yield World(air, path, listening, devices, folder)
            for life in lives:
                life.cancel()
            await asyncio.gather(*lives, return_exceptions=True)


@dataclass
class Clinic:
    """Everything that was receipted, by id, as it was said first, but for what was added."""

    spool: Spool
    got: dict[str, Reading] = field(default_factory=dict)

    async def run(self) -> None:
        while True:
            await self.take()
            await asyncio.sleep(LOOK_S)

    async def take(self) -> None:
        for item in await self.spool.due(utc_now(), 1000):
            reading = wire.open_reading(item.body)
            known = self.got.get(item.id)
            if known is None or len(reading.raw) > len(known.raw):
                self.got[item.id] = reading
            await self.spool.remove([item.id], [item.id] if reading.has_additions else [])

    def has(self, entries: Sequence[journal.Entry]) -> bool:
        """All of them at least, each with what belongs to it."""
        found = by_raw(list(self.got.values()))
        return all(
            (reading := found.get((entry.address, entry.raw))) is not None
            and len(reading.raw) == (1 if entry.context is None else 2)
            for entry in entries
        )

    def raws(self) -> Counter[tuple[str, str]]:
        return Counter((r.device, r.raw[0].hex) for r in self.got.values())


@dataclass
class Running:
    """A gateway at work."""

    gateway: Gateway
    spool: Spool
    radio: Radio
    clinic: Clinic
    task: asyncio.Task[None]

    def leaves(self, address: str) -> bool:
        """No visit to it goes on."""
        known = self.gateway._schedule._devices.get(address)
        return known is None or not known.visiting

    async def until(self, done: Callable[[], bool], *, within_s: float = 20.0) -> None:
        async with asyncio.timeout(within_s):
            while not done():
                assert not self.task.done(), self.task.result()
                await asyncio.sleep(LOOK_S)


@asynccontextmanager
async def gateway(
    home: World,
    *,
    agent: Patient | None = None,
    watcher: Nobody | None = None,
    receipts: bool = True,
    **changes: object,
) -> AsyncIterator[Running]:
    settings = home.settings(**changes)
    async with (
        open_spool(settings.spool, utc_now()) as spool,
        open_radio(settings.radio, settings.keys, agent=agent) as radio,
    ):
        metrics = Metrics()
        outbox = Outbox(spool=spool, metrics=metrics, gateway=settings.name, clock=utc_now)
        publisher = Publisher(
            broker=settings.broker,
            clinic=settings.clinic,
            gateway=settings.name,
            version="test",
            outbox=outbox,
            clock=utc_now,
        )
        made = Gateway(
            settings=settings,
            radio=radio,
            spool=spool,
            publisher=publisher,
            metrics=metrics,
            clock=utc_now,
            watcher=watcher or Nobody(),
        )
        clinic = Clinic(spool)
        task = asyncio.create_task(made.run(), name="gateway")
        receipting = asyncio.create_task(clinic.run(), name="clinic") if receipts else None
        try:
            yield Running(made, spool, radio, clinic, task)
        finally:
            for running in (task, receipting):
                if running is not None:
                    running.cancel()
                    await asyncio.wait([running])
            await clinic.take()


def truth(entries: Sequence[journal.Entry]) -> Counter[tuple[str, str]]:
    return Counter((entry.address, entry.raw) for entry in entries)


def assert_told(entry: journal.Entry, reading: Reading, *, dated: bool = True) -> None:
    """The reading says of this measurement what is true; `dated`: its device has a clock."""
    assert reading.id == expected_id(reading)
    assert reading.kind.value == entry.kind
    assert reading.user_slot == entry.user_slot
    assert reading.sequence == entry.sequence
    told = {value.measure.value: value.value for value in reading.values}
    assert {name: told[name] for name in entry.values} == entry.values
    if entry.context is not None:
        assert [raw.hex for raw in reading.raw[1:]] == [entry.context]
    if dated:
        assert reading.device_time == entry.device_time
    assert abs(reading.measured_at - entry.measured_at) <= AS_GOOD_AS


def by_raw(readings: Sequence[Reading]) -> dict[tuple[str, str], Reading]:
    return {(reading.device, reading.raw[0].hex): reading for reading in readings}
