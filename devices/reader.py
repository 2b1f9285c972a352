"""A cursor over the bytes of one characteristic; every number on the air is little-endian.

Rule: each read names its field, so that a failure says which byte and why.
"""

from __future__ import annotations

from typing import NoReturn

from devices.errors import DecodeError


class Reader:
    """Reads fields in order from bytes that never change; only the offset moves."""

    __slots__ = ("_offset", "_payload", "_subject")

    def __init__(self, payload: bytes, subject: str) -> None:
        self._payload = payload
        self._subject = subject
        self._offset = 0

    @property
    def offset(self) -> int:
        return self._offset

    @property
    def remaining(self) -> int:
        return len(self._payload) - self._offset

    def take(self, size: int, field: str) -> bytes:
        if self.remaining < size:
            noun = "byte" if size == 1 else "bytes"
            self.fail(f"{size} {noun} needed for {field}, {self.remaining} left")
        start, self._offset = self._offset, self._offset + size
        return self._payload[start : self._offset]

    def u8(self, field: str) -> int:
        return self._number(1, field)

    def u16(self, field: str) -> int:
        return self._number(2, field)

    def s8(self, field: str) -> int:
        return self._number(1, field, signed=True)

    def s16(self, field: str) -> int:
        return self._number(2, field, signed=True)

    def u24(self, field: str) -> int:
        return self._number(3, field)

    def u32(self, field: str) -> int:
        return self._number(4, field)

    def require_end(self) -> None:
        """Refuse bytes that no flag announced: the frame is not what its flags say."""
        if self.remaining:
            noun = "byte" if self.remaining == 1 else "bytes"
            self.fail(f"{self.remaining} {noun} left over after the last field")

    def fail(self, why: str, *, at: int | None = None) -> NoReturn:
        """Raise a DecodeError at this byte, or at an earlier one that turned out wrong."""
        where = self._offset if at is None else at
        raise DecodeError(f"{self._subject}: byte {where}: {why}")

    def _number(self, size: int, field: str, *, signed: bool = False) -> int:
        return int.from_bytes(self.take(size, field), "little", signed=signed)
