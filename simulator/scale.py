"""A weight scale with a clock and user slots."""

from __future__ import annotations

from datetime import datetime
from random import Random
from typing import Any

from simulator import bytes as wire
from simulator.journal import Entry
from simulator.peripheral import READ, characteristic, service
from simulator.stored import StoredMeasurements


class Scale(StoredMeasurements):
    """Indicates its stored weights and forgets them."""

    kind = "weight"
    service_uuid = 0x181D
    measurement_uuid = 0x2A9D
    name = "A&D_UC-352BLE_SIM"
    model = "UC-352BLE"

    def services(self) -> list[Any]:
        feature = characteristic(0x2A9E, READ, b"\x00\x00\x00\x00")
        return [service(self.service_uuid, [self.measurement, feature, self.date_time()])]

    def measure(self, at: datetime, chance: Random) -> None:
        steps = wire.weight_steps(chance.uniform(78.0, 84.0))
        slot = chance.choice([1, 2])
        shown = self.clock.at(at)
        self.store(
            Entry(
                address=self.address,
                kind=self.kind,
                measured_at=at,
                device_time=shown.replace(microsecond=0),
                user_slot=slot,
                sequence=None,
                values={"weight_kg": round(steps * 0.005, 3)},
                raw=wire.weight(steps=steps, shown=shown, user_slot=slot).hex(),
            )
        )
