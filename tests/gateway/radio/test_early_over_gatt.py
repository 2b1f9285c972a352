"""A cuff that speaks first, over real ATT and SMP: what came before anybody subscribed is there."""

from __future__ import annotations

import pytest
from bleak.exc import BleakError
from bleak.uuids import normalize_uuid_16

from gateway.radio import open_radio
from tests.simulator import reader
from tests.simulator.conftest import home_of

__all__ = ["home_of"]

PRESSURE = normalize_uuid_16(0x2A35)


async def test_what_a_bonded_cuff_says_at_once_waits_for_whoever_subscribes(home_of):
    home = await home_of("--product", "omron-cuff", "--each", "2", "--every", "1")
    async with open_radio(home.spec) as radio:
        first = await reader.take_stored(radio, 0x1810, 0x2A35)
        device = await reader.find(radio, 0x1810)
        with pytest.raises(
            BleakError
        ):  # it says what it has and hangs up, before all is discovered
            await radio.client(device, pair=True).connect()
        early = radio.early(radio.identity_address(device))
        assert radio.early(radio.identity_address(device)) == []
    assert {value.characteristic for value in early} == {PRESSURE}
    said = [entry.raw for entry in home.entries("blood_pressure")]
    assert first + [value.payload.hex() for value in early] == said[: len(first) + len(early)]
    assert early
