"""A device that hands over what it stored and then forgets it, as cuffs and scales do.

Once its CCCD is on it indicates the oldest measurement, deletes it when that is confirmed, goes on
to the next, and hangs up. What is not confirmed is sent again next time. One that `indicates_early`
remembers from its bond that its CCCD was on, and begins as soon as the link is encrypted.
"""

from __future__ import annotations

import asyncio
from collections import deque
from random import Random
from typing import Any, ClassVar

from simulator import bytes as wire
from simulator.journal import Entry
from simulator.patients import records
from simulator.patients.records import Taken
from simulator.peripheral import (
    INDICATE,
    INDICATIONS,
    READ,
    WRITE,
    Peripheral,
    Setting,
    characteristic,
    value,
)

_LINGERS = 0.1  # seconds between its last word and hanging up


class StoredMeasurements(Peripheral):
    """A device whose memory empties by being read."""

    measurement_uuid: ClassVar[int]

    def __init__(self, setting: Setting) -> None:
        self._stored: deque[Entry] = deque()
        self._cccd_of_bond = False
        self._busy = False
        self.measurement = characteristic(self.measurement_uuid, INDICATE)
        self.measurement.on("subscription", self._on_subscription)
        super().__init__(setting)

    def whose(self, chance: Random) -> int:
        slots = self.behaviour.slots
        return slots[0] if len(slots) == 1 else chance.choice(slots)

    def take(self, taken: Taken, *, slot: int | None = None) -> None:
        """Somebody measured this."""
        shown = self.clock.at(taken.at).replace(microsecond=0)
        entry = records.entry(
            taken,
            address=self.address,
            shown=shown,
            slot=next(iter(self.behaviour.slots), None) if slot is None else slot,
            sequence=None,
            wording=self.behaviour.wording,
        )
        self.journal.write(entry)
        self._stored.append(entry)
        self.news()

    def has_news(self) -> bool:
        return bool(self._stored)

    def forget_bonds(self) -> None:
        super().forget_bonds()
        self._cccd_of_bond = False

    def date_time(self) -> Any:
        return characteristic(0x2A08, READ | WRITE, value(self._read_clock, self._set_clock))

    def _read_clock(self, _connection: Any) -> bytes:
        return wire.date_time(self.clock.shown())

    def _set_clock(self, _connection: Any, data: bytes) -> None:
        self.clock.set(wire.read_date_time(data))

    def current_time(self) -> Any:
        return characteristic(
            0x2A2B,
            READ | WRITE,
            value(lambda _: wire.current_time(self.clock.shown()), self._set_clock),
        )

    def _on_subscription(self, _connection: Any, _notify: bool, indicate: bool) -> None:  # noqa: FBT001
        self._cccd_of_bond = indicate
        if indicate and not self.behaviour.pins:
            self.spawn(self.hand_over())

    def on_encrypted(self) -> None:
        if self.behaviour.indicates_early and self._cccd_of_bond:
            self.spawn(self.hand_over(early=True))

    def may_say(self, entry: Entry) -> bool:  # noqa: ARG002 -- of a scale it depends on whose it is
        return True

    async def hand_over(self, *, early: bool = False) -> None:
        """The oldest first, each until it is confirmed; then it hangs up if nothing is left."""
        if self._busy:
            return
        self._busy = True
        try:
            while (entry := self._next(early=early)) is not None:
                await self.say(entry, early=early)
                self._stored.remove(entry)
        finally:
            self._busy = False
        if not (self._stored and self.behaviour.pins):
            await asyncio.sleep(0.0 if early else _LINGERS)  # who speaks early is in a hurry
            await self.hang_up()

    def _next(self, *, early: bool) -> Entry | None:
        if not (early or self.subscribed(self.measurement, INDICATIONS)):
            return None
        return next((entry for entry in self._stored if self.may_say(entry)), None)

    async def say(self, entry: Entry, *, early: bool) -> None:
        await self.indicate(self.measurement, bytes.fromhex(entry.raw), unasked=early)
