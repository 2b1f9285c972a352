"""A blood-pressure cuff of the A&D kind."""

from __future__ import annotations

from datetime import datetime
from random import Random
from typing import Any

from simulator import bytes as wire
from simulator.journal import Entry
from simulator.peripheral import READ, characteristic, service
from simulator.stored import StoredMeasurements


class Cuff(StoredMeasurements):
    """Indicates its stored readings and forgets them."""

    kind = "blood_pressure"
    service_uuid = 0x1810
    measurement_uuid = 0x2A35
    name = "A&D_UA-651BLE_SIM"
    model = "UA-651BLE"

    def services(self) -> list[Any]:
        feature = characteristic(0x2A49, READ, b"\x00\x00")
        return [service(self.service_uuid, [self.measurement, feature, self.date_time()])]

    def measure(self, at: datetime, chance: Random) -> None:
        systolic = chance.randint(105, 165)
        diastolic = systolic - chance.randint(35, 60)
        mean = diastolic + (systolic - diastolic) // 3
        pulse = chance.randint(52, 98)
        shown = self.clock.at(at)
        raw = wire.blood_pressure(
            pressures=(systolic, diastolic, mean), pulse=pulse, shown=shown, user_slot=1
        )
        self.store(
            Entry(
                address=self.address,
                kind=self.kind,
                measured_at=at,
                device_time=shown.replace(microsecond=0),
                user_slot=1,
                sequence=None,
                values={
                    "systolic_mmhg": systolic,
                    "diastolic_mmhg": diastolic,
                    "mean_arterial_mmhg": mean,
                    "pulse_per_min": pulse,
                },
                raw=raw.hex(),
            )
        )
