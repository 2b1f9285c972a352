"""One batch, one transaction: keys, readings, days to judge, quarantine (I1, I2, I3, I5)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import msgspec
from psycopg import AsyncConnection, AsyncCursor

from store.errors import translated
from store.queries import load
from store.rows import NO_SLOT, BatchOutcome, QuarantineRow, ReadingRow, measured_columns
from vitals.reading import Measure

_MEASURES = tuple(Measure)
_AMEND_AT_ONCE = 2000  # rows of one statement: seconds below its timeout, whatever a batch holds
_json = msgspec.json.Encoder()
Attribution = tuple[str, Any, datetime, str, bool]  # clinic, patient, measured_at, gateway, held


async def write_batch(
    conn: AsyncConnection[Any],
    *,
    readings: Sequence[ReadingRow],
    quarantined: Sequence[QuarantineRow],
) -> BatchOutcome:
    """Store a batch whole or not at all.

    Raises:
        Unavailable: retry the same batch.
        DataRefused: one row cannot be stored; the caller halves the batch to find it.
    """
    unique = _fullest(readings)
    with translated():
        async with conn.transaction(), conn.cursor() as cur:
            fresh, rows = await _store(cur, list(unique.values()))
            known = [row for key, row in unique.items() if key not in fresh]
            amended = await _amend(cur, [row for row in known if row.reading.has_additions])
            await _quarantine(cur, quarantined)
    return BatchOutcome(
        stored=frozenset(fresh),
        duplicate=frozenset(unique.keys() - fresh),
        amended=amended,
        held=sum(row[4] for row in rows),
        unassigned=sum(row[1] is None and not row[4] for row in rows),
    )


def _fullest(readings: Sequence[ReadingRow]) -> dict[tuple[str, str], ReadingRow]:
    """One row per reading: the first of those that came together, with all that the others add.

    As it would be had they come one after another: its instant stands, a context joins it.
    """
    unique: dict[tuple[str, str], ReadingRow] = {}
    for row in readings:
        first = unique.setdefault(row.key, row)
        known = first.reading.raw
        if added := [value for value in row.reading.raw if value not in known]:
            context = {**first.reading.context, **row.reading.context}
            whole = msgspec.structs.replace(first.reading, raw=[*known, *added], context=context)
            unique[row.key] = replace(first, reading=whole)
    return unique


async def _store(
    cur: AsyncCursor[Any], rows: list[ReadingRow]
) -> tuple[set[tuple[str, str]], list[Attribution]]:
    if not rows:
        return set(), []
    sql = load("ingest")
    await cur.execute(sql["create_incoming"])
    await _copy(cur, rows)
    await cur.execute(sql["lock_assignments_shared"])
    await cur.execute(sql["insert_keys"])
    fresh = {(clinic, str(reading)) for clinic, reading in await cur.fetchall()}
    if not fresh:
        return fresh, []
    await cur.execute(sql["insert_devices"])
    clinics, ids = zip(*fresh, strict=True)
    await cur.execute(sql["insert_readings"], {"clinics": list(clinics), "ids": list(ids)})
    attributed: list[Attribution] = await cur.fetchall()
    await _mark_pending(cur, [row for row in attributed if row[1] is not None])
    return fresh, attributed


async def _amend(cur: AsyncCursor[Any], rows: list[ReadingRow]) -> int:
    """What is known already and came with more than it had; how many were changed."""
    changed: list[Attribution] = []
    for start in range(0, len(rows), _AMEND_AT_ONCE):
        some = rows[start : start + _AMEND_AT_ONCE]
        values = {
            "clinics": [row.clinic for row in some],
            "ids": [row.reading.id for row in some],
            "raws": [_json.encode(row.reading.raw).decode() for row in some],
            "contexts": [_json.encode(row.reading.context).decode() for row in some],
        }
        await cur.execute(load("ingest")["amend_readings"], values)
        changed += await cur.fetchall()
    await _mark_pending(cur, [row for row in changed if row[1] is not None])
    return len(changed)


async def _copy(cur: AsyncCursor[Any], rows: list[ReadingRow]) -> None:
    async with cur.copy(load("ingest")["copy_incoming"]) as copy:
        for row in rows:
            await copy.write_row(_columns(row))


def _columns(row: ReadingRow) -> tuple[Any, ...]:
    """In the order of the table `incoming`."""
    reading = row.reading
    numbers, comparator, failed = measured_columns(reading)
    return (
        row.clinic, reading.id, reading.device.upper(),
        NO_SLOT if reading.user_slot is None else reading.user_slot, str(reading.kind),
        *(numbers.get(measure) for measure in _MEASURES), comparator, failed, reading.flags,
        reading.device_time, _utc(reading.received_at), _utc(reading.measured_at),
        str(reading.clock.certainty), reading.clock.offset_s, reading.clock.uncertainty_s,
        reading.sequence, reading.minted, str(reading.origin), reading.battery_pct,
        reading.rssi_dbm, _json.encode(reading.raw).decode(),
        _json.encode(reading.context).decode(), row.gateway, row.envelope_id, reading.model,
        reading.serial,
    )  # fmt: skip


def _utc(instant: datetime) -> datetime:
    """PostgreSQL reads no offset of 16 hours and more, which RFC 3339 can write."""
    return instant.astimezone(UTC)


async def _mark_pending(cur: AsyncCursor[Any], rows: list[Attribution]) -> None:
    if not rows:
        return
    clinics, patients, instants, gateways, _ = zip(*rows, strict=True)
    await cur.execute(
        load("ingest")["mark_pending"],
        {
            "clinics": list(clinics),
            "patients": list(patients),
            "instants": list(instants),
            "gateways": list(gateways),
        },
    )
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
