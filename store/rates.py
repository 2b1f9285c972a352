"""Amounts that clinics loaded: whole tables for some days, never edited.

The statements of `sql/rates.sql`, inside the caller's `clinic_session`. Of the tables that hold for
a month the one loaded last stands; the earlier ones stay, for what was signed by them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from store.named import Row, all_rows, one_row, run
from store.tenancy import Connection

_SQL = "rates"


@dataclass(frozen=True, slots=True, kw_only=True)
class RateTable:
    """A loaded table; `locality` None: the nation's, `loaded_by_name` None: the command line."""

    id: UUID
    name: str
    source: str
    locality: str | None
    first: date
    last: date
    file_sha256: str
    loaded_at: datetime
    loaded_by_name: str | None
    amounts: dict[str, Decimal]  # dollars a unit


async def load_table(conn: Connection, values: Row, amounts: Mapping[str, Decimal]) -> UUID:
    """The new table's key.

    Raises:
        DataRefused: no such clinic or member of staff, an amount that is not more than nothing.
    """
    made = await one_row(conn, _SQL, "load_table", values) or {}
    table: UUID = made["id"]
    columns = {"codes": list(amounts), "amounts": list(amounts.values())}
    await run(conn, _SQL, "load_amounts", {"table": table, **columns})
    return table


async def tables(conn: Connection) -> list[RateTable]:
    """All that the clinic ever loaded, the newest first."""
    return [_table(row) for row in await all_rows(conn, _SQL, "tables")]


async def for_month(conn: Connection, clinic: str, first: date) -> RateTable | None:
    """What stands for the month that begins on `first`; None where none was loaded for it."""
    row = await one_row(conn, _SQL, "for_month", {"clinic": clinic, "first": first})
    return _table(row) if row else None


def _table(row: Row) -> RateTable:
    codes, amounts = row.pop("codes") or [], row.pop("amounts") or []
    return RateTable(**row, amounts=dict(zip(codes, amounts, strict=True)))
