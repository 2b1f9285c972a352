"""When the gateway may leave: silence alone is no proof that a half-read meter has told all."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from devices import uuids
from gateway.settings import Settings
from gateway.spool import Spool, open_spool
from tests.gateway.test_session import FakeMeter, visit
from tests.gateway.test_spool import DEVICE, NOW
from tests.gateway.test_visits import agent

SILENT_S = 1.5  # far longer than the quiet time below
SEQUENCES = [1, 2, 3, 4]


class RestingMeter(FakeMeter):
    """Advertises only after a rest, or never."""

    rest_s: float | None = SILENT_S

    @asynccontextmanager
    async def scanner(
        self, callback: Any, service_uuids: list[str] | None = None
    ) -> AsyncIterator[None]:
        async def advertise() -> None:
            while self.rest_s is not None:
                await asyncio.sleep(self.rest_s)
                services = service_uuids and [uuids.GLUCOSE_SERVICE]
                heard = SimpleNamespace(
                    service_uuids=services, rssi=-60, local_name=None, service_data={}
                )
                callback(DEVICE, heard)

        task = asyncio.create_task(advertise())
        yield
        task.cancel()


async def until_it_leaves(meter: FakeMeter, spool: Spool, path: Path) -> list[str]:
    """Runs the gateway, with receipts for all it spools; what it spooled."""
    settings = Settings(
        clinic="clinic",
        name="home-1",
        mqtt_url="mqtt://127.0.0.1:1",
        spool=path,
        quiet_exit_s=0.3,
        unread_exit_s=3.0,
    )
    running = asyncio.create_task(agent(settings, meter, spool).run())
    spooled: list[str] = []
    async with asyncio.timeout(20):
        while not running.done():
            ids = [item.id for item in await spool.due(NOW, 100)]
            await spool.remove(ids)
            spooled += ids
            await asyncio.sleep(0.05)
    await running
    return spooled


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "spool.sqlite3"


async def broken_off(spool: Spool) -> None:
    with pytest.raises(ConnectionError):
        await visit(FakeMeter(SEQUENCES, breaks_after=1), spool)
    assert await spool.depth() == 1


async def test_a_restart_waits_for_the_meter_it_had_half_read(path: Path) -> None:
    async with open_spool(path, NOW) as spool:
        await broken_off(spool)
    async with open_spool(path, NOW) as spool:
        assert len(await until_it_leaves(RestingMeter(SEQUENCES), spool, path)) == len(SEQUENCES)
        assert await spool.unfinished() == set()


async def test_a_meter_that_never_comes_back_is_given_up(path: Path) -> None:
    gone = RestingMeter(SEQUENCES)
    gone.rest_s = None
    loop = asyncio.get_running_loop()
    async with open_spool(path, NOW) as spool:
        await broken_off(spool)
        started = loop.time()
        assert len(await until_it_leaves(gone, spool, path)) == 1
        assert loop.time() - started >= 3.0
        assert await spool.unfinished() == {DEVICE}


async def test_with_nothing_begun_quiet_is_enough(path: Path) -> None:
    nobody = RestingMeter([])
    nobody.rest_s = None
    loop = asyncio.get_running_loop()
    async with open_spool(path, NOW) as spool:
        started = loop.time()
        assert await until_it_leaves(nobody, spool, path) == []
        assert loop.time() - started < 3.0
