"""PLX Continuous Measurement (0x2A5F): what an oximeter shows while it is worn, once a second.

GATT Specification Supplement, under this name; Pulse Oximeter Service 1.0.1, section 3.2. It has
no time. Fast and slow are the same numbers by quicker and by steadier averaging.
"""

from __future__ import annotations

from dataclasses import dataclass

from devices import plx_status
from devices.ieee11073 import MedicalFloat, pack_sfloat, read_sfloat
from devices.reader import Reader
from devices.uuids import short

CHARACTERISTIC = short(0x2A5F)

HAS_FAST = 1 << 0
HAS_SLOW = 1 << 1
HAS_MEASUREMENT_STATUS = 1 << 2
HAS_SENSOR_STATUS = 1 << 3
HAS_AMPLITUDE = 1 << 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Oximetry:
    """Saturation in percent and pulse per minute, by one averaging."""

    spo2: MedicalFloat
    pulse: MedicalFloat


@dataclass(frozen=True, slots=True, kw_only=True)
class Continuous:
    """One look at the display."""

    normal: Oximetry
    fast: Oximetry | None = None
    slow: Oximetry | None = None
    measurement_status: int | None = None
    sensor_status: int | None = None
    amplitude: MedicalFloat | None = None

    @property
    def status_names(self) -> tuple[str, ...]:
        return plx_status.names_of(self.measurement_status, self.sensor_status)

    @property
    def valid(self) -> bool:
        if plx_status.NO_MEASUREMENT.intersection(self.status_names):
            return False
        return self.normal.spo2.value is not None


def decode(payload: bytes) -> Continuous:
    reader = Reader(payload, "pulse oximeter continuous")
    flags = reader.u8("flags")
    status, sensor = flags & HAS_MEASUREMENT_STATUS, flags & HAS_SENSOR_STATUS
    reading = Continuous(
        normal=_read(reader, "normal"),
        fast=_read(reader, "fast") if flags & HAS_FAST else None,
        slow=_read(reader, "slow") if flags & HAS_SLOW else None,
        measurement_status=reader.u16("measurement status") if status else None,
        sensor_status=reader.u24("device and sensor status") if sensor else None,
        amplitude=read_sfloat(reader, "amplitude index") if flags & HAS_AMPLITUDE else None,
    )
    reader.require_end()
    return reading


def encode(reading: Continuous) -> bytes:
    flags, body = 0, _pack(reading.normal)
    if reading.fast is not None:
        flags, body = flags | HAS_FAST, body + _pack(reading.fast)
    if reading.slow is not None:
        flags, body = flags | HAS_SLOW, body + _pack(reading.slow)
    if reading.measurement_status is not None:
        flags |= HAS_MEASUREMENT_STATUS
        body += reading.measurement_status.to_bytes(2, "little")
    if reading.sensor_status is not None:
        flags, body = flags | HAS_SENSOR_STATUS, body + reading.sensor_status.to_bytes(3, "little")
    if reading.amplitude is not None:
        flags, body = flags | HAS_AMPLITUDE, body + pack_sfloat(reading.amplitude)
    return bytes([flags]) + body


def _read(reader: Reader, name: str) -> Oximetry:
    return Oximetry(
        spo2=read_sfloat(reader, f"{name} oxygen saturation"),
        pulse=read_sfloat(reader, f"{name} pulse rate"),
    )


def _pack(oximetry: Oximetry) -> bytes:
    return pack_sfloat(oximetry.spo2) + pack_sfloat(oximetry.pulse)
