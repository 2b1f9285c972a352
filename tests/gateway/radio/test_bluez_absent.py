"""A box on which there is no D-Bus, or no bluetoothd: the gateway says so, and waits."""

from __future__ import annotations

from pathlib import Path

import pytest
from bleak.exc import BleakError

from gateway.link import Health
from gateway.radio import open_radio

pytestmark = pytest.mark.skipif(
    Path("/run/dbus/system_bus_socket").exists(), reason="here there is a system bus"
)


async def test_without_a_bus_the_radio_is_open_and_says_that_bluez_is_gone() -> None:
    async with open_radio("bluez") as radio, radio.scanner(lambda _device, _heard: None):
        state = await radio.power()
        assert (state.health, state.name, state.stack) == (Health.GONE, None, None)
        with pytest.raises(BleakError):
            await radio.bonds()
        assert radio.early("C0:FF:EE:00:00:02") == []
