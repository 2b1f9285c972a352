"""Beurer's own frame on 0x2A35 (BM 85): a blood pressure that the standard codec refuses.

Pressures and time are little-endian as the specification says, pulse and status big-endian; a byte
with the user stands before the status though the flag for it is not set; the mean is always 0.
Source: github.com/derdilla/blood-pressure-monitor-fl, pull requests 735 and 737 (captures).
Known by its exact flags and length, so that no other device's frame is read by it.
"""

from __future__ import annotations

from dataclasses import dataclass

from devices import date_time
from devices.blood_pressure import BloodPressure
from devices.ieee11073 import decode_sfloat, pack_sfloat, read_sfloat
from devices.reader import Reader

NAME = "beurer-swapped"
FLAGS = 0x56  # time, pulse, status, and a reserved bit


@dataclass(frozen=True, slots=True, kw_only=True)
class BeurerPressure:
    """What the frame says, in the terms of the standard one; its mean is 0: not worked out."""

    reading: BloodPressure


def decode(payload: bytes) -> BeurerPressure:
    reader = Reader(payload, "Beurer blood pressure")
    flags = reader.u8("flags")
    if flags != FLAGS:
        reader.fail(f"flags 0x{flags:02x} are not 0x{FLAGS:02x}", at=0)
    reading = BloodPressure(
        unit="mmHg",
        systolic=read_sfloat(reader, "systolic pressure"),
        diastolic=read_sfloat(reader, "diastolic pressure"),
        mean_arterial=read_sfloat(reader, "mean arterial pressure"),
        time=date_time.read(reader),
        pulse=decode_sfloat(reader.take(2, "pulse rate")[::-1]),
        user_id=reader.u8("user id"),
        status=int.from_bytes(reader.take(2, "measurement status"), "big"),
    )
    reader.require_end()
    return BeurerPressure(reading=reading)


def encode(pressure: BeurerPressure) -> bytes:
    """Only what the frame can say: mmHg, with pulse, user and status."""
    reading = pressure.reading
    if reading.pulse is None or reading.user_id is None or reading.status is None:
        raise ValueError("this frame always has pulse, user and status")
    pressures = (reading.systolic, reading.diastolic, reading.mean_arterial)
    return (
        bytes([FLAGS])
        + b"".join(map(pack_sfloat, pressures))
        + date_time.encode(reading.time)
        + pack_sfloat(reading.pulse)[::-1]
        + bytes([reading.user_id])
        + reading.status.to_bytes(2, "big")
    )
