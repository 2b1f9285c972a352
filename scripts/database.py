"""A fresh database for one run, with a synthetic clinic in it."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar
from uuid import UUID
from zoneinfo import ZoneInfo

from ccm_link.calendar_month import Month
from ccm_link.intervals import SECOND, total
from ccm_link.months_service import month_of_clinic
from scripts.clinic import LONG_AGO, SetUp, hand_over, set_up
from scripts.truth import Stored
from simulator.patients.plan import Clinic
from store import databases, fixtures
from store.clinics import read_clinic
from store.pool import connection, open_pool
from store.provision import in_database
from vitals.clock import utc_now
from vitals.reading import Measure

T = TypeVar("T")

#: No slots, and the two that the simulated scale may name.
SLOTS = (None, 1, 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """A month so far: whole minutes that count, and units by code."""

    minutes: int
    codes: dict[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Database:
    """One run's database, its services' addresses and the administrator's."""

    name: str
    admin_url: str
    urls: dict[str, str]

    @classmethod
    @contextmanager
    def fresh(cls, admin_url: str, name: str) -> Iterator[Database]:
        try:
            urls = databases.create(admin_url, name)
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
        self,
        clinic: str,
        devices: Sequence[dict[str, str]],
        *,
        patient: UUID,
        since: datetime,
        slots: Mapping[str, Sequence[int | None]] | None = None,
    ) -> None:
        """Devices to one patient, in the `slots` of each kind; else in every one they may name."""
        named = slots or {}
        worn = [(d["address"], d["kind"], s) for d in devices for s in named.get(d["kind"], SLOTS)]
        self._as_admin(lambda conn: hand_over(conn, clinic, worn, patient=patient, starts_at=since))

    def hand_over_all(self, clinic: str, *, patient: UUID, since: datetime) -> None:
        """Whatever has measured anything, in whatever slot."""

        async def act(conn: Any) -> None:
            rows = await fixtures.read_readings(conn, clinic)
            found = {(row["device"], row["kind"], row["user_slot"]) for row in rows}
            worn = sorted((device, kind, slot) for device, kind, slot in found)
            await hand_over(conn, clinic, worn, patient=patient, starts_at=since)

        self._as_admin(act)

    def assign_all(self, clinic: str, devices: Sequence[dict[str, str]]) -> None:
        """All devices to one synthetic patient, since long ago."""

        async def act(conn: Any) -> UUID:
            return await fixtures.register_patient(
                conn, clinic, family_name="Testperson", given_name="Synthetic"
            )

        patient = self._as_admin(act)
        self.hand_over(clinic, devices, patient=patient, since=utc_now() - LONG_AGO)

    def stored(self, clinic: str) -> list[Stored]:
        rows = self._as_admin(lambda conn: fixtures.read_readings(conn, clinic))
        return [_stored(row) for row in rows]

    def readings(self, clinic: str, *, since: datetime | None = None) -> list[dict[str, Any]]:
        """All columns, the instant of storing included; `since`: measured then or later."""
        return self._as_admin(lambda conn: fixtures.read_readings(conn, clinic, since=since))

    def counts(self, clinic: str) -> dict[str, int]:
        """`readings, unassigned, held, quarantined, pending, unjudged, alerts, tasks`."""
        return self._as_admin(lambda conn: fixtures.counts(conn, clinic))

    def arrivals(self, clinic: str) -> dict[str, int]:
        """How many readings are stored, by the gateway that brought them."""
        return self._as_admin(lambda conn: fixtures.arrivals(conn, clinic))

    def quarantined(self, clinic: str) -> int:
        return self.counts(clinic)["quarantined"]

    def refused(self, clinic: str) -> frozenset[str]:
        """Ids of the readings in quarantine."""
        return frozenset(self._as_admin(lambda conn: fixtures.refused_ids(conn, clinic)))

    def alerts(self, clinic: str) -> list[dict[str, Any]]:
        return self._as_admin(lambda conn: fixtures.read_alerts(conn, clinic))

    def month(self, clinic: str, now: datetime) -> Counted:
        """What of this month counts, and what it bills, by the engine."""

        async def act(conn: Any) -> Counted:
            settings = await read_clinic(conn, clinic)
            zone = ZoneInfo(settings.zone) if settings else UTC
            this_month = Month.of(now.astimezone(zone).date())
            found = month_of_clinic(conn, clinic, this_month, now=now)
            results = [month.result async for month in found]
            codes: Counter[str] = Counter()
            for line in (line for result in results for line in result.billable):
                codes[line.code] += line.units
            micros = sum(total(row.counted) for result in results for row in result.ledger)
            return Counted(minutes=micros // (60 * SECOND), codes=dict(sorted(codes.items())))

        return self._as_admin(act)

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
