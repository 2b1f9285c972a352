"""The desk: who waits is woken, who asks is answered, and others are left in peace."""

from __future__ import annotations

import asyncio

import pytest

from gateway import desk as desk_module
from gateway.desk import PairingDesk
from gateway.kinds import DeviceKind
from gateway.language import words
from gateway.link import Failure
from gateway.pairing import OPEN_FOR
from gateway.pairing_events import Chose, Closed, Compared, Entered, Forgot, Opened, WentBack
from gateway.pairing_state import NotNow, Step, Trouble
from gateway.screens import screen
from tests.gateway.portal.conftest import CUFF, METER, NOW, found, reading, sighting


async def ready(desk, clock):
    await desk.act(Opened())
    await desk.act(Chose(DeviceKind.CUFF))
    found(desk, clock)
    desk.connecting(CUFF)


async def asked(desk, step):
    async with asyncio.timeout(5):
        while desk.look().step is not step:
            await asyncio.sleep(0)


async def test_a_passkey_goes_from_the_page_to_the_radio(desk, clock):
    await ready(desk, clock)
    asking = asyncio.create_task(desk.passkey(CUFF))
    await asked(desk, Step.PASSKEY)
    await desk.act(Entered(42))
    assert await asking == 42
    desk.connected(CUFF)
    assert desk.look().step is Step.TEST


async def test_a_radio_that_no_longer_asks_is_told(desk, clock):
    await ready(desk, clock)
    asking = asyncio.create_task(desk.passkey(CUFF))
    await asked(desk, Step.PASSKEY)
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    assert desk.look().trouble is Trouble.LATE_PASSKEY


async def test_going_back_answers_the_radio_with_no(desk, clock):
    await ready(desk, clock)
    asking = asyncio.create_task(desk.passkey(CUFF))
    await asked(desk, Step.PASSKEY)
    await desk.act(WentBack())
    assert await asking is None
    assert desk.look().step is Step.PREPARE


@pytest.mark.parametrize("same", [True, False])
async def test_a_comparison(desk, clock, same):
    await ready(desk, clock)
    asking = asyncio.create_task(desk.confirm(f"{CUFF}/P", 123456))
    await asked(desk, Step.COMPARE)
    await desk.act(Compared(same))
    assert await asking is same


async def test_a_number_to_show_is_shown_at_once(desk, clock):
    await ready(desk, clock)
    await desk.show(CUFF, 7)
    assert (desk.look().step, desk.look().number) == (Step.SHOW, 7)


async def test_devices_that_nobody_chose_get_no_answer(desk, clock):
    assert await desk.passkey(CUFF) is None
    await ready(desk, clock)
    assert await desk.passkey(METER) is None
    assert await desk.confirm(METER, 1) is False


async def test_nobody_is_let_in_once_the_time_is_over_though_nobody_looks(desk, clock):
    await ready(desk, clock)
    assert desk.admits(sighting())
    clock.now += OPEN_FOR
    assert not desk.admits(sighting())


async def test_a_paired_device_stays_admitted_until_it_is_forgotten(desk, clock, told):
    await ready(desk, clock)
    desk.connected(CUFF)
    await desk.act(Closed())
    assert desk.admits(sighting())
    assert not desk.admits(sighting(METER))
    await ready(desk, clock)
    desk.connected(CUFF)
    await desk.act(Forgot())
    assert told.forgotten == [CUFF]
    assert not desk.admits(sighting())
    assert desk.refuses(sighting())
    assert not told.noted[CUFF].wanted


async def test_a_forgotten_device_is_left_alone_until_it_is_picked_again(desk, clock, told):
    await ready(desk, clock)
    desk.connected(CUFF)
    await desk.act(Forgot())
    await desk.act(Closed())
    assert desk.refuses(sighting())
    assert not desk.refuses(sighting(METER))
    await ready(desk, clock)
    assert not desk.refuses(sighting())
    desk.connected(CUFF)
    await desk.act(Closed())
    assert not desk.refuses(sighting())
    await ready(desk, clock)
    desk.connected(CUFF)
    await desk.act(Forgot())
    clock.passes(60)
    told.ruled = clock()
    assert not desk.refuses(sighting())  # the clinic wants it all the same


async def test_what_was_paired_at_home_outlives_a_restart(desk, clock, told):
    await ready(desk, clock)
    desk.connected(CUFF)
    async with asyncio.timeout(5):
        while CUFF not in told.noted:
            await asyncio.sleep(0)
    again = PairingDesk(clock, lambda: True)
    assert not again.admits(sighting())
    await again.remember(told)
    assert again.admits(sighting())


async def test_the_clinic_has_the_last_word(desk, clock, told):
    await ready(desk, clock)
    desk.connected(CUFF)
    await desk.act(Closed())
    told.ruled = NOW
    assert desk.admits(sighting())  # paired since
    clock.passes(60)
    told.ruled = clock()
    assert not desk.admits(sighting())


async def test_a_device_of_this_home_that_lost_its_bond_is_named(desk, clock, told):
    told.read = [CUFF]
    for address in (CUFF, METER):
        desk.sighted(sighting(address))
        assert await desk.passkey(address) is None
        desk.failed(address, Failure.NOT_PAIRED)
    assert desk.lost == set()  # nothing is known of whose they are
    await desk.act(Opened())
    assert desk.lost == {DeviceKind.CUFF}
    notes = screen(desk.look(), clock(), words("en"), online=True, lost=desk.lost).notes
    assert ["Blood pressure cuff" in note for note in notes] == [True]
    desk.connected(CUFF)
    assert desk.lost == set()


async def test_a_refused_act_forgets_nothing(desk, clock, told):
    await ready(desk, clock)
    with pytest.raises(NotNow):
        await desk.act(Forgot())
    assert told.forgotten == []


async def test_known_devices_are_offered_and_not_taken(desk, clock, told):
    told.read = [CUFF]
    await desk.act(Opened())
    await desk.act(Chose(DeviceKind.CUFF))
    found(desk, clock)
    assert (desk.look().step, desk.look().found[0].known) == (Step.PICK, True)


async def test_an_advertised_name_is_one_short_line(desk, clock):
    await desk.act(Opened())
    await desk.act(Chose(DeviceKind.CUFF))
    desk.sighted(sighting(name="\x1b[31m" + "x" * 200 + "\n"))
    assert desk.look().found[0].name == ("[31m" + "x" * 200)[: desk_module.LONGEST_NAME]


async def test_who_waits_is_woken_by_a_change_and_by_nothing_else(desk, clock):
    waiting = asyncio.create_task(desk.wait(desk.revision, 60))
    await asyncio.sleep(0)
    assert not waiting.done()
    await desk.act(Opened())
    async with asyncio.timeout(5):
        assert (await waiting).step is Step.CHOOSE
    same = desk.revision
    desk.failed(CUFF, Failure.UNREACHABLE)
    desk.receipted(["nobody's"])
    desk.spooled(METER, reading(clock()))
    assert desk.revision == same
    assert (await desk.wait(same, 0.01)).step is Step.CHOOSE
