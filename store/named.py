"""Running named statements inside the caller's transaction; rows come as dictionaries."""

from __future__ import annotations

from typing import Any

from psycopg.rows import dict_row

from store.queries import load
from store.tenancy import Connection

Row = dict[str, Any]


async def all_rows(
    conn: Connection, source: str, name: str, values: Row | None = None
) -> list[Row]:
    async with conn.cursor(row_factory=dict_row) as cur:
        await cur.execute(load(source)[name], values)
        return await cur.fetchall()


async def one_row(
    conn: Connection, source: str, name: str, values: Row | None = None
) -> Row | None:
    async with conn.cursor(row_factory=dict_row) as cur:
        await cur.execute(load(source)[name], values)
        return await cur.fetchone()


async def run(conn: Connection, source: str, name: str, values: Row | None = None) -> int:
    """Returns how many rows were touched."""
    return (await conn.execute(load(source)[name], values)).rowcount
