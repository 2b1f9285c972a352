"""A glucose meter: numbered records, and beside some of them what the meal was."""

from __future__ import annotations

from datetime import datetime
from random import Random
from typing import Any

from simulator.behaviour import Behaviour
from simulator.journal import Entry
from simulator.memory import RecordMemory
from simulator.patients.records import GlucoseTaken
from simulator.peripheral import NOTIFY, READ, characteristic, service


class Meter(RecordMemory):
    """Notifies records on request and keeps them for ever."""

    kind = "glucose"
    service_uuid = 0x1808
    usual = Behaviour(name="meter+00001", model="Guide SIM")

    def services(self) -> list[Any]:
        self.measurement = characteristic(0x2A18, NOTIFY)
        self.context = characteristic(0x2A34, NOTIFY)
        feature = characteristic(0x2A51, READ, b"\x00\x00")
        return [
            service(self.service_uuid, [self.measurement, self.context, feature, self.racp]),
            self.current_time(),
        ]

    def measure(self, at: datetime, chance: Random) -> None:
        mg_dl = chance.randint(68, 260)
        self.take(GlucoseTaken(at=at, mg_dl=mg_dl, meal=chance.choice([None, 1, 2, 3])))

    async def send(self, entries: list[Entry]) -> None:
        late: list[Entry] = []
        for entry in entries:
            if self.aborted:
                break
            await self._send(entry)
            if self.behaviour.says_twice:
                await self._send(entry)
            if self.behaviour.contexts_last:
                late.append(entry)
            else:
                await self._send_context(entry)
            await self.pause()
        for entry in late:
            await self._send_context(entry)

    async def _send(self, entry: Entry) -> None:
        await self.notify(self.measurement, bytes.fromhex(entry.raw))

    async def _send_context(self, entry: Entry) -> None:
        if entry.context:
            await self.notify(self.context, bytes.fromhex(entry.context))
