"""One batch, one transaction: keys, readings, days to judge, quarantine (I1, I2, I3, I5).

    lock shared, epoch ─ keys ─▶ which ids are new ─▶ whose they are ─▶ COPY into the hypertable
                                                  └▶ amendments of what is known already
                                                  ─▶ days to judge, quarantine ─▶ commit

As few round trips as that needs: a batch is small, because what is unacknowledged is bounded, and
its time is what the throughput hangs on. What the registry says is remembered (`Directory`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from psycopg import AsyncConnection, AsyncCursor
from psycopg.types.json import Jsonb

from store.attribution import Attribution, attribute
from store.directory import Address, Directory
from store.errors import translated
from store.queries import load
from store.rows import NO_SLOT, BatchOutcome, QuarantineRow, ReadingRow, measured_columns
from vitals.reading import Measure, Reading

_MEASURES = tuple(measure.value for measure in Measure)
_AMEND_AT_ONCE = 2000  # rows of one statement: seconds below its timeout, whatever a batch holds
_encode = msgspec.json.Encoder().encode
_EMPTY = Jsonb({}, _encode)
#: Of the columns in `copy_readings`.
COPY_TYPES = [
    "text", "uuid", "uuid", "uuid", "bool", "text", "int4", "text", *["float8"] * len(_MEASURES),
    "text", "bool", "text[]", "timestamp", "timestamptz", "timestamptz", "text", "float8",
    "float8", "int8", "bool", "text", "int4", "int4", "jsonb", "jsonb", "text", "text",
]  # fmt: skip
Key = tuple[str, str]  # clinic, reading id


class Attributed(NamedTuple):
    """A new reading and whose it is."""

    row: ReadingRow
    whose: Attribution


class _Mark(NamedTuple):
    """A patient's day, in the zone of the home, that rules have yet to judge."""

    clinic: str
    patient: UUID
    day: date


async def write_batch(
    conn: AsyncConnection[Any],
    *,
    readings: Sequence[ReadingRow],
    quarantined: Sequence[QuarantineRow],
    directory: Directory | None = None,
) -> BatchOutcome:
    """Store a batch whole or not at all. `directory`: the worker's memory; None: it has none.

    Raises:
        Unavailable: retry the same batch.
        DataRefused: one row cannot be stored; the caller halves the batch to find it.
    """
    directory = Directory() if directory is None else directory
    unique = _fullest(readings)
    with translated():
        async with conn.transaction(), conn.cursor() as cur:
            fresh, attributed, amended = await _store(cur, unique, directory)
            await _quarantine(cur, quarantined)
    directory.remember_devices(_address(one.row) for one in attributed)
    return BatchOutcome(
        stored=fresh,
        duplicate=frozenset(unique.keys() - fresh),
        amended=amended,
        held=sum(one.whose.held for one in attributed),
        unassigned=sum(one.whose.patient is None and not one.whose.held for one in attributed),
    )


def _fullest(readings: Sequence[ReadingRow]) -> dict[Key, ReadingRow]:
    """One row per reading: the first of those that came together, with all that the others add.

    As it would be had they come one after another: its instant stands, a context joins it.
    """
    unique: dict[Key, ReadingRow] = {}
    for row in readings:
        first = unique.setdefault(row.key, row)
        if first is row:
            continue
        known = first.reading.raw
        if added := [value for value in row.reading.raw if value not in known]:
            context = {**first.reading.context, **row.reading.context}
            whole = msgspec.structs.replace(first.reading, raw=[*known, *added], context=context)
            unique[row.key] = msgspec.structs.replace(first, reading=whole)
    return unique


async def _store(
    cur: AsyncCursor[Any], unique: dict[Key, ReadingRow], directory: Directory
) -> tuple[frozenset[Key], list[Attributed], int]:
    if not unique:
        return frozenset(), [], 0
    epoch, fresh = await _insert_keys(cur, unique)
    directory.enter(epoch)
    attributed = await _attribute(
        cur, [row for key, row in unique.items() if key in fresh], directory, epoch
    )
    await _insert_readings(cur, attributed, directory)
    known = [row for key, row in unique.items() if key not in fresh]
    changed = await _amend(cur, [row for row in known if row.reading.has_additions])
    marks = {
        _Mark(row.clinic, whose.patient, _day(row, row.reading.measured_at, directory))
        for row, whose in attributed
        if whose.patient is not None
    }
    await _mark_pending(cur, marks | await _marks_of(cur, changed, directory))
    return fresh, attributed, len(changed)


async def _insert_keys(
    cur: AsyncCursor[Any], unique: dict[Key, ReadingRow]
) -> tuple[int, frozenset[Key]]:
    """The registry's number, and which of the keys were new; three statements, one round trip."""
    sql = load("ingest")
    keys = sorted(unique)
    values = {
        "clinics": [clinic for clinic, _ in keys],
        "ids": [name for _, name in keys],
        "instants": [unique[key].reading.measured_at for key in keys],
    }
    async with cur.connection.pipeline():
        await cur.execute(sql["lock_assignments_shared"])
        number = await cur.connection.execute(sql["directory_epoch"])
        await cur.execute(sql["insert_keys"], values)
        fresh = frozenset(await cur.fetchall())
        (epoch,) = await number.fetchone() or (0,)
    return epoch, fresh


async def _attribute(
    cur: AsyncCursor[Any], rows: Sequence[ReadingRow], directory: Directory, epoch: int
) -> list[Attributed]:
    slots = {(*_address(row), _slot(row.reading)) for row in rows}
    spells = await directory.spells_of(cur.connection, slots, epoch=epoch)
    return [
        Attributed(
            row,
            attribute(
                spells[(*_address(row), _slot(row.reading))],
                row.reading.measured_at,
                row.reading.clock.uncertainty_s,
            ),
        )
        for row in rows
    ]


async def _insert_readings(
    cur: AsyncCursor[Any], attributed: Sequence[Attributed], directory: Directory
) -> None:
    if not attributed:
        return
    new = directory.new_devices(_address(one.row) for one in attributed)
    if new:
        await _insert_devices(cur, [one.row for one in attributed if _address(one.row) in new])
    async with cur.copy(load("ingest")["copy_readings"]) as copy:
        copy.set_types(COPY_TYPES)
        for one in attributed:
            await copy.write_row(columns(one))


async def _insert_devices(cur: AsyncCursor[Any], rows: Iterable[ReadingRow]) -> None:
    first = {_address(row): row.reading for row in reversed(list(rows))}
    await cur.execute(
        load("ingest")["insert_devices"],
        {
            "clinics": [clinic for clinic, _ in first],
            "addresses": [address for _, address in first],
            "kinds": [str(reading.kind) for reading in first.values()],
            "models": [reading.model for reading in first.values()],
            "serials": [reading.serial for reading in first.values()],
        },
    )


def _address(row: ReadingRow) -> Address:
    return row.clinic, row.reading.device.upper()


def _slot(reading: Reading) -> int:
    return NO_SLOT if reading.user_slot is None else reading.user_slot


def columns(attributed: Attributed) -> tuple[Any, ...]:
    """In the order of `copy_readings`."""
    row, whose = attributed
    reading, clock = row.reading, row.reading.clock
    numbers, comparator, failed = measured_columns(reading)
    return (
        row.clinic, UUID(reading.id), whose.patient, whose.assignment, whose.held,
        reading.device.upper(), _slot(reading), reading.kind.value,
        *map(numbers.get, _MEASURES), comparator, failed, reading.flags, reading.device_time,
        reading.received_at, reading.measured_at, clock.certainty.value, clock.offset_s,
        clock.uncertainty_s, reading.sequence, reading.minted, reading.origin.value,
        reading.battery_pct, reading.rssi_dbm, Jsonb(reading.raw, _encode),
        Jsonb(reading.context, _encode) if reading.context else _EMPTY, row.gateway,
        row.envelope_id,
    )  # fmt: skip


async def _amend(
    cur: AsyncCursor[Any], rows: list[ReadingRow]
) -> list[tuple[str, UUID | None, datetime, str]]:
    """What is known already and came with more than it had.

    Of each that was changed: clinic, patient, measured_at, gateway.
    """
    changed: list[tuple[str, UUID | None, datetime, str]] = []
    for start in range(0, len(rows), _AMEND_AT_ONCE):
        some = rows[start : start + _AMEND_AT_ONCE]
        values = {
            "clinics": [row.clinic for row in some],
            "ids": [row.reading.id for row in some],
            "raws": [_encode(row.reading.raw).decode() for row in some],
            "contexts": [_encode(row.reading.context).decode() for row in some],
        }
        await cur.execute(load("ingest")["amend_readings"], values)
        changed += await cur.fetchall()
    return changed


async def _marks_of(
    cur: AsyncCursor[Any],
    changed: Sequence[tuple[str, UUID | None, datetime, str]],
    directory: Directory,
) -> set[_Mark]:
    """The gateway that first sent a reading may be another than the one that amends it."""
    await directory.known(cur.connection, {(row[0], row[3]) for row in changed})
    return {
        _Mark(clinic, patient, at.astimezone(directory.zone((clinic, gateway))).date())
        for clinic, patient, at, gateway in changed
        if patient is not None
    }


def _day(row: ReadingRow, at: datetime, directory: Directory) -> date:
    return at.astimezone(directory.zone((row.clinic, row.gateway))).date()


async def _mark_pending(cur: AsyncCursor[Any], marks: set[_Mark]) -> None:
    if not marks:
        return
    clinics, patients, days = zip(*marks, strict=True)
    values = {"clinics": list(clinics), "patients": list(patients), "days": list(days)}
    async with cur.connection.pipeline():
        await cur.execute(load("ingest")["mark_pending"], values)
        await cur.execute(load("ingest")["notify_pending"])


async def _quarantine(cur: AsyncCursor[Any], rows: Sequence[QuarantineRow]) -> None:
    """Sorted by hash, so that two workers never wait for each other in a circle."""
    waits = False
    if rows:
        await cur.execute(load("ingest")["lock_assignments_shared"])
    for row in sorted(rows, key=lambda r: r.content_hash):
        await cur.execute(
            load("ingest")["upsert_quarantine"],
            {
                "clinic_id": row.clinic,
                "gateway": row.gateway,
                "topic": row.topic,
                "scope": row.scope,
                "content_hash": row.content_hash,
                "payload": row.payload,
                "reason": str(row.reason),
                "detail": row.detail.replace("\x00", "\\0")[:500],
                "reading_id": row.reading_id,
                "device": None if row.device is None else row.device.replace("\x00", ""),
                "user_slot": NO_SLOT if row.user_slot is None else row.user_slot,
                "measured_at": row.measured_at,
            },
        )
        (of_a_patient,) = await cur.fetchone() or (False,)
        waits = waits or of_a_patient
    if waits:
        await cur.execute(load("ingest")["notify_pending"])
