"""Glucose Feature (0x2A51): what a meter can notice about its own measurement.

GATT Specification Supplement, under this name; Glucose Service 1.0.1, section 3.3.
"""

from __future__ import annotations

from dataclasses import dataclass

from devices import bits
from devices.reader import Reader
from devices.uuids import short

CHARACTERISTIC = short(0x2A51)

NAMES = (
    "low_battery",
    "sensor_malfunction",
    "sample_size",
    "strip_insertion_error",
    "strip_type_error",
    "result_high_low",
    "temperature_high_low",
    "read_interrupt",
    "general_fault",
    "time_fault",
    "multiple_bonds",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class GlucoseFeature:
    """All sixteen bits as sent; those that have a meaning have a name."""

    bits: int

    @property
    def names(self) -> tuple[str, ...]:
        return bits.names_of(self.bits, NAMES)


def decode(payload: bytes) -> GlucoseFeature:
    reader = Reader(payload, "glucose feature")
    feature = GlucoseFeature(bits=reader.u16("features"))
    reader.require_end()
    return feature


def encode(feature: GlucoseFeature) -> bytes:
    return feature.bits.to_bytes(2, "little")
