"""Reading the whole audit chain and holding it against the keys and the exported heads (I10)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import psycopg
from psycopg.rows import dict_row

from store.audit_chain import Broken, Event, Fault, Head, Link, Verifier
from store.audit_keys import KeyRing
from store.errors import translated
from store.queries import load

#: An event that is sealed later than this after its own instant is counted as late.
LATE = timedelta(minutes=15)
_PAGE = 5000  # links read at a time


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """`broken`: the first place of each clinic that does not hold, by clinic."""

    broken: list[Broken]
    heads: list[Head]
    links: int
    late: int  # sealed long after their own instant: the sealer was away, or they are backdated


def verify(
    url: str, ring: KeyRing, *, now: datetime, backlog: timedelta, heads: Iterable[Head] = ()
) -> Report:
    """One snapshot of the database, streamed: memory does not grow with the trail."""
    exported: dict[str, dict[int, str]] = {}
    conflicts = []
    for head in heads:
        places = exported.setdefault(head.clinic, {})
        if places.setdefault(head.position, head.mac) != head.mac:
            conflicts.append(_at(head.clinic, head.position, Fault.HEAD_DIFFERS))
    reader = _Reader(ring, exported)
    with translated(), psycopg.connect(url, options="-c timezone=UTC") as conn:
        conn.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        conn.read_only = True
        with conn.cursor("chain", row_factory=dict_row) as cur:
            cur.itersize = _PAGE
            cur.execute(load("audit_chain")["chain"], {"late": LATE})
            for row in cur:
                reader.take(row)
        reader.finish()
        with conn.cursor(row_factory=dict_row) as cur:
            cur.execute(load("audit_chain")["left_out"], {"since": now - backlog})
            left_out = [_left_out(row) for row in cur]
    first: dict[str, Broken] = {}
    for broken in [*conflicts, *reader.broken, *left_out]:
        first.setdefault(broken.clinic, broken)
    return Report(
        broken=[first[clinic] for clinic in sorted(first)],
        heads=reader.heads,
        links=reader.links,
        late=reader.late,
    )


class _Reader:
    """One verifier after another, as the clinics come."""

    def __init__(self, ring: KeyRing, exported: dict[str, dict[int, str]]) -> None:
        self._ring, self._exported = ring, exported
        self._clinic: str | None = None
        self._verifier: Verifier | None = None
        self.broken: list[Broken] = []
        self.heads: list[Head] = []
        self.links = self.late = 0

    def take(self, row: dict[str, Any]) -> None:
        if self._verifier is None or row["clinic_id"] != self._clinic:
            self._close()
            self._open(row["clinic_id"])
        assert self._verifier is not None  # noqa: S101 -- opened just above
        self._verifier.take(_link(row))
        self.links += 1
        self.late += bool(row["late"])

    def finish(self) -> None:
        """The last clinic, and those of which nothing is left but the exported head."""
        self._close()
        for clinic in sorted(self._exported):
            self._open(clinic)
            self._close()

    def _open(self, clinic: str) -> None:
        self._clinic = clinic
        self._verifier = Verifier(clinic, self._ring.keys, self._exported.pop(clinic, {}))

    def _close(self) -> None:
        if self._verifier is None:
            return
        if broken := self._verifier.finish():
            self.broken.append(broken)
        if self._verifier.head:
            self.heads.append(self._verifier.head)
        self._verifier = None


def _link(row: dict[str, Any]) -> Link:
    return Link(
        clinic=row["clinic_id"],
        position=row["position"],
        key=row["key_id"],
        mac=row["mac"],
        sealed_at_us=row["sealed_at_us"],
        event=_event(row) if row["present"] else None,
    )


def _event(row: dict[str, Any]) -> Event:
    return Event(
        clinic=row["clinic_id"],
        seq=row["seq"],
        at_us=row["at_us"],
        actor=row["actor"],
        action=row["action"],
        subject=row["subject"],
        detail=row["detail"],
    )


def _left_out(row: dict[str, Any]) -> Broken:
    if row["event"] is None:
        fault = Fault.LOST_UNSEALED
    else:
        fault = Fault.NEVER_QUEUED if row["queued"] is None else Fault.BACKLOG
    return Broken(clinic=row["clinic_id"], seq=row["event"] or row["queued"], fault=fault)


def _at(clinic: str, position: int, fault: Fault) -> Broken:
    return Broken(clinic=clinic, position=position, fault=fault)
