"""Patients with readings as ingest stores them: assigned devices, ninety plausible days."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

import psycopg

from alerts import rulebook
from alerts.evaluation import evaluate_set
from store import fixtures
from store.batch import write_batch
from store.rows import ReadingRow
from tests.api.conftest import NOW
from tests.store.make import reading
from vitals.reading import Comparator, Kind, Measure, RawValue, Value, coded

CUFF, METER, SCALE = "C0:FF:EE:00:{:02X}:01", "C0:FF:EE:00:{:02X}:02", "C0:FF:EE:00:{:02X}:03"


@dataclass(kw_only=True)
class Home:
    """A clinic's home with a gateway, and how to write what its devices measured."""

    clinic: str
    admin: Any
    ingest_url: str
    worker_url: str
    number: int = 0

    async def patient(
        self, family: str = "Exampleton", given: str = "Rosa", **columns: Any
    ) -> UUID:
        """Registered, with a cuff, a meter and a scale assigned for a year."""
        self.number += 1
        patient = await fixtures.register_patient(
            self.admin, self.clinic, family_name=family, given_name=given, **columns
        )
        for address in (CUFF, METER, SCALE):
            device = address.format(self.number)
            await fixtures.register_device(self.admin, self.clinic, device, model="Sample 1")
            await fixtures.assign(
                self.admin, self.clinic, device=device, patient=patient,
                starts_at=datetime(2026, 1, 1, tzinfo=UTC),
            )  # fmt: skip
        return patient

    async def write(self, rows: Sequence[ReadingRow]) -> None:
        async with await psycopg.AsyncConnection.connect(self.ingest_url, autocommit=True) as conn:
            await write_batch(conn, readings=rows, quarantined=[])

    async def judge(self, *, now: datetime) -> None:
        """As a worker does, until nothing is left."""
        async with await psycopg.AsyncConnection.connect(
            self.worker_url, autocommit=True, options="-c timezone=UTC"
        ) as conn:
            book = rulebook.load()
            while (await evaluate_set(conn, self.clinic, book=book, now=now, size=500)).claimed:
                pass

    def pressure(self, at: datetime, systolic: float, diastolic: float, **more: Any) -> ReadingRow:
        values = [coded(Measure.SYSTOLIC, systolic), coded(Measure.DIASTOLIC, diastolic)]
        values.append(coded(Measure.PULSE, 70))
        return self._row(CUFF, Kind.BLOOD_PRESSURE, at, values, **more)

    def glucose(
        self, at: datetime, mg_dl: float | None, comparator: Comparator | None = None, **more: Any
    ) -> ReadingRow:
        values = [coded(Measure.GLUCOSE, mg_dl, comparator=comparator)]
        return self._row(METER, Kind.GLUCOSE, at, values, **more)

    def weight(self, at: datetime, kg: float, **more: Any) -> ReadingRow:
        return self._row(SCALE, Kind.WEIGHT, at, [coded(Measure.WEIGHT, kg)], **more)

    def of_kind(
        self, kind: Kind, at: datetime, values: dict[Measure, float], **more: Any
    ) -> ReadingRow:
        """Of any other kind, by the scale's address: what a device is called decides nothing."""
        measured = [coded(measure, value) for measure, value in values.items()]
        return self._row(SCALE, kind, at, measured, **more)

    def undecoded(self, at: datetime) -> ReadingRow:
        return self._row(CUFF, Kind.UNDECODED, at, [])

    def _row(
        self, address: str, kind: Kind, at: datetime, values: list[Value], **more: Any
    ) -> ReadingRow:
        number = more.pop("number", self.number)
        hexed = f"{number:02x}{int(at.timestamp()):08x}"
        made = reading(
            values=values,
            device=address.format(number),
            kind=kind,
            measured_at=at,
            device_time=at.replace(tzinfo=None),
            received_at=at + timedelta(minutes=1),
            raw=[RawValue(characteristic="2A35", hex=hexed)],
            **more,
        )
        return ReadingRow(clinic=self.clinic, gateway="gw-1", envelope_id="e", reading=made)

    def ninety_days(self, now: datetime, *, days: int = 90) -> list[ReadingRow]:
        """Mornings at 8 and evenings at 19 New York time, two glucose values, a weight a day."""
        chance = Random(self.number)  # noqa: S311 -- plausible, not secret
        rows: list[ReadingRow] = []
        for ago in range(days, 0, -1):
            morning = now.replace(hour=13, minute=0, second=0) - timedelta(days=ago)
            wave = chance.gauss(0, 5)
            rows += [
                self.pressure(morning, round(134 + wave), round(82 + wave / 2)),
                self.pressure(morning + timedelta(minutes=2), round(132 + wave), 81),
                self.pressure(morning + timedelta(hours=10), round(128 + wave), 78),
                self.glucose(morning, round(112 + wave)),
                self.glucose(morning + timedelta(hours=11), round(150 + 3 * wave)),
                self.weight(morning, round(82 + wave / 20, 1)),
            ]
        return rows


async def make_home(admin: Any, database: Any, clinic: str) -> Home:
    home = await fixtures.register_home(admin, clinic, zone="America/New_York")
    await fixtures.register_gateway(admin, clinic, "gw-1", home=home)
    urls = database.urls
    return Home(
        clinic=clinic, admin=admin, ingest_url=urls["hl_ingest"], worker_url=urls["hl_worker"]
    )


async def crowd(home: Home, *, patients: int = 25, now: datetime = NOW) -> list[UUID]:
    """So many patients with 90 days each: 540 readings a patient."""
    made = []
    for number in range(patients):
        made.append(await home.patient(family=f"Sample {number:02}"))
        await home.write(home.ninety_days(now))
    await home.admin.execute("ANALYZE")
    return made
