"""One batch, one transaction: keys, readings, days to judge, quarantine (I1, I2, I3, I5).

    lock shared, epoch ─ keys ─▶ which ids are new ─▶ whose they are ─▶ COPY into the hypertable
                                                  └▶ amendments of what is known already
                                                  ─▶ days to judge, quarantine ─▶ commit

As few round trips as that needs: a batch is small, because what is unacknowledged is bounded, and
its time is what the throughput hangs on. What the registry says is remembered (`Directory`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, date, datetime
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
import psycopg
from psycopg import AsyncConnection, AsyncCursor
from psycopg.pq import TransactionStatus
from psycopg.types.json import Jsonb

from store.attribution import Attribution, attribute
from store.directory import Directory, Slot
from store.errors import translated
from store.queries import load
from store.rows import NO_SLOT, BatchOutcome, QuarantineRow, ReadingRow, measured_columns
from vitals.reading import Kind, Measure, Reading, coded

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
    """A new reading, what measured it, and whose it is."""

    row: ReadingRow
    slot: Slot
    whose: Attribution


class _Mark(NamedTuple):
    """A patient's day, in the zone of the home, that rules have yet to judge."""

    clinic: str
    patient: UUID
    day: date


class _Changed(NamedTuple):
    """A stored reading to which something was added."""

    clinic: str
    patient: UUID | None
    measured_at: datetime
    gateway: str


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
    fresh: frozenset[Key] = frozenset()
    attributed: list[Attributed] = []
    changed: list[_Changed] = []
    with translated():
        async with _transaction(conn), conn.cursor() as cur:
            epoch, fresh = await _begin(cur, unique)
            directory.enter(epoch)
            rows = [row for key, row in unique.items() if key in fresh]
            attributed = await _attribute(cur, rows, directory, epoch)
            await _insert_readings(cur, attributed, directory)
            known = [row for key, row in unique.items() if key not in fresh]
            changed = await _amend(cur, [row for row in known if row.reading.has_additions])
            marks = await _marks(cur, attributed, changed, directory)
            waits = await _quarantine(cur, quarantined)
            await _commit(cur, marks, waits=waits)
    directory.remember_devices(one.slot[:2] for one in attributed)
    return BatchOutcome(
        stored=fresh,
        duplicate=frozenset(unique.keys() - fresh),
        amended=len(changed),
        held=sum(one.whose.held for one in attributed),
        unassigned=sum(one.whose.patient is None and not one.whose.held for one in attributed),
    )


@asynccontextmanager
async def _transaction(conn: AsyncConnection[Any]) -> AsyncIterator[None]:
    """Begins and commits with the statements beside it; here only what goes wrong is undone."""
    try:
        yield
    except BaseException:
        if not conn.closed and conn.info.transaction_status is not TransactionStatus.ACTIVE:
            with suppress(psycopg.Error):  # of a connection that is gone nothing is left to undo
                await conn.rollback()
        raise


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
            unique[row.key] = msgspec.structs.replace(first, reading=_with_body_fat(whole))
    return unique


def _with_body_fat(reading: Reading) -> Reading:
    """As `amend_readings` has it: of a weighing's context one number is a measurement."""
    fat = reading.context.get(Measure.BODY_FAT)
    known = any(value.measure is Measure.BODY_FAT for value in reading.values)
    if reading.kind is not Kind.WEIGHT or known or not isinstance(fat, float):
        return reading
    return msgspec.structs.replace(reading, values=[*reading.values, coded(Measure.BODY_FAT, fat)])


async def _begin(
    cur: AsyncCursor[Any], unique: dict[Key, ReadingRow]
) -> tuple[int, frozenset[Key]]:
    """The registry's number, and which of the keys were new: four statements, one round trip."""
    sql = load("ingest")
    keys = sorted(unique)
    values = {
        "clinics": ",".join([clinic for clinic, _ in keys]),
        "ids": ",".join([name for _, name in keys]),
        "instants": ",".join([_text(unique[key].reading.measured_at) for key in keys]),
    }
    async with cur.connection.pipeline():
        await cur.execute(sql["begin"])
        await cur.execute(sql["lock_assignments_shared"])
        number = await cur.connection.execute(sql["directory_epoch"])
        await cur.execute(sql["insert_keys"], values)
        fresh = frozenset(await cur.fetchall())
        (epoch,) = await number.fetchone() or (0,)
    return epoch, fresh


def _text(instant: datetime) -> str:
    """PostgreSQL reads no offset of 16 hours and more, which RFC 3339 can write."""
    return (instant if instant.tzinfo is UTC else instant.astimezone(UTC)).isoformat()


async def _commit(cur: AsyncCursor[Any], marks: set[_Mark], *, waits: bool) -> None:
    """Days to judge, a call to whoever judges, and the end: one round trip."""
    sql = load("ingest")
    async with cur.connection.pipeline():
        if marks:
            clinics, patients, days = zip(*marks, strict=True)
            values = {"clinics": list(clinics), "patients": list(patients), "days": list(days)}
            await cur.execute(sql["mark_pending"], values)
        if marks or waits:
            await cur.execute(sql["notify_pending"])
        await cur.execute(sql["commit"])


async def _attribute(
    cur: AsyncCursor[Any], rows: Sequence[ReadingRow], directory: Directory, epoch: int
) -> list[Attributed]:
    slots = [slot_of(row) for row in rows]
    spells = await directory.spells_of(cur.connection, set(slots), epoch=epoch)
    return [
        Attributed(
            row,
            slot,
            attribute(spells[slot], row.reading.measured_at, row.reading.clock.uncertainty_s),
        )
        for row, slot in zip(rows, slots, strict=True)
    ]


def slot_of(row: ReadingRow) -> Slot:
    """Clinic, address in capitals, and user slot."""
    reading = row.reading
    return (
        row.clinic,
        reading.device.upper(),
        NO_SLOT if reading.user_slot is None else reading.user_slot,
    )


async def _insert_readings(
    cur: AsyncCursor[Any], attributed: Sequence[Attributed], directory: Directory
) -> None:
    if not attributed:
        return
    new = directory.new_devices({one.slot[:2] for one in attributed})
    if new:
        await _insert_devices(cur, [one for one in attributed if one.slot[:2] in new])
    async with cur.copy(load("ingest")["copy_readings"]) as copy:
        copy.set_types(COPY_TYPES)
        for one in attributed:
            await copy.write_row(columns(one))


async def _insert_devices(cur: AsyncCursor[Any], some: Sequence[Attributed]) -> None:
    first = {one.slot[:2]: one.row.reading for one in reversed(some)}
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


def columns(attributed: Attributed) -> tuple[Any, ...]:
    """In the order of `copy_readings`."""
    row, (clinic, device, slot), whose = attributed
    reading, clock = row.reading, row.reading.clock
    numbers, comparator, failed = measured_columns(reading)
    return (
        clinic, UUID(reading.id), whose.patient, whose.assignment, whose.held,
        device, slot, reading.kind.value,
        *map(numbers.get, _MEASURES), comparator, failed, reading.flags, reading.device_time,
        reading.received_at, reading.measured_at, clock.certainty.value, clock.offset_s,
        clock.uncertainty_s, reading.sequence, reading.minted, reading.origin.value,
        reading.battery_pct, reading.rssi_dbm, Jsonb(reading.raw, _encode),
        Jsonb(reading.context, _encode) if reading.context else _EMPTY, row.gateway,
        row.envelope_id,
    )  # fmt: skip


async def _amend(cur: AsyncCursor[Any], rows: list[ReadingRow]) -> list[_Changed]:
    """What is known already and came with more than it had."""
    changed: list[_Changed] = []
    for start in range(0, len(rows), _AMEND_AT_ONCE):
        some = rows[start : start + _AMEND_AT_ONCE]
        values = {
            "clinics": [row.clinic for row in some],
            "ids": [row.reading.id for row in some],
            "raws": [_encode(row.reading.raw).decode() for row in some],
            "contexts": [_encode(row.reading.context).decode() for row in some],
        }
        await cur.execute(load("ingest")["amend_readings"], values)
        changed += [_Changed(*row) for row in await cur.fetchall()]
    return changed


async def _marks(
    cur: AsyncCursor[Any],
    attributed: Sequence[Attributed],
    changed: Sequence[_Changed],
    directory: Directory,
) -> set[_Mark]:
    """The days of all that is new or amended. Who amends may not be the gateway that sent it."""
    await directory.known(cur.connection, {(one.clinic, one.gateway) for one in changed})
    return {
        _Mark(
            row.clinic, patient, _day(row.reading.measured_at, row.clinic, row.gateway, directory)
        )
        for row, _, (patient, _, _) in attributed
        if patient is not None
    } | {
        _Mark(one.clinic, one.patient, _day(one.measured_at, one.clinic, one.gateway, directory))
        for one in changed
        if one.patient is not None
    }


def _day(at: datetime, clinic: str, gateway: str, directory: Directory) -> date:
    return at.astimezone(directory.zone((clinic, gateway))).date()


async def _quarantine(cur: AsyncCursor[Any], rows: Sequence[QuarantineRow]) -> bool:
    """Whether any of it is of a patient and has yet to be judged.

    The same bytes are one row, however often a batch holds them. Sorted by hash, so that two
    workers never wait for each other in a circle.
    """
    if not rows:
        return False
    times = Counter((row.content_hash, str(row.reason)) for row in rows)
    first = {(row.content_hash, str(row.reason)): row for row in reversed(rows)}
    async with cur.connection.pipeline():
        answers = [
            await cur.connection.execute(
                load("ingest")["upsert_quarantine"],
                {
                    "times": times[key],
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
            for key, row in sorted(first.items())
        ]
        found = [await answer.fetchone() for answer in answers]
    return any(row[0] for row in found if row)
