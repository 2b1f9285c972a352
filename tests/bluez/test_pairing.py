"""Bonding by the gateway's own agent; nothing else is registered with BlueZ."""

from __future__ import annotations

import asyncio

import pytest
from bleak.exc import BleakError
from bumble.pairing import PairingConfig, PairingDelegate

from gateway.link import Failure
from simulator.cuff import Cuff
from simulator.meter import Meter
from tests.bluez.box import open_box
from tests.simulator.reader import Typing, find, take_stored


async def test_a_device_that_asks_nothing_is_bonded_and_can_be_forgotten(house, radio):
    cuff = house.add(Cuff, 1)
    got = await take_stored(radio, 0x1810, 0x2A35)
    assert got == house.said_by(cuff)
    (bond,) = await radio.bonds()
    assert (bond.address, bond.name) == (cuff.address, cuff.name)
    await radio.forget(cuff.address.lower())
    assert await radio.bonds() == []
    await radio.forget(cuff.address)  # nothing to forget is no error


async def test_the_digits_that_a_meter_shows_are_typed(house, radio, agent, tmp_path):
    meter = house.add(Meter, 5, passkey=204060)
    agent.typed = 204060
    async with open_box(radio, tmp_path / "spool.sqlite3") as box:
        await box.until_spooled(house.said_by(meter))
    assert agent.asked == [meter.address]


async def test_wrong_digits_bond_nothing_and_the_right_ones_still_do(house, radio, agent, tmp_path):
    meter = house.add(Meter, 2, passkey=204060)
    agent.typed = 111111
    async with open_box(radio, tmp_path / "spool.sqlite3") as box:
        await box.until(lambda: box.seen.failures)
        assert box.seen.failures[0] == (meter.address, Failure.NOT_PAIRED)
        assert (await radio.bonds(), await box.readings()) == ([], [])
        agent.typed = 204060
        await box.until_spooled(house.said_by(meter))


async def test_nobody_types_and_nothing_is_bonded(house, radio, agent, tmp_path):
    meter = house.add(Meter, 2, passkey=204060)
    async with open_box(radio, tmp_path / "spool.sqlite3") as box:
        await box.until(lambda: box.seen.failures)
    assert box.seen.failures[0] == (meter.address, Failure.NOT_PAIRED)
    assert agent.asked


class YesNo(PairingDelegate):  # type: ignore[misc]  # Bumble is untyped
    """A device with a display and two buttons."""

    def __init__(self) -> None:
        super().__init__(self.DISPLAY_OUTPUT_AND_YES_NO_INPUT)
        self.shown: list[int] = []

    async def compare_numbers(self, number: int, digits: int) -> bool:  # noqa: ARG002
        self.shown.append(number)
        return True


class Keys(PairingDelegate):  # type: ignore[misc]  # Bumble is untyped
    """A device with keys and no display: somebody types what the gateway shows."""

    def __init__(self, agent: Typing) -> None:
        super().__init__(self.KEYBOARD_INPUT_ONLY)
        self.agent = agent

    async def get_number(self) -> int:
        while not self.agent.shown:
            await asyncio.sleep(0.05)
        return self.agent.shown[0]


def pairs_with(device, delegate: PairingDelegate) -> None:
    device.device.pairing_config_factory = lambda _: PairingConfig(
        sc=True, mitm=True, bonding=True, delegate=delegate
    )


async def test_two_numbers_are_compared(house, radio, agent):
    cuff, delegate = house.add(Cuff, 1), YesNo()
    pairs_with(cuff, delegate)
    async with radio.client(await find(radio, 0x1810), pair=True):
        assert await radio.bonds()
    assert agent.shown == delegate.shown
    assert len(agent.shown) == 1


async def test_a_passkey_is_shown_to_be_typed_into_the_device(house, radio, agent):
    cuff = house.add(Cuff, 1)
    pairs_with(cuff, Keys(agent))
    async with radio.client(await find(radio, 0x1810), pair=True):
        assert await radio.bonds()
    assert len(agent.shown) == 1


async def test_nobody_is_asked_about_a_device_that_is_not_being_visited(house, radio, agent):
    """Another program of this box pairs with it, or the device itself begins."""
    house.add(Meter, 1, passkey=204060)
    agent.typed = 204060
    path = (await find(radio, 0x1808)).details["path"]
    with pytest.raises(BleakError):
        await radio.line.call(path, "org.bluez.Device1", "Pair")
    assert (await radio.bonds(), agent.asked) == ([], [])
