"""The sealer: links the audit events that were committed since, clinic by clinic.

It never holds a writer up. A position is given under a lock of the sealers' own, in the order of
sealing; an event that commits late, with a lower number, simply gets a later position.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import structlog
from psycopg.rows import class_row

from store import audit_heads, metrics
from store.audit_chain import START, Broken, Event, Fault, Head, seal
from store.audit_keys import KeyRing
from store.errors import StoreError, Unavailable, translated
from store.pool import Pool, connection
from store.queries import load
from store.tenancy import Connection

SET_SIZE = 1000  # events of one transaction
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
log = structlog.get_logger()


class ChainBroken(Exception):
    """The chain does not hold what was exported of it; nothing is sealed on top of that."""

    def __init__(self, broken: Broken) -> None:
        super().__init__(str(broken))
        self.broken = broken


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealed:
    """What one round did."""

    events: int
    heads: list[Head]  # of the clinics that got links
    broken: list[Broken]  # of the clinics that were left alone


def microseconds(at: datetime) -> str:
    return str((at - _EPOCH) // timedelta(microseconds=1))


async def seal_waiting(
    conn: Connection,
    ring: KeyRing,
    *,
    clock: Callable[[], datetime],
    known: dict[str, Head] | None = None,
) -> Sealed:
    """Seal all that waits. `known`: exported heads by clinic, which must still be in the chain."""
    before = known or {}
    events, heads, broken = 0, [], []
    with translated():
        clinics = await (await conn.execute(load("audit_chain")["clinics_waiting"])).fetchall()
    for (clinic,) in clinics:
        head = before.get(clinic)
        try:
            while done := await _seal_set(conn, ring, clinic, known=head, now=clock()):
                head, number = done
                events += number
        except ChainBroken as exc:
            broken.append(exc.broken)
            continue
        if head is not None and head != before.get(clinic):
            heads.append(head)
    return Sealed(events=events, heads=heads, broken=broken)


async def _seal_set(
    conn: Connection, ring: KeyRing, clinic: str, *, known: Head | None, now: datetime
) -> tuple[Head, int] | None:
    """One transaction; None where nothing waited."""
    statements = load("audit_chain")
    with translated():
        async with conn.transaction():
            await conn.execute(statements["lock"])
            position, previous = await _end(conn, clinic, known)
            async with conn.cursor(row_factory=class_row(_Waiting)) as cur:
                await cur.execute(statements["waiting"], {"clinic": clinic, "limit": SET_SIZE})
                waiting = [row.event for row in await cur.fetchall()]
            if not waiting:
                return None
            macs = []
            for place, event in enumerate(waiting, start=position + 1):
                previous = seal(
                    event,
                    position=place,
                    previous=previous,
                    sealed_at_us=microseconds(now),
                    key=(ring.current, ring.keys[ring.current]),
                )
                macs.append(previous)
            values = {
                "clinic": clinic,
                "positions": list(range(position + 1, position + 1 + len(macs))),
                "seqs": [event.seq for event in waiting],
                "macs": macs,
                "sealed_at": now,
                "key_id": ring.current,
            }
            await conn.execute(statements["insert_links"], values)
            await conn.execute(statements["take_off"], values)
    last = position + len(macs)
    return Head(clinic=clinic, position=last, key=ring.current, mac=macs[-1].hex()), len(macs)


async def _end(conn: Connection, clinic: str, known: Head | None) -> tuple[int, bytes]:
    """Position and mac of the chain's end, which `known` must not be beyond or beside."""
    if known is not None:
        values = {"clinic": clinic, "position": known.position}
        row = await (await conn.execute(load("audit_chain")["mac_at"], values)).fetchone()
        if row is None or row[0].hex() != known.mac:
            fault = Fault.HEAD_MISSING if row is None else Fault.HEAD_DIFFERS
            raise ChainBroken(Broken(clinic=clinic, position=known.position, fault=fault))
    row = await (
        await conn.execute(load("audit_chain")["last_link"], {"clinic": clinic})
    ).fetchone()
    return (0, START) if row is None else (row[0], row[1])


@dataclass(frozen=True, slots=True)
class _Waiting:
    clinic_id: str
    seq: int
    at_us: str
    actor: str
    action: str
    subject: str
    detail: str

    @property
    def event(self) -> Event:
        return Event(
            clinic=self.clinic_id,
            seq=self.seq,
            at_us=self.at_us,
            actor=self.actor,
            action=self.action,
            subject=self.subject,
            detail=self.detail,
        )


class Sealer:
    """Seals in rounds and exports the heads, to a file where one is named and to the log."""

    def __init__(
        self, pool: Pool, ring: KeyRing, *, clock: Callable[[], datetime], head_file: Path | None
    ) -> None:
        self._pool, self._ring, self._clock, self._file = pool, ring, clock, head_file
        self._known: dict[str, Head] = {}
        self._exported: dict[str, Head] = {}  # what the file says
        if head_file is not None and head_file.exists():
            for head in audit_heads.read(head_file):
                self._remember(head)
            self._exported = dict(self._known)

    def _remember(self, head: Head) -> None:
        old = self._known.get(head.clinic)
        if old is None or old.position <= head.position:
            self._known[head.clinic] = head

    async def once(self) -> Sealed:
        async with connection(self._pool) as conn:
            done = await seal_waiting(conn, self._ring, clock=self._clock, known=self._known)
            metrics.BACKLOG_AGE.set(await _oldest(conn, self._clock()))
        for head in done.heads:
            self._remember(head)
            log.info(
                "audit head",
                clinic=head.clinic,
                position=head.position,
                key=head.key,
                mac=head.mac,
            )
        if self._file is not None and self._exported != self._known:
            audit_heads.write(self._file, self._known.values())
            self._exported = dict(self._known)
        for broken in done.broken:
            log.error("audit chain broken", clinic=broken.clinic, cause=str(broken.fault))
        metrics.SEALED.inc(done.events)
        metrics.BROKEN.set(len(done.broken))
        return done

    async def run(self, stop: asyncio.Event, *, every_s: float) -> None:
        """A round every `every_s` seconds until `stop`.

        The database's absence is waited out, and so is a disk that takes no head.
        """
        while not stop.is_set():
            try:
                await self.once()
            except Unavailable as exc:
                log.warning("not sealed", cause=str(exc))
            except StoreError as exc:
                metrics.FAILED.inc()
                log.exception("not sealed", cause=str(exc))
            except OSError as exc:
                metrics.FAILED.inc()
                log.error("heads not exported", cause=exc.strerror)  # noqa: TRY400 -- no trace needed
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), every_s)


async def _oldest(conn: Connection, now: datetime) -> float:
    """Seconds that the oldest unsealed event has waited; 0 where none does."""
    with translated():
        row = await (
            await conn.execute(load("audit_chain")["oldest_waiting"], {"now": now})
        ).fetchone()
    return max(0.0, float(row[0])) if row else 0.0
