"""A patient in CCM and RPM with consent, a second one, and people who log time for them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from ccm_link import work
from ccm_link.acting import Actor
from ccm_link.enrolments import NewConsent, NewEnrolment, enrol, record_consent
from ccm_link.programmes import ConsentElement
from store import fixtures
from store.pool import connection
from tests.api.conftest import NOW, Browser, Clinic

AGREED = frozenset(str(element) for element in ConsentElement)


@dataclass(kw_only=True)
class Books:
    """Two patients, and the clinic's people."""

    conn: Any
    admin: Any
    clinic: Clinic
    rosa: UUID
    bob: UUID

    def actor(self, role: Any) -> Actor:
        return Actor(id=self.clinic.staff[role], role=role)

    async def logged(
        self, patient: UUID, start: datetime, minutes: float, role: str = "nurse", **changes: Any
    ) -> UUID:
        words: dict[str, Any] = {"programme": "CCM", "activity": "call", "note": "By phone"}
        end = start + timedelta(minutes=minutes)
        done = await work.log_time(
            self.conn, "north", self.actor(role), patient, start=start, end=end,
            interactive=False, now=NOW, **(words | changes),
        )  # fmt: skip
        return done.entry_id

    async def one(self, query: str, *values: Any) -> Any:
        return await (await self.admin.execute(query, values)).fetchone()

    async def all(self, query: str, *values: Any) -> Any:
        return await (await self.admin.execute(query, values)).fetchall()


@pytest.fixture
async def books(app: Any, admin: Any, north: Clinic) -> AsyncIterator[Books]:
    rosa = await fixtures.register_patient(
        admin, "north", family_name="Exampleton", given_name="Rosa", record_number="N-1"
    )
    bob = await fixtures.register_patient(
        admin, "north", family_name="Sample", given_name="Bob", record_number="N-2"
    )
    async with connection(app.state.pool) as conn:
        made = Books(conn=conn, admin=admin, clinic=north, rosa=rosa, bob=bob)
        for patient in (rosa, bob):
            for programme in ("CCM", "RPM"):
                await _join(made, patient, programme)
        yield made


async def _join(books: Books, patient: UUID, programme: str) -> None:
    doctor, nurse = books.clinic.staff["provider"], books.actor("nurse")
    new = NewEnrolment(
        programme=programme, practitioner=doctor, starts_on=date(2026, 9, 1),
        qualifying_conditions=("Hypertension", "COPD"), care_plan_on=date(2026, 9, 1),
    )  # fmt: skip
    await enrol(books.conn, "north", nurse, patient, new, now=NOW)
    consent = NewConsent(
        programme=programme, practitioner=doctor, given_at=NOW - timedelta(days=60),
        method="verbal", elements=AGREED,
    )  # fmt: skip
    await record_consent(books.conn, "north", nurse, patient, consent, now=NOW)


@pytest.fixture
async def nurse(browser: Browser, north: Clinic) -> Browser:
    await browser.sign_in(north.email("nurse"))
    return browser
