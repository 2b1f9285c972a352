"""A corrupt spool: set aside, never deleted, and what it still holds taken into a new one."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from gateway.spool_file import SpoolFile
from gateway.spool_health import SpoolState, state_of
from vitals import wire
from vitals.errors import ReadingRejected


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """The spool; where a corrupt one was set aside, and how many readings were taken out of it."""

    file: SpoolFile
    aside: Path | None = None
    recovered: int = 0


def open_file(path: Path, now: datetime, *, max_bytes: int | None = None) -> Opened:
    """The spool at `path`; a corrupt one gives way to a new one.

    Raises:
        sqlite3.Error, OSError: the file may be good, but the disk or its rights are not.
    """
    try:
        return Opened(file=SpoolFile(path, max_bytes=max_bytes))
    except sqlite3.Error as exc:
        if state_of(exc) is not SpoolState.CORRUPT:
            raise
    return replace(path, now, max_bytes=max_bytes)


def replace(path: Path, now: datetime, *, max_bytes: int | None = None) -> Opened:
    """Set the file at `path` aside and go on with a new one."""
    aside = _set_aside(path, now)
    file = SpoolFile(path, max_bytes=max_bytes)
    return Opened(file=file, aside=aside, recovered=salvage(aside, file, now))


def _set_aside(path: Path, now: datetime) -> Path:
    aside = path.with_name(f"{path.name}.corrupt-{now:%Y%m%dT%H%M%S%f}")
    while aside.exists():
        aside = aside.with_name(f"{aside.name}-")
    for suffix in ("", "-wal", "-shm"):
        part = path.with_name(path.name + suffix)
        if part.exists():
            part.rename(aside.with_name(aside.name + suffix))
    return aside


def kept_aside(path: Path) -> list[Path]:
    """The corrupt files that are kept beside the spool."""
    found = path.parent.glob(f"{path.name}.corrupt-*")
    return sorted(file for file in found if not file.name.endswith(("-wal", "-shm")))


def salvage(path: Path, into: SpoolFile, now: datetime) -> int:
    """Take out of a corrupt file what can still be read, into a new one; how many readings.

    From both ends towards the damage. Each must decode as a reading: a torn body stays behind.
    """
    taken = 0
    for direction in ("ASC", "DESC"):
        try:
            uri = f"{path.absolute().as_uri()}?mode=ro"
            with closing(sqlite3.connect(uri, uri=True)) as db:
                for (body,) in db.execute(f"SELECT body FROM reading ORDER BY rowid {direction}"):  # noqa: S608
                    taken += _take(body, into, now)
        except sqlite3.Error as exc:
            if state_of(exc) is SpoolState.FULL:  # of the new file: the old one keeps the rest
                break
    return taken


def _take(body: object, into: SpoolFile, now: datetime) -> bool:
    try:
        reading = wire.open_reading(body) if isinstance(body, bytes) else None
    except ReadingRejected:
        reading = None
    return reading is not None and into.add(reading, now, mark=False)
