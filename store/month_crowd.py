"""A month's work on thousands of patients who are there already: for a benchmark. As administrator.

Made inside the database, by the rules that hold for everybody's time: nobody is at two patients at
once.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from store.named import one_row
from store.queries import load
from store.tenancy import Connection, clinic_session

_SQL = "month_crowd"
NURSES = 100


async def work(  # noqa: PLR0913 -- whose month
    conn: Connection,
    clinic: str,
    *,
    patients: int,
    entries: int,
    since: datetime,
    begins: datetime,
    ends: datetime,
) -> None:
    """Everybody enrolled since then, and so many entries each between the two instants."""
    values: dict[str, Any] = {"since": since, "begins": begins, "ends": ends, "entries": entries}
    values |= {"nurses": NURSES, "shares": -(-patients // NURSES)}
    async with clinic_session(conn, clinic):
        for name in ("patiently", "staff", "enrol", "work", "tasks"):
            await conn.execute(load(_SQL)[name], values)


async def counts(conn: Connection, clinic: str) -> dict[str, Any]:
    """`patients`, `entries`, `readings`, `stored` drafts and their `result_bytes`."""
    async with clinic_session(conn, clinic):
        return await one_row(conn, _SQL, "counts") or {}
