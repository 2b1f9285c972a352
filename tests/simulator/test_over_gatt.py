"""Two processes, real HCI, ATT and SMP between them: what is read is what the journal says."""

from __future__ import annotations

import asyncio
import json
import sys

import pytest
from bleak.exc import BleakError
from bleak.uuids import normalize_uuid_16

from gateway.radio import open_radio
from tests.simulator import reader


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


async def test_an_abort_ends_a_report(home_of):
    home = await home_of("--glucose-gap", "0.05", "--glucose-records", "200")
    async with open_radio(home.spec) as radio:
        async with radio.client(await reader.find(radio, 0x1808)) as client:
            meter = reader.MeterSession(client)
            await meter.subscribe()
            await client.write_gatt_char(reader.RACP, reader.ALL, response=True)
            assert await meter.ask(reader.ABORT) == bytes([6, 0, 3, 1])
            assert len(meter.records) < 200


async def test_a_bond_outlives_the_gateway(home_of, tmp_path):
    home = await home_of("--every", "1")
    keys = tmp_path / "keys.json"
    async with open_radio(home.spec, keys) as radio:
        first = await reader.take_stored(radio, 0x1810, 0x2A35)
    bonds = json.loads(keys.read_text())
    async with open_radio(home.spec, keys) as radio:
        second = await reader.take_stored(radio, 0x1810, 0x2A35)
    assert json.loads(keys.read_text()) == bonds
    taken = first + second
    assert taken == [entry.raw for entry in home.entries("blood_pressure")][: len(taken)]
    assert len(first) >= 5
    assert second


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
        )
        assert gateway.stdout
        await asyncio.wait_for(gateway.stdout.readline(), 20)
        gateway.kill()
        await gateway.communicate()
    async with open_radio(home.spec, keys) as radio:
        async with radio.client(await reader.find(radio, 0x1808)) as client:
            meter = reader.MeterSession(client)
            await meter.subscribe()
            assert await meter.ask(reader.ALL) == bytes([6, 0, 1, 1])
    assert meter.records == [entry.raw for entry in home.entries("glucose")]


@pytest.mark.parametrize(("typed", "accepted"), [(123456, True), (654321, False), (None, False)])
async def test_a_passkey_must_be_the_one_on_the_display(home_of, typed, accepted):
    home = await home_of("--meter-passkey", "123456")
    asked = []

    async def passkey(address):
        asked.append(address)
        return typed

    async with open_radio(home.spec, passkey=passkey) as radio:
        async with radio.client(await reader.find(radio, 0x1808)) as client:
            meter = reader.MeterSession(client)
            if accepted:
                await meter.subscribe()
                assert await meter.ask(reader.COUNT) == bytes([5, 0, 20, 0])
            else:
                with pytest.raises(BleakError):
                    await meter.subscribe()
    assert asked == [home.addresses["glucose"]]


async def test_an_unknown_radio_is_refused():
    with pytest.raises(ValueError, match="unknown radio"):
        async with open_radio("carrier-pigeon"):
            pass
