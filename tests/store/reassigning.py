"""A cuff that two people use: what the re-assignment tests stand on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import dict_row

from alerts.evaluation import evaluate_set
from alerts.rulebook import load
from store import reassign, staff
from store.batch import write_batch
from store.fixtures import assign, register_device, register_patient
from store.reassign import Period
from store.rows import NO_SLOT, QuarantineRow
from tests.store.make import CUFF, NOW, row
from vitals.errors import QuarantineReason
from vitals.reading import Measure, coded

HOUR = timedelta(hours=1)
CRISIS = [coded(Measure.SYSTOLIC, 191), coded(Measure.DIASTOLIC, 124)]
NORMAL = [coded(Measure.SYSTOLIC, 121), coded(Measure.DIASTOLIC, 78)]


@dataclass(kw_only=True)
class Household:
    """Ann has the cuff; Ben will turn out to have used it."""

    admin: Any
    api: Any
    ingest: Any
    worker: Any
    nurse: UUID
    ann: UUID
    ben: UUID

    async def measure(self, hours_ago: float, values: Any = None, **changes: Any) -> str:
        at = NOW - hours_ago * HOUR
        made = row(
            values=values or NORMAL,
            measured_at=at,
            device_time=at.replace(tzinfo=None),
            received_at=at,
            **changes,
        )
        await write_batch(self.ingest, readings=[made], quarantined=[])
        # As if it had come live: the database's own clock is not the test's.
        await self.admin.execute("UPDATE reading SET stored_at = received_at")
        return made.reading.id

    async def poison(self, hours_ago: float) -> None:
        bad = QuarantineRow(
            topic="hl/v1/north/gw-1/readings",
            scope="reading",
            payload=f"{hours_ago}".encode(),
            reason=QuarantineReason.IMPLAUSIBLE,
            detail="systolic",
            clinic="north",
            gateway="gw-1",
            device=CUFF,
            measured_at=NOW - hours_ago * HOUR,
        )
        await write_batch(self.ingest, readings=[], quarantined=[bad])

    async def judge(self, now: datetime = NOW) -> None:
        while (await evaluate_set(self.worker, "north", book=load(), now=now, size=100)).claimed:
            pass

    def period(self, hours_ago: float, until: float | None = None, **changes: Any) -> Period:
        return Period(
            device=CUFF,
            starts_at=NOW - hours_ago * HOUR,
            ends_at=None if until is None else NOW - until * HOUR,
            **{"patient": self.ben, **changes},
        )

    async def give(self, hours_ago: float, until: float | None = None, **changes: Any) -> Any:
        period = self.period(hours_ago, until, **changes)
        return await reassign.reassign(self.api, "north", period, staff=self.nurse, now=NOW)

    async def rows(self, query: str, *values: Any) -> list[dict[str, Any]]:
        async with self.admin.cursor(row_factory=dict_row) as cur:
            await cur.execute(query, values or None)
            found: list[dict[str, Any]] = await cur.fetchall()
        return found

    async def owners(self) -> list[UUID | None]:
        """Whose the readings are, oldest first."""
        rows = await self.rows("SELECT patient_id FROM reading ORDER BY measured_at")
        return [found["patient_id"] for found in rows]

    async def spans(self, slot: int = NO_SLOT) -> list[tuple[UUID, float | None, float | None]]:
        """Assignments of the cuff's slot as (patient, hours ago of start, of end)."""
        rows = await self.rows(
            "SELECT patient_id, lower(during) AS a, upper(during) AS b FROM assignment"
            " WHERE user_slot = %s ORDER BY lower(during)",
            slot,
        )
        return [(r["patient_id"], _ago(r["a"]), _ago(r["b"])) for r in rows]

    async def alerts(self, patient: UUID) -> list[dict[str, Any]]:
        return await self.rows(
            "SELECT * FROM alert WHERE patient_id = %s ORDER BY opened_at", patient
        )


def _ago(instant: datetime | None) -> float | None:
    return None if instant is None else (NOW - instant) / HOUR


async def household(admin: Any, urls: dict[str, str], opened: Any) -> Household:
    """`opened` is an AsyncExitStack that closes the connections."""

    async def login(role: str) -> Any:
        connection = await psycopg.AsyncConnection.connect(urls[role], autocommit=True)
        return await opened.enter_async_context(connection)

    await register_device(admin, "north", CUFF)
    people = [
        await register_patient(admin, "north", family_name="Example", given_name=name)
        for name in ("Ann", "Ben")
    ]
    await assign(admin, "north", device=CUFF, patient=people[0], starts_at=NOW - 240 * HOUR)
    who = staff.NewStaff(email="n@north.example", name="Demo Nurse", credential="RN", role="nurse")
    nurse = await staff.create_member(admin, "north", who, password_hash="x", now=NOW)
    return Household(
        admin=admin,
        api=await login("hl_api"),
        ingest=await login("hl_ingest"),
        worker=await login("hl_worker"),
        nurse=nurse,
        ann=people[0],
        ben=people[1],
    )
