"""From real BlueZ's D-Bus into the spool: every kind, many at once, early words, broken links."""

from __future__ import annotations

import asyncio
import statistics

from gateway.radio import open_radio
from simulator.cuff import Cuff
from simulator.meter import Meter
from simulator.oximeter import Oximeter
from simulator.scale import Scale
from simulator.strap import Strap
from simulator.thermometer import Thermometer
from tests.bluez.box import Box, open_box
from tests.bluez.house import SPEAKS_FIRST

KINDS = [Cuff, Meter, Oximeter, Scale, Thermometer]


class TimedCuff(Cuff):
    """Notes when BlueZ had confirmed each of its indications, by the same clock as the spool."""

    def __init__(self, setting) -> None:
        self.confirmed_at: dict[str, float] = {}
        super().__init__(setting)

    async def say(self, entry, *, early: bool) -> None:
        await super().say(entry, early=early)
        self.confirmed_at[entry.raw] = asyncio.get_running_loop().time()


async def test_one_reading_of_each_kind(house, radio, tmp_path):
    devices = [house.add(kind, 1) for kind in KINDS]
    async with open_box(radio, tmp_path / "spool.sqlite3") as box:
        readings = await box.until_spooled(house.said_by(*devices))
    assert {reading.device for reading in readings} == {device.address for device in devices}
    assert len({reading.kind for reading in readings}) == len(KINDS)


async def test_what_is_said_every_second_becomes_a_reading(house, radio, tmp_path):
    strap = house.add(Strap, 1)
    async with open_box(radio, tmp_path / "spool.sqlite3") as box:
        await box.until(box.readings)
        (reading,) = await box.readings()
    assert reading.device == strap.address
    assert reading.raw[0].hex in house.said_by(strap)


async def test_eight_devices_at_once(house, radio, tmp_path, measured):
    devices = [house.add(Cuff, 3) for _ in range(8)]
    began = asyncio.get_running_loop().time()
    async with open_box(radio, tmp_path / "spool.sqlite3") as box:
        await box.until_spooled(house.said_by(*devices))
        measured["eight_devices_s"] = round(asyncio.get_running_loop().time() - began, 2)
    assert len(await radio.bonds()) == 8


async def test_a_cuff_that_speaks_first_loses_nothing(house, agent, tmp_path, measured):
    """It indicates as soon as the link is encrypted: to its gateway, and to one just started."""
    cuff = house.add(TimedCuff, 3, behaviour=SPEAKS_FIRST)
    async with (
        open_radio("bluez", agent=agent) as radio,
        open_box(radio, tmp_path / "first.sqlite3") as box,
    ):
        await box.until_spooled(house.said_by(cuff))
        house.measure(cuff, 3)
        await box.until_spooled(house.said_by(cuff))
        windows = windows_of(cuff, box)
    before = len(house.said_by(cuff))
    async with (
        open_radio("bluez", agent=agent) as radio,
        open_box(radio, tmp_path / "second.sqlite3") as box,
    ):
        house.measure(cuff, 3)
        await box.until_spooled(house.said_by(cuff)[before:])
        windows += windows_of(cuff, box)
        await radio.forget(cuff.address)
    assert len(windows) == 9
    measured["confirmed_to_fsync_ms"] = {
        "median": round(1e3 * statistics.median(windows), 1),
        "longest": round(1e3 * max(windows), 1),
        "readings": len(windows),
    }


def windows_of(cuff: TimedCuff, box: Box) -> list[float]:
    """Seconds from BlueZ's confirmation to the spool's fsync, for each reading of this box."""
    spooled_at = box.seen.spooled_at
    return [spooled_at[raw] - at for raw, at in cuff.confirmed_at.items() if raw in spooled_at]


async def test_a_device_that_lost_its_bond_is_paired_anew(house, radio, tmp_path):
    cuff = house.add(Cuff, 1)
    async with open_box(radio, tmp_path / "spool.sqlite3") as box:
        await box.until_spooled(house.said_by(cuff))
        cuff.forget_bonds()
        house.measure(cuff, 2)
        await box.until_spooled(house.said_by(cuff))
    assert len(await radio.bonds()) == 1


async def test_a_link_cut_while_services_are_discovered(house, radio, tmp_path):
    """Twice, each time when BlueZ asks for the characteristics of the first service."""
    cuff = house.add(Cuff, 2)
    server = cuff.device.gatt_server
    cuts: list[object] = []
    answer = server.on_att_read_by_type_request

    def cut_or_answer(bearer, request) -> None:
        if len(cuts) < 2:
            cuts.append(request)
            cuff.spawn(cuff.hang_up())
        else:
            answer(bearer, request)

    server.on_att_read_by_type_request = cut_or_answer
    async with open_box(radio, tmp_path / "spool.sqlite3") as box:
        await box.until_spooled(house.said_by(cuff))
    assert len(cuts) == 2
