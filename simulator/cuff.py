"""A blood-pressure cuff of the A&D kind."""

from __future__ import annotations

from datetime import datetime
from random import Random
from typing import Any

from simulator.behaviour import Behaviour
from simulator.patients.records import PressureTaken
from simulator.peripheral import READ, characteristic, service
from simulator.stored import StoredMeasurements


class Cuff(StoredMeasurements):
    """Indicates its stored readings and forgets them."""

    kind = "blood_pressure"
    service_uuid = 0x1810
    measurement_uuid = 0x2A35
    usual = Behaviour(name="A&D_UA-651BLE_SIM", model="UA-651BLE")

    def services(self) -> list[Any]:
        feature = characteristic(0x2A49, READ, b"\x00\x00")
        return [service(self.service_uuid, [self.measurement, feature, self.date_time()])]

    def measure(self, at: datetime, chance: Random) -> None:
        systolic = chance.randint(105, 165)
        diastolic = systolic - chance.randint(35, 60)
        pulse = chance.randint(52, 98)
        taken = PressureTaken(at=at, systolic=systolic, diastolic=diastolic, pulse=pulse)
        self.take(taken, slot=self.whose(chance))
