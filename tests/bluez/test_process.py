"""The gateway as a process of its own: what it takes of a small box's memory."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from simulator.cuff import Cuff
from simulator.scale import Scale

GOAL_MB = 80
BROKER_PORT = 1883


async def test_it_rests_in_little_memory_and_without_bumble(house, tmp_path, measured):
    devices = [house.add(Cuff, 2), house.add(Scale, 2)]
    broker = await asyncio.create_subprocess_exec("mosquitto", "-p", str(BROKER_PORT))
    imports = tmp_path / "imports.txt"
    with imports.open("wb") as log:
        gateway = await asyncio.create_subprocess_exec(
            *(sys.executable, "-X", "importtime", "-m", "gateway", "run"),
            stdout=asyncio.subprocess.PIPE,
            stderr=log,
            env=os.environ
            | {
                "HEARTHLINE_GATEWAY_CLINIC": "clinic",
                "HEARTHLINE_GATEWAY_NAME": "home-1",
                "HEARTHLINE_GATEWAY_MQTT_URL": f"mqtt://127.0.0.1:{BROKER_PORT}",
                "HEARTHLINE_GATEWAY_RADIO": "bluez",
                "HEARTHLINE_GATEWAY_SPOOL": str(tmp_path / "spool.sqlite3"),
                "HEARTHLINE_GATEWAY_KEYS": str(tmp_path / "keys.json"),
            },
        )
    try:
        visits = 0
        async with asyncio.timeout(60):
            while visits < len(devices):
                assert gateway.stdout
                line = await gateway.stdout.readline()
                assert line, imports.read_text()[-2000:]
                visits += b"visit_ended" in line
        resident_mb = _resident_mb(gateway.pid)
    finally:
        gateway.terminate()
        await gateway.communicate()
        broker.terminate()
        await broker.wait()
    measured["gateway_resident_mb"] = round(resident_mb, 1)
    loaded = {line.rpartition("|")[2].strip() for line in imports.read_text().splitlines()}
    assert "bleak" in loaded
    assert not {name for name in loaded if name.partition(".")[0] == "bumble"}
    assert resident_mb <= GOAL_MB


def _resident_mb(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise AssertionError("a process without memory")
