"""Importing a file of time: one transaction, and the same file twice imports nothing twice.

Lines that are no entry are kept with their reason. What overlaps the person's own time on another
patient lands as `held` and counts nothing until somebody decides (I7).
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from ccm_link.acting import ledger_role_of
from ccm_link.errors import NotFound, NotYours, told
from ccm_link.time_csv import RefusedLine, TimeLine, Wrong, read
from store import audit, ledger, time_imports
from store.errors import DataRefused
from store.named import Row
from store.tenancy import Connection, clinic_session

_OVERLAP, _LOCKED = "one_patient_at_a_time", "month_is_locked"


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """What became of a file. `import_id` None: it was read before, and nothing was done."""

    import_id: UUID | None
    counted: int = 0  # entries that stand
    held: int = 0
    refused: tuple[RefusedLine, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _File:
    """What every line of a file needs."""

    clinic: str
    import_id: UUID
    patients: dict[str, UUID]
    members: dict[str, Row]
    now: datetime


async def import_time(
    conn: Connection, clinic: str, who: str, data: bytes, *, now: datetime
) -> Imported:
    """Read a file for a clinic; `who` is the address or key of the admin who answers for it.

    Raises:
        FileRefused: it is no such table; NotFound: no such member; NotYours: no admin.
    """
    table = read(data, now=now)
    values = {"clinic": clinic, "sha256": hashlib.sha256(data).digest(), "now": now}
    with told():
        async with clinic_session(conn, clinic):
            by = await _admin(conn, clinic, who)
            columns = list(table.columns)
            import_id = await time_imports.begin(conn, values | {"by": by, "columns": columns})
            if import_id is None:
                return Imported(import_id=None)
            file = await _opened(conn, clinic, import_id, table.entries, now)
            await ledger.lock_timers(conn, [member["id"] for member in file.members.values()])
            outcomes = [await _line(conn, file, line) for line in table.lines]
            done = _summed(import_id, outcomes)
            await _keep_rejects(conn, file, done.refused)
            detail = {"counted": done.counted, "held": done.held, "refused": len(done.refused)}
            await audit.record(
                conn, actor=by, action="time.import", subject=import_id, now=now, detail=detail
            )
    return done


async def _admin(conn: Connection, clinic: str, who: str) -> UUID:
    member = await time_imports.member_by(conn, clinic, who)
    if member is None:
        raise NotFound("No such member of this clinic.")
    if member["role"] != "admin":
        raise NotYours("Only an admin imports time.")
    return UUID(str(member["id"]))


async def _opened(
    conn: Connection, clinic: str, import_id: UUID, entries: Sequence[TimeLine], now: datetime
) -> _File:
    numbers = {line.record_number for line in entries}
    addresses = {line.staff_email for line in entries}
    return _File(
        clinic=clinic,
        import_id=import_id,
        patients=await time_imports.patients_by_record(conn, clinic, sorted(numbers)),
        members=await time_imports.members_by_address(conn, clinic, sorted(addresses)),
        now=now,
    )


async def _line(conn: Connection, file: _File, line: TimeLine | RefusedLine) -> str | RefusedLine:
    if isinstance(line, RefusedLine):
        return line
    patient, member = file.patients.get(line.record_number), file.members.get(line.staff_email)
    if patient is None:
        return _refused(line, Wrong.PATIENT)
    if member is None or not _worked_here(member, line):
        return _refused(line, Wrong.STAFF)
    values = {
        "clinic": file.clinic,
        "patient": patient,
        "staff": member["id"],
        "role": ledger_role_of(member["role"]),
        "programme": line.programme,
        "activity": line.activity,
        "starts_at": line.start,
        "ends_at": line.end,
        "interactive": line.interactive,
        "note": line.note,
        "import": file.import_id,
        "line": line.line,
        "now": file.now,
        "held": False,
    }
    try:
        return await _inserted(conn, values) or _refused(line, Wrong.THERE)
    except DataRefused as refused:
        if refused.constraint != _LOCKED:
            raise
        return _refused(line, Wrong.LOCKED)


def _worked_here(member: Row, line: TimeLine) -> bool:
    return member["ended_at"] is None or line.end <= member["ended_at"]


async def _inserted(conn: Connection, values: Row) -> str | None:
    """In another clinic the person's time cannot be seen from here; there the database says so."""
    try:
        return await time_imports.insert_entry(conn, values)
    except DataRefused as refused:
        if refused.constraint != _OVERLAP:
            raise
    return await time_imports.insert_entry(conn, values | {"held": True})


def _refused(line: TimeLine, why: Wrong) -> RefusedLine:
    return RefusedLine(line=line.line, why=why, cells=line.cells)


def _summed(import_id: UUID, outcomes: Sequence[str | RefusedLine]) -> Imported:
    return Imported(
        import_id=import_id,
        counted=sum(outcome == "active" for outcome in outcomes),
        held=sum(outcome == "held" for outcome in outcomes),
        refused=tuple(o for o in outcomes if isinstance(o, RefusedLine)),
    )


async def _keep_rejects(conn: Connection, file: _File, refused: Iterable[RefusedLine]) -> None:
    for line in refused:
        values = {"clinic": file.clinic, "import": file.import_id, "line": line.line}
        values |= {"reason": str(line.why), "cells": list(line.cells)}
        await time_imports.keep_reject(conn, values)


async def rejected(conn: Connection, clinic: str, import_id: UUID) -> str:
    """What was not imported, as a CSV file that can be mended and imported again.

    Raises:
        NotFound: there is no such import.
    """
    found = await time_imports.rejects(conn, clinic, import_id)
    if found is None:
        raise NotFound("No such import in this clinic.")
    columns, rows = found
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(columns)
    writer.writerows(row["cells"] for row in rows)
    return out.getvalue()
