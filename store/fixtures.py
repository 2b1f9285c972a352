"""Clinics, homes, devices and people: registering them, and reading back what was stored.

Each call works inside one clinic, as `hl_api` or as the administrator.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

import msgspec
from psycopg.errors import InsufficientPrivilege
from psycopg.rows import dict_row

from store.queries import load
from store.rows import NO_SLOT
from store.tenancy import Connection, clinic_session


async def _run(conn: Connection, name: str, values: dict[str, Any]) -> Any:
    async with clinic_session(conn, values["clinic"]):
        cur = await conn.execute(load("fixtures")[name], values)
        row = await cur.fetchone() if cur.description else None
    return row[0] if row else None


async def register_clinic(conn: Connection, clinic: str, *, name: str, zone: str) -> None:
    await _run(conn, "register_clinic", {"clinic": clinic, "name": name, "zone": zone})


async def register_home(conn: Connection, clinic: str, *, zone: str, label: str = "") -> UUID:
    values = {"clinic": clinic, "zone": zone, "label": label}
    home: UUID = await _run(conn, "register_home", values)
    return home


async def register_gateway(conn: Connection, clinic: str, name: str, *, home: UUID) -> None:
    await _run(conn, "register_gateway", {"clinic": clinic, "name": name, "home": home})


async def register_patient(  # noqa: PLR0913 -- the columns
    conn: Connection,
    clinic: str,
    *,
    family_name: str,
    given_name: str,
    birth_date: date | None = None,
    record_number: str | None = None,
    sex: str | None = None,
    phone: str | None = None,
    zone: str | None = None,
    conditions: Sequence[str] = (),
    care_note: str = "",
) -> UUID:
    values = {
        "clinic": clinic,
        "family_name": family_name,
        "given_name": given_name,
        "birth_date": birth_date,
        "record_number": record_number,
        "sex": sex,
        "phone": phone,
        "zone": zone,
        "conditions": list(conditions),
        "care_note": care_note,
    }
    patient: UUID = await _run(conn, "register_patient", values)
    return patient


async def register_device(
    conn: Connection,
    clinic: str,
    address: str,
    *,
    kind: str | None = None,
    model: str | None = None,
    serial: str | None = None,
) -> None:
    values = {"clinic": clinic, "address": address, "kind": kind, "model": model, "serial": serial}
    await _run(conn, "register_device", values)


async def assign(  # noqa: PLR0913 -- the columns
    conn: Connection,
    clinic: str,
    *,
    device: str,
    patient: UUID,
    starts_at: datetime,
    ends_at: datetime | None = None,
    user_slot: int | None = None,
    actor: str = "system",
) -> UUID:
    """Give a device and slot to a patient; kept readings of that time become theirs.

    Raises:
        DataRefused: the slot is another's during that time.
    """
    sql = load("fixtures")
    slot = NO_SLOT if user_slot is None else user_slot
    values = {"clinic": clinic, "device": device, "user_slot": slot, "patient": patient}
    values |= {"starts_at": starts_at, "ends_at": ends_at}
    async with clinic_session(conn, clinic):
        await conn.execute(sql["lock_assignments"])
        cur = await conn.execute(sql["insert_assignment"], values)
        (assignment,) = await cur.fetchone() or (None,)
        await conn.execute(sql["attribute_readings"], {"assignment": assignment})
        await _audit(conn, clinic, actor=actor, action="assign", subject=str(assignment))
    return UUID(str(assignment))


async def _audit(conn: Connection, clinic: str, *, actor: str, action: str, subject: str) -> None:
    values = {"clinic": clinic, "actor": actor, "action": action, "subject": subject}
    detail = msgspec.json.encode({}).decode()
    await conn.execute(load("fixtures")["insert_audit"], {**values, "detail": detail})


async def read_readings(
    conn: Connection, clinic: str, *, since: datetime | None = None
) -> list[dict[str, Any]]:
    async with clinic_session(conn, clinic), conn.cursor(row_factory=dict_row) as cur:
        await cur.execute(load("fixtures")["read_readings"], {"since": since})
        return await cur.fetchall()


async def refused_ids(conn: Connection, clinic: str) -> list[str]:
    """Ids of readings that ended in quarantine."""
    async with clinic_session(conn, clinic):
        cur = await conn.execute(load("fixtures")["refused_ids"])
        return [row[0] for row in await cur.fetchall()]


async def read_alerts(conn: Connection, clinic: str) -> list[dict[str, Any]]:
    """Each alert with its patient's record number, how many findings it has, and its task."""
    async with clinic_session(conn, clinic), conn.cursor(row_factory=dict_row) as cur:
        await cur.execute(load("fixtures")["read_alerts"])
        return await cur.fetchall()


async def counts(conn: Connection, clinic: str) -> dict[str, int]:
    """`readings, unassigned, held, quarantined, pending, unjudged, alerts, tasks` of a clinic."""
    async with clinic_session(conn, clinic), conn.cursor(row_factory=dict_row) as cur:
        await cur.execute(load("fixtures")["counts"])
        return await cur.fetchone() or {}


async def server_pid(conn: Connection) -> int | None:
    """The database server's process, as it wrote it down; None: this login may not read that."""
    try:
        async with conn.transaction():
            row = await (await conn.execute(load("fixtures")["server_pid"])).fetchone()
    except InsufficientPrivilege:
        return None
    return int(row[0]) if row else None


async def arrivals(conn: Connection, clinic: str) -> dict[str, int]:
    """How many readings each gateway has brought."""
    async with clinic_session(conn, clinic):
        cur = await conn.execute(load("fixtures")["arrivals"])
        return dict(await cur.fetchall())


async def versions(conn: Connection) -> dict[str, str]:
    """`postgresql, timescaledb`: what figures are measured on."""
    async with conn.cursor(row_factory=dict_row) as cur:
        await cur.execute(load("fixtures")["versions"])
        return await cur.fetchone() or {}
