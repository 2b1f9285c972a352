"""Heart Rate Measurement (0x2A37): the bytes a strap sends, once a second or so.

GATT Specification Supplement, under this name; Heart Rate Service 1.0, section 3.1. It has no time:
a heart rate is of the moment when it is received. Intervals between beats are 1/1024 s.
"""

from __future__ import annotations

from dataclasses import dataclass

from devices.reader import Reader
from devices.uuids import short

CHARACTERISTIC = short(0x2A37)

WIDE_RATE = 1 << 0
CONTACT_DETECTED = 1 << 1
CONTACT_SUPPORTED = 1 << 2
HAS_ENERGY = 1 << 3
HAS_INTERVALS = 1 << 4

INTERVALS_PER_S = 1024
_NARROW = 0xFF


@dataclass(frozen=True, slots=True, kw_only=True)
class HeartRate:
    """One measurement; `contact` is None where the strap cannot tell."""

    beats_per_minute: int
    contact: bool | None = None
    energy_kj: int | None = None
    intervals: tuple[int, ...] = ()  # between beats, the oldest first, in 1/1024 s

    @property
    def valid(self) -> bool:
        """A strap off the body counts 0, or says that it has no contact."""
        return self.beats_per_minute > 0 and self.contact is not False

    @property
    def intervals_s(self) -> tuple[float, ...]:
        return tuple(round(interval / INTERVALS_PER_S, 4) for interval in self.intervals)


def decode(payload: bytes) -> HeartRate:
    reader = Reader(payload, "heart rate")
    flags = reader.u8("flags")
    rate = reader.u16("rate") if flags & WIDE_RATE else reader.u8("rate")
    energy = reader.u16("energy expended") if flags & HAS_ENERGY else None
    intervals = []
    while flags & HAS_INTERVALS and reader.remaining:
        intervals.append(reader.u16("interval between beats"))
    reader.require_end()
    return HeartRate(
        beats_per_minute=rate,
        contact=bool(flags & CONTACT_DETECTED) if flags & CONTACT_SUPPORTED else None,
        energy_kj=energy,
        intervals=tuple(intervals),
    )


def encode(reading: HeartRate) -> bytes:
    flags = WIDE_RATE if reading.beats_per_minute > _NARROW else 0
    body = reading.beats_per_minute.to_bytes(2 if flags else 1, "little")
    if reading.contact is not None:
        flags |= CONTACT_SUPPORTED | (CONTACT_DETECTED if reading.contact else 0)
    if reading.energy_kj is not None:
        flags, body = flags | HAS_ENERGY, body + reading.energy_kj.to_bytes(2, "little")
    if reading.intervals:
        flags |= HAS_INTERVALS
        body += b"".join(interval.to_bytes(2, "little") for interval in reading.intervals)
    return bytes([flags]) + body
