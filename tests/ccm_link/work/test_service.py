"""`python -m ccm_link run`, as it is deployed: it sweeps, it answers, it leaves at SIGTERM."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from datetime import timedelta

import pytest

from ccm_link.work import beat, claim
from vitals.clock import utc_now

pytestmark = pytest.mark.services


async def _get(port, path):
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return b""
    writer.write(f"GET {path} HTTP/1.0\r\n\r\n".encode())
    answer = await reader.read()
    writer.close()
    return answer


async def test_the_sweep_ends_what_a_killed_browser_left_running(ward):
    nora, conn = await ward.staff(), await ward.connect()
    await ward.open_clinic("south", zone="America/Chicago")
    task, start = await ward.task(), utc_now() - timedelta(minutes=10)
    claimed = await claim(conn, "north", nora, task, now=start)
    await beat(conn, "north", nora, claimed.entry_id, now=start + timedelta(seconds=40))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    env = {k: v for k, v in os.environ.items() if not k.startswith("HEARTHLINE_")} | {
        "HEARTHLINE_DATABASE_URL": ward.database.urls["hl_worker"],
        "HEARTHLINE_METRICS_PORT": str(port),
        "HEARTHLINE_SWEEP_EVERY_S": "0.2",
    }
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "ccm_link", "run", env=env)
    try:
        async with asyncio.timeout(30):
            while (await ward.entries(task))[0][0] == "running":
                await asyncio.sleep(0.1)
            while b" 200 " not in await _get(port, "/readyz"):
                await asyncio.sleep(0.1)
            assert b"hearthline_ccm_link_timers_abandoned_total 1.0" in await _get(port, "/metrics")
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(10):
            assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert await ward.entries(task) == [("stopped", "active", "abandoned", 40.0)]
