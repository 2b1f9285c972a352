"""Many rows at once by binary COPY, as the administrator: for a database that a measurement needs.

The statements of `sql/bulk.sql`; a table's columns and their order stand there. Nobody checks these
rows but the tables' constraints, so no service of the product comes this way.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg

from store.errors import translated
from store.queries import load

Connection = psycopg.Connection[Any]
#: Binary COPY: signature, flags and header extension; and the end of the data.
_HEAD, _END = b"PGCOPY\n\xff\r\n\0" + bytes(8), b"\xff\xff"


@contextmanager
def bulk_connection(admin_url: str) -> Iterator[Connection]:
    """Commits when the caller says so, and does not wait for the disk."""
    with translated(), psycopg.connect(admin_url, options="-c timezone=UTC") as conn:
        conn.execute(load("bulk")["relaxed_commit"])
        yield conn


def server_process(conn: Connection) -> int:
    """The process of the server that serves this connection, by the server's own number."""
    return conn.info.backend_pid


def ensure_clinic(conn: Connection, clinic: str, *, zone: str) -> None:
    conn.execute(load("bulk")["ensure_clinic"], {"clinic": clinic, "zone": zone})


def copy_tuples(conn: Connection, table: str, tuples: Sequence[bytes]) -> None:
    """`tuples` are runs of rows in COPY's binary format, without header and end.

    Raises:
        DataRefused: a row is not what the table takes.
    """
    with conn.cursor() as cur, cur.copy(load("bulk")[table]) as copy:
        copy.write(_HEAD)
        for some in tuples:
            copy.write(some)
        copy.write(_END)


def analyze(admin_url: str) -> None:
    """Statistics of every table, as autovacuum would have made them by and by."""
    with translated(), psycopg.connect(admin_url, autocommit=True) as conn:
        conn.execute(load("bulk")["analyze"])
