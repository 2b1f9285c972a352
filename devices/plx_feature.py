"""PLX Features (0x2A60): what an oximeter can tell, and which of the status bits it uses.

GATT Specification Supplement, under this name; Pulse Oximeter Service 1.0.1, section 3.3.
"""

from __future__ import annotations

from dataclasses import dataclass

from devices import bits
from devices.reader import Reader
from devices.uuids import short

CHARACTERISTIC = short(0x2A60)

HAS_MEASUREMENT_STATUS = 1 << 0
HAS_SENSOR_STATUS = 1 << 1

NAMES = (
    "measurement_status",
    "sensor_status",
    "stored_spot_checks",
    "time_stamp",
    "fast",
    "slow",
    "amplitude",
    "multiple_bonds",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlxFeature:
    """`bits` without the two that announce the masks: these follow from the masks being there."""

    bits: int
    measurement_status: int | None = None
    sensor_status: int | None = None

    @property
    def names(self) -> tuple[str, ...]:
        return bits.names_of(self.all_bits, NAMES)

    @property
    def all_bits(self) -> int:
        """As sent."""
        masks = (
            (HAS_MEASUREMENT_STATUS, self.measurement_status),
            (HAS_SENSOR_STATUS, self.sensor_status),
        )
        return self.bits | sum(bit for bit, mask in masks if mask is not None)


def decode(payload: bytes) -> PlxFeature:
    reader = Reader(payload, "pulse oximeter features")
    features = reader.u16("features")
    status, sensor = features & HAS_MEASUREMENT_STATUS, features & HAS_SENSOR_STATUS
    feature = PlxFeature(
        bits=features & ~(HAS_MEASUREMENT_STATUS | HAS_SENSOR_STATUS),
        measurement_status=reader.u16("measurement status support") if status else None,
        sensor_status=reader.u24("device and sensor status support") if sensor else None,
    )
    reader.require_end()
    return feature


def encode(feature: PlxFeature) -> bytes:
    body = feature.all_bits.to_bytes(2, "little")
    if feature.measurement_status is not None:
        body += feature.measurement_status.to_bytes(2, "little")
    if feature.sensor_status is not None:
        body += feature.sensor_status.to_bytes(3, "little")
    return body
