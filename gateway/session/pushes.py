"""Cuff, scale, thermometer, oximeter: they send what they have, and hang up or fall silent.

The radio has confirmed a value before it is here, so the device has deleted it: each is made
durable as it comes, while the next characteristic is still being subscribed to.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from devices import blood_pressure, body_composition, plx_spot_check, temperature, weight
from gateway import normalise
from gateway.session.keeping import Keeper, carried_through
from gateway.session.talk import Heard, Talk
from gateway.session.users import Users
from vitals.reading import Reading

PUSHED = (
    blood_pressure.CHARACTERISTIC,
    weight.CHARACTERISTIC,
    body_composition.CHARACTERISTIC,
    temperature.CHARACTERISTIC,
    plx_spot_check.CHARACTERISTIC,
)
BETWEEN_USERS_S = 1.5  # a scale begins to tell at once what a user's slot holds


@dataclass(slots=True, kw_only=True)
class Pushes:
    """What one device sends of its own accord."""

    talk: Talk
    keeper: Keeper
    order: Sequence[str] = PUSHED  # of subscribing
    codes: Mapping[int, int] = field(default_factory=dict)  # user slot -> consent code
    _weights: list[Reading] = field(default_factory=list)
    _told: bool = False  # something
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
            for characteristic in self.talk.offered(self.order):
                await self.talk.subscribe(characteristic)
            pause_s = min(BETWEEN_USERS_S, self.keeper.settings.quiet_s)
            await self._users.consent_to(self.codes, pause_s=pause_s)
        except Exception:
            if self.talk.linked or not self._told:
                raise
            # It has said what it had and hung up, quicker than the radio could say "subscribed".
        finally:
            self._listening_since = asyncio.get_running_loop().time()

    async def _take_all(self) -> None:
        while True:
            heard = await self.talk.next(self.keeper.settings.quiet_s)
            if heard is not None:
                await carried_through(self._taken(heard))
            elif self._is_silent():
                return

    def _is_silent(self) -> bool:
        """Gone, or asked for everything and quiet for long enough since."""
        if not self.talk.linked:
            return True
        if self._listening_since is None:
            return False
        listening_s = asyncio.get_running_loop().time() - self._listening_since
        return listening_s >= self.keeper.settings.quiet_s

    async def _taken(self, heard: Heard) -> None:
        await self.take(heard)

    async def take(self, heard: Heard) -> bool:
        if heard.characteristic == body_composition.CHARACTERISTIC:
            await self._take_composition(heard)
        elif heard.characteristic in PUSHED:
            self._told = True
            reading = await self.keeper.keep_pushed(heard)
            if heard.characteristic == weight.CHARACTERISTIC:
                self._weights.append(reading)
        else:
            self._users.heard(heard)
            return False
        return True

    async def _take_composition(self, heard: Heard) -> None:
        """It belongs to the weight that came before it, which is amended; else it stands alone."""
        for index in reversed(range(len(self._weights))):
            if normalise.belongs_to(self._weights[index], heard.payload):
                amended = normalise.with_context(
                    self._weights[index], heard.payload, normalise.COMPOSITION
                )
                self._weights[index] = amended
                await self.keeper.amend(amended)
                return
        await self.keeper.keep_pushed(heard)

    async def finish(self) -> None:
        """Each value was spooled as it came."""
