"""What the figures were measured on: without it they mean nothing."""

from __future__ import annotations

import asyncio
import os
import platform
import re
import subprocess
from pathlib import Path
from typing import Any

from bench.watch import CHROMIUM
from scripts.spine import ROOT
from store import fixtures
from store.pool import connection, open_pool

_BROKER_LOG = ROOT / ".local" / "logs" / "mosquitto.log"
_UNKNOWN = "unknown"


def facts(admin_url: str) -> dict[str, Any]:
    versions = asyncio.run(_versions(admin_url))
    return {
        "cpu": _first(r"model name\s*: (.+)", _text(Path("/proc/cpuinfo"))),
        "cores": os.cpu_count(),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9, 1),
        "system": platform.platform(terse=True),
        **versions,
        "mosquitto": _first(r"mosquitto version (\S+)", _text(_BROKER_LOG)),
        "python": platform.python_version(),
        "chromium": _chromium(),
        "load_before": load(),
    }


def load() -> float:
    """Of the last minute: more than there are cores says that others were at work."""
    return round(os.getloadavg()[0], 2)


def cpu_s(pid: int) -> float:
    """Processor time of a process: the same on a busy machine as on an idle one."""
    fields = _stat(Path(f"/proc/{pid}/stat"))
    return sum(int(ticks) for ticks in fields[11:13]) / os.sysconf("SC_CLK_TCK")


def family_cpu_s(pid: int) -> float:
    """With its children, those that have ended included: a database server and its sessions."""
    children = [
        int(path.parent.name)
        for path in Path("/proc").glob("[0-9]*/stat")
        if _stat(path)[1:2] == [str(pid)]
    ]
    ended = [int(ticks) for ticks in _stat(Path(f"/proc/{pid}/stat"))[13:15]]
    return sum(cpu_s(one) for one in (pid, *children)) + sum(ended) / os.sysconf("SC_CLK_TCK")


def database_pid(admin_url: str) -> int | None:
    """The server's, where it runs on this machine and says so."""
    found = asyncio.run(_postmaster(admin_url))
    here = found is not None and "postgres" in _text(Path(f"/proc/{found}/comm"))
    return found if here else None


async def _postmaster(admin_url: str) -> int | None:
    async with open_pool(admin_url, max_size=1) as pool, connection(pool) as conn:
        return await fixtures.server_pid(conn)


def server_cpu_s(pid: int) -> float | None:
    """Of a process of the database server; None where that is not on this machine."""
    here = _text(Path(f"/proc/{pid}/comm")).startswith("postgres")
    return cpu_s(pid) if here else None


async def _versions(admin_url: str) -> dict[str, str]:
    async with open_pool(admin_url, max_size=1) as pool, connection(pool) as conn:
        return await fixtures.versions(conn)


def _chromium() -> str:
    said = subprocess.run(  # noqa: S603 -- our own constant
        [CHROMIUM, "--version"], capture_output=True, text=True, check=False
    )
    return _first(r"Chromium (\S+)", said.stdout)


def _stat(path: Path) -> list[str]:
    """The fields behind the name: state, parent, …; none of a process that is gone."""
    return _text(path).rpartition(")")[2].split()


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8", "replace")
    except OSError:
        return ""


def _first(pattern: str, text: str) -> str:
    found = re.search(pattern, text)
    return found[1].strip() if found else _UNKNOWN
