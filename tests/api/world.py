"""A home with a patient whose readings go through the real store and the real rules."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg

from alerts import rulebook
from alerts.evaluation import evaluate_set
from store import fixtures
from store.batch import write_batch
from store.rows import ReadingRow
from tests.api.conftest import NOW, Clinic
from tests.store.make import reading
from vitals.reading import Kind, Measure, Value, coded


class Home:
    """One patient's home of a clinic: what is measured here is stored, and judged when asked."""

    def __init__(
        self, database: Any, clinic: Clinic, gateway: str, patient: UUID, device: str
    ) -> None:
        self._urls, self._gateway = database.urls, gateway
        self.clinic, self.patient, self.device = clinic.name, patient, device
        self._count = 0

    @classmethod
    async def make(
        cls, database: Any, admin: Any, clinic: Clinic, *, name: str = "Testperson", number: int = 1
    ) -> Home:
        home = await fixtures.register_home(admin, clinic.name, zone="America/New_York")
        await fixtures.register_gateway(admin, clinic.name, f"gw-{number}", home=home)
        patient = await fixtures.register_patient(
            admin, clinic.name, family_name=name, given_name="Synthetic"
        )
        device = f"C0:FF:EE:00:00:{number:02X}"
        await fixtures.register_device(admin, clinic.name, device, kind="blood_pressure")
        await fixtures.assign(
            admin, clinic.name, device=device, patient=patient, starts_at=NOW - timedelta(days=400)
        )
        return cls(database, clinic, f"gw-{number}", patient, device)

    async def pressure(self, systolic: float, diastolic: float, *, at: datetime = NOW) -> str:
        values = [coded(Measure.SYSTOLIC, systolic), coded(Measure.DIASTOLIC, diastolic)]
        return await self.measure(values, Kind.BLOOD_PRESSURE, at=at)

    async def weight(self, kg: float, *, at: datetime = NOW) -> str:
        return await self.measure([coded(Measure.WEIGHT, kg)], Kind.WEIGHT, at=at)

    async def measure(self, values: list[Value], kind: Kind, *, at: datetime) -> str:
        self._count += 1
        made = reading(
            self._count,
            values,
            kind=kind,
            device=self.device,
            measured_at=at,
            received_at=at,
            device_time=at.replace(tzinfo=None),
        )
        row = ReadingRow(clinic=self.clinic, gateway=self._gateway, envelope_id="e", reading=made)
        async with await psycopg.AsyncConnection.connect(
            self._urls["hl_ingest"], autocommit=True
        ) as conn:
            await write_batch(conn, readings=[row], quarantined=[])
        return made.id

    async def judge(self, *, now: datetime = NOW) -> None:
        """As a worker does, until nothing is left."""
        async with await psycopg.AsyncConnection.connect(
            self._urls["hl_worker"], autocommit=True, options="-c timezone=UTC"
        ) as conn:
            while (
                await evaluate_set(conn, self.clinic, book=rulebook.load(), now=now, size=100)
            ).claimed:
                pass
