"""A weight scale with a clock and user slots."""

from __future__ import annotations

from datetime import datetime
from random import Random
from typing import Any

from simulator.behaviour import Behaviour
from simulator.patients.records import WeightTaken
from simulator.peripheral import READ, characteristic, service
from simulator.stored import StoredMeasurements


class Scale(StoredMeasurements):
    """Indicates its stored weights and forgets them."""

    kind = "weight"
    service_uuid = 0x181D
    measurement_uuid = 0x2A9D
    usual = Behaviour(name="A&D_UC-352BLE_SIM", model="UC-352BLE", slots=(1, 2))

    def services(self) -> list[Any]:
        feature = characteristic(0x2A9E, READ, b"\x00\x00\x00\x00")
        return [service(self.service_uuid, [self.measurement, feature, self.date_time()])]

    def measure(self, at: datetime, chance: Random) -> None:
        kg = chance.uniform(78.0, 84.0)
        self.take(WeightTaken(at=at, kg=kg), slot=self.whose(chance))
