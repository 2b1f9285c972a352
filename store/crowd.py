"""A clinic of thousands, made inside the database: for benchmarks. As the administrator.

Nothing travels, so a day of ten thousand people is there in seconds; what they measure is as a
home would have sent it, with its key, its device and its assignment.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from store.queries import load
from store.tenancy import Connection, clinic_session

_SQL = "crowd"


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnLimit:
    """A rule that each patient has a row of their own of."""

    rule: str
    value: float
    ucum: str


async def settle(
    conn: Connection,
    clinic: str,
    *,
    people: int,
    zone: str,
    since: datetime,
    limits: Sequence[OwnLimit],
) -> None:
    """So many patients with three devices each, and their own limits since then."""
    values: dict[str, Any] = {"people": people, "zone": zone, "since": since}
    values |= {"rules": [x.rule for x in limits], "values": [x.value for x in limits]}
    values |= {"ucums": [x.ucum for x in limits]}
    async with clinic_session(conn, clinic):
        for name in ("patiently", "homes", "people", "devices", "assignments", "limits"):
            await conn.execute(load(_SQL)[name], values)


async def measure(conn: Connection, clinic: str, *, day: date, zone: str, share: float) -> int:
    """A day of everybody in that zone, stored and not marked; how many readings it was."""
    values = {"day": day, "zone": zone, "share": share}
    async with clinic_session(conn, clinic):
        await conn.execute(load(_SQL)["patiently"])
        return (await conn.execute(load(_SQL)["measure"], values)).rowcount


async def mark(conn: Connection, clinic: str, *, day: date) -> None:
    """The day waits to be judged, and workers are woken."""
    async with clinic_session(conn, clinic):
        await conn.execute(load(_SQL)["mark"], {"day": day})
        await conn.execute(load(_SQL)["tell"])


async def is_waiting(conn: Connection, clinic: str) -> bool:
    return bool(await _one(conn, clinic, "waiting"))


async def judged(conn: Connection, clinic: str) -> int:
    """Readings that were ever judged, once per version of the rules."""
    return int(await _one(conn, clinic, "judged"))


async def found(conn: Connection, clinic: str) -> int:
    return int(await _one(conn, clinic, "found"))


async def backends(conn: Connection, clinic: str) -> list[int]:
    """Process ids of the server's side of the alert worker's connections."""
    async with clinic_session(conn, clinic):
        cur = await conn.execute(load(_SQL)["backends"])
        return [pid for (pid,) in await cur.fetchall()]


async def analyse(conn: Connection) -> None:
    """As the autovacuum would have done meanwhile."""
    await conn.execute("ANALYZE")


async def _one(conn: Connection, clinic: str, name: str) -> Any:
    async with clinic_session(conn, clinic):
        cur = await conn.execute(load(_SQL)[name])
        (value,) = await cur.fetchone() or (None,)
    return value
