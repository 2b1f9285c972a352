"""Files of time from other software. The statements of `sql/time_imports.sql`.

Except for `rejects`, inside the caller's `clinic_session`.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from store.errors import translated
from store.named import Row, all_rows, one_row, run
from store.tenancy import Connection, clinic_session

_SQL = "time_imports"


async def begin(conn: Connection, values: Row) -> UUID | None:
    """Waits for another import of the clinic. None: this file was read before."""
    await run(conn, _SQL, "lock_imports", {"clinic": values["clinic"]})
    row = await one_row(conn, _SQL, "begin_import", values)
    return row["id"] if row else None


async def member_by(conn: Connection, clinic: str, who: str) -> Row | None:
    """`id` and `role` of who works here now, by address or key."""
    return await one_row(conn, _SQL, "member_by", {"clinic": clinic, "who": who})


async def patients_by_record(
    conn: Connection, clinic: str, record_numbers: Sequence[str]
) -> dict[str, UUID]:
    values = {"clinic": clinic, "numbers": list(record_numbers)}
    rows = await all_rows(conn, _SQL, "patients_by_record", values)
    return {row["record_number"]: row["id"] for row in rows}


async def members_by_address(
    conn: Connection, clinic: str, addresses: Sequence[str]
) -> dict[str, Row]:
    """`id`, `role`, `since` and `ended_at` of whoever is or was a member."""
    values = {"clinic": clinic, "addresses": list(addresses)}
    rows = await all_rows(conn, _SQL, "members_by_address", values)
    return {row["address"]: row for row in rows}


async def insert_entry(conn: Connection, values: Row) -> str | None:
    """`active` or `held`, within a savepoint of its own; None: the ledger has it already.

    Raises:
        DataRefused: the database's own walls; nothing of this entry is there.
    """
    with translated():
        async with conn.transaction():
            row = await one_row(conn, _SQL, "import_entry", values)
    return row["status"] if row else None


async def keep_reject(conn: Connection, values: Row) -> None:
    await run(conn, _SQL, "keep_reject", values)


async def rejects(
    conn: Connection, clinic: str, import_id: UUID
) -> tuple[list[str], list[Row]] | None:
    """The columns, and `line`, `reason` and `cells` of what was not imported. None: no such import.

    A transaction of its own.
    """
    values = {"clinic": clinic, "import": import_id}
    async with clinic_session(conn, clinic):
        row = await one_row(conn, _SQL, "import_columns", values)
        if row is None:
            return None
        return row["columns"], await all_rows(conn, _SQL, "rejects_of", values)
