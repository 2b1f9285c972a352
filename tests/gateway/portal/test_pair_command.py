"""`gateway pair` as a process: with no agent it is one itself, down to a virtual cuff's reading."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import pytest

from simulator.patients.records import PressureTaken
from tests.gateway.portal.household import household
from vitals.clock import utc_now

ROOT = Path(__file__).parents[3]


def environment(folder: Path, **settings: str) -> dict[str, str]:
    usual = {
        "CLINIC": "clinic",
        "NAME": "home-1",
        "MQTT_URL": "mqtt://127.0.0.1:1",  # no broker: the reading stays in the box
        "SPOOL": str(folder / "spool.sqlite3"),
        "KEYS": str(folder / "keys.json"),
        "QUIET_S": "1",
        "REVISIT_S": "1",
    } | settings
    own = {k: v for k, v in os.environ.items() if not k.startswith("HEARTHLINE_")}
    return own | {f"HEARTHLINE_GATEWAY_{key}": value for key, value in usual.items()}


async def start(folder: Path, *arguments: str, **settings: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "gateway", "pair", *arguments),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=ROOT,
        env=environment(folder, **settings),
    )


async def until(process: asyncio.subprocess.Process, text: str) -> None:
    assert process.stdout is not None
    async with asyncio.timeout(40):
        while line := await process.stdout.readline():
            if text in line.decode():
                return
    assert process.stderr is not None
    pytest.fail(f"{text!r} was never said: {(await process.stderr.read()).decode()}")


async def type_in(process: asyncio.subprocess.Process, line: str) -> None:
    assert process.stdin is not None
    process.stdin.write(line.encode() + b"\n")
    await process.stdin.drain()


async def test_with_no_agent_the_wizard_is_one(tmp_path):
    async with household(tmp_path / "journal.jsonl", 0) as (cuff, _meter, listening):
        process = await start(tmp_path, "--lang", "es", RADIO=f"bumble:tcp-client:{listening}")
        await until(process, "[1] Tensiómetro (presión)")
        await type_in(process, "1")
        await until(process, "Tómese la presión")
        cuff.take(PressureTaken(at=utc_now(), systolic=128, diastolic=82, pulse=71))
        await until(process, "Presión arterial: 128/82 mmHg")
        await until(process, "Su medición está segura en la caja.")
        process.terminate()
        await asyncio.wait_for(process.communicate(), 20)
    assert not (tmp_path / "spool.pair").exists()


async def test_an_agent_that_cannot_start_says_why(tmp_path):
    process = await start(tmp_path, RADIO="smoke signals")
    _, told = await asyncio.wait_for(process.communicate(), 40)
    assert process.returncode == 1
    assert b"unknown radio" in told


async def test_a_link_needs_an_agent(tmp_path):
    process = await start(tmp_path, "--link", "--socket", str(tmp_path / "nobody.pair"))
    _, told = await asyncio.wait_for(process.communicate(), 40)
    assert process.returncode == 1
    assert b"does not run" in told
