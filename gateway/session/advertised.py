"""Devices that nobody connects to: the reading stands in what they advertise.

The same frame is on the air many times a second while a display is lit. It is kept once: this
process remembers the last one, and the spool the bytes of all of them, beyond receipt and restart.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

import structlog

from gateway import normalise
from gateway.link import Sighting, Watcher, short_hash
from gateway.metrics import Metrics
from gateway.session.keeping import Keeper
from gateway.settings import Settings
from gateway.spool import DeviceRecord, Spool, SpoolUnavailable

log = structlog.get_logger(__name__)


@dataclass(slots=True, kw_only=True)
class Advertised:
    """All such devices of a home."""

    spool: Spool
    metrics: Metrics
    watcher: Watcher
    clock: Callable[[], datetime]
    on_new: Callable[[], None]
    _last: dict[str, dict[str, bytes]] = field(default_factory=dict)  # frame by address
    _heard: asyncio.Queue[tuple[Sighting, Settings]] = field(default_factory=asyncio.Queue)

    def heard(self, sighting: Sighting, settings: Settings) -> None:
        frame = dict(sighting.service_data)
        if self._last.get(sighting.address) != frame:
            self._last[sighting.address] = frame
            self._heard.put_nowait((sighting, settings))

    async def run(self) -> None:
        while True:
            sighting, settings = await self._heard.get()
            try:
                await self._take(sighting, settings)
            except SpoolUnavailable as exc:
                self._last.pop(sighting.address, None)  # the next advertisement is another try
                name = short_hash(sighting.address)
                log.warning("advertised_not_kept", device=name, reason=exc.state)

    async def _take(self, sighting: Sighting, settings: Settings) -> None:
        keeper = Keeper(
            sighting=sighting,
            spool=self.spool,
            settings=settings,
            metrics=self.metrics,
            watcher=self.watcher,
            clock=self.clock,
        )
        reading = normalise.from_advertisement(sighting.service_data, keeper.origin(sighting.at))
        if reading is None or await self.spool.said(reading) is not None:
            return
        if await keeper.keep(reading):
            await self.spool.seen(DeviceRecord(address=sighting.address, last_seen=sighting.at))
            self.on_new()
