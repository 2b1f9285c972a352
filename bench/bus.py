"""A message bus on which nobody is BlueZ, for a benchmark: the radio waits for it."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

_CONFIGURATION = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-BUS Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>session</type><listen>unix:path={path}</listen><auth>EXTERNAL</auth>
<policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/>
<allow own="*"/></policy>
</busconfig>
"""


@asynccontextmanager
async def private(folder: Path) -> AsyncIterator[str]:
    """Its address; where there is no dbus-daemon, one at which nobody listens."""
    socket = folder / "bus"
    daemon = shutil.which("dbus-daemon")
    if daemon is None:
        yield f"unix:path={socket}"
        return
    configuration = folder / "bus.conf"
    configuration.write_text(_CONFIGURATION.format(path=socket))
    process = await asyncio.create_subprocess_exec(
        *(daemon, f"--config-file={configuration}", "--nofork", "--print-address"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        assert process.stdout is not None  # noqa: S101 -- asked for above
        yield (await process.stdout.readline()).decode().strip()
    finally:
        process.terminate()
        await process.wait()
        socket.unlink(missing_ok=True)
