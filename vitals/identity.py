"""The identity of a reading: the one place where an id is made, used by gateway and ingest alike.

`id` = UUIDv5 of (device address, user slot, sequence number, device time, payload): nothing that a
second or re-installed gateway would not know, so a reading that is read twice is one reading (I2).
Where device time is missing or implausible two true readings could look alike; there `received_at`
enters the id as well, once, at spooling, and the reading says so (`minted`): losing one is worse
than showing one twice.
"""

from __future__ import annotations

import uuid
from datetime import datetime
from hashlib import sha1

from vitals.reading import Reading

#: UUIDv5 namespace of Hearthline readings. Never changes: every stored id hangs on it.
NAMESPACE = uuid.UUID("9b1d0f2e-6a53-5c2b-8f0e-3d1c7a9e4b10")
_NAMESPACE = NAMESPACE.bytes

#: A device clock before this year was never set (common power-on values: 1970, 2000, 2010, 2015).
FIRST_PLAUSIBLE_YEAR = 2016


def is_plausible_device_time(device_time: datetime | None, received_at: datetime) -> bool:
    """Can this device time tell two readings apart? Both a year after receipt and 2000 cannot."""
    if device_time is None or device_time.year < FIRST_PLAUSIBLE_YEAR:
        return False
    return device_time.year <= received_at.year + 1


def reading_id(
    *,
    device: str,
    user_slot: int | None,
    sequence: int | None,
    device_time: datetime | None,
    payload_hex: str,
    minted_at: datetime | None = None,
) -> str:
    """The id; `minted_at` is `received_at` where the id had to be minted, else None."""
    parts = [
        device.upper(),
        "" if user_slot is None else str(user_slot),
        "" if sequence is None else str(sequence),
        "" if device_time is None else device_time.isoformat(),
        payload_hex.lower(),
    ]
    if minted_at is not None:
        parts.append(str(round(minted_at.timestamp() * 1_000_000)))
    return _uuid5("|".join(parts))


def _uuid5(name: str) -> str:
    """`str(uuid.uuid5(NAMESPACE, name))`, quicker: ingest checks each id (RFC 9562)."""
    digest = bytearray(sha1(_NAMESPACE + name.encode(), usedforsecurity=False).digest()[:16])
    digest[6] = (digest[6] & 0x0F) | 0x50  # version 5
    digest[8] = (digest[8] & 0x3F) | 0x80  # variant
    text = digest.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def must_mint(*, sequence: int | None, device_time: datetime | None, received_at: datetime) -> bool:
    """A sequence number tells records of one meter apart even while its clock is unset."""
    return sequence is None and not is_plausible_device_time(device_time, received_at)


def expected_id(reading: Reading) -> str:
    """The id that the contents of `reading` give."""
    return reading_id(
        device=reading.device,
        user_slot=reading.user_slot,
        sequence=reading.sequence,
        device_time=reading.device_time,
        payload_hex=reading.raw[0].hex,
        minted_at=reading.received_at if reading.minted else None,
    )
