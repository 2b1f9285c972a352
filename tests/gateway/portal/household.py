"""A flat with a cuff and a meter, both still empty, on the air of this process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

from simulator import air as sim_air
from simulator.clock import DeviceClock
from simulator.cuff import Cuff
from simulator.journal import Journal
from simulator.meter import Meter
from simulator.peripheral import Setting

CUFF, METER = "C0:FF:EE:00:00:01", "C0:FF:EE:00:00:02"
PASSKEY = 246810


@asynccontextmanager
async def household(journal_file: Path, port: int) -> AsyncIterator[tuple[Cuff, Meter, str]]:
    """Both devices, and where a gateway plugs in its host stack."""
    air = sim_air.Air()
    with Journal(journal_file) as journal:

        def setting(address: str, passkey: int | None = None) -> Setting:
            clock = DeviceClock(timedelta())
            return Setting(air=air, journal=journal, address=address, clock=clock, passkey=passkey)

        cuff, meter = Cuff(setting(CUFF)), Meter(setting(METER, PASSKEY))
        async with sim_air.serve(air, "127.0.0.1", port) as listening:
            lives = [asyncio.create_task(one.live()) for one in (cuff, meter)]
            try:
                yield cuff, meter, listening
            finally:
                for life in lives:
                    life.cancel()
                await asyncio.gather(*lives, return_exceptions=True)
