"""Measurement Interval (0x2A21): how often a thermometer measures of itself.

GATT Specification Supplement, under this name; Health Thermometer Service 1.0, section 3.4.
"""

from __future__ import annotations

from dataclasses import dataclass

from devices.reader import Reader
from devices.uuids import short

CHARACTERISTIC = short(0x2A21)


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasurementInterval:
    """Seconds from one measurement to the next; 0: only when a person asks for one."""

    seconds: int


def decode(payload: bytes) -> MeasurementInterval:
    reader = Reader(payload, "measurement interval")
    interval = MeasurementInterval(seconds=reader.u16("interval"))
    reader.require_end()
    return interval


def encode(interval: MeasurementInterval) -> bytes:
    return interval.seconds.to_bytes(2, "little")
