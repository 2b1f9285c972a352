"""The truth: one line of JSON per measurement, on disk before the device can send it."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One measurement: what is true, and what the device will say about it."""

    address: str
    kind: str
    measured_at: datetime  # the true instant, aware
    device_time: datetime  # as the device showed it, naive
    user_slot: int | None
    sequence: int | None
    values: dict[str, float]
    raw: str  # the characteristic value in hex
    context: str | None = None  # what comes beside it: 0x2A34 or 0x2A9C in hex


class Journal:
    """Append-only; `write` returns when the entries are on disk."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("ab")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()

    def write(self, *entries: Entry) -> None:
        self._file.writelines(msgspec.json.encode(entry) + b"\n" for entry in entries)
        self._file.flush()
        os.fsync(self._file.fileno())


def read(path: Path) -> list[Entry]:
    decoder = msgspec.json.Decoder(Entry)
    return [decoder.decode(line) for line in path.read_bytes().splitlines()]
