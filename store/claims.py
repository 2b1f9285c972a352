"""Who stands on a claim, by key; inside the caller's `clinic_session`."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from store.named import Row, all_rows, one_row
from store.tenancy import Connection

_SQL = "claims"


async def practice(conn: Connection, clinic: str) -> Row | None:
    return await one_row(conn, _SQL, "practice", {"clinic": clinic})


async def patients(conn: Connection, clinic: str, ids: Iterable[UUID]) -> list[Row]:
    return await all_rows(conn, _SQL, "patients", {"clinic": clinic, "ids": list(ids)})


async def practitioners(conn: Connection, clinic: str) -> list[Row]:
    """Whoever is or was a member of the clinic: a claim may be older than somebody's leaving."""
    return await all_rows(conn, _SQL, "practitioners", {"clinic": clinic})
