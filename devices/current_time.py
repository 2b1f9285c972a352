"""Current Time (0x2A2B): what the device's clock says now, or is told to say.

GATT Specification Supplement, under this name; Current Time Service 1.1, section 3.1.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from devices import date_time
from devices.reader import Reader
from devices.uuids import short

CHARACTERISTIC = short(0x2A2B)

MANUAL_UPDATE = 1 << 0
EXTERNAL_REFERENCE = 1 << 1
ZONE_CHANGE = 1 << 2
DAYLIGHT_SAVING_CHANGE = 1 << 3

_SUNDAY = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class CurrentTime:
    """One look at a clock; `day_of_week` is 1 for Monday to 7, 0 where unknown."""

    time: datetime | None
    day_of_week: int = 0
    fractions256: int = 0
    adjust_reason: int = 0


def of(time: datetime, *, adjust_reason: int = 0) -> CurrentTime:
    """What to write to set a device's clock to this naive wall time."""
    return CurrentTime(
        time=time.replace(microsecond=0),
        day_of_week=time.isoweekday(),
        fractions256=time.microsecond * 256 // 1_000_000,
        adjust_reason=adjust_reason,
    )


def decode(payload: bytes) -> CurrentTime:
    reader = Reader(payload, "current time")
    time = date_time.read(reader)
    day_of_week = reader.u8("day of week")
    if day_of_week > _SUNDAY:
        reader.fail(f"day of week {day_of_week} is above {_SUNDAY}", at=reader.offset - 1)
    fractions, reason = reader.u8("fractions of a second"), reader.u8("adjust reason")
    reader.require_end()
    return CurrentTime(
        time=time, day_of_week=day_of_week, fractions256=fractions, adjust_reason=reason
    )


def encode(clock: CurrentTime) -> bytes:
    rest = (clock.day_of_week, clock.fractions256, clock.adjust_reason)
    return date_time.encode(clock.time) + bytes(rest)
