"""What the clinic receipted, for diagnosis: when, how, which ids; bounded by number and age."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

from vitals import wire

KEPT = 2_000  # rows, one or two a receipt, and no older than
KEPT_FOR = timedelta(days=90)
_ID_BYTES = 16

SCHEMA = """
CREATE TABLE IF NOT EXISTS receipt (at REAL NOT NULL, outcome TEXT NOT NULL, ids BLOB NOT NULL);
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptReceipt:
    """`outcome`: `stored`, `duplicate` or `rejected`; `ids` of the readings."""

    at: datetime
    outcome: str
    ids: tuple[str, ...]


def note(db: sqlite3.Connection, receipt: wire.Receipt, now: datetime) -> None:
    """In the caller's transaction."""
    told = {
        "stored": receipt.stored,
        "duplicate": receipt.duplicate,
        "rejected": [rejection.id for rejection in receipt.rejected],
    }
    for outcome, ids in told.items():
        if packed := b"".join(_packed(ids)):
            db.execute("INSERT INTO receipt VALUES (?, ?, ?)", (now.timestamp(), outcome, packed))
    db.execute(
        "DELETE FROM receipt WHERE at < ? OR rowid <= (SELECT max(rowid) FROM receipt) - ?",
        ((now - KEPT_FOR).timestamp(), KEPT),
    )


def newest(db: sqlite3.Connection, limit: int) -> list[KeptReceipt]:
    """The newest first."""
    rows = db.execute("SELECT at, outcome, ids FROM receipt ORDER BY rowid DESC LIMIT ?", (limit,))
    return [
        KeptReceipt(at=datetime.fromtimestamp(at, UTC), outcome=outcome, ids=_unpacked(ids))
        for at, outcome, ids in rows
    ]


def read_file(path: Path, limit: int) -> list[KeptReceipt]:
    """Of a spool that a running gateway may have open; none where there is no spool."""
    if not path.exists():
        return []
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as db:
        return newest(db, limit)


def _packed(ids: Iterable[str]) -> Iterator[bytes]:
    for text in ids:
        try:
            yield UUID(text).bytes
        except ValueError:  # a stranger's; nothing of ours has such an id
            continue


def _unpacked(ids: bytes) -> tuple[str, ...]:
    return tuple(str(UUID(bytes=ids[at : at + _ID_BYTES])) for at in range(0, len(ids), _ID_BYTES))
