"""One visit to one device: facts and clock -> records -> spool -> only then its clock is set.

Each reading is durable before the next step is taken; whatever had come when a link breaks is kept.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

import structlog

from devices import quirks
from devices.quirks import Quirks
from gateway.link import Nobody, Radio, Sighting, Watcher
from gateway.metrics import Metrics
from gateway.session import facts
from gateway.session.keeping import Keeper
from gateway.session.meter import Meter
from gateway.session.oximeter import Oximeter
from gateway.session.pushes import PUSHED, Pushes
from gateway.session.streams import Stream
from gateway.session.talk import Heard, Talk
from gateway.session.users import Consent
from gateway.settings import Settings
from gateway.spool import DeviceRecord, Spool

log = structlog.get_logger(__name__)


class _Conversation(Protocol):
    """One protocol's part of a visit."""

    async def read(self) -> None: ...
    async def take(self, heard: Heard) -> None:
        """A value that came outside of `read`: while hanging up, say."""
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
    consents: Sequence[Consent] = ()
    linked: bool = False
    rest_s: float | None = None  # until the next visit, where that is not the usual
    _keeper: Keeper = field(init=False)
    _talk: Talk = field(init=False)
    _conversations: list[_Conversation] = field(default_factory=list)

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
        client = self.radio.client(self.sighting.ble_device, lambda _: self._talk.lost(), pair=True)
        self._talk = Talk(client=client, address=self.sighting.address, clock=self.clock)
        known = await self.spool.device(self.sighting.address)
        self._keeper.facts = facts.remembered(known.clock_offset_s)
        try:
            await self._connect()
            await self._converse(known)
        finally:
            self._keeper.ending = True
            await self._finish()
            await self._talk.hang_up()
            await self._finish()  # confirmed to the device while we hung up
        if self._keeper.refused is not None:
            raise self._keeper.refused
        return self.new

    async def _connect(self) -> None:
        self.watcher.connecting(self.sighting.address)
        async with asyncio.timeout(self.settings.connect_timeout_s):
            await self._talk.client.connect()
        self.linked = True
        self.watcher.connected(self.sighting.address)

    async def _converse(self, known: DeviceRecord) -> None:
        self._keeper.facts = await facts.read(self._talk, known.clock_offset_s)
        await self.spool.begun(self.sighting.address)
        self._conversations = self._wanted(known)
        for conversation in self._conversations:
            await conversation.read()
            await conversation.finish()
        await self.spool.ended(self.sighting.address)
        await self.spool.seen(self._record())
        await self._set_clock()

    def _quirks(self) -> Quirks:
        return quirks.of(
            name=self.sighting.name,
            manufacturer=self._keeper.facts.manufacturer,
            model=self._keeper.facts.model,
            services=self.sighting.services,
            service_data=self.sighting.service_data,
        )

    def _wanted(self, known: DeviceRecord) -> list[_Conversation]:
        talk, keeper, family = self._talk, self._keeper, self._quirks()
        wanted: list[_Conversation] = []
        if Meter.is_one(talk):
            wanted.append(Meter(talk=talk, keeper=keeper, known=known))
        elif Oximeter.is_one(talk):
            wanted.append(Oximeter(talk=talk, keeper=keeper))
        if Pushes.is_one(talk):
            consents = self.consents if family.needs_consent else ()
            wanted.append(
                Pushes(talk=talk, keeper=keeper, order=family.subscribe, consents=consents)
            )
        if not wanted and Stream.is_one(talk):
            wanted.append(Stream(talk=talk, keeper=keeper))
            self.rest_s = self.settings.stream_rest_s
        return wanted

    def _record(self) -> DeviceRecord:
        return DeviceRecord(
            address=self.sighting.address,
            last_seen=self.sighting.at,
            bonded=True,
            battery_pct=self._keeper.facts.battery_pct,
            clock_offset_s=self._keeper.facts.clock_offset_s,
            model=self._keeper.facts.model,
        )

    async def _set_clock(self) -> None:
        """Last of all: until here its offset told the true times."""
        if not self._quirks().set_clock:
            return
        offset_s = await facts.set_clock(self._talk, self._keeper.facts, self.settings.zone)
        if offset_s is not None:
            await self.spool.seen(
                DeviceRecord(address=self.sighting.address, clock_offset_s=offset_s)
            )

    async def _finish(self) -> None:
        """What arrived before anybody listened, or after; dated by the clock as it was."""
        for early in self.radio.early(self.sighting.address):
            self._talk.put(
                Heard(characteristic=early.characteristic, payload=early.payload, at=early.at)
            )
        for heard in self._talk.rest():
            for conversation in self._conversations:
                await conversation.take(heard)
            if not self._conversations and heard.characteristic in PUSHED:
                await self._keeper.keep_pushed(heard)
        for conversation in self._conversations:
            await conversation.finish()
