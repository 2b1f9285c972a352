"""An adapter that is off, blocked or without its daemon: reported, brought back, and scanning."""

from __future__ import annotations

import asyncio
from pathlib import Path

from dbus_fast import Variant

from gateway.link import Health
from gateway.radio import Radio, open_radio
from gateway.radio.bluez_line import ADAPTER, PROPERTIES
from gateway.radio.bluez_radio import BluezRadio
from simulator.cuff import Cuff
from tests.bluez.box import open_box
from tests.bluez.house import SPEAKS_FIRST

RFKILL = Path("/sys/class/rfkill")


async def until(radio: Radio, health: Health) -> None:
    async with asyncio.timeout(60):
        while (await radio.power()).health is not health:
            await asyncio.sleep(0.05)


async def test_what_the_doctor_is_told(radio):
    state = await radio.power()
    assert (state.health, state.name) == (Health.READY, "hci0")
    assert state.stack.startswith("BlueZ 5.")


async def test_an_adapter_that_somebody_turned_off_is_turned_on(house, agent, tmp_path):
    cuff = house.add(Cuff, 1)
    reasons: list[Health] = []
    async with (
        open_radio("bluez", agent=agent, on_reset=reasons.append) as radio,
        open_box(radio, tmp_path / "spool.sqlite3") as box,
    ):
        assert isinstance(radio, BluezRadio)
        await box.until_spooled(house.said_by(cuff))
        await radio.line.call(
            "/org/bluez/hci0", PROPERTIES, "Set", "ssv", [ADAPTER, "Powered", Variant("b", False)]
        )
        house.measure(cuff, 2)
        await box.until_spooled(house.said_by(cuff))
        assert (await radio.power()).resets == len(reasons) > 0
        await radio.forget(cuff.address)
    assert set(reasons) == {Health.OFF}


async def test_a_blocked_adapter_is_told_from_one_that_is_off(radio):
    switches = [entry / "soft" for entry in RFKILL.glob("*")]  # noqa: ASYNC240
    assert switches
    for switch in switches:
        switch.write_text("1")
    await until(radio, Health.BLOCKED)
    for switch in switches:
        switch.write_text("0")
    await until(radio, Health.READY)


async def test_after_a_crash_of_bluetoothd_all_is_as_before(house, radio, daemon, tmp_path):
    """Agent, scan, bond and the held notifications of a cuff that speaks first."""
    cuff = house.add(Cuff, 2, behaviour=SPEAKS_FIRST)
    async with open_box(radio, tmp_path / "spool.sqlite3") as box:
        await box.until_spooled(house.said_by(cuff))
        daemon.kill()
        await until(radio, Health.GONE)
        daemon.start()
        await until(radio, Health.READY)
        house.measure(cuff, 3)
        other = house.add(Cuff, 1)
        await box.until_spooled(house.said_by(cuff, other))
    assert len(await radio.bonds()) == 2
