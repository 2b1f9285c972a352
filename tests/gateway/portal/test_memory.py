"""What the desk remembers in a real spool, over restarts and without a disk."""

from __future__ import annotations

from datetime import timedelta

import pytest

from gateway.pair_memory import BoxMemory
from gateway.spool import DeviceRecord, HomeWord, open_spool
from tests.gateway.portal.conftest import CUFF, METER, NOW

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
