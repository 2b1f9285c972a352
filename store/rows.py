"""The rows that ingest hands to the store, and what it gets back."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime

import msgspec

from vitals.errors import QuarantineReason
from vitals.reading import Reading

NO_SLOT = -1  # `user_slot` of a device without user slots


class ReadingRow(msgspec.Struct, frozen=True, kw_only=True):
    """A reading that may be stored, and where it came from."""

    clinic: str
    gateway: str
    envelope_id: str
    reading: Reading

    @property
    def key(self) -> tuple[str, str]:
        return self.clinic, self.reading.id


@dataclass(frozen=True, slots=True, kw_only=True)
class QuarantineRow:
    """Bytes that were set aside, with everything that a replay or a person needs."""

    topic: str
    scope: str  # "envelope" or "reading": what `payload` is
    payload: bytes
    reason: QuarantineReason
    detail: str
    clinic: str | None = None
    gateway: str | None = None
    reading_id: str | None = None
    device: str | None = None
    user_slot: int | None = None
    measured_at: datetime | None = None

    @property
    def content_hash(self) -> bytes:
        """The topic is part of it: one clinic's bytes never stand for another's."""
        return hashlib.sha256(self.topic.encode() + b"\0" + self.payload).digest()


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchOutcome:
    """Keys are (clinic, reading id)."""

    stored: frozenset[tuple[str, str]]
    duplicate: frozenset[tuple[str, str]]
    amended: int
    held: int
    unassigned: int


def measured_columns(reading: Reading) -> tuple[dict[str, float | None], str | None, bool]:
    """Column values, the comparator, and whether the measurement failed."""
    numbers: dict[str, float | None] = {}
    comparator, failed = None, True
    for value in reading.values:
        numbers[value.measure.value] = value.value
        if value.comparator is not None:
            comparator = comparator or value.comparator.value
        failed = failed and value.value is None and value.comparator is None
    return numbers, comparator, failed
