"""User Index (0x2A9A): the slot that this link has consented to.

GATT Specification Supplement, under this name; User Data Service 1.1, section 3.3.
"""

from __future__ import annotations

from dataclasses import dataclass

from devices.reader import Reader
from devices.uuids import short

CHARACTERISTIC = short(0x2A9A)

UNKNOWN = 0xFF


@dataclass(frozen=True, slots=True, kw_only=True)
class UserIndex:
    """A slot, or 0xFF: nobody has been consented to."""

    index: int

    @property
    def unknown(self) -> bool:
        return self.index == UNKNOWN


def decode(payload: bytes) -> UserIndex:
    reader = Reader(payload, "user index")
    user = UserIndex(index=reader.u8("index"))
    reader.require_end()
    return user


def encode(user: UserIndex) -> bytes:
    return bytes([user.index])
