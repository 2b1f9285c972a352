"""Two processes, real HCI, ATT and SMP between them: what is read is what the journal says."""

from __future__ import annotations

import asyncio
import json
import sys
from datetime import datetime, timedelta

import pytest
from bleak.exc import BleakError
from bleak.uuids import normalize_uuid_16

from gateway.radio import open_radio
from simulator import bytes as wire
from simulator import journal
from tests.simulator import reader
from tests.simulator.conftest import ROOT
from tests.simulator.reader import Typing


async def test_every_device_gives_the_bytes_of_the_journal(home_of):
    home = await home_of()
    async with open_radio(home.spec) as radio:
        cuff = await reader.take_stored(radio, 0x1810, 0x2A35)
        scale = await reader.take_stored(radio, 0x181D, 0x2A9D)
        async with radio.client(await reader.find(radio, 0x1808)) as client:
            meter = reader.MeterSession(client)
            await meter.subscribe()
            assert await meter.ask(reader.COUNT) == bytes([5, 0, 20, 0])
            assert await meter.ask(reader.ALL) == bytes([6, 0, 1, 1])
            battery = await client.read_gatt_char(normalize_uuid_16(0x2A19))
    entries = home.entries("glucose")
    assert cuff == [entry.raw for entry in home.entries("blood_pressure")]
    assert scale == [entry.raw for entry in home.entries("weight")]
    assert meter.records == [entry.raw for entry in entries]
    assert meter.contexts == [entry.context for entry in entries if entry.context]
    assert (len(cuff), len(scale), len(entries), list(battery)) == (5, 3, 20, [87])


async def test_racp_selects_by_sequence_number(home_of):
    home = await home_of()
    async with open_radio(home.spec) as radio:
        device = await reader.find(radio, 0x1808)
        assert radio.identity_address(device) == home.addresses["glucose"]
        async with radio.client(device) as client:
            meter = reader.MeterSession(client)
            with pytest.raises(BleakError):
                await client.write_gatt_char(reader.RACP, reader.ALL, response=True)
            await meter.subscribe()
            assert await meter.ask(reader.at_least(18)) == bytes([6, 0, 1, 1])
            assert await meter.ask(reader.LAST) == bytes([6, 0, 1, 1])
            assert await meter.ask(reader.at_least(21)) == bytes([6, 0, 1, 6])
    raw = [entry.raw for entry in home.entries("glucose")]
    assert meter.records == [*raw[17:], raw[19]]


async def test_a_look_at_the_newest_record_leaves_the_older_ones_news(home_of):
    home = await home_of()
    async with open_radio(home.spec) as radio:
        async with radio.client(await reader.find(radio, 0x1808)) as client:
            meter = reader.MeterSession(client)
            await meter.subscribe()
            assert await meter.ask(reader.LAST) == bytes([6, 0, 1, 1])
        await reader.find(radio, 0x1808, timeout_s=1)
        await asyncio.sleep(3.5)  # longer than a device without news is on the air at a time
        await reader.find(radio, 0x1808, timeout_s=1)


async def test_an_abort_ends_a_report(home_of):
    home = await home_of("--glucose-gap", "0.05", "--glucose-records", "200")
    async with (
        open_radio(home.spec) as radio,
        radio.client(await reader.find(radio, 0x1808)) as client,
    ):
        meter = reader.MeterSession(client)
        await meter.subscribe()
        await client.write_gatt_char(reader.RACP, reader.ALL, response=True)
        assert await meter.ask(reader.ABORT) == bytes([6, 0, 3, 1])
        assert len(meter.records) < 200


async def test_a_bond_outlives_the_gateway(home_of, tmp_path):
    home = await home_of()
    keys = tmp_path / "keys.json"
    bonds = []
    for _ in range(2):
        async with (
            open_radio(home.spec, keys) as radio,
            radio.client(await reader.find(radio, 0x1808)) as client,
        ):
            meter = reader.MeterSession(client)
            await meter.subscribe()
            assert await meter.ask(reader.COUNT) == bytes([5, 0, 20, 0])
        bonds.append(json.loads(keys.read_text()))
    assert bonds[0] == bonds[1]


async def test_devices_go_on_measuring(home_of):
    home = await home_of("--every", "0.2", "--cuff-readings", "0")
    async with open_radio(home.spec) as radio:
        taken: list[str] = []
        while len(taken) < 3:
            taken += await reader.take_stored(radio, 0x1810, 0x2A35)
    assert taken == [entry.raw for entry in home.entries("blood_pressure")][: len(taken)]


async def test_a_device_that_lost_its_bond_is_paired_anew(home_of, tmp_path):
    keys = tmp_path / "keys.json"
    for _ in range(2):  # the second home has the same addresses and no memory of the first
        home = await home_of()
        async with open_radio(home.spec, keys) as radio:
            got = await reader.take_stored(radio, 0x1810, 0x2A35)
        assert got == [entry.raw for entry in home.entries("blood_pressure")]


async def test_a_killed_gateway_comes_back(home_of, tmp_path):
    home = await home_of("--glucose-gap", "0.02", "--glucose-records", "100")
    keys = tmp_path / "keys.json"
    for _ in range(3):
        gateway = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "tests.simulator.reader", home.spec, str(keys)),
            stdout=asyncio.subprocess.PIPE,
            cwd=ROOT,
        )
        assert gateway.stdout
        await asyncio.wait_for(gateway.stdout.readline(), 20)
        gateway.kill()
        await gateway.communicate()
    async with (
        open_radio(home.spec, keys) as radio,
        radio.client(await reader.find(radio, 0x1808)) as client,
    ):
        meter = reader.MeterSession(client)
        await meter.subscribe()
        assert await meter.ask(reader.ALL) == bytes([6, 0, 1, 1])
    assert meter.records == [entry.raw for entry in home.entries("glucose")]


@pytest.mark.parametrize(("typed", "accepted"), [(123456, True), (654321, False), (None, False)])
async def test_a_passkey_must_be_the_one_on_the_display(home_of, typed, accepted):
    home = await home_of("--meter-passkey", "123456")
    agent = Typing(typed)
    async with (
        open_radio(home.spec, agent=agent) as radio,
        radio.client(await reader.find(radio, 0x1808)) as client,
    ):
        meter = reader.MeterSession(client)
        if accepted:
            await meter.subscribe()
            assert await meter.ask(reader.COUNT) == bytes([5, 0, 20, 0])
        else:
            with pytest.raises(BleakError):
                await meter.subscribe()
    assert agent.asked == [home.addresses["glucose"]]


async def test_an_unknown_radio_is_refused():
    with pytest.raises(ValueError, match="unknown radio"):
        async with open_radio("carrier-pigeon"):
            pass


@pytest.mark.parametrize(("service", "clock"), [(0x1810, 0x2A08), (0x1808, 0x2A2B)])
async def test_a_device_clock_can_be_set(home_of, service, clock):
    home = await home_of()
    shown = datetime(2031, 2, 3, 4, 5, 6)  # noqa: DTZ001 -- a device shows no zone
    tail = b"" if clock == 0x2A08 else bytes([0, 0, 0])
    async with (
        open_radio(home.spec) as radio,
        radio.client(await reader.find(radio, service), pair=True) as client,
    ):
        uuid = normalize_uuid_16(clock)
        await client.write_gatt_char(uuid, wire.date_time(shown) + tail, response=True)
        now_shown = wire.read_date_time(bytes(await client.read_gatt_char(uuid)))
    assert timedelta() <= now_shown - shown < timedelta(seconds=5)


async def test_the_same_seed_gives_the_same_home(home_of):
    one, two, other = await home_of(), await home_of(), await home_of("--seed", "2")
    assert one.addresses == two.addresses != other.addresses
    values = [[entry.values for entry in journal.read(home.path)] for home in (one, two, other)]
    assert values[0] == values[1] != values[2]


async def test_a_visit_without_listening_loses_nothing(home_of):
    home = await home_of("--scale-readings", "0", "--glucose-records", "0")
    async with open_radio(home.spec) as radio:
        device = await reader.find(radio, 0x1810)
        async with radio.client(device, pair=True) as client:
            await client.disconnect()
            with pytest.raises(BleakError):
                await client.start_notify(normalize_uuid_16(0x2A35), lambda *_: None)
        got = await reader.take_stored(radio, 0x1810, 0x2A35)
    assert got == [entry.raw for entry in home.entries("blood_pressure")]
