from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from gateway.radio import open_radio
from gateway.radio.bluez_radio import BluezRadio
from tests.bluez.daemon import Daemon
from tests.bluez.house import House, open_house
from tests.simulator.reader import Typing

OUT = Path("/srv/out")
IN_MACHINE = os.environ.get("HEARTHLINE_BLUEZ_MACHINE") == "1"

if not IN_MACHINE:
    collect_ignore_glob = ["test_*.py"]


@pytest.fixture(scope="session")
def measured() -> Iterator[dict[str, object]]:
    """Figures of this run, by name; `scripts/test --bluez` prints them."""
    figures: dict[str, object] = {}
    yield figures
    (OUT / "measured.json").write_text(json.dumps(figures, sort_keys=True) + "\n")


@pytest.fixture(scope="session")
async def whole_house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    async with open_house(tmp_path_factory.mktemp("house")) as house:
        yield house


@pytest.fixture
async def house(whole_house: House) -> AsyncIterator[House]:
    """Empty at the start, and at the end."""
    yield whole_house
    await whole_house.empty()


@pytest.fixture
def agent() -> Typing:
    return Typing()


@pytest.fixture
async def radio(house: House, agent: Typing) -> AsyncIterator[BluezRadio]:
    """With no bonds; it leaves none."""
    async with open_radio("bluez", agent=agent) as opened:
        assert isinstance(opened, BluezRadio)
        async with asyncio.timeout(20):
            while (await opened.power()).health != "ready":
                await asyncio.sleep(0.05)
        yield opened
        for bond in await opened.bonds():
            await opened.forget(bond.address)


@pytest.fixture(scope="session")
def daemon() -> Daemon:
    return Daemon(OUT / "bluetoothd.log")
