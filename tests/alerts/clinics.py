"""A clinic in a real database: people with devices, readings that arrived, a worker's run."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import dict_row

from alerts.evaluation import SetDone, evaluate_set
from alerts.rulebook import load
from store.batch import write_batch
from store.fixtures import (
    assign,
    register_clinic,
    register_device,
    register_gateway,
    register_home,
    register_patient,
)
from store.rows import ReadingRow
from tests.alerts.make import NOW
from tests.store.make import reading
from vitals.reading import Comparator, Kind, Measure, Value, coded

Connection = psycopg.AsyncConnection[Any]
SINCE = NOW - timedelta(days=400)

# What the same days must come to, whoever judged them and when. Without instants of the run.
_DUMP = {
    "alerts": """
        SELECT p.given_name, a.lineage, a.episode, a.state, a.severity, a.late, a.starts_at,
               a.last_at, t.kind, t.state AS task_state, t.assignee
        FROM alert a JOIN patient p ON p.id = a.patient_id
        LEFT JOIN care_task t ON t.alert_id = a.id
        WHERE a.clinic_id = %(clinic)s ORDER BY 1, 2, 3""",
    "findings": """
        SELECT p.given_name, f.lineage, a.episode, f.reading_id, f.rule, f.severity, f.late,
               f.measured_at, f.observed::text, f.limits::text, f.rules_version
        FROM finding f JOIN alert a ON a.id = f.alert_id JOIN patient p ON p.id = f.patient_id
        WHERE f.clinic_id = %(clinic)s ORDER BY 1, 2, 3, 4""",
    "judgements": """
        SELECT j.reading_id, p.given_name, j.rules_version
        FROM judgement j JOIN patient p ON p.id = j.patient_id
        WHERE j.clinic_id = %(clinic)s ORDER BY 1, 2, 3""",
    "fired": """
        SELECT p.given_name, a.lineage, a.episode, count(*)
        FROM alert_event e JOIN alert a ON a.id = e.alert_id JOIN patient p ON p.id = a.patient_id
        WHERE e.clinic_id = %(clinic)s AND e.event = 'fired' GROUP BY 1, 2, 3 ORDER BY 1, 2, 3""",
    "waiting": """
        SELECT (SELECT count(*) FROM evaluation_mark WHERE clinic_id = %(clinic)s)
             + (SELECT count(*) FROM pending_evaluation WHERE clinic_id = %(clinic)s)""",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    number: int
    id: UUID
    device: str


class Clinic:
    """`admin` looks at everything; ingest and worker act under their own roles."""

    def __init__(self, name: str, database: Any, admin: Connection) -> None:
        self.name = name
        self.admin = admin
        self._urls = database.urls
        self.people: list[Person] = []
        self._sent = 0

    async def open(self, people: int) -> Clinic:
        await register_clinic(self.admin, self.name, name=self.name, zone="America/New_York")
        home = await register_home(self.admin, self.name, zone="America/New_York")
        await register_gateway(self.admin, self.name, "gw-1", home=home)
        for number in range(people):
            device = f"C0:FF:EE:00:00:{number:02X}"
            await register_device(self.admin, self.name, device)
            patient = await register_patient(
                self.admin, self.name, family_name="Roe", given_name=f"{number:03}"
            )
            await assign(self.admin, self.name, device=device, patient=patient, starts_at=SINCE)
            self.people.append(Person(number=number, id=patient, device=device))
        return self

    async def send(self, *measured: Measured) -> list[UUID]:
        """Store readings as ingest does; each is stored `late_h` hours after it was measured."""
        rows = [self._row(each) for each in measured]
        async with await psycopg.AsyncConnection.connect(
            self._urls["hl_ingest"], autocommit=True
        ) as ingest:
            await write_batch(ingest, readings=rows, quarantined=[])
        ids = [UUID(row.reading.id) for row in rows]
        await self.admin.execute(
            "UPDATE reading r SET stored_at = r.measured_at + n.late_h * interval '1 hour'"
            " FROM unnest(%s::uuid[], %s::float8[]) AS n (id, late_h)"
            " WHERE r.clinic_id = %s AND r.reading_id = n.id",
            [ids, [float(each.late_h) for each in measured], self.name],
        )
        return ids

    def _row(self, each: Measured) -> ReadingRow:
        self._sent += 1
        made = reading(
            self._sent,
            each.values,
            device=self.people[each.person].device,
            kind=each.kind,
            measured_at=each.at,
            device_time=each.at.replace(tzinfo=None),
            flags=each.flags,
        )
        return ReadingRow(clinic=self.name, gateway="gw-1", envelope_id="e", reading=made)

    async def judge(self, *, now: datetime = NOW, size: int = 100) -> list[SetDone]:
        """One worker, until nothing is left to claim."""
        done = []
        async with await self.worker() as conn:
            while (
                one := await evaluate_set(conn, self.name, book=load(), now=now, size=size)
            ).claimed:
                done.append(one)
        return done

    async def worker(self) -> Connection:
        options = "-c lock_timeout=20s -c timezone=UTC"
        return await psycopg.AsyncConnection.connect(
            self._urls["hl_worker"], autocommit=True, options=options
        )

    async def rows(self, query: Any, **values: Any) -> list[dict[str, Any]]:
        async with self.admin.cursor(row_factory=dict_row) as cur:
            await cur.execute(query, {"clinic": self.name, **values})
            return await cur.fetchall()

    async def alerts(self) -> list[dict[str, Any]]:
        return await self.rows(
            "SELECT a.*, t.state AS task, t.due_at, t.snoozed_until, t.snoozed_reason,"
            " t.assignee FROM alert a"
            " LEFT JOIN care_task t ON t.alert_id = a.id WHERE a.clinic_id = %(clinic)s"
            " ORDER BY a.patient_id, a.lineage, a.episode"
        )

    async def alert(self) -> dict[str, Any]:
        (only,) = await self.alerts()
        return only

    async def events(self) -> list[tuple[str, str]]:
        found = await self.rows(
            "SELECT event, state FROM alert_event WHERE clinic_id = %(clinic)s ORDER BY seq"
        )
        return [(row["event"], row["state"]) for row in found]

    async def resolve(self, *, at: datetime = NOW) -> None:
        """As a nurse's resolution leaves them."""
        await self.admin.execute(
            "UPDATE alert SET state = 'resolved', resolved_at = %s WHERE clinic_id = %s",
            [at, self.name],
        )
        await self.admin.execute(
            "UPDATE care_task SET state = 'done', done_at = %s WHERE clinic_id = %s",
            [at, self.name],
        )

    async def dump(self) -> dict[str, list[tuple[Any, ...]]]:
        return {
            name: [tuple(row.values()) for row in await self.rows(query)]
            for name, query in _DUMP.items()
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    person: int = 0
    at: datetime = NOW
    kind: Kind
    values: list[Value]
    late_h: float = 0.0
    flags: list[str]


def bp(systolic: float, diastolic: float, *, ago_h: float = 0, **rest: Any) -> Measured:
    values = [coded(Measure.SYSTOLIC, systolic), coded(Measure.DIASTOLIC, diastolic)]
    return _measured(Kind.BLOOD_PRESSURE, values, ago_h, rest)


def glucose(
    mg_dl: float | None, *, ago_h: float = 0, comparator: Comparator | None = None, **rest: Any
) -> Measured:
    values = [coded(Measure.GLUCOSE, mg_dl, comparator=comparator)]
    return _measured(Kind.GLUCOSE, values, ago_h, rest)


def weight(kg: float, *, ago_h: float = 0, **rest: Any) -> Measured:
    return _measured(Kind.WEIGHT, [coded(Measure.WEIGHT, kg)], ago_h, rest)


def _measured(kind: Kind, values: list[Value], ago_h: float, rest: dict[str, Any]) -> Measured:
    at = NOW - timedelta(hours=ago_h)
    return Measured(**{"kind": kind, "values": values, "at": at, "flags": [], **rest})


def twenty_days(people: int, each: int, *, seed: int = 7) -> list[Measured]:
    """Plausible and less plausible days, some of them from a backlog."""
    rng = random.Random(seed)  # noqa: S311 -- plausible days, not secrets
    days = []
    for person in range(people):
        kg = rng.uniform(55, 110)
        for _ in range(each):
            rest = {
                "person": person,
                "ago_h": round(rng.uniform(0, 480), 3),
                "late_h": rng.choice([0, 0, 0, 1, 30, 200]),
            }
            days.append(_random(rng, kg, rest))
    rng.shuffle(days)
    return days


def _random(rng: random.Random, kg: float, rest: dict[str, Any]) -> Measured:
    kind = rng.random()
    if kind < 0.5:
        return bp(round(rng.gauss(138, 24)), round(rng.gauss(84, 15)), **rest)
    if kind < 0.7:
        comparator = rng.choice([None] * 9 + [Comparator.ABOVE])
        mg_dl = None if comparator else round(max(30, rng.gauss(140, 55)))
        return glucose(mg_dl, comparator=comparator, **rest)
    return weight(round(kg + rng.gauss(0, 1.6), 2), **rest)
