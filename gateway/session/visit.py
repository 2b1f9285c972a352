"""One visit to one device: facts and clock -> records -> spool -> only then its clock is set.

Each reading is durable before the next step is taken; whatever had come when a link breaks is kept.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

import structlog

from devices import quirks, uuids
from devices.errors import ProtocolError
from devices.quirks import Pairing, Quirks
from gateway.link import Nobody, Radio, Sighting, Watcher
from gateway.metrics import Metrics
from gateway.session import facts
from gateway.session.keeping import Keeper
from gateway.session.meter import Meter
from gateway.session.oximeter import Oximeter
from gateway.session.pushes import PUSHED, Pushes
from gateway.session.streams import Stream
from gateway.session.talk import Heard, Talk
from gateway.settings import Settings
from gateway.spool import DeviceRecord, Spool

log = structlog.get_logger(__name__)

#: What is asked for besides its own services of a device that must not be asked for all.
_NEEDED = frozenset(
    {uuids.DEVICE_INFORMATION_SERVICE, uuids.BATTERY_SERVICE, uuids.CURRENT_TIME_SERVICE}
)


class _Conversation(Protocol):
    """One protocol's part of a visit."""

    async def read(self) -> None: ...
    async def take(self, heard: Heard) -> bool:
        """A value that came outside of `read`: while hanging up, say. False: it is not for it."""
        ...

    async def finish(self) -> None:
        """The link is over: what is not durable yet becomes so."""
        ...


@dataclass(slots=True, kw_only=True)
class Visit:
    """One conversation. `run` returns how many readings were new."""

    radio: Radio
    sighting: Sighting
    spool: Spool
    settings: Settings
    metrics: Metrics
    clock: Callable[[], datetime]
    watcher: Watcher = field(default_factory=Nobody)
    linked: bool = False
    rest_s: float | None = None  # until the next visit, where that is not the usual
    _keeper: Keeper = field(init=False)
    _talk: Talk = field(init=False)
    _conversations: list[_Conversation] = field(default_factory=list)
    _family: Quirks = quirks.STANDARD

    def __post_init__(self) -> None:
        self._keeper = Keeper(
            sighting=self.sighting,
            spool=self.spool,
            settings=self.settings,
            metrics=self.metrics,
            watcher=self.watcher,
            clock=self.clock,
        )

    @property
    def new(self) -> int:
        return self._keeper.new

    async def run(self) -> int:
        known = await self.spool.device(self.sighting.address)
        self._recognise(model=known.model)
        client = self.radio.client(
            self.sighting.ble_device,
            lambda _: self._talk.lost(),
            pair=self._family.pairing is not Pairing.NONE,
            services=None if self._family.discover_all else _NEEDED | self._family.services,
        )
        self._talk = Talk(client=client, address=self.sighting.address, clock=self.clock)
        self._keeper.facts = facts.remembered(known.clock_offset_s)
        try:
            await self._connect(bonded=known.bonded)
            await self._converse(known)
        finally:
            self._keeper.ending = True
            await self._finish()
            await self._talk.hang_up()
            await self._finish()  # confirmed to the device while we hung up
        if self._keeper.refused is not None:
            raise self._keeper.refused
        return self.new

    async def _connect(self, *, bonded: bool) -> None:
        """The first time somebody may have to read six digits off a display."""
        self.watcher.connecting(self.sighting.address)
        settings = self.settings
        limit_s = settings.connect_timeout_s if bonded else settings.pairing_timeout_s
        async with asyncio.timeout(limit_s):
            await self._talk.client.connect()
        self.linked = True
        self.watcher.connected(self.sighting.address)

    async def _converse(self, known: DeviceRecord) -> None:
        self._keeper.facts = await facts.read(self._talk, known.clock_offset_s)
        self._recognise(model=self._keeper.facts.model or known.model)
        self._hear_early()
        await self.spool.begun(self.sighting.address)
        self._conversations = self._wanted(known)
        for conversation in self._conversations:
            await conversation.read()
            await conversation.finish()
        await self.spool.ended(self.sighting.address)
        await self.spool.seen(self._record())
        await self._set_clock()

    def _recognise(self, *, model: str | None) -> None:
        """Its family, by what is known so far; asked again once it has told its names."""
        self._family = quirks.of(
            name=self.sighting.name,
            manufacturer=self._keeper.facts.manufacturer,
            model=model,
            services=self.sighting.services,
            service_data=self.sighting.service_data,
        )
        self._keeper.frame = self._family.frame

    def _hear_early(self) -> None:
        """What was confirmed to the device before anybody had subscribed."""
        for early in self.radio.early(self.sighting.address):
            self._talk.put(
                Heard(characteristic=early.characteristic, payload=early.payload, at=early.at)
            )

    def _wanted(self, known: DeviceRecord) -> list[_Conversation]:
        talk, keeper, family = self._talk, self._keeper, self._family
        wanted: list[_Conversation] = []
        if Meter.is_one(talk):
            wanted.append(Meter(talk=talk, keeper=keeper, known=known))
        elif Oximeter.is_one(talk):
            wanted.append(Oximeter(talk=talk, keeper=keeper))
        if Pushes.is_one(talk):
            codes = self.settings.consents.get(self.sighting.address, {})
            order = family.subscribe or PUSHED
            wanted.append(Pushes(talk=talk, keeper=keeper, order=order, codes=codes))
        if not wanted and Stream.is_one(talk):
            wanted.append(Stream(talk=talk, keeper=keeper))
            self.rest_s = self.settings.stream_rest_s
        if not wanted:
            raise ProtocolError("it offers nothing that a health device of its kind has")
        return wanted

    def _record(self) -> DeviceRecord:
        return DeviceRecord(
            address=self.sighting.address,
            last_seen=self.sighting.at,
            bonded=self._family.pairing is not Pairing.NONE,
            battery_pct=self._keeper.facts.battery_pct,
            clock_offset_s=self._keeper.facts.clock_offset_s,
            model=self._keeper.facts.model,
        )

    async def _set_clock(self) -> None:
        """Last of all: until here its offset told the true times."""
        if not self._family.set_clock:
            return
        offset_s = await facts.set_clock(self._talk, self._keeper.facts, self.settings.zone)
        if offset_s is not None:
            await self.spool.seen(
                DeviceRecord(address=self.sighting.address, clock_offset_s=offset_s)
            )

    async def _finish(self) -> None:
        """What arrived after we had stopped to listen, or before; dated by the clock as it was."""
        self._hear_early()
        stray = Pushes(talk=self._talk, keeper=self._keeper)
        for heard in self._talk.rest():
            for conversation in (*self._conversations, stray):
                if await conversation.take(heard):
                    break
        for conversation in self._conversations:
            await conversation.finish()
