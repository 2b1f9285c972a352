"""A clinic with staff, patients and alerts, and connections as the console has them."""

from __future__ import annotations

import uuid
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta

import msgspec
import psycopg

from ccm_link.work import Actor
from store.fixtures import register_clinic, register_patient

NOW = datetime(2026, 11, 20, 15, tzinfo=UTC)  # ten in the morning in New York
FINDING = {"systolic_mmhg": 191.0, "diastolic_mmhg": 124.0}


def after(seconds=0, **more):
    return NOW + timedelta(seconds=seconds, **more)


def resolving(**changes):
    return {
        "outcome": "patient_advised",
        "note": "Called, took her tablets, repeat in an hour.",
        "programme": "CCM",
        "activity": "alert_review",
        "interactive": False,
        "follow_up": None,
    } | changes


class Ward:
    def __init__(self, database, admin):
        self.database, self.admin = database, admin
        self._stack = AsyncExitStack()

    async def __aenter__(self):
        return self

    async def __aexit__(self, *reason):
        await self._stack.aclose()

    async def connect(self, role="hl_api"):
        conn = await psycopg.AsyncConnection.connect(
            self.database.urls[role], autocommit=True, options="-c timezone=UTC"
        )
        return await self._stack.enter_async_context(conn)

    async def open_clinic(self, clinic, *, zone):
        await register_clinic(self.admin, clinic, name=clinic.title(), zone=zone)

    async def one(self, query, *values):
        return await (await self.admin.execute(query, values)).fetchone()

    async def all(self, query, *values):
        return await (await self.admin.execute(query, values)).fetchall()

    async def staff(self, name="Nora Nurse", role="nurse", clinics=("north",)):
        (key,) = await self.one(
            "INSERT INTO staff (email, name, password_hash, created_at)"
            " VALUES (%s, %s, 'x', %s) RETURNING id",
            f"{uuid.uuid4()}@example.test",
            name,
            NOW,
        )
        for clinic in clinics:
            await self.admin.execute(
                "INSERT INTO staff_membership (clinic_id, staff_id, role, since)"
                " VALUES (%s, %s, %s, %s)",
                [clinic, key, role, NOW - timedelta(days=400)],
            )
        return Actor(id=key, role=role)

    async def patient(self, name="Ann", clinic="north"):
        return await register_patient(self.admin, clinic, family_name="Roe", given_name=name)

    async def enrol(self, patient, programme="CCM", clinic="north", practitioner=None):
        doctor = practitioner or await self.staff("Dora Doctor", "provider", (clinic,))
        await self.admin.execute(
            "INSERT INTO enrolment (clinic_id, patient_id, programme, practitioner, during,"
            " created_by, created_at) VALUES (%s, %s, %s, %s, '[2026-01-01,)', %s, %s)",
            [clinic, patient, programme, doctor.id, doctor.id, NOW],
        )

    async def alert(
        self,
        patient,
        *,
        clinic="north",
        severity="critical",
        lineage="blood_pressure.high",
        state="firing",
        late=False,
        opened_at=NOW - timedelta(minutes=5),
        due_in=timedelta(minutes=15),
    ):
        """An alert with a finding and its task, as the rules' worker writes them."""
        (alert,) = await self.one(
            "INSERT INTO alert (clinic_id, patient_id, lineage, state, severity, late, episode,"
            " starts_at, last_at, opened_at, updated_at)"
            " VALUES (%s, %s, %s, %s, %s, %s, 1, %s, %s, %s, %s) RETURNING id",
            clinic, patient, lineage, state, severity, late, *[opened_at] * 4,
        )  # fmt: skip
        await self.finding(patient, alert, clinic=clinic, at=opened_at, lineage=lineage)
        (task,) = await self.one(
            "INSERT INTO care_task (clinic_id, patient_id, alert_id, kind, state, created_at,"
            " due_at) VALUES (%s, %s, %s, 'alert', 'open', %s, %s) RETURNING id",
            clinic, patient, alert, opened_at, opened_at + due_in,
        )  # fmt: skip
        return alert, task

    async def finding(self, patient, alert, *, clinic="north", at, lineage="blood_pressure.high"):
        await self.admin.execute(
            "INSERT INTO finding (clinic_id, patient_id, lineage, alert_id, reading_id, rule,"
            " severity, late, measured_at, observed, limits, rules_version, found_at)"
            " VALUES (%s, %s, %s, %s, %s, 'systolic_high', 'critical', false, %s, %s, '[]', '1',"
            " %s)",
            [clinic, patient, lineage, alert, uuid.uuid4(), at,
             msgspec.json.encode(FINDING).decode(), at],
        )  # fmt: skip

    async def task(self, name="Ann", clinic="north", **alert):
        """A new patient with an open alert: the task's key."""
        return (await self.alert(await self.patient(name, clinic), clinic=clinic, **alert))[1]

    async def entries(self, task=None):
        """(state, status, stopped_by, seconds) of each entry, oldest first."""
        return await self.all(
            "SELECT state, status, stopped_by, extract(epoch FROM upper(during) - lower(during))"
            "::float FROM time_entry WHERE task_id = coalesce(%s, task_id)"
            " ORDER BY created_at, id",
            task,
        )
