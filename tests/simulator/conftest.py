from __future__ import annotations

import asyncio
import json
import signal
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from simulator import journal

ROOT = Path(__file__).parents[2]


@dataclass
class RunningHome:
    process: asyncio.subprocess.Process
    listening: str
    addresses: dict[str, str]  # by kind
    path: Path

    @property
    def spec(self) -> str:
        return f"bumble:tcp-client:{self.listening}"

    def entries(self, kind: str) -> list[journal.Entry]:
        return [entry for entry in journal.read(self.path) if entry.kind == kind]


async def start_home(path: Path, *options: str) -> RunningHome:
    command = ["-m", "simulator", "--listen", "127.0.0.1:0", "--journal", str(path), *options]
    process = await asyncio.create_subprocess_exec(
        sys.executable, *command, stdout=asyncio.subprocess.PIPE, cwd=ROOT
    )
    assert process.stdout
    ready = json.loads(await asyncio.wait_for(process.stdout.readline(), 20))
    addresses = {device["kind"]: device["address"] for device in ready["devices"]}
    return RunningHome(process, ready["listening"], addresses, path)


async def stop_home(home: RunningHome) -> int:
    home.process.send_signal(signal.SIGTERM)
    await asyncio.wait_for(home.process.communicate(), 10)
    assert home.process.returncode is not None
    return home.process.returncode


@pytest.fixture
async def home_of(tmp_path):
    homes: list[RunningHome] = []

    async def start(*options: str) -> RunningHome:
        homes.append(await start_home(tmp_path / f"journal{len(homes)}.jsonl", *options))
        return homes[-1]

    yield start
    for home in homes:
        assert await stop_home(home) == 0
