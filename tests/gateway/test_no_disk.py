"""A gateway whose disk takes nothing: it goes on, visits nobody, says so, and recovers."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from gateway.settings import Settings
from gateway.spool import SpoolState, open_spool
from tests.gateway.test_quiet import RestingMeter
from tests.gateway.test_spool import NOW
from tests.gateway.test_visits import agent

SEQUENCES = [1, 2, 3]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the spool's folder should be, there is a file."""
    folder = tmp_path / "state"
    folder.write_text("in the way")
    return folder


def value(registry: CollectorRegistry, name: str, **labels: str) -> float:
    return registry.get_sample_value(f"hearthline_gateway_{name}", labels) or 0.0


async def test_it_leaves_the_readings_to_the_device_until_it_can_keep_them(folder: Path) -> None:
    meter = RestingMeter(SEQUENCES)
    meter.rest_s = 0.1
    settings = Settings(
        clinic="clinic",
        name="home-1",
        mqtt_url="mqtt://127.0.0.1:1",
        spool=folder / "spool.sqlite3",
        revisit_s=0.1,
    )
    async with asyncio.timeout(30), open_spool(settings.spool, NOW) as spool:
        gateway = agent(settings, meter, spool)
        registry = gateway.metrics.registry
        running = asyncio.create_task(gateway.run())
        while value(registry, "sessions_total", outcome="not_kept") < 2:
            assert not running.done(), running.result()
            await asyncio.sleep(0.05)
        assert value(registry, "spool_state", state="unwritable") == 1.0
        status = await gateway.publisher.reporter.status("online")
        assert status.spool is not None
        assert status.spool.state == SpoolState.UNWRITABLE
        assert value(registry, "readings_spooled_total", kind="glucose") == 0
        await asyncio.to_thread(folder.unlink)
        while await depth(spool) < len(SEQUENCES):
            assert not running.done(), running.result()
            await asyncio.sleep(0.05)
        assert spool.state is SpoolState.OK
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def depth(spool) -> int:
    return await spool.depth() if spool.state is SpoolState.OK else 0
