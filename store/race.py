"""What ingest is held against: a plain table for a peer, and the fastest way in without a broker.

As the administrator, in a database of the benchmark's own; the statements of `sql/race.sql`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

import psycopg

from store.attribution import Attribution
from store.batch import COPY_TYPES, Attributed, columns, slot_of
from store.errors import translated
from store.queries import load
from store.rows import ReadingRow

_NOBODYS = Attribution()


@dataclass(frozen=True, slots=True)
class Track:
    """One connection to the benchmark's database."""

    conn: psycopg.Connection[Any]

    @classmethod
    def open(cls, admin_url: str) -> Self:
        with translated():
            return cls(psycopg.connect(admin_url, autocommit=True, options="-c timezone=UTC"))

    def close(self) -> None:
        self.conn.close()

    def prepare(self, what: str) -> None:
        """`peer` or `copied`: its table, as a hypertable with one unique index."""
        for part in ("table", "hypertable", "index"):
            self.conn.execute(load("race")[f"{what}_{part}"])

    def clear(self, what: str) -> None:
        self.conn.execute(load("race")[f"clear_{what}"])

    def count(self, what: str) -> int:
        """How many rows `peer` or `copied` has now."""
        return self._number(f"count_{what}", {})

    def count_readings(self, since: datetime, until: datetime) -> int:
        """That were measured in that time: cheap beside the rest of a large table."""
        return self._number("count_readings", {"since": since, "until": until})

    def _number(self, name: str, values: dict[str, Any]) -> int:
        row = self.conn.execute(load("race")[name], values).fetchone()
        return int(row[0]) if row else 0

    def copy_all(self, rows: Sequence[ReadingRow], *, at_once: int) -> float:
        """Seconds for COPY to a temporary table and INSERT … ON CONFLICT DO NOTHING, no more.

        The columns are made beforehand: what is timed is the driver and the database.
        """
        made = [columns(Attributed(row, slot_of(row), _NOBODYS)) for row in rows]
        self.conn.execute(load("race")["copied_landing"])
        into = load("ingest")["copy_readings"].replace("COPY reading", "COPY landing", 1)
        started = time.perf_counter()
        for first in range(0, len(made), at_once):
            with self.conn.transaction(), self.conn.cursor() as cur:
                with cur.copy(into) as copy:
                    copy.set_types(COPY_TYPES)
                    for row in made[first : first + at_once]:
                        copy.write_row(row)
                cur.execute(load("race")["insert_copied"])
        return time.perf_counter() - started

    def backends(self) -> list[int]:
        """Process ids of everybody else who is connected to this database."""
        return [pid for (pid,) in self.conn.execute(load("race")["backends"]).fetchall()]


def until(count: Callable[[], int], wanted: int, *, timeout_s: float, look_s: float) -> bool:
    """Whether there were so many in time."""
    deadline = time.perf_counter() + timeout_s
    while count() < wanted:
        if time.perf_counter() > deadline:
            return False
        time.sleep(look_s)
    return True
