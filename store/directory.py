"""What an ingest worker remembers of the registry, and how it knows that it is still true.

Assignments, gateways and devices change seldom and are asked for with every reading. A batch holds
the assignments' lock shared and reads the registry's number; as long as that is the one under which
the answers were remembered, they are what the tables say. Whoever changes an assignment takes the
lock for themselves and moves the number on (`0009_directory_epoch.sql`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from psycopg import AsyncConnection

from store.attribution import Spell
from store.errors import translated
from store.queries import load

Gateway = tuple[str, str]  # clinic, name
Slot = tuple[str, str, int]  # clinic, device, user slot
Address = tuple[str, str]  # clinic, address of a device
_UTC = ZoneInfo("UTC")
_K = TypeVar("_K")
_V = TypeVar("_V")
_MOST = 500_000  # entries of each kind: some 150 MB, and more than any one clinic has


@dataclass(slots=True)
class Directory:
    """One worker's memory; several batches of it may be under way at once."""

    epoch: int | None = None
    zones: dict[Gateway, ZoneInfo] = field(default_factory=dict)
    spells: dict[Slot, tuple[Spell, ...]] = field(default_factory=dict)
    devices: dict[Address, None] = field(default_factory=dict)

    def enter(self, epoch: int) -> None:
        """Called under the lock, with the number read under it."""
        if epoch != self.epoch:
            self.epoch = epoch
            self.zones.clear()
            self.spells.clear()

    def zone(self, gateway: Gateway) -> ZoneInfo:
        """Of its home; UTC where that is not known (any more)."""
        return self.zones.get(gateway, _UTC)

    async def known(
        self, conn: AsyncConnection[Any] | None, asked: Collection[Gateway]
    ) -> frozenset[Gateway]:
        """Those of the gateways that are registered. One that is unknown is asked for each time.

        `conn` may be None where `unknown(asked)` is empty.
        """
        missing = self.unknown(asked)
        there = frozenset(asked).difference(missing)  # whatever another batch forgets meanwhile
        if conn is None or not missing:
            return there
        before = self.epoch
        clinics, names = zip(*missing, strict=True)
        values = {"clinics": list(clinics), "names": list(names)}
        with translated():
            cur = await conn.execute(load("ingest")["known_gateways"], values)
            found = {(row[0], row[1]): _zone(row[2]) for row in await cur.fetchall()}
        if before == self.epoch:  # else what was read may be older than what is remembered now
            _remember(self.zones, found)
        return there | found.keys()

    def unknown(self, asked: Iterable[Gateway]) -> list[Gateway]:
        return sorted(gateway for gateway in asked if gateway not in self.zones)

    async def spells_of(
        self, conn: AsyncConnection[Any], asked: Collection[Slot], *, epoch: int
    ) -> dict[Slot, tuple[Spell, ...]]:
        """All assignments of each slot. Under the lock; `epoch` is the number read under it."""
        there = {slot: self.spells[slot] for slot in asked if slot in self.spells}
        missing = sorted(slot for slot in asked if slot not in there)
        if not missing:
            return there
        clinics, devices, slots = zip(*missing, strict=True)
        values = {"clinics": list(clinics), "devices": list(devices), "slots": list(slots)}
        cur = await conn.execute(load("ingest")["assignments_of"], values, binary=True)
        found: dict[Slot, tuple[Spell, ...]] = dict.fromkeys(missing, ())
        for clinic, device, slot, *spell in await cur.fetchall():
            found[clinic, device, slot] += (Spell(*spell),)
        if epoch == self.epoch:  # not so where a lost connection held the lock no longer
            _remember(self.spells, found)
        return there | found

    def new_devices(self, asked: Iterable[Address]) -> set[Address]:
        return {address for address in asked if address not in self.devices}

    def remember_devices(self, committed: Iterable[Address]) -> None:
        _remember(self.devices, dict.fromkeys(committed))


def _remember(memory: dict[_K, _V], found: dict[_K, _V]) -> None:
    if len(memory) + len(found) > _MOST:
        memory.clear()
    memory |= found


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):  # a judged day is looked at with room for any zone
        return _UTC
