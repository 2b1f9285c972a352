"""Who a transaction works for: the settings that the database's walls filter by (I9)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

from psycopg import AsyncConnection

from store.errors import translated
from store.queries import load

Connection = AsyncConnection[Any]


@asynccontextmanager
async def clinic_session(
    conn: Connection, clinic: str, *, staff: UUID | None = None
) -> AsyncIterator[Connection]:
    """A transaction that sees only `clinic`, and what is `staff`'s own."""
    async with _session(conn, clinic=clinic, staff=staff):
        yield conn


@asynccontextmanager
async def staff_session(
    conn: Connection, staff: UUID | None = None, *, token_hash: bytes = b""
) -> AsyncIterator[Connection]:
    """A transaction before a clinic is chosen: it sees what is `staff`'s, or the session's, own."""
    async with _session(conn, staff=staff, token_hash=token_hash):
        yield conn


@asynccontextmanager
async def _session(
    conn: Connection, *, clinic: str = "", staff: UUID | None = None, token_hash: bytes = b""
) -> AsyncIterator[None]:
    values = {"clinic": clinic, "staff": str(staff or ""), "token": token_hash.hex()}
    with translated():
        async with conn.transaction():
            await conn.execute(load("tenancy")["set_session"], values)
            yield
