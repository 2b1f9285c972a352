"""Intermediate Cuff Pressure (0x2A36): what the cuff shows while it is still on its way.

GATT Specification Supplement, under this name; Blood Pressure Service 1.1.1, section 3.2. The same
frame as the measurement: the current pressure stands where the systolic would, the two others are
unused (NaN). It is no blood pressure, and no reading is made of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from devices import blood_pressure
from devices.blood_pressure import MMHG_PER_KPA, BloodPressure
from devices.ieee11073 import MedicalFloat, Special, sfloat_of
from devices.uuids import short

CHARACTERISTIC = short(0x2A36)

_UNUSED = sfloat_of(Special.NAN)


@dataclass(frozen=True, slots=True, kw_only=True)
class IntermediateCuffPressure:
    """One look at the pressure in the cuff."""

    pressure: MedicalFloat
    unit: Literal["mmHg", "kPa"]
    time: datetime | None = None
    pulse: MedicalFloat | None = None
    user_id: int | None = None
    status: int | None = None

    @property
    def pressure_mmhg(self) -> float | None:
        if self.pressure.value is None or self.unit == "mmHg":
            return self.pressure.value
        return round(self.pressure.value * MMHG_PER_KPA, 1)


def decode(payload: bytes) -> IntermediateCuffPressure:
    frame = blood_pressure.decode(payload, subject="intermediate cuff pressure")
    return IntermediateCuffPressure(
        pressure=frame.systolic,
        unit=frame.unit,
        time=frame.time,
        pulse=frame.pulse,
        user_id=frame.user_id,
        status=frame.status,
    )


def encode(reading: IntermediateCuffPressure) -> bytes:
    return blood_pressure.encode(
        BloodPressure(
            systolic=reading.pressure,
            diastolic=_UNUSED,
            mean_arterial=_UNUSED,
            unit=reading.unit,
            time=reading.time,
            pulse=reading.pulse,
            user_id=reading.user_id,
            status=reading.status,
        )
    )
