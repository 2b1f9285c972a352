"""What the desk remembers in a real spool, and that the service does as somebody at home said."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from types import SimpleNamespace

import pytest

from devices.uuids import short
from gateway.desk import PairingDesk
from gateway.pair_memory import BoxMemory
from gateway.settings import Settings
from gateway.spool import DeviceRecord, HomeWord, open_spool
from tests.gateway.portal.conftest import CUFF, METER, NOW
from tests.gateway.test_visits import agent

PAIRED = HomeWord(at=NOW, wanted=True)
FORGOTTEN = HomeWord(at=NOW + timedelta(minutes=1), wanted=False)


class Radio:
    """Forgets bonds; nothing else of it is asked."""

    def __init__(self) -> None:
        self.forgotten: list[str] = []

    async def forget(self, address: str) -> None:
        self.forgotten.append(address)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "spool.sqlite3"


def memory(spool, radio=None) -> BoxMemory:
    return BoxMemory(radio=radio or Radio(), spool=spool, ruled=lambda: None)


async def test_the_last_word_of_each_device_outlives_a_restart(path):
    async with open_spool(path, NOW) as spool:
        await memory(spool).note(CUFF, PAIRED)
        await memory(spool).note(METER, PAIRED)
        await memory(spool).note(METER, FORGOTTEN)
    async with open_spool(path, NOW) as spool:
        assert await memory(spool).words() == {CUFF: PAIRED, METER: FORGOTTEN}


async def test_forgetting_takes_bond_and_memory(path):
    radio = Radio()
    async with open_spool(path, NOW) as spool:
        await spool.seen(DeviceRecord(address=CUFF, last_seen=NOW, bonded=True))
        await memory(spool).note(CUFF, PAIRED)
        assert list(await memory(spool).known()) == [CUFF]
        await memory(spool, radio).forget(CUFF)
        assert (list(await memory(spool).known()), await memory(spool).words()) == ([], {})
    assert radio.forgotten == [CUFF]


async def test_a_disk_that_takes_nothing_stops_nobody(tmp_path):
    nowhere = tmp_path / "folder"
    nowhere.mkdir()
    async with open_spool(nowhere, NOW) as spool:
        await memory(spool).note(CUFF, PAIRED)
        assert list(await memory(spool).known()) == []
        assert await memory(spool).words() == {}


class Aerial:
    """A radio that is only asked who a device is."""

    def identity_address(self, device):
        return device


@pytest.mark.parametrize(
    ("accept", "word", "visited"),
    [
        ("any", None, True),
        ("any", FORGOTTEN, False),
        (METER, None, False),
        (METER, PAIRED, True),
        (CUFF, FORGOTTEN, False),
    ],
)
async def test_the_service_visits_whom_somebody_at_home_wants(path, accept, word, visited):
    settings = Settings(
        clinic="clinic", name="home-1", mqtt_url="mqtt://127.0.0.1:1", spool=path, accept=accept
    )
    async with open_spool(path, NOW) as spool:
        if word is not None:
            await memory(spool).note(CUFF, word)
        gateway = agent(settings, Aerial(), spool)
        desk = PairingDesk(lambda: NOW, lambda: True)
        await desk.remember(memory(spool))
        gateway.watcher = desk
        gateway._obey()
        advertisement = SimpleNamespace(
            service_uuids=[short(0x1810)], rssi=-60, local_name="A&D", service_data={}
        )
        gateway.seen(CUFF, advertisement)
        heard = gateway._schedule.next(asyncio.get_running_loop().time())
    assert (heard is not None) == visited
