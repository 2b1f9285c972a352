"""The spool: readings on disk until ingest has promised that they are durable (I1).

`add` returns only after fsync (WAL, synchronous=FULL). A reading leaves in two ways: `remove`, on a
receipt, or `reject`, into the local quarantine; nothing here expires. One that was amended leaves
only on a receipt that says so: an older receipt speaks of it as it was. All SQLite work runs on
one thread, so transactions never interleave. A corrupt file is set aside, never deleted.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from gateway import said
from gateway.said import Said
from vitals import wire
from vitals.reading import Reading

T = TypeVar("T")

#: A retry this far ahead can only come from a clock that jumped back: treat it as due.
FARTHEST_RETRY_S = 600.0

_SCHEMA = """
CREATE TABLE IF NOT EXISTS reading (
    id TEXT PRIMARY KEY, body BLOB NOT NULL, added_at REAL NOT NULL,
    next_attempt_at REAL NOT NULL DEFAULT 0, attempts INTEGER NOT NULL DEFAULT 0);
CREATE INDEX IF NOT EXISTS reading_by_age ON reading (added_at);
CREATE TABLE IF NOT EXISTS quarantine (
    id TEXT PRIMARY KEY, body BLOB NOT NULL, reason TEXT NOT NULL, rejected_at REAL NOT NULL);
CREATE TABLE IF NOT EXISTS device (
    address TEXT PRIMARY KEY, last_seen REAL, bonded INTEGER NOT NULL DEFAULT 0,
    last_sequence INTEGER, last_id TEXT, battery_pct INTEGER, clock_offset_s REAL, model TEXT);
CREATE TABLE IF NOT EXISTS unfinished (address TEXT PRIMARY KEY);
CREATE TABLE IF NOT EXISTS amended (id TEXT PRIMARY KEY);
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spooled:
    """A reading on disk, encoded as it will travel."""

    id: str
    body: bytes
    attempts: int


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


class SpoolFile:
    """The database file; every method is one transaction. Blocking."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        try:
            self._prepare()
        except BaseException:
            self._db.close()
            raise

    def _prepare(self) -> None:
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=FULL")
        (verdict,) = self._db.execute("PRAGMA quick_check(1)").fetchone()
        if verdict != "ok":
            raise sqlite3.DatabaseError(verdict)
        self._db.executescript(_SCHEMA + said.SCHEMA)
        self._db.execute("UPDATE reading SET next_attempt_at = 0")

    def close(self) -> None:
        self._db.close()

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield self._db
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

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
                said.note(db, reading, now)
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
        said.prune(self._db, now)

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
                "INSERT INTO reading (id, body, added_at) VALUES (?, ?, ?) ON CONFLICT (id)"
                " DO UPDATE SET body = excluded.body, attempts = 0, next_attempt_at = 0",
                (reading.id, body, now.timestamp()),
            )
            db.execute("INSERT OR IGNORE INTO amended VALUES (?)", (reading.id,))
        return True

    def due(self, now: datetime, limit: int) -> list[Spooled]:
        rows = self._db.execute(
            "SELECT id, body, attempts FROM reading"
            " WHERE next_attempt_at <= ?1 OR next_attempt_at > ?1 + ?2"
            " ORDER BY added_at, rowid LIMIT ?3",
            (now.timestamp(), FARTHEST_RETRY_S, limit),
        )
        return [Spooled(id=i, body=b, attempts=a) for i, b, a in rows]

    def get(self, ids: Sequence[str]) -> list[Spooled]:
        found = []
        for wanted in ids:
            row = self._db.execute(
                "SELECT id, body, attempts FROM reading WHERE id = ?", (wanted,)
            ).fetchone()
            if row is not None:
                found.append(Spooled(id=row[0], body=row[1], attempts=row[2]))
        return found

    def sent(self, attempts: Iterable[tuple[str, datetime]]) -> None:
        """Each reading went out once more; resend it at the given instant unless receipted."""
        with self._transaction() as db:
            db.executemany(
                "UPDATE reading SET attempts = attempts + 1, next_attempt_at = ? WHERE id = ?",
                [(at.timestamp(), i) for i, at in attempts],
            )

    def remove(self, ids: Iterable[str], amended: Collection[str] = ()) -> list[datetime]:
        """Receipted. Returns when those that were still here had been added."""
        added = []
        with self._transaction() as db:
            for wanted in ids:
                row = db.execute(
                    "DELETE FROM reading WHERE id = ?1"
                    " AND (?2 OR NOT EXISTS (SELECT 1 FROM amended WHERE id = ?1))"
                    " RETURNING added_at",
                    (wanted, wanted in amended),
                ).fetchone()
                if row is not None:
                    added.append(datetime.fromtimestamp(row[0], UTC))
                    db.execute("DELETE FROM amended WHERE id = ?", (wanted,))
        return added

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

    def depth(self) -> int:
        return int(self._db.execute("SELECT count(*) FROM reading").fetchone()[0])

    def rejected(self) -> list[tuple[str, str]]:
        return list(self._db.execute("SELECT id, reason FROM quarantine ORDER BY rejected_at, id"))

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

    def forget(self, address: str) -> None:
        """Drop what is remembered of a device; its readings stay until receipted."""
        with self._transaction() as db:
            db.execute("DELETE FROM device WHERE address = ?", (address,))
            db.execute("DELETE FROM unfinished WHERE address = ?", (address,))


def _says_more(reading: Reading, body: bytes) -> bool:
    return len(reading.raw) > len(wire.open_reading(body).raw)


def open_file(path: Path, now: datetime) -> tuple[SpoolFile, Path | None]:
    """The spool at `path`, and where a corrupt one was set aside, if there was one."""
    try:
        return SpoolFile(path), None
    except sqlite3.OperationalError:
        raise  # locked, no space, no permission: the file itself may be good
    except sqlite3.DatabaseError:
        aside = path.with_name(f"{path.name}.corrupt-{now:%Y%m%dT%H%M%S%f}")
        for suffix in ("", "-wal", "-shm"):
            part = path.with_name(path.name + suffix)
            if part.exists():
                part.rename(aside.with_name(aside.name + suffix))
        return SpoolFile(path), aside


class Spool:
    """The spool for asyncio. `changed` is set whenever there may be something to publish."""

    def __init__(self, file: SpoolFile, executor: ThreadPoolExecutor, aside: Path | None) -> None:
        self._file = file
        self._executor = executor
        self.set_aside = aside
        self.changed = asyncio.Event()

    async def _run(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._executor, work)

    async def add(self, reading: Reading, now: datetime, *, mark: bool = True) -> bool:
        # Shielded: a cancelled session must not leave us unsure of whether the commit ran.
        added = await asyncio.shield(self._run(lambda: self._file.add(reading, now, mark=mark)))
        self.changed.set()
        return added

    async def said(self, reading: Reading) -> Said | None:
        return await self._run(lambda: self._file.said(reading))

    async def amend(self, reading: Reading, now: datetime) -> bool:
        amended = await asyncio.shield(self._run(lambda: self._file.amend(reading, now)))
        self.changed.set()
        return amended

    async def due(self, now: datetime, limit: int) -> list[Spooled]:
        return await self._run(lambda: self._file.due(now, limit))

    async def get(self, ids: Sequence[str]) -> list[Spooled]:
        return await self._run(lambda: self._file.get(ids))

    async def sent(self, attempts: Sequence[tuple[str, datetime]]) -> None:
        await self._run(lambda: self._file.sent(attempts))

    async def remove(self, ids: Sequence[str], amended: Collection[str] = ()) -> list[datetime]:
        return await self._run(lambda: self._file.remove(ids, amended))

    async def reject(self, rejections: Sequence[tuple[str, str]], now: datetime) -> int:
        return await self._run(lambda: self._file.reject(rejections, now))

    async def depth(self) -> int:
        return await self._run(self._file.depth)

    async def rejected(self) -> list[tuple[str, str]]:
        return await self._run(self._file.rejected)

    async def device(self, address: str) -> DeviceRecord:
        return await self._run(lambda: self._file.device(address))

    async def devices(self) -> list[DeviceRecord]:
        return await self._run(self._file.devices)

    async def seen(self, device: DeviceRecord) -> None:
        await self._run(lambda: self._file.seen(device))

    async def begun(self, address: str) -> None:
        await self._run(lambda: self._file.begun(address))

    async def ended(self, address: str) -> None:
        await self._run(lambda: self._file.ended(address))

    async def unfinished(self) -> set[str]:
        return await self._run(self._file.unfinished)

    async def forget(self, address: str) -> None:
        await self._run(lambda: self._file.forget(address))


@asynccontextmanager
async def open_spool(path: Path, now: datetime) -> AsyncIterator[Spool]:
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="spool") as executor:
        loop = asyncio.get_running_loop()
        file, aside = await loop.run_in_executor(executor, open_file, path, now)
        try:
            await loop.run_in_executor(executor, file.forget_said, now)
            yield Spool(file, executor, aside)
        finally:
            executor.submit(file.close).result()
