"""Blood Pressure Measurement (0x2A35): what a cuff indicates after it let go of the arm.

GATT Specification Supplement, under this name; Blood Pressure Service 1.1.1, section 3.1.
Bits of the flags that are reserved are ignored as the specification asks, but the length must
then be exactly what the known bits announce: vendors that put their own frame on this
characteristic are refused by it, not read as nonsense.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from devices import date_time
from devices.ieee11073 import MedicalFloat, pack_sfloat, read_sfloat
from devices.reader import Reader
from devices.uuids import short

CHARACTERISTIC = short(0x2A35)

KILOPASCAL = 1 << 0
HAS_TIME = 1 << 1
HAS_PULSE = 1 << 2
HAS_USER = 1 << 3
HAS_STATUS = 1 << 4

BODY_MOVEMENT = 1 << 0
CUFF_TOO_LOOSE = 1 << 1
IRREGULAR_PULSE = 1 << 2
PULSE_RANGE = 0b11 << 3  # one field of two bits
IMPROPER_POSITION = 1 << 5

USER_UNKNOWN = 0xFF
MMHG_PER_KPA = 7.50062  # NIST SP 811, Appendix B.8: 1 mmHg = 133.3224 Pa

PulseRange = Literal["within", "above", "below", "reserved"]
_PULSE_RANGES: tuple[PulseRange, ...] = ("within", "above", "below", "reserved")


@dataclass(frozen=True, slots=True, kw_only=True)
class BloodPressure:
    """One measurement; a cuff that failed sends NaN for its pressures."""

    systolic: MedicalFloat
    diastolic: MedicalFloat
    mean_arterial: MedicalFloat
    unit: Literal["mmHg", "kPa"]
    time: datetime | None = None
    pulse: MedicalFloat | None = None
    user_id: int | None = None
    status: int | None = None

    @property
    def valid(self) -> bool:
        """Both pressures are numbers. The mean may be NaN: not every cuff works it out."""
        return self.systolic.value is not None and self.diastolic.value is not None

    @property
    def systolic_mmhg(self) -> float | None:
        return self._mmhg(self.systolic)

    @property
    def diastolic_mmhg(self) -> float | None:
        return self._mmhg(self.diastolic)

    @property
    def mean_arterial_mmhg(self) -> float | None:
        return self._mmhg(self.mean_arterial)

    @property
    def pulse_per_min(self) -> float | None:
        return None if self.pulse is None else self.pulse.value

    @property
    def user_unknown(self) -> bool:
        return self.user_id == USER_UNKNOWN

    @property
    def body_movement(self) -> bool | None:
        return self._says(BODY_MOVEMENT)

    @property
    def cuff_too_loose(self) -> bool | None:
        return self._says(CUFF_TOO_LOOSE)

    @property
    def irregular_pulse(self) -> bool | None:
        return self._says(IRREGULAR_PULSE)

    @property
    def improper_position(self) -> bool | None:
        return self._says(IMPROPER_POSITION)

    @property
    def pulse_range(self) -> PulseRange | None:
        """Whether the pulse was within what the cuff can count."""
        if self.status is None:
            return None
        return _PULSE_RANGES[(self.status & PULSE_RANGE) >> 3]

    def _says(self, bit: int) -> bool | None:
        return None if self.status is None else bool(self.status & bit)

    def _mmhg(self, pressure: MedicalFloat) -> float | None:
        if pressure.value is None or self.unit == "mmHg":
            return pressure.value
        return round(pressure.value * MMHG_PER_KPA, 1)


def decode(payload: bytes, *, subject: str = "blood pressure") -> BloodPressure:
    reader = Reader(payload, subject)
    flags = reader.u8("flags")
    reading = BloodPressure(
        unit="kPa" if flags & KILOPASCAL else "mmHg",
        systolic=read_sfloat(reader, "systolic pressure"),
        diastolic=read_sfloat(reader, "diastolic pressure"),
        mean_arterial=read_sfloat(reader, "mean arterial pressure"),
        time=date_time.read(reader) if flags & HAS_TIME else None,
        pulse=read_sfloat(reader, "pulse rate") if flags & HAS_PULSE else None,
        user_id=reader.u8("user id") if flags & HAS_USER else None,
        status=reader.u16("measurement status") if flags & HAS_STATUS else None,
    )
    reader.require_end()
    return reading


def encode(reading: BloodPressure) -> bytes:
    flags = KILOPASCAL if reading.unit == "kPa" else 0
    pressures = (reading.systolic, reading.diastolic, reading.mean_arterial)
    body = b"".join(pack_sfloat(pressure) for pressure in pressures)
    if reading.time is not None:
        flags, body = flags | HAS_TIME, body + date_time.encode(reading.time)
    if reading.pulse is not None:
        flags, body = flags | HAS_PULSE, body + pack_sfloat(reading.pulse)
    if reading.user_id is not None:
        flags, body = flags | HAS_USER, body + bytes([reading.user_id])
    if reading.status is not None:
        flags, body = flags | HAS_STATUS, body + reading.status.to_bytes(2, "little")
    return bytes([flags]) + body
