"""From a value that was heard to a reading on disk, once."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from gateway import normalise
from gateway.link import Sighting, Watcher
from gateway.metrics import Metrics
from gateway.normalise import Provenance
from gateway.said import Said
from gateway.session import decisions
from gateway.session.facts import Facts
from gateway.session.talk import Heard
from gateway.settings import Settings
from gateway.spool import Spool, SpoolUnavailable
from vitals.reading import Reading


async def carried_through(work: Coroutine[Any, Any, None]) -> None:
    """What was taken out of the queue reaches the disk, though the visit is cancelled meanwhile."""
    task = asyncio.ensure_future(work)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise


@dataclass(slots=True, kw_only=True)
class Keeper:
    """What one visit has made durable."""

    sighting: Sighting
    spool: Spool
    settings: Settings
    metrics: Metrics
    watcher: Watcher
    clock: Callable[[], datetime]
    facts: Facts = field(default_factory=Facts)
    frame: str | None = None  # the dialect of its family
    new: int = 0
    ending: bool = False
    refused: SpoolUnavailable | None = None
    _pushed: bool = False
    _listed: Counter[str] = field(default_factory=Counter)

    def reading(self, heard: Heard) -> Reading:
        """Never fails: what no codec reads travels as its bytes."""
        return normalise.normalise(
            sixteen(heard.characteristic), heard.payload, self.origin(heard.at)
        )

    def origin(self, at: datetime) -> Provenance:
        return Provenance(
            device=self.sighting.address,
            received_at=at,
            zone=self.settings.zone,
            offset_s=self.facts.clock_offset_s,
            battery_pct=self.facts.battery_pct,
            rssi_dbm=self.sighting.rssi_dbm,
            manufacturer=self.facts.manufacturer,
            model=self.facts.model,
            serial=self.facts.serial,
            frame=self.frame,
        )

    async def keep(self, reading: Reading, *, mark: bool = True) -> bool:
        """True if it is new here. Durable on return, but for what `refused` tells at the end.

        Raises:
            SpoolUnavailable: the disk takes nothing, and the visit is to end. While it ends, what
                still comes is handed to the spool all the same, which holds it in memory.
        """
        try:
            added = await self.spool.add(reading, self.clock(), mark=mark)
        except SpoolUnavailable as exc:
            return self._not_kept(exc)
        if added:
            self.new += 1
            self.metrics.spooled.labels(kind=reading.kind.value).inc()
            self.watcher.spooled(self.sighting.address, reading)
        elif reading.has_additions:
            await self.amend(reading)
        return added

    async def amend(self, reading: Reading) -> None:
        try:
            amended = await self.spool.amend(reading, self.clock())
        except SpoolUnavailable as exc:
            amended = self._not_kept(exc)
        if amended:
            self.metrics.amended.inc()

    def _not_kept(self, exc: SpoolUnavailable) -> bool:
        self.refused = exc
        if not self.ending:
            raise exc
        return False

    async def _said(self, reading: Reading) -> Said | None:
        with suppress(SpoolUnavailable):
            return await self.spool.said(reading)
        return None  # rather kept twice than not at all

    async def keep_pushed(self, heard: Heard) -> Reading:
        """What a device sent of its own accord; the first may be a repetition of the last one."""
        reading = self.reading(heard)
        first, self._pushed = not self._pushed, True
        said = await self._said(reading) if reading.minted else None
        if said is not None and decisions.is_sent_again(reading, said, first=first, at=heard.at):
            return self.reading(replace(heard, at=said.last_at))  # the id that it was given then
        await self.keep(reading)
        self.metrics.exposed.observe(max(0.0, (self.clock() - heard.at).total_seconds()))
        return reading

    async def keep_listed(self, heard: Heard) -> None:
        """A record out of a memory that gives no numbers, and is read whole each time."""
        reading = self.reading(heard)
        raw = reading.raw[0].hex
        self._listed[raw] += 1
        said = await self._said(reading)
        if not decisions.is_listed_again(reading, said, occurrence=self._listed[raw]):
            await self.keep(reading)


def sixteen(uuid: str) -> str:
    """The 16-bit form of a UUID, as readings name their raw values: `2A35`."""
    return uuid[4:8].upper()
