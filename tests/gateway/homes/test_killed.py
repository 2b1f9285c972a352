"""A gateway that is killed at any step after a reading is on disk loses nothing, doubles nothing.

A process of its own over a real HCI; kill -9 leaves it no last word. A cuff holds one reading at a
time here: one that its radio has confirmed and that is not on disk yet is what a kill may lose
(ADR 23 says how long that is). A meter's and an oximeter's records are safe in the device.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from gateway.spool import open_spool
from simulator.memory import RecordMemory
from tests.gateway.homes import rig
from vitals import wire
from vitals.clock import utc_now
from vitals.reading import Reading

ROOT = Path(__file__).parents[3]
NEVER_SET = timedelta(days=-9_800)
LEAST, MOST = 17, 1_000  # steps of a visit after its first reading is on disk
Order = Callable[[rig.World, int | None], Awaitable[bool]]


@asynccontextmanager
async def victims() -> AsyncIterator[Order]:
    """Gives a gateway that is killed after so many steps; True if it came to that."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "tests.gateway.homes.victim"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        cwd=ROOT,
    )
    assert process.stdin is not None
    assert process.stdout is not None

    async def one(home: rig.World, steps: int | None) -> bool:
        assert process.stdin is not None
        assert process.stdout is not None
        settings = home.settings(revisit_s=0.05, quiet_s=0.2).model_dump(mode="json")
        order = settings | {"mqtt_url": "mqtt://127.0.0.1:1", "steps": steps}
        process.stdin.write(json.dumps(order).encode() + b"\n")
        answer = json.loads(await asyncio.wait_for(process.stdout.readline(), 60))
        assert answer["well"]
        return bool(answer["killed"])

    try:
        yield one
    finally:
        process.stdin.close()
        await process.wait()


async def kill_everywhere(folder: Path, name: str, *, each: int, stride: int, lost: bool) -> int:
    """Returns after how many steps a gateway was first left alone."""
    async with victims() as victim, rig.world(folder, [name], {name: _offset(lost)}) as home:
        for steps in range(0, MOST, stride):
            device = home.devices[name]
            if lost:
                device.clock.lose(NEVER_SET)
                if isinstance(device, RecordMemory):
                    device.erase()  # else each conversation is longer than the one before
            home.measure(name, each)
            killed = await victim(home, steps)
            if len(await _kept(home)) < len(home.entries()):
                device.wake()  # a meter that has handed out everything is seldom on the air
                await victim(home, None)
            if not killed:
                break
        readings = await _kept(home)
        entries = {(entry.address, entry.raw): entry for entry in home.entries()}
        assert len(readings) == len(entries)
        assert set(rig.by_raw(readings)) == set(entries)
        for key, reading in rig.by_raw(readings).items():
            rig.assert_told(entries[key], reading)
        return steps


async def _kept(home: rig.World) -> list[Reading]:
    async with open_spool(home.settings().spool, utc_now()) as spool:
        return [wire.open_reading(item.body) for item in await spool.due(utc_now(), 100_000)]


def _offset(lost: bool) -> timedelta:
    return NEVER_SET if lost else timedelta(seconds=77)


@pytest.mark.parametrize(("name", "each", "lost"), [("and-cuff", 1, True), ("contour", 2, False)])
async def test_killed_here_and_there(tmp_path: Path, name: str, each: int, lost: bool) -> None:
    assert await kill_everywhere(tmp_path, name, each=each, stride=17, lost=lost) >= LEAST


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize(
    ("name", "each", "lost"),
    [
        ("and-cuff", 1, True),
        ("thermometer", 1, False),
        ("contour", 3, False),
        ("oximeter", 3, True),
    ],
)
async def test_killed_at_every_step(tmp_path: Path, name: str, each: int, lost: bool) -> None:
    assert await kill_everywhere(tmp_path, name, each=each, stride=1, lost=lost) >= LEAST
