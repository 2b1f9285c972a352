"""A clinic in the midst of a month, and a patient whose work is logged by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from ccm_link import signing
from ccm_link.acting import Actor
from ccm_link.calendar_month import Month
from ccm_link.enrolments import NewConsent, NewEnrolment, enrol, record_consent
from ccm_link.months_service import patient_month
from ccm_link.work import log_time
from store import fixtures

ELEMENTS = frozenset({"availability", "cost_sharing", "one_practitioner", "right_to_stop"})
SINCE = datetime(2026, 9, 1, 15, tzinfo=UTC)
NOVEMBER, OCTOBER = Month.parse("2026-11"), Month.parse("2026-10")


@pytest.fixture
def clinic(north, clock):
    clock.now = datetime(2026, 11, 20, 15, tzinfo=UTC)
    return north


class Patient:
    """`name` is a person's, so that pages and exports have somebody to show."""

    def __init__(self, admin, clinic, key, name):
        self.admin, self.clinic, self.key, self.name = admin, clinic, key, name

    @classmethod
    async def make(cls, admin, clinic, given="Mona", family="Testperson"):
        key = await fixtures.register_patient(admin, "north", family_name=family, given_name=given)
        return cls(admin, clinic, key, f"{given} {family}")

    def actor(self, role):
        return Actor(id=self.clinic.staff[role], role=role)

    async def enrol(self, *, consent=True, programme="CCM"):
        provider = self.actor("provider")
        new = NewEnrolment(
            programme=programme,
            practitioner=provider.id,
            starts_on=SINCE.date(),
            qualifying_conditions=("hypertension", "diabetes"),
            care_plan_on=SINCE.date(),
        )
        await enrol(self.admin, "north", provider, self.key, new, now=SINCE)
        if consent:
            given = NewConsent(
                programme=programme,
                practitioner=provider.id,
                given_at=SINCE,
                method="verbal",
                elements=ELEMENTS,
            )
            await record_consent(self.admin, "north", provider, self.key, given, now=SINCE)

    async def work(self, minutes, *, now, day=18, hour=15, month=NOVEMBER):
        """The nurse's, in care coordination; gives the entry's key."""
        first = month.first
        start = datetime(first.year, first.month, day, hour, tzinfo=UTC)
        logged = await log_time(
            self.admin, "north", self.actor("nurse"), self.key, "CCM", "care_coordination",
            start, start + timedelta(minutes=minutes), False, "Called the cardiologist", now=now,
        )  # fmt: skip
        return logged.entry_id

    async def sign(self, *, now, month=OCTOBER, note=""):
        found = await patient_month(self.admin, "north", self.key, month, now=now)
        assert found is not None
        return await signing.sign(
            self.admin, "north", self.actor("biller"), self.key, month,
            seen=found.seen, note=note, now=now,
        )  # fmt: skip


@pytest.fixture
async def patient(admin, clinic):
    return await Patient.make(admin, clinic)


@pytest.fixture
async def ready(patient, clock):
    """Whose October bills 99490 and waits for a signature."""
    await patient.enrol()
    await patient.work(20, now=clock.now, month=OCTOBER)
    return patient
