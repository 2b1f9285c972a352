"""The spool's database file: every method is one transaction. Blocking, for one thread.

`add` returns only after fsync (WAL, synchronous=FULL). What a receipt removes need not be: if the
power goes, it is sent again and answered as a duplicate, so removals do not wait for the disk.
Rows leave in the order in which they came (`rowid`), whatever the box's clock said meanwhile.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from gateway import receipt_log, said
from gateway.receipt_log import KeptReceipt
from gateway.said import Said
from vitals import wire
from vitals.reading import Reading

PROBE_BYTES = 65_536  # room for a visit's readings
BUSY_S = 5.0  # another process (`doctor`) may look into the file
LOG_BYTES = 8_388_608  # what the log may keep of the disk between two checkpoints
LOG_PAGES = 2_000  # and when it is worked into the file
CACHE_KB = 8_192  # of memory: the ids of a large backlog, which receipts touch in no order
_PAGE = 4096  # bytes

_SCHEMA = """
CREATE TABLE IF NOT EXISTS reading (
    id TEXT PRIMARY KEY, body BLOB NOT NULL, added_at REAL NOT NULL,
    next_attempt_at REAL NOT NULL DEFAULT 0, attempts INTEGER NOT NULL DEFAULT 0);
DROP INDEX IF EXISTS reading_by_age;
CREATE TABLE IF NOT EXISTS quarantine (
    id TEXT PRIMARY KEY, body BLOB NOT NULL, reason TEXT NOT NULL, rejected_at REAL NOT NULL);
CREATE TABLE IF NOT EXISTS device (
    address TEXT PRIMARY KEY, last_seen REAL, bonded INTEGER NOT NULL DEFAULT 0,
    last_sequence INTEGER, last_id TEXT, battery_pct INTEGER, clock_offset_s REAL, model TEXT);
CREATE TABLE IF NOT EXISTS unfinished (address TEXT PRIMARY KEY);
CREATE TABLE IF NOT EXISTS amended (id TEXT PRIMARY KEY);
CREATE TABLE IF NOT EXISTS probe (bytes BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS wish (
    one INTEGER PRIMARY KEY CHECK (one = 1), payload BLOB NOT NULL, at REAL NOT NULL,
    ruled_at REAL);
CREATE TABLE IF NOT EXISTS forgotten (
    device TEXT NOT NULL, order_id TEXT NOT NULL, PRIMARY KEY (device, order_id));
CREATE TABLE IF NOT EXISTS home_word (
    address TEXT PRIMARY KEY, at REAL NOT NULL, wanted INTEGER NOT NULL);
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spooled:
    """A reading on disk, encoded as it will travel."""

    id: str
    body: bytes
    added_at: float  # seconds since 1970, by the box's clock of then
    row: int  # grows in the order in which they came


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceRecord:
    """What the gateway remembers of a device. `last_sequence` is its high-water mark."""

    address: str
    last_seen: datetime | None = None
    bonded: bool = False
    last_sequence: int | None = None
    last_id: str | None = None
    battery_pct: int | None = None
    clock_offset_s: float | None = None
    model: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptDesired:
    """The desired state that was applied last; `ruled_at`: since when it accepts these devices."""

    payload: bytes
    at: datetime
    ruled_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HomeWord:
    """What somebody at home did with a device: paired it, or had it forgotten."""

    at: datetime
    wanted: bool


class SpoolFile:
    """One open database; `max_bytes` is what it may take of the disk."""

    def __init__(self, path: Path, *, max_bytes: int | None = None) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(
            path, isolation_level=None, check_same_thread=False, timeout=BUSY_S
        )
        try:
            self._prepare(max_bytes)
        except BaseException:
            self._db.close()
            raise

    def _prepare(self, max_bytes: int | None) -> None:
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=FULL")
        (verdict,) = self._db.execute("PRAGMA quick_check(1)").fetchone()
        if verdict != "ok":
            raise sqlite3.DatabaseError(verdict)
        self._db.execute(f"PRAGMA cache_size=-{CACHE_KB}")
        self._db.execute(f"PRAGMA wal_autocheckpoint={LOG_PAGES}")
        self._db.execute(f"PRAGMA journal_size_limit={LOG_BYTES}")
        self._db.executescript(_SCHEMA + said.SCHEMA + receipt_log.SCHEMA)
        if max_bytes is not None:
            self._db.execute(f"PRAGMA max_page_count={max(1, max_bytes // _PAGE)}")

    def close(self) -> None:
        self._db.close()

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield self._db
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:  # a full disk may have ended it already
                self._db.execute("ROLLBACK")
            raise

    @contextmanager
    def _unsynced(self) -> Iterator[sqlite3.Connection]:
        """A transaction that a loss of power may take back whole; the file stays sound."""
        self._db.execute("PRAGMA synchronous=NORMAL")
        try:
            with self._transaction() as db:
                yield db
        finally:
            self._db.execute("PRAGMA synchronous=FULL")

    def probe(self) -> None:
        """Writes to the disk and takes it back: raises what keeping readings would raise."""
        with self._transaction() as db:
            db.execute("INSERT INTO probe VALUES (zeroblob(?))", (PROBE_BYTES,))
        with self._unsynced() as db:
            db.execute("DELETE FROM probe")

    def tidy(self) -> None:
        """Give back what the log took of a disk that is nearly full."""
        self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def add(self, reading: Reading, now: datetime, *, mark: bool = True) -> bool:
        """True if it is new here. Durable on return; moves the high-water mark, unless told not."""
        body = wire.encode_reading(reading)
        with self._transaction() as db:
            cursor = db.execute(
                "INSERT INTO reading (id, body, added_at) SELECT ?1, ?2, ?3"
                " WHERE NOT EXISTS (SELECT 1 FROM quarantine WHERE id = ?1)"
                " ON CONFLICT (id) DO NOTHING",
                (reading.id, body, now.timestamp()),
            )
            added = cursor.rowcount == 1
            if added and reading.sequence is None:
                said.note(db, reading)
            if mark and reading.sequence is not None:
                db.execute(
                    "INSERT INTO device (address, last_sequence, last_id) VALUES (?, ?, ?)"
                    " ON CONFLICT (address) DO UPDATE SET"
                    " last_sequence = excluded.last_sequence, last_id = excluded.last_id",
                    (reading.device, reading.sequence, reading.id),
                )
        return added

    def said(self, reading: Reading) -> Said | None:
        """These bytes of this device, as an earlier reading without a number."""
        return said.look_up(self._db, reading)

    def forget_said(self, now: datetime) -> None:
        with self._unsynced() as db:
            said.prune(db, now)

    def amend(self, reading: Reading, now: datetime) -> bool:
        """The same reading with more than was spooled before, or sent; False: nothing is new."""
        body = wire.encode_reading(reading)
        with self._transaction() as db:
            known = db.execute(
                "SELECT body FROM reading WHERE id = ?1"
                " UNION ALL SELECT NULL FROM quarantine WHERE id = ?1",
                (reading.id,),
            ).fetchone()
            if known and (known[0] is None or not _says_more(reading, known[0])):
                return False
            db.execute(
                "INSERT INTO reading (id, body, added_at) VALUES (?, ?, ?)"
                " ON CONFLICT (id) DO UPDATE SET body = excluded.body",
                (reading.id, body, now.timestamp()),
            )
            db.execute("INSERT OR IGNORE INTO amended VALUES (?)", (reading.id,))
        return True

    def oldest(
        self, limit: int, *, after: int = 0, wanted: Callable[[str], bool] = lambda _: True
    ) -> list[Spooled]:
        """Of the readings that are `wanted`, those that came first; only rows beyond `after`."""
        found: list[Spooled] = []
        rows = self._db.execute(
            "SELECT rowid, id, body, added_at FROM reading WHERE rowid > ? ORDER BY rowid", (after,)
        )
        for row, reading_id, body, added_at in rows:
            if wanted(reading_id):
                found.append(Spooled(id=reading_id, body=body, added_at=added_at, row=row))
                if len(found) == limit:
                    break
        rows.close()
        return found

    def get(self, ids: Sequence[str]) -> list[Spooled]:
        found = []
        for wanted in ids:
            row = self._db.execute(
                "SELECT id, body, added_at, rowid FROM reading WHERE id = ?", (wanted,)
            ).fetchone()
            if row is not None:
                found.append(Spooled(id=row[0], body=row[1], added_at=row[2], row=row[3]))
        return found

    def remove(self, ids: Sequence[str], amended: Collection[str] = ()) -> int:
        """Receipted; how many were still here, and went."""
        plain = [(wanted,) for wanted in ids if wanted not in amended]
        whole = [(wanted,) for wanted in ids if wanted in amended]
        with self._unsynced() as db:
            db.executemany("DELETE FROM amended WHERE id = ?", whole)
            if self._holds_only(ids):
                return db.execute("DELETE FROM reading").rowcount  # pages at once, not rows
            return db.executemany(
                "DELETE FROM reading WHERE id = ?1"
                " AND NOT EXISTS (SELECT 1 FROM amended WHERE id = ?1)",
                [*whole, *plain],
            ).rowcount

    def _holds_only(self, ids: Sequence[str]) -> bool:
        """Whether nothing else waits, nor one of them for the receipt of its amendment."""
        (depth,) = self._db.execute("SELECT count(*) FROM reading").fetchone()
        if len(ids) < depth or self._db.execute("SELECT 1 FROM amended").fetchone():
            return False
        gone = set(ids)
        return all(kept in gone for (kept,) in self._db.execute("SELECT id FROM reading"))

    def reject(self, rejections: Iterable[tuple[str, str]], now: datetime) -> int:
        """Move (id, reason) into the local quarantine; how many were still here."""
        moved = 0
        with self._transaction() as db:
            for wanted, reason in rejections:
                db.execute(
                    "INSERT INTO quarantine SELECT id, body, ?, ? FROM reading WHERE id = ?"
                    " ON CONFLICT (id) DO NOTHING",
                    (reason, now.timestamp(), wanted),
                )
                moved += db.execute("DELETE FROM reading WHERE id = ?", (wanted,)).rowcount
                db.execute("DELETE FROM amended WHERE id = ?", (wanted,))
        return moved

    def note_receipts(self, receipts: Iterable[tuple[wire.Receipt, datetime]]) -> None:
        with self._unsynced() as db:
            for receipt, at in receipts:
                receipt_log.note(db, receipt, at)

    def receipts(self, limit: int) -> list[KeptReceipt]:
        """The newest first."""
        return receipt_log.newest(self._db, limit)

    def depth(self) -> int:
        return int(self._db.execute("SELECT count(*) FROM reading").fetchone()[0])

    def oldest_at(self) -> datetime | None:
        """When the reading that waits longest was added."""
        row = self._db.execute("SELECT added_at FROM reading ORDER BY rowid LIMIT 1").fetchone()
        return None if row is None else datetime.fromtimestamp(row[0], UTC)

    def rejected(self) -> list[tuple[str, str]]:
        return list(self._db.execute("SELECT id, reason FROM quarantine ORDER BY rejected_at, id"))

    def rejected_count(self) -> int:
        return int(self._db.execute("SELECT count(*) FROM quarantine").fetchone()[0])

    def device(self, address: str) -> DeviceRecord:
        rows = self._devices("WHERE address = ?", (address,))
        return rows[0] if rows else DeviceRecord(address=address)

    def devices(self) -> list[DeviceRecord]:
        return self._devices("ORDER BY address", ())

    def _devices(self, clause: str, parameters: tuple[str, ...]) -> list[DeviceRecord]:
        rows = self._db.execute(
            "SELECT address, last_seen, bonded, last_sequence, last_id, battery_pct,"  # noqa: S608
            f" clock_offset_s, model FROM device {clause}",
            parameters,
        )
        return [
            DeviceRecord(
                address=row[0],
                last_seen=None if row[1] is None else datetime.fromtimestamp(row[1], UTC),
                bonded=bool(row[2]),
                last_sequence=row[3],
                last_id=row[4],
                battery_pct=row[5],
                clock_offset_s=row[6],
                model=row[7],
            )
            for row in rows
        ]

    def seen(self, device: DeviceRecord) -> None:
        """Remember contact; what is None keeps its last known value. Never moves the mark."""
        at = None if device.last_seen is None else device.last_seen.timestamp()
        with self._transaction() as db:
            db.execute(
                "INSERT INTO device"
                " (address, last_seen, bonded, battery_pct, clock_offset_s, model)"
                " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (address) DO UPDATE SET"
                " last_seen = coalesce(excluded.last_seen, last_seen),"
                " bonded = max(excluded.bonded, bonded),"
                " battery_pct = coalesce(excluded.battery_pct, battery_pct),"
                " clock_offset_s = coalesce(excluded.clock_offset_s, clock_offset_s),"
                " model = coalesce(excluded.model, model)",
                (
                    device.address,
                    at,
                    int(device.bonded),
                    device.battery_pct,
                    device.clock_offset_s,
                    device.model,
                ),
            )

    def begun(self, address: str) -> None:
        """Its memory is about to be read; until `ended`, it may hold what we have not."""
        with self._transaction() as db:
            db.execute("INSERT OR IGNORE INTO unfinished VALUES (?)", (address,))

    def ended(self, address: str) -> None:
        with self._transaction() as db:
            db.execute("DELETE FROM unfinished WHERE address = ?", (address,))

    def unfinished(self) -> set[str]:
        """Devices whose reading broke off, in an earlier life of the gateway too."""
        return {row[0] for row in self._db.execute("SELECT address FROM unfinished")}

    def forget(self, address: str, order: str | None = None) -> None:
        """Drop what is remembered of a device; its readings stay until receipted."""
        with self._transaction() as db:
            db.execute("DELETE FROM device WHERE address = ?", (address,))
            db.execute("DELETE FROM unfinished WHERE address = ?", (address,))
            db.execute("DELETE FROM home_word WHERE address = ?", (address,))
            if order is not None:
                db.execute("INSERT OR IGNORE INTO forgotten VALUES (?, ?)", (address, order))

    def was_forgotten(self, address: str, order: str) -> bool:
        return (
            self._db.execute(
                "SELECT 1 FROM forgotten WHERE device = ? AND order_id = ?", (address, order)
            ).fetchone()
            is not None
        )

    def note_home_word(self, address: str, word: HomeWord) -> None:
        with self._transaction() as db:
            db.execute(
                "INSERT OR REPLACE INTO home_word VALUES (?, ?, ?)",
                (address, word.at.timestamp(), word.wanted),
            )

    def home_words(self) -> dict[str, HomeWord]:
        rows = self._db.execute("SELECT address, at, wanted FROM home_word")
        return {
            address: HomeWord(at=datetime.fromtimestamp(at, UTC), wanted=bool(wanted))
            for address, at, wanted in rows
        }

    def keep_desired(self, kept: KeptDesired) -> None:
        ruled_at = None if kept.ruled_at is None else kept.ruled_at.timestamp()
        with self._transaction() as db:
            db.execute(
                "INSERT INTO wish VALUES (1, ?, ?, ?) ON CONFLICT (one) DO UPDATE SET"
                " payload = excluded.payload, at = excluded.at, ruled_at = excluded.ruled_at",
                (kept.payload, kept.at.timestamp(), ruled_at),
            )

    def kept_desired(self) -> KeptDesired | None:
        row = self._db.execute("SELECT payload, at, ruled_at FROM wish").fetchone()
        return row and KeptDesired(
            payload=row[0],
            at=datetime.fromtimestamp(row[1], UTC),
            ruled_at=None if row[2] is None else datetime.fromtimestamp(row[2], UTC),
        )


def _says_more(reading: Reading, body: bytes) -> bool:
    return len(reading.raw) > len(wire.open_reading(body).raw)
