"""Date Time (0x2A08): a device's own wall clock, without a zone.

GATT Specification Supplement, under this name. Year, month and day may each be 0, "not known":
then the whole time is None, for half a date places no reading. A date that no calendar has is
a DecodeError.
"""

from __future__ import annotations

from datetime import datetime

from devices.reader import Reader
from devices.uuids import short

CHARACTERISTIC = short(0x2A08)

SIZE = 7  # bytes
FIRST_YEAR = 1582  # the Gregorian calendar's
LAST_YEAR = 9999
_UNKNOWN = bytes(SIZE)
_FIELDS = (
    ("month", 2, 12),
    ("day", 3, 31),
    ("hours", 4, 23),
    ("minutes", 5, 59),
    ("seconds", 6, 59),
)


def decode(payload: bytes) -> datetime | None:
    reader = Reader(payload, "date time")
    time = read(reader)
    reader.require_end()
    return time


def encode(time: datetime | None) -> bytes:
    if time is None:
        return _UNKNOWN
    if time.tzinfo is not None:
        raise ValueError("a device's clock has no zone: give it naive time")
    if time.year < FIRST_YEAR:
        raise ValueError(f"year {time.year} is before {FIRST_YEAR}")
    rest = (time.month, time.day, time.hour, time.minute, time.second)
    return time.year.to_bytes(2, "little") + bytes(rest)


def read(reader: Reader) -> datetime | None:
    """The next seven bytes of a characteristic as a time."""
    start = reader.offset
    if reader.remaining < SIZE:
        reader.take(SIZE, "date time")
    year = reader.u16("year")
    month, day, hours, minutes, seconds = reader.take(SIZE - 2, "date time")
    if year and not FIRST_YEAR <= year <= LAST_YEAR:
        reader.fail(f"year {year} is not {FIRST_YEAR} to {LAST_YEAR}", at=start)
    for (name, offset, most), value in zip(
        _FIELDS, (month, day, hours, minutes, seconds), strict=True
    ):
        if value > most:
            reader.fail(f"{name} {value} is above {most}", at=start + offset)
    if 0 in (year, month, day):
        return None
    try:
        return datetime(year, month, day, hours, minutes, seconds)  # noqa: DTZ001 - no zone on the air
    except ValueError:
        reader.fail(f"{year:04}-{month:02} has no day {day}", at=start + 3)
