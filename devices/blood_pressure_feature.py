"""Blood Pressure Feature (0x2A49): what a cuff can notice about its own measurement.

GATT Specification Supplement, under this name; Blood Pressure Service 1.1.1, section 3.3.
"""

from __future__ import annotations

from dataclasses import dataclass

from devices import bits
from devices.reader import Reader
from devices.uuids import short

CHARACTERISTIC = short(0x2A49)

NAMES = (
    "body_movement",
    "cuff_fit",
    "irregular_pulse",
    "pulse_rate_range",
    "measurement_position",
    "multiple_bonds",
    "e2e_crc",
    "user_data_service",
    "user_facing_time",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class BloodPressureFeature:
    """All sixteen bits as sent; those that have a meaning have a name."""

    bits: int

    @property
    def names(self) -> tuple[str, ...]:
        return bits.names_of(self.bits, NAMES)


def decode(payload: bytes) -> BloodPressureFeature:
    reader = Reader(payload, "blood pressure feature")
    feature = BloodPressureFeature(bits=reader.u16("features"))
    reader.require_end()
    return feature


def encode(feature: BloodPressureFeature) -> bytes:
    return feature.bits.to_bytes(2, "little")
