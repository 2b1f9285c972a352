# ruff: noqa: ARG002 -- a fake keeps the signatures of the real
"""One quirk at a time, over a real HCI: lost bonds, early words, erased memories, neighbours."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from datetime import timedelta
from pathlib import Path

import pytest
from bleak.exc import BleakError

from devices.uuids import short
from gateway.link import Failure, Nobody, Sighting
from gateway.radio import open_radio
from simulator.memory import RecordMemory
from tests.gateway.homes import rig
from vitals.reading import Reading

NEVER_SET = timedelta(days=-9_800)


class Log(Nobody):
    """Remembers what it is told, and lets in whom it is told to."""

    def __init__(self, welcome: Collection[str] = ()) -> None:
        self.said: list[tuple[str, str]] = []
        self.seen: set[str] = set()
        self.failures: list[Failure] = []
        self.welcome = set(welcome)

    def admits(self, sighting: Sighting) -> bool:
        return sighting.address in self.welcome

    def sighted(self, sighting: Sighting) -> None:
        self.seen.add(sighting.address)

    def connecting(self, address: str) -> None:
        self.said.append((address, "connecting"))

    def connected(self, address: str) -> None:
        self.said.append((address, "connected"))

    def failed(self, address: str, reason: Failure) -> None:
        self.said.append((address, "failed"))
        self.failures.append(reason)

    def ended(self, address: str, new: int) -> None:
        self.said.append((address, f"ended {new}"))

    def spooled(self, address: str, reading: Reading) -> None:
        self.said.append((address, "spooled"))

    def of(self, address: str) -> list[str]:
        return [what for whose, what in self.said if whose == address]


async def all_of_it(home: rig.World, running: rig.Running, name: str) -> None:
    entries = home.entries(name)
    address = home.address(name)
    await running.until(lambda: running.clinic.has(entries) and running.leaves(address))


def assert_once(home: rig.World, running: rig.Running) -> None:
    assert running.clinic.raws() == rig.truth(home.entries())
    entries = {(entry.address, entry.raw): entry for entry in home.entries()}
    for key, reading in rig.by_raw(list(running.clinic.got.values())).items():
        rig.assert_told(entries[key], reading)


@pytest.mark.parametrize("name", ["omron-cuff", "contour"])
async def test_a_bond_that_the_device_has_lost(tmp_path: Path, name: str) -> None:
    async with rig.world(tmp_path, [name]) as home, rig.gateway(home) as running:
        home.measure(name)
        await all_of_it(home, running, name)
        home.devices[name].forget_bonds()
        home.measure(name, 2)
        await all_of_it(home, running, name)
        assert_once(home, running)


async def test_a_cuff_that_speaks_before_it_is_asked_and_is_soon_off_the_air(
    tmp_path: Path,
) -> None:
    async with rig.world(tmp_path, ["omron-cuff"]) as home, rig.gateway(home) as running:
        for _ in range(3):  # bonded from the second time on: then it speaks at once
            home.measure("omron-cuff", 2)
            await all_of_it(home, running, "omron-cuff")
        assert_once(home, running)


@pytest.mark.parametrize("again", [2, 9])
async def test_a_memory_that_was_erased(tmp_path: Path, again: int) -> None:
    """Its numbers begin anew; with nine they have passed the mark when somebody comes."""
    async with rig.world(tmp_path, ["contour"]) as home, rig.gateway(home) as running:
        home.measure("contour", 5)
        await all_of_it(home, running, "contour")
        meter = home.devices["contour"]
        assert isinstance(meter, RecordMemory)
        meter.erase()
        home.measure("contour", again)
        await all_of_it(home, running, "contour")
        assert_once(home, running)


async def test_a_meter_with_new_batteries(tmp_path: Path) -> None:
    async with rig.world(tmp_path, ["contour"]) as home, rig.gateway(home) as running:
        home.measure("contour", 3)
        await all_of_it(home, running, "contour")
        home.devices["contour"].clock.lose(NEVER_SET)
        home.measure("contour", 2, ago=timedelta(minutes=3))
        await all_of_it(home, running, "contour")
        assert_once(home, running)


async def test_walking_through_all_services_switches_this_cuff_off(tmp_path: Path) -> None:
    """What the gateway does not do: the eight at once say so."""
    async with rig.world(tmp_path, ["and-cuff"]) as home:
        cuff = home.devices["and-cuff"]
        home.measure("and-cuff")
        async with open_radio(f"bumble:tcp-client:{home.listening}") as radio:
            found: asyncio.Queue[object] = asyncio.Queue()
            async with radio.scanner(lambda device, _: found.put_nowait(device), [short(0x1810)]):
                device = await asyncio.wait_for(found.get(), 10)
            with pytest.raises(BleakError):
                await radio.client(device).connect()  # type: ignore[arg-type]
        assert cuff.errors == 1


async def test_a_scale_tells_only_whose_code_is_known(tmp_path: Path) -> None:
    async with rig.world(tmp_path, ["beurer-scale"]) as home:
        scale, address = home.devices["beurer-scale"], home.address("beurer-scale")
        home.measure("beurer-scale", 6)
        mine = [entry for entry in home.entries() if entry.user_slot == 1]
        assert 0 < len(mine) < 6
        codes = {1: scale.behaviour.pins[1], 2: 9999}
        async with rig.gateway(home, consents={address: codes}) as running:
            await running.until(lambda: running.clinic.has(mine) and running.leaves(address))
            assert running.clinic.raws() == rig.truth(mine)
        async with rig.gateway(home) as running:
            theirs = [entry for entry in home.entries() if entry.user_slot == 2]
            await running.until(lambda: running.clinic.has(theirs))
            assert running.clinic.raws() == rig.truth(theirs)


async def test_a_wrong_passkey_is_told_as_such_and_the_right_one_reads(tmp_path: Path) -> None:
    async with rig.world(tmp_path, ["accu-chek"]) as home:
        home.measure("accu-chek", 3)
        patient, log = rig.Patient(typed=1), Log()
        async with rig.gateway(home, agent=patient, watcher=log) as running:
            await running.until(lambda: bool(log.failures))
            assert log.failures[0] is Failure.NOT_PAIRED
            assert not running.clinic.got
            patient.typed = rig.PASSKEY
            await all_of_it(home, running, "accu-chek")
            assert_once(home, running)


async def test_a_neighbours_device_is_seen_and_left_alone_until_it_is_welcome(
    tmp_path: Path,
) -> None:
    async with rig.world(tmp_path, ["thermometer", "contour"]) as home:
        home.measure("thermometer")
        home.measure("contour")
        ours, theirs, log = home.address("thermometer"), home.address("contour"), Log()
        async with rig.gateway(home, watcher=log, accept=frozenset({ours})) as running:
            await all_of_it(home, running, "thermometer")
            assert log.of(ours)[:4] == ["connecting", "connected", "spooled", "ended 1"]
            await running.until(lambda: theirs in log.seen)
            assert log.of(theirs) == []
            log.welcome.add(theirs)
            await all_of_it(home, running, "contour")
            assert_once(home, running)


async def test_a_cuff_is_read_while_a_meter_is_still_talking(tmp_path: Path) -> None:
    async with rig.world(tmp_path, ["contour", "omron-cuff"]) as home:
        meter, log = home.devices["contour"], Log()
        assert isinstance(meter, RecordMemory)
        meter.talks_slowly(0.05)
        home.measure("contour", 40)
        async with rig.gateway(home, watcher=log) as running:
            await running.until(lambda: "spooled" in log.of(meter.address))
            home.measure("omron-cuff")
            cuff = home.address("omron-cuff")
            await running.until(lambda: "spooled" in log.of(cuff))
            assert not any(said.startswith("ended") for said in log.of(meter.address))
            await all_of_it(home, running, "contour")
            assert_once(home, running)
