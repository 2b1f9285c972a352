"""A chest strap: a heart rate now and now and now, for as long as it is worn; nothing is kept."""

from __future__ import annotations

import asyncio
from datetime import datetime
from random import Random
from typing import Any

from simulator.behaviour import STRAP
from simulator.patients import records
from simulator.patients.records import HeartRateTaken, Taken
from simulator.peripheral import NOTIFY, READ, Peripheral, Setting, characteristic, service
from vitals.clock import utc_now

_NOTIFICATIONS = 1  # the CCCD bit


class Strap(Peripheral):
    """Notifies the rate of this moment while somebody listens. It has no clock."""

    kind = "heart_rate"
    service_uuid = 0x180D
    usual = STRAP

    def __init__(self, setting: Setting, *, every_s: float = 0.1) -> None:
        self._every_s = every_s
        self._now: HeartRateTaken | None = None
        self._chance = Random(setting.address)  # noqa: S311 -- plausible, not secret
        self.measurement = characteristic(0x2A37, NOTIFY)
        self.measurement.on("subscription", self._on_subscription)
        super().__init__(setting)

    def services(self) -> list[Any]:
        where = characteristic(0x2A38, READ, b"\x01")  # chest
        return [service(self.service_uuid, [self.measurement, where])]

    def has_news(self) -> bool:
        return self._now is not None

    def measure(self, at: datetime, chance: Random) -> None:
        self.take(HeartRateTaken(at=at, per_min=chance.randint(52, 98)))

    def take(self, taken: Taken, *, slot: int | None = None) -> None:  # noqa: ARG002
        """It is put on; `slot` means nothing to it. What it says from now on is about this."""
        if not isinstance(taken, HeartRateTaken):
            raise TypeError(f"a strap measures no {type(taken).__name__}")
        self._now = taken
        self.news()

    def _on_subscription(self, _connection: Any, notify: bool, _indicate: bool) -> None:  # noqa: FBT001
        if notify:
            self.spawn(self._go_on())

    async def _go_on(self) -> None:
        while self._now is not None and self.subscribed(self.measurement, _NOTIFICATIONS):
            now = utc_now()
            beat = HeartRateTaken(at=now, per_min=self._now.per_min + self._chance.randint(-2, 2))
            entry = records.entry(
                beat,
                address=self.address,
                shown=self.clock.at(now).replace(microsecond=0),
                slot=None,
                sequence=None,
            )
            self.journal.write(entry)
            await self.notify(self.measurement, bytes.fromhex(entry.raw))
            await asyncio.sleep(self._every_s)
