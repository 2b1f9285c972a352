"""A month that really happened: readings through the store and the rules, work through the ledger.

October 2026 of one patient in New York: a reading a day on twenty days, one of them severe; its
alert is worked on for 25 minutes with a call inside; a quarter of an hour of planning by hand; and
an entry that was taken back and logged again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from ccm_link import signing
from ccm_link.acting import Actor
from ccm_link.calendar_month import Month
from ccm_link.corrections import Corrected, correct_entry
from ccm_link.enrolments import NewConsent, NewEnrolment, enrol, record_consent
from ccm_link.entries import log_time
from ccm_link.months_service import patient_month
from ccm_link.programmes import ConsentElement
from ccm_link.work import beat, claim, log_contact, resolve
from store.signing import Signed
from tests.api.conftest import Clinic, make_clinic
from tests.api.world import Home

MONTH = Month.parse("2026-10")
DAYS = 20
FIRST = datetime(2026, 10, 2, 13, tzinfo=UTC)  # nine in the morning
SEVERE = FIRST + timedelta(days=4)
WORKED_S = 25 * 60
BEAT_S = 60  # a lease lasts 90
SIGNED = datetime(2026, 11, 3, 15, tzinfo=UTC)


@dataclass(kw_only=True)
class Story:
    """What the month was made of, by key."""

    admin: Any
    clinic: Clinic
    home: Home
    readings: list[str]
    severe: str
    task: UUID
    timed: UUID
    contact: UUID
    by_hand: UUID
    wrong: UUID
    right: UUID

    @property
    def patient(self) -> UUID:
        return self.home.patient

    def actor(self, role: Any) -> Actor:
        return Actor(id=self.clinic.staff[role], role=role)

    async def sign(self, *, now: datetime = SIGNED) -> Signed:
        month = await patient_month(self.admin, self.clinic.name, self.patient, MONTH, now=now)
        assert month is not None
        return await signing.sign(
            self.admin,
            self.clinic.name,
            self.actor("biller"),
            self.patient,
            MONTH,
            seen=month.seen,
            note="Looked through.",
            now=now,
        )


async def tell(
    database: Any, admin: Any, *, name: str = "Testperson", clinic: str = "north", number: int = 1
) -> Story:
    where = await make_clinic(admin, clinic)
    home = await Home.make(database, admin, where, name=name, number=number)
    nurse = Actor(id=where.staff["nurse"], role="nurse")
    await _enrolled(admin, where, home.patient)
    readings = []
    for day in range(DAYS):
        at = FIRST + timedelta(days=day)
        high = at == SEVERE
        readings.append(await home.pressure(191 if high else 128, 124 if high else 81, at=at))
    await home.judge(now=SEVERE + timedelta(minutes=1))
    (task,) = await _one(admin, "SELECT t.id FROM care_task t WHERE t.clinic_id = %s", where.name)
    timed, contact = await _worked(admin, where.name, nurse, task)
    by_hand = await log_time(
        admin, where.name, nurse, home.patient, "CCM", "care_plan",
        FIRST + timedelta(days=6), FIRST + timedelta(days=6, minutes=15), False,
        "Went through the plan with the daughter.", now=FIRST + timedelta(days=6, hours=1),
    )  # fmt: skip
    wrong = await log_time(
        admin, where.name, nurse, home.patient, "RPM", "data_review",
        FIRST + timedelta(days=8), FIRST + timedelta(days=8, minutes=50), False,
        "Looked through the readings.", now=FIRST + timedelta(days=8, hours=1),
    )  # fmt: skip
    right = await correct_entry(
        admin,
        where.name,
        nurse,
        wrong.entry_id,
        Corrected(
            programme="RPM",
            activity="data_review",
            start=FIRST + timedelta(days=8),
            end=FIRST + timedelta(days=8, minutes=5),
            interactive=False,
            note="Looked through the readings.",
        ),
        reason="It was five minutes, not fifty",
        now=FIRST + timedelta(days=9),
    )
    return Story(
        admin=admin,
        clinic=where,
        home=home,
        readings=readings,
        severe=readings[4],
        task=task,
        timed=timed,
        contact=contact,
        by_hand=by_hand.entry_id,
        wrong=wrong.entry_id,
        right=right.entry_id,
    )


async def _enrolled(admin: Any, clinic: Clinic, patient: UUID) -> None:
    provider = Actor(id=clinic.staff["provider"], role="provider")
    for programme in ("CCM", "RPM"):
        new = NewEnrolment(
            programme=programme,
            practitioner=provider.id,
            starts_on=date(2026, 10, 1),
            qualifying_conditions=("Hypertension", "Diabetes") if programme == "CCM" else (),
            care_plan_on=date(2026, 10, 1) if programme == "CCM" else None,
        )
        at = FIRST - timedelta(days=1)
        await enrol(admin, clinic.name, provider, patient, new, now=at)
        given = NewConsent(
            programme=programme,
            practitioner=provider.id,
            given_at=at,
            method="verbal",
            elements=frozenset(ConsentElement),
        )
        await record_consent(admin, clinic.name, provider, patient, given, now=at)


async def _worked(admin: Any, clinic: str, nurse: Actor, task: UUID) -> tuple[UUID, UUID]:
    start = SEVERE + timedelta(minutes=2)
    claimed = await claim(admin, clinic, nurse, task, now=start)
    contact = UUID(int=0)
    for second in range(BEAT_S, WORKED_S, BEAT_S):
        now = start + timedelta(seconds=second)
        await beat(admin, clinic, nurse, claimed.entry_id, now=now)
        if second == 4 * BEAT_S:
            contact = await log_contact(
                admin, clinic, nurse, task,
                channel="phone", reached=True, note="Felt well, no headache.", now=now,
            )  # fmt: skip
    await resolve(
        admin, clinic, nurse, task,
        outcome="patient_advised", note="She rested; the repeat was lower.", programme="CCM",
        activity="alert_review", interactive=True, follow_up=None,
        now=start + timedelta(seconds=WORKED_S),
    )  # fmt: skip
    return claimed.entry_id, contact


async def _one(admin: Any, query: str, *values: Any) -> Any:
    return await (await admin.execute(query, values)).fetchone()
