"""CGM Measurement (0x2AA7): what a glucose sensor in the skin sends, some records at a time.

GATT Specification Supplement, under this name; Continuous Glucose Monitoring Service 1.0.2, section
3.1. A record begins with its own size. It has no time but minutes since the session began
(`cgm_session`). Two bytes more than its flags announce are the E2E-CRC: no flag says so. A record
whose checksum is wrong is refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from devices import bits, crc
from devices.ieee11073 import MedicalFloat, Special, pack_sfloat, read_sfloat
from devices.reader import Reader
from devices.uuids import short

CHARACTERISTIC = short(0x2AA7)

HAS_TREND = 1 << 0
HAS_QUALITY = 1 << 1
HAS_WARNING = 1 << 5
HAS_CALIBRATION = 1 << 6
HAS_STATUS = 1 << 7

RESULT_TOO_LOW = 1 << 6  # of `warning`
RESULT_TOO_HIGH = 1 << 7

_CRC_SIZE = 2

STATUS_NAMES = (
    "session_stopped",
    "battery_low",
    "sensor_type_incorrect",
    "sensor_malfunction",
    "device_alert",
    "general_fault",
)
CALIBRATION_NAMES = (
    "time_synchronisation_required",
    "calibration_not_allowed",
    "calibration_recommended",
    "calibration_required",
    "temp_too_high",
    "temp_too_low",
)
WARNING_NAMES = (
    "below_patient_low",
    "above_patient_high",
    "below_hypo",
    "above_hyper",
    "falling_fast",
    "rising_fast",
    "result_too_low",
    "result_too_high",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CgmRecord:
    """One value in mg/dL; trend in mg/dL per minute, quality in percent."""

    concentration: MedicalFloat
    time_offset_min: int
    status: int | None = None
    calibration: int | None = None
    warning: int | None = None
    trend: MedicalFloat | None = None
    quality: MedicalFloat | None = None
    has_crc: bool = False

    @property
    def flags(self) -> int:
        """What of the optional fields is there."""
        optional = (
            (HAS_STATUS, self.status),
            (HAS_CALIBRATION, self.calibration),
            (HAS_WARNING, self.warning),
            (HAS_TREND, self.trend),
            (HAS_QUALITY, self.quality),
        )
        return sum(bit for bit, field in optional if field is not None)

    @property
    def size(self) -> int:
        """Bytes of the whole record."""
        return len(_encode(self))

    @property
    def e2e_crc(self) -> int | None:
        return int.from_bytes(_encode(self)[-_CRC_SIZE:], "little") if self.has_crc else None

    @property
    def mg_dl(self) -> float | None:
        return self.concentration.value

    @property
    def comparator(self) -> Literal[">", "<"] | None:
        """On which side of the sensor's range the glucose lies, if outside."""
        special, warning = self.concentration.special, self.warning or 0
        if special is Special.POS_INF or warning & RESULT_TOO_HIGH:
            return ">"
        if special is Special.NEG_INF or warning & RESULT_TOO_LOW:
            return "<"
        return None

    @property
    def status_names(self) -> tuple[str, ...]:
        return (
            *bits.names_of(self.status or 0, STATUS_NAMES),
            *bits.names_of(self.calibration or 0, CALIBRATION_NAMES),
            *bits.names_of(self.warning or 0, WARNING_NAMES),
        )

    @property
    def valid(self) -> bool:
        return self.mg_dl is not None or self.comparator is not None


def decode(payload: bytes) -> tuple[CgmRecord, ...]:
    """All records of one notification, at least one."""
    reader = Reader(payload, "CGM measurement")
    records = [_read(reader, payload)]
    while reader.remaining:
        records.append(_read(reader, payload))
    return tuple(records)


def encode(records: tuple[CgmRecord, ...]) -> bytes:
    return b"".join(_encode(record) for record in records)


def split(payload: bytes) -> tuple[bytes, ...]:
    """The bytes of each record: each of them can be decoded and kept alone."""
    sizes = [record.size for record in decode(payload)]
    ends = [sum(sizes[: place + 1]) for place in range(len(sizes))]
    return tuple(payload[end - size : end] for size, end in zip(sizes, ends, strict=True))


def _read(reader: Reader, payload: bytes) -> CgmRecord:
    start = reader.offset
    size = reader.u8("size")
    if size > reader.remaining + 1:
        reader.fail(f"a record of {size} bytes, {reader.remaining + 1} left", at=start)
    flags = reader.u8("flags")
    record = CgmRecord(
        concentration=read_sfloat(reader, "concentration"),
        time_offset_min=reader.u16("time offset"),
        status=reader.u8("status") if flags & HAS_STATUS else None,
        calibration=reader.u8("calibration status") if flags & HAS_CALIBRATION else None,
        warning=reader.u8("warnings") if flags & HAS_WARNING else None,
        trend=read_sfloat(reader, "trend") if flags & HAS_TREND else None,
        quality=read_sfloat(reader, "quality") if flags & HAS_QUALITY else None,
        has_crc=size == reader.offset - start + _CRC_SIZE,
    )
    if record.has_crc:
        _check(reader, payload[start : reader.offset])
    if reader.offset != start + size:
        reader.fail(f"a record of {size} bytes, its flags say {reader.offset - start}", at=start)
    return record


def _check(reader: Reader, record: bytes) -> None:
    sent, right = reader.u16("E2E-CRC"), crc.of(record)
    if sent != right:
        reader.fail(f"E2E-CRC 0x{sent:04x}, 0x{right:04x} expected", at=reader.offset - _CRC_SIZE)


def _encode(record: CgmRecord) -> bytes:
    octets = (record.status, record.calibration, record.warning)
    numbers = (record.trend, record.quality)
    body = (
        bytes([record.flags])
        + pack_sfloat(record.concentration)
        + record.time_offset_min.to_bytes(2, "little")
        + bytes(octet for octet in octets if octet is not None)
        + b"".join(pack_sfloat(number) for number in numbers if number is not None)
    )
    size = 1 + len(body) + (_CRC_SIZE if record.has_crc else 0)
    whole = bytes([size]) + body
    return whole + (crc.of(whole).to_bytes(2, "little") if record.has_crc else b"")
