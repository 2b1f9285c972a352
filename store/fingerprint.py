"""What a database holds, in a few lines: rows and a checksum of every table.

The checksum is the sum of a 64-bit hash of each row's text, so the order of rows is no matter. It
finds what a copy lost or changed; against an attacker there is the audit chain.
"""

from __future__ import annotations

from dataclasses import dataclass

import psycopg
from psycopg import sql

from store.queries import load

#: So that a row has the same text on every server.
TEXT_SETTINGS = "-c timezone=UTC -c datestyle=ISO -c intervalstyle=postgres -c bytea_output=hex"
_ROWS = "SELECT count(*), coalesce(sum(hashtextextended(t::text, 0)), 0)::text FROM {} t"


@dataclass(frozen=True, slots=True)
class Table:
    """What a table held at one instant."""

    rows: int
    checksum: str


def fingerprint(conn: psycopg.Connection) -> dict[str, Table]:
    """By table; reads all of them once. For one instant, give a repeatable read transaction."""
    names = [name for (name,) in conn.execute(load("backup")["tables"]).fetchall()]
    return {name: _table(conn, name) for name in names}


def _table(conn: psycopg.Connection, name: str) -> Table:
    row = conn.execute(sql.SQL(_ROWS).format(sql.Identifier("public", name))).fetchone()
    return Table(*row) if row else Table(0, "0")


def differences(wanted: dict[str, Table], found: dict[str, Table]) -> list[str]:
    """One line per table that is not equal; no line, all equal."""
    lines = []
    for name in sorted(wanted.keys() | found.keys()):
        old, new = wanted.get(name), found.get(name)
        if old is None or new is None:
            lines.append(f"{name}: only in the {'restored database' if old is None else 'backup'}")
        elif old.rows != new.rows:
            lines.append(f"{name}: {old.rows} rows in the backup, {new.rows} restored")
        elif old.checksum != new.checksum:
            lines.append(f"{name}: {old.rows} rows, but their content differs")
    return lines
