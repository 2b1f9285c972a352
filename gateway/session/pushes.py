"""Cuff, scale, thermometer, oximeter: they send what they have, and hang up or fall silent.

The radio has confirmed a value before it is here, so the device has deleted it: each is made
durable before anything else is done, even before the next characteristic is subscribed to.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from devices import blood_pressure, weight
from gateway.session.keeping import Keeper, carried_through
from gateway.session.talk import Heard, Talk
from gateway.session.users import Consent, Users

PUSHED = (blood_pressure.CHARACTERISTIC, weight.CHARACTERISTIC)


@dataclass(slots=True, kw_only=True)
class Pushes:
    """What one device sends of its own accord."""

    talk: Talk
    keeper: Keeper
    order: Sequence[str] = ()  # of subscribing; empty: whatever it has
    consents: Sequence[Consent] = ()
    _listening_since: float | None = None
    _users: Users = field(init=False)

    def __post_init__(self) -> None:
        self._users = Users(talk=self.talk)

    @staticmethod
    def is_one(talk: Talk) -> bool:
        return bool(talk.offered(PUSHED))

    async def read(self) -> None:
        taking = asyncio.create_task(self._take_all(), name="values")
        try:
            await self._listen()
            await asyncio.wait([taking])
        finally:
            taking.cancel()
            await asyncio.wait([taking])
        taking.result()

    async def _listen(self) -> None:
        """Each step that speaks to the device; values are taken beside it."""
        try:
            for characteristic in self.talk.offered(self.order or PUSHED):
                await self.talk.subscribe(characteristic)
            if self.consents:
                await self._users.consent_to(self.consents, pause_s=self.keeper.settings.quiet_s)
        finally:
            self._listening_since = asyncio.get_running_loop().time()

    async def _take_all(self) -> None:
        loop, quiet_s = asyncio.get_running_loop(), self.keeper.settings.quiet_s
        while True:
            heard = await self.talk.next(quiet_s)
            if heard is not None:
                await carried_through(self.take(heard))
            elif not self.talk.linked or (
                self._listening_since is not None and loop.time() - self._listening_since >= quiet_s
            ):
                return

    async def take(self, heard: Heard) -> None:
        if heard.characteristic in PUSHED:
            await self.keeper.keep_pushed(heard)
        else:
            self._users.heard(heard)

    async def finish(self) -> None:
        """Each value was spooled as it came."""
