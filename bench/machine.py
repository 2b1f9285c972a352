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
    fields = _text(Path(f"/proc/{pid}/stat")).rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def _versions(admin_url: str) -> dict[str, str]:
    async with open_pool(admin_url, max_size=1) as pool, connection(pool) as conn:
        return await fixtures.versions(conn)


def _chromium() -> str:
    said = subprocess.run(  # noqa: S603 -- our own constant
        [CHROMIUM, "--version"], capture_output=True, text=True, check=False
    )
    return _first(r"Chromium (\S+)", said.stdout)


def _text(path: Path) -> str:
    return path.read_text("utf-8", "replace") if path.exists() else ""


def _first(pattern: str, text: str) -> str:
    found = re.search(pattern, text)
    return found[1].strip() if found else _UNKNOWN
