"""A gateway's box: its radio, its spool, its service, as `python -m gateway run` has them.

No broker answers it here: what this bed is about ends at the spool.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gateway.__main__ import _publisher
from gateway.link import Failure, Nobody
from gateway.metrics import Metrics
from gateway.radio import Radio
from gateway.service import Gateway
from gateway.settings import Settings
from gateway.spool import Spool, open_spool
from vitals import wire
from vitals.clock import utc_now
from vitals.reading import Reading

PATIENCE_S = 40.0


class Watching(Nobody):
    """Notes what becomes of each device, and when."""

    def __init__(self) -> None:
        self.failures: list[tuple[str, Failure]] = []
        self.ends: list[tuple[str, int]] = []
        self.spooled_at: dict[str, float] = {}  # by raw value: loop time

    def failed(self, address: str, reason: Failure) -> None:
        self.failures.append((address, reason))

    def ended(self, address: str, new: int) -> None:
        self.ends.append((address, new))

    def spooled(self, address: str, reading: Reading) -> None:  # noqa: ARG002
        self.spooled_at[reading.raw[0].hex] = asyncio.get_running_loop().time()


@dataclass
class Box:
    spool: Spool
    service: Gateway
    running: asyncio.Task[None]
    seen: Watching = field(default_factory=Watching)

    async def readings(self) -> list[Reading]:
        items = await self.spool.due(utc_now(), 10_000)
        return [wire.open_reading(item.body) for item in items]

    async def raws(self) -> list[str]:
        return [reading.raw[0].hex for reading in await self.readings()]

    async def until(self, is_so: Callable[[], Any]) -> None:
        """A bounded poll; an error of the service ends it."""
        async with asyncio.timeout(PATIENCE_S):
            while not await _value(is_so()):
                assert not self.running.done(), self.running.result()
                await asyncio.sleep(0.05)

    async def until_spooled(self, wanted: list[str]) -> list[Reading]:
        """All of these and nothing else, each once."""

        async def are_there() -> bool:
            return set(wanted) <= set(await self.raws())

        await self.until(are_there)
        readings = await self.readings()
        assert sorted(reading.raw[0].hex for reading in readings) == sorted(wanted)
        return readings


async def _value(outcome: Any) -> Any:
    return await outcome if asyncio.iscoroutine(outcome) else outcome


@asynccontextmanager
async def open_box(radio: Radio, spool_path: Path) -> AsyncIterator[Box]:
    settings = Settings(
        clinic="clinic",
        name="home-1",
        mqtt_url="mqtt://127.0.0.1:1",
        spool=spool_path,
        revisit_s=2,
        quiet_s=1,
    )
    metrics, watching = Metrics(), Watching()
    async with open_spool(settings.spool, utc_now()) as spool:
        service = Gateway(
            settings=settings,
            radio=radio,
            spool=spool,
            publisher=_publisher(settings, spool, metrics),
            metrics=metrics,
            clock=utc_now,
            watcher=watching,
        )
        running = asyncio.create_task(service.run(), name="gateway")
        try:
            yield Box(spool=spool, service=service, running=running, seen=watching)
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
