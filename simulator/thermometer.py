"""A clinical thermometer that stores what it measured."""

from __future__ import annotations

from datetime import datetime
from random import Random
from typing import Any

from simulator.behaviour import THERMOMETER
from simulator.patients.records import TemperatureTaken
from simulator.peripheral import READ, characteristic, service
from simulator.stored import StoredMeasurements


class Thermometer(StoredMeasurements):
    """Indicates its stored temperatures and forgets them."""

    kind = "temperature"
    service_uuid = 0x1809
    measurement_uuid = 0x2A1C
    usual = THERMOMETER

    def services(self) -> list[Any]:
        where = characteristic(0x2A1D, READ, b"\x06")  # mouth
        return [service(self.service_uuid, [self.measurement, where, self.date_time()])]

    def measure(self, at: datetime, chance: Random) -> None:
        self.take(TemperatureTaken(at=at, tenths_c=chance.randint(359, 391)))
