"""The agent against a simulated home in another process, over a real HCI; no broker needed."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.metrics import Metrics
from gateway.outbox import Outbox
from gateway.publisher import Publisher
from gateway.radio import open_radio
from gateway.service import Gateway
from gateway.settings import Settings
from gateway.spool import Spool, open_spool
from simulator import journal
from vitals import wire
from vitals.clock import utc_now
from vitals.identity import expected_id

ROOT = Path(__file__).parents[2]


@pytest.fixture
async def home(tmp_path: Path) -> AsyncIterator[tuple[str, Path]]:
    path = tmp_path / "journal.jsonl"
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "simulator", "--listen", "127.0.0.1:0", "--journal", str(path)),
        stdout=asyncio.subprocess.PIPE,
        cwd=ROOT,
    )
    assert process.stdout is not None
    ready = json.loads(await asyncio.wait_for(process.stdout.readline(), 20))
    yield f"bumble:tcp-client:{ready['listening']}", path
    process.terminate()
    await asyncio.wait_for(process.communicate(), 10)


def agent(settings: Settings, radio, spool: Spool) -> Gateway:
    metrics = Metrics()
    outbox = Outbox(spool=spool, metrics=metrics, gateway=settings.name, clock=utc_now)
    publisher = Publisher(
        broker=settings.broker,
        clinic=settings.clinic,
        gateway=settings.name,
        version="test",
        outbox=outbox,
        clock=utc_now,
    )
    return Gateway(
        settings=settings,
        radio=radio,
        spool=spool,
        publisher=publisher,
        metrics=metrics,
        clock=utc_now,
    )


async def test_everything_measured_is_spooled_once(home: tuple[str, Path], tmp_path: Path) -> None:
    spec, path = home
    settings = Settings(
        clinic="clinic",
        name="home-1",
        mqtt_url="mqtt://127.0.0.1:1",
        radio=spec,
        spool=tmp_path / "spool.sqlite3",
        keys=tmp_path / "keys.json",
        revisit_s=2,
        quiet_s=1,
    )
    async with (
        open_spool(settings.spool, utc_now()) as spool,
        open_radio(spec, settings.keys) as radio,
    ):
        running = asyncio.create_task(agent(settings, radio, spool).run())
        measured = {entry.raw for entry in journal.read(path)}
        async with asyncio.timeout(60):
            while await spool.depth() < len(measured) or not measured:
                assert not running.done(), running.result()
                await asyncio.sleep(0.2)
                measured = {entry.raw for entry in journal.read(path)}
        await asyncio.sleep(5)  # a second visit of each device adds nothing
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        readings = [wire.open_reading(item.body) for item in await spool.due(utc_now(), 10_000)]
    assert {reading.raw[0].hex for reading in readings} == measured
    assert len(readings) == len(measured)
    assert all(expected_id(reading) == reading.id for reading in readings)
