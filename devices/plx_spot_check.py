"""PLX Spot-Check Measurement (0x2A5E): one finished measurement of an oximeter, live or stored.

GATT Specification Supplement, under this name; Pulse Oximeter Service 1.0.1, section 3.1. Stored
ones are asked for at the Record Access Control Point (`devices.racp`), all or none: they have no
numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from devices import date_time, plx_status
from devices.ieee11073 import MedicalFloat, pack_sfloat, read_sfloat
from devices.reader import Reader
from devices.uuids import short

CHARACTERISTIC = short(0x2A5E)

HAS_TIME = 1 << 0
HAS_MEASUREMENT_STATUS = 1 << 1
HAS_SENSOR_STATUS = 1 << 2
HAS_AMPLITUDE = 1 << 3
CLOCK_NOT_SET = 1 << 4


@dataclass(frozen=True, slots=True, kw_only=True)
class SpotCheck:
    """Oxygen saturation in percent, pulse per minute, pulse amplitude index in percent."""

    spo2: MedicalFloat
    pulse: MedicalFloat
    time: datetime | None = None
    clock_set: bool = True
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
        return self.spo2.value is not None


def decode(payload: bytes) -> SpotCheck:
    reader = Reader(payload, "pulse oximeter spot check")
    flags = reader.u8("flags")
    status, sensor = flags & HAS_MEASUREMENT_STATUS, flags & HAS_SENSOR_STATUS
    reading = SpotCheck(
        spo2=read_sfloat(reader, "oxygen saturation"),
        pulse=read_sfloat(reader, "pulse rate"),
        time=date_time.read(reader) if flags & HAS_TIME else None,
        clock_set=not flags & CLOCK_NOT_SET,
        measurement_status=reader.u16("measurement status") if status else None,
        sensor_status=reader.u24("device and sensor status") if sensor else None,
        amplitude=read_sfloat(reader, "amplitude index") if flags & HAS_AMPLITUDE else None,
    )
    reader.require_end()
    return reading


def encode(reading: SpotCheck) -> bytes:
    flags = 0 if reading.clock_set else CLOCK_NOT_SET
    body = pack_sfloat(reading.spo2) + pack_sfloat(reading.pulse)
    if reading.time is not None:
        flags, body = flags | HAS_TIME, body + date_time.encode(reading.time)
    if reading.measurement_status is not None:
        flags |= HAS_MEASUREMENT_STATUS
        body += reading.measurement_status.to_bytes(2, "little")
    if reading.sensor_status is not None:
        flags, body = flags | HAS_SENSOR_STATUS, body + reading.sensor_status.to_bytes(3, "little")
    if reading.amplitude is not None:
        flags, body = flags | HAS_AMPLITUDE, body + pack_sfloat(reading.amplitude)
    return bytes([flags]) + body
