"""A value a second for as long as it is worn: some are listened to, the middle one is the reading.

The others are not kept: a strap that is worn for a day would be 86,400 readings. The next visit is
a while later (`stream_rest_s`).
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from devices import heart_rate, plx_continuous
from gateway.session import decisions
from gateway.session.keeping import Keeper
from gateway.session.talk import Heard, Talk
from vitals.reading import Reading

STREAMED = (heart_rate.CHARACTERISTIC, plx_continuous.CHARACTERISTIC)
ENOUGH = 9  # values; an odd number has a middle


@dataclass(slots=True, kw_only=True)
class Stream:
    """A few moments of what a sensor says."""

    talk: Talk
    keeper: Keeper
    _heard: dict[str, list[Reading]] = field(default_factory=dict)
    _over: bool = False

    @staticmethod
    def is_one(talk: Talk) -> bool:
        return bool(talk.offered(STREAMED))

    async def read(self) -> None:
        offered = self.talk.offered(STREAMED)
        for characteristic in offered:
            await self.talk.subscribe(characteristic)
        loop = asyncio.get_running_loop()
        until = loop.time() + self.keeper.settings.stream_s
        while not self._enough(offered):
            heard = await self.talk.next(max(0.01, until - loop.time()))
            if heard is None:
                return
            await self.take(heard)

    def _enough(self, offered: list[str]) -> bool:
        return all(len(self._heard.get(uuid, ())) >= ENOUGH for uuid in offered)

    async def take(self, heard: Heard) -> bool:
        if heard.characteristic not in STREAMED:
            return False
        if self._over:
            return True  # it goes on talking until it is hung up on
        self._heard.setdefault(heard.characteristic, []).append(self.keeper.reading(heard))
        return True

    async def finish(self) -> None:
        """One reading for each kind of value, of a link that broke too."""
        self._over = True
        for readings in self._heard.values():
            reading = decisions.settled(readings)
            if reading is not None:
                await self.keeper.keep(reading)
        self._heard.clear()
