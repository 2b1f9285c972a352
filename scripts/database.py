"""A fresh database for one run, with a synthetic clinic in it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from scripts.clinic import LONG_AGO, SetUp, hand_over, set_up
from scripts.truth import Stored
from simulator.patients.plan import Clinic
from store import databases, fixtures
from store.pool import connection, open_pool
from store.provision import in_database
from vitals.clock import utc_now
from vitals.reading import Measure

T = TypeVar("T")

#: No slots, and the two that the simulated scale may name.
SLOTS = (None, 1, 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Database:
    """One run's database, its services' addresses and the administrator's."""

    name: str
    admin_url: str
    urls: dict[str, str]

    @classmethod
    @contextmanager
    def fresh(cls, admin_url: str, name: str) -> Iterator[Database]:
        urls = databases.create(admin_url, name)
        try:
            yield cls(name=name, admin_url=in_database(admin_url, name), urls=urls)
        finally:
            databases.drop(admin_url, name)

    @property
    def ingest_url(self) -> str:
        return self.urls["hl_ingest"]

    def register(self, clinic: str, gateway: str, zone: str) -> None:
        async def act(conn: Any) -> None:
            await fixtures.register_clinic(conn, clinic, name="Demo Clinic", zone=zone)
            home = await fixtures.register_home(conn, clinic, zone=zone)
            await fixtures.register_gateway(conn, clinic, gateway, home=home)

        self._as_admin(act)

    def set_up(self, clinic: str, wanted: Clinic, *, zone: str, now: datetime) -> SetUp:
        """The demo clinic with everybody in it."""

        async def act(conn: Any) -> SetUp:
            await fixtures.register_clinic(conn, clinic, name="Demo Clinic", zone=zone)
            return await set_up(conn, clinic, wanted, now=now)

        return self._as_admin(act)

    def hand_over(
        self, clinic: str, devices: Sequence[dict[str, str]], *, patient: UUID, since: datetime
    ) -> None:
        """Devices to one patient, in every slot that they may name."""

        async def act(conn: Any) -> None:
            await hand_over(conn, clinic, devices, patient=patient, slots=SLOTS, starts_at=since)

        self._as_admin(act)

    def assign_all(self, clinic: str, devices: Sequence[dict[str, str]]) -> None:
        """All devices to one synthetic patient, since long ago."""

        async def act(conn: Any) -> None:
            patient = await fixtures.register_patient(
                conn, clinic, family_name="Testperson", given_name="Synthetic"
            )
            await hand_over(
                conn,
                clinic,
                devices,
                patient=patient,
                slots=SLOTS,
                starts_at=utc_now() - LONG_AGO,
            )

        self._as_admin(act)

    def stored(self, clinic: str) -> list[Stored]:
        rows = self._as_admin(lambda conn: fixtures.read_readings(conn, clinic))
        return [_stored(row) for row in rows]

    def counts(self, clinic: str) -> dict[str, int]:
        """`readings, unassigned, held, quarantined, pending, unjudged, alerts, tasks`."""
        return self._as_admin(lambda conn: fixtures.counts(conn, clinic))

    def quarantined(self, clinic: str) -> int:
        return self.counts(clinic)["quarantined"]

    def refused(self, clinic: str) -> frozenset[str]:
        """Ids of the readings in quarantine."""
        return frozenset(self._as_admin(lambda conn: fixtures.refused_ids(conn, clinic)))

    def alerts(self, clinic: str) -> list[dict[str, Any]]:
        return self._as_admin(lambda conn: fixtures.read_alerts(conn, clinic))

    def _as_admin(self, act: Callable[[Any], Awaitable[T]]) -> T:
        async def run() -> T:
            async with open_pool(self.admin_url, max_size=1) as pool, connection(pool) as conn:
                return await act(conn)

        return asyncio.run(run())


def _stored(row: dict[str, Any]) -> Stored:
    return Stored(
        reading_id=str(row["reading_id"]),
        address=row["device"],
        kind=row["kind"],
        measured_at=row["measured_at"],
        raw=row["raw"][0]["hex"].lower(),
        values={name: row[name] for name in Measure if row[name] is not None},
    )
