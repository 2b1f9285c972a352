"""A pulse oximeter with a memory: records without numbers, listed whole or not at all."""

from __future__ import annotations

from datetime import datetime
from random import Random
from typing import Any

from simulator.behaviour import OXIMETER
from simulator.journal import Entry
from simulator.memory import RecordMemory
from simulator.patients.records import OximetryTaken
from simulator.peripheral import INDICATE, READ, characteristic, service


class Oximeter(RecordMemory):
    """Indicates its spot checks on request and keeps them for ever."""

    kind = "pulse_oximetry"
    service_uuid = 0x1822
    usual = OXIMETER
    numbered = False

    def services(self) -> list[Any]:
        self.measurement = characteristic(0x2A5E, INDICATE)
        feature = characteristic(0x2A60, READ, b"\x04\x00")  # it stores measurements
        return [
            service(self.service_uuid, [self.measurement, feature, self.racp]),
            self.current_time(),
        ]

    def measure(self, at: datetime, chance: Random) -> None:
        self.take(OximetryTaken(at=at, spo2=chance.randint(90, 99), pulse=chance.randint(52, 98)))

    async def send(self, entries: list[Entry]) -> None:
        for entry in entries:
            if not self.aborted:
                await self.indicate(self.measurement, bytes.fromhex(entry.raw))
                await self.pause()
