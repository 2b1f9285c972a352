"""CGM Session Start Time (0x2AAA): the instant from which a glucose sensor counts its minutes.

GATT Specification Supplement, under this name; Continuous Glucose Monitoring Service 1.0.2, section
3.4: wall time, zone in quarters of an hour, summer time. The E2E-CRC may follow.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from devices import crc, date_time
from devices.reader import Reader
from devices.uuids import short

CHARACTERISTIC = short(0x2AAA)

ZONE_UNKNOWN = -128  # quarters of an hour
_EAST, _WEST = 56, -48  # quarters of an hour
_CRC_SIZE = 2
_SUMMER_MIN = {0: 0, 2: 30, 4: 60, 8: 120, 255: None}


@dataclass(frozen=True, slots=True, kw_only=True)
class CgmSession:
    """Naive wall time of the start; `zone_quarters` east of Greenwich, -128 where not known."""

    start: datetime | None
    zone_quarters: int = ZONE_UNKNOWN
    summer: int = 255
    has_crc: bool = False

    @property
    def offset_min(self) -> int | None:
        """Of its wall time from UTC, in minutes; None where zone or summer time is not known."""
        summer = _SUMMER_MIN[self.summer]
        if self.zone_quarters == ZONE_UNKNOWN or summer is None:
            return None
        return self.zone_quarters * 15 + summer


def decode(payload: bytes) -> CgmSession:
    reader = Reader(payload, "CGM session start")
    start = date_time.read(reader)
    zone = reader.s8("zone")
    if zone != ZONE_UNKNOWN and not _WEST <= zone <= _EAST:
        reader.fail(f"zone {zone} is not {_WEST} to {_EAST}", at=reader.offset - 1)
    summer = reader.u8("summer time")
    if summer not in _SUMMER_MIN:
        reader.fail(f"summer time {summer} is reserved", at=reader.offset - 1)
    has_crc = reader.remaining == _CRC_SIZE
    if has_crc:
        right = crc.of(payload[: reader.offset])
        if (sent := reader.u16("E2E-CRC")) != right:
            reader.fail(f"E2E-CRC 0x{sent:04x}, 0x{right:04x} expected", at=reader.offset - 2)
    reader.require_end()
    return CgmSession(start=start, zone_quarters=zone, summer=summer, has_crc=has_crc)


def encode(session: CgmSession) -> bytes:
    zone = session.zone_quarters.to_bytes(1, "little", signed=True)
    body = date_time.encode(session.start) + zone + bytes([session.summer])
    return body + (crc.of(body).to_bytes(2, "little") if session.has_crc else b"")
