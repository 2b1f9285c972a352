"""What a device said without a number to it, known again by its bytes.

A device sends the same bytes again when our confirmation was lost, when its whole memory is listed,
or for as long as it advertises them. With an unset clock the id of such a reading was minted, so it
is no help; and a receipt takes an id out of the spool. These digests stay, without any value.
"""

from __future__ import annotations

import hashlib
import sqlite3
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from vitals.reading import Reading

KEPT_FOR = timedelta(days=730)

SCHEMA = """
CREATE TABLE IF NOT EXISTS said (
    device TEXT NOT NULL, digest TEXT NOT NULL, times INTEGER NOT NULL, last_at REAL NOT NULL,
    PRIMARY KEY (device, digest)) WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """How often these bytes became a reading, and when the last of them was received."""

    times: int
    last_at: datetime


def note(db: sqlite3.Connection, reading: Reading) -> None:
    """In the transaction that adds the reading."""
    db.execute(
        "INSERT INTO said VALUES (?, ?, 1, ?) ON CONFLICT (device, digest)"
        " DO UPDATE SET times = times + 1, last_at = excluded.last_at",
        (reading.device, _digest(reading), reading.received_at.timestamp()),
    )


def look_up(db: sqlite3.Connection, reading: Reading) -> Said | None:
    row = db.execute(
        "SELECT times, last_at FROM said WHERE device = ? AND digest = ?",
        (reading.device, _digest(reading)),
    ).fetchone()
    return row and Said(times=row[0], last_at=datetime.fromtimestamp(row[1], UTC))


def prune(db: sqlite3.Connection, now: datetime) -> None:
    db.execute("DELETE FROM said WHERE last_at < ?", ((now - KEPT_FOR).timestamp(),))


def _digest(reading: Reading) -> str:
    first = reading.raw[0]
    return hashlib.sha256(f"{first.characteristic}|{first.hex}".encode()).hexdigest()[:32]
