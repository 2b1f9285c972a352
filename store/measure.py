"""What a benchmark asks the server about itself: sizes, plans, where the files are.

The statements of `sql/measure.sql`, as the administrator but for `explained`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from store.errors import translated
from store.named import Row
from store.queries import load
from store.tenancy import Connection, clinic_session

_EXPLAIN = sql.SQL("EXPLAIN (ANALYZE, SUMMARY, FORMAT JSON) ")


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One execution of a statement by the server's own watch, in milliseconds."""

    planning_ms: float
    execution_ms: float
    rows: int


async def explained(conn: Connection, clinic: str, source: str, name: str, values: Row) -> Plan:
    """A named statement as a reader of `clinic` would run it."""
    async with clinic_session(conn, clinic):
        cur = await conn.execute(_EXPLAIN + sql.SQL(load(source)[name]), values)
        (((told,),),) = await cur.fetchall()
    return Plan(
        planning_ms=told["Planning Time"],
        execution_ms=told["Execution Time"],
        rows=told["Plan"]["Actual Rows"],
    )


def sizes(admin_url: str) -> dict[str, int]:
    """Bytes of `reading_rows, reading_indexes, key_rows, key_index`."""
    ((*found,),) = _as_admin(admin_url, "sizes")
    names = ("reading_rows", "reading_indexes", "key_rows", "key_index")
    return dict(zip(names, map(int, found), strict=True))


def chunks(admin_url: str) -> int:
    ((found,),) = _as_admin(admin_url, "chunks")
    return int(found)


def readings(admin_url: str) -> int:
    """Of all clinics. However long it takes: it goes through all of them."""
    ((found,),) = _as_admin(admin_url, "readings")
    return int(found)


def set_chunk_interval(admin_url: str, days: int) -> None:
    """Of chunks to come; those that are there stay as they are."""
    _as_admin(admin_url, "set_chunk_interval", {"days": days})


def checkpoint(admin_url: str) -> None:
    """Everything that was written is in its file."""
    _as_admin(admin_url, "checkpoint")


def folder(admin_url: str) -> str:
    """Of this database's files, below the server's data folder."""
    ((found,),) = _as_admin(admin_url, "where_it_lies")
    return str(found)


def _as_admin(admin_url: str, name: str, values: Row | None = None) -> list[Any]:
    with translated(), psycopg.connect(admin_url, autocommit=True) as conn:
        cur = conn.execute(load("measure")[name], values)
        return cur.fetchall() if cur.description else []
