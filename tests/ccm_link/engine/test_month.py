"""The month out of the real database: what counts, what waits, and whose days they are."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from psycopg.types.range import Range

from ccm_link.calendar_month import Month
from ccm_link.intervals import SECOND
from ccm_link.months_service import month_of_clinic, patient_month
from store.batch import write_batch
from store.fixtures import assign, register_device, register_gateway, register_home
from tests.ccm_link.engine.make import ALL_ELEMENTS
from tests.ccm_link.work.ward import Ward
from tests.store.make import CUFF, row
from vitals.reading import Certainty, ClockCorrection, Origin

pytestmark = pytest.mark.services

NOW = datetime(2026, 11, 24, 15, tzinfo=UTC)
NOVEMBER = Month.parse("2026-11")
CONSENT = (
    "INSERT INTO consent (clinic_id, patient_id, programme, practitioner, given_at, method,"
    " elements, recorded_by, recorded_at, stopped_at)"
    " VALUES (%s, %s, %s, %s, %s, 'verbal', %s, %s, now(), %s)"
)
ENROLMENT = (
    "INSERT INTO enrolment (clinic_id, patient_id, programme, practitioner, during,"
    " qualifying_conditions, care_plan_on, created_by, created_at)"
    " VALUES (%s, %s, %s, %s, %s, '{diabetes,hypertension}', %s, %s, now())"
)
ENTRY = (
    "INSERT INTO time_entry (clinic_id, patient_id, staff_id, programme, activity, role, source,"
    " during, state, status, last_activity_at, interactive, created_at)"
    " VALUES (%s, %s, %s, %s, 'alert_review', 'clinical_staff', 'timer', %s, %s, %s, now(), %s,"
    " now())"
)


class Books(Ward):
    """A clinic whose month is written by hand."""

    async def join(self, patient, programme="CCM", *, since="2026-10-05", clinic="north", **more):
        doctor = more.get("doctor") or await self.staff("Dora Doctor", "provider", (clinic,))
        during = f"[{since},{more.get('until', '')})"
        plan = more.get("plan", date(2026, 10, 5))
        values = [clinic, patient, programme, doctor.id, during, plan, doctor.id]
        await self.admin.execute(ENROLMENT, values)
        if more.get("consent", True):
            await self.agree(patient, programme, doctor, clinic=clinic, **more)
        return doctor

    async def agree(self, patient, programme, doctor, *, clinic="north", **more):
        at = more.get("at", datetime(2026, 10, 5, 15, tzinfo=UTC))
        elements = more.get("elements", ALL_ELEMENTS)
        stopped = more.get("stopped")
        values = [clinic, patient, programme, doctor.id, at, elements, doctor.id, stopped]
        await self.admin.execute(CONSENT, values)

    async def worked(self, patient, nurse, minutes, *, day=10, hour=15, clinic="north", **more):
        start = more.get("start", datetime(2026, 11, day, hour, tzinfo=UTC))
        during = Range(start, start + timedelta(minutes=minutes))
        state, status = more.get("state", "confirmed"), more.get("status", "active")
        programme, talked = more.get("programme", "CCM"), more.get("interactive", False)
        values = [clinic, patient, nurse.id, programme, during, state, status, talked]
        await self.admin.execute(ENTRY, values)


@pytest.fixture
async def books(database, admin):
    async with Books(database, admin) as books:
        await books.open_clinic("north", zone="America/New_York")
        yield books


@pytest.fixture
async def api(books):
    return await books.connect("hl_api")


async def everybody(api, clinic, month=NOVEMBER, **page):
    return [one async for one in month_of_clinic(api, clinic, month, now=NOW, **page)]


async def november(api, patient):
    found = await patient_month(api, "north", patient, NOVEMBER, now=NOW)
    assert found is not None
    return {line.code: line.units for line in found.result.billable}, found


async def test_confirmed_minutes_bill_and_the_others_are_told_beside(books, api):
    patient, nurse = await books.patient(), await books.staff()
    await books.join(patient)
    await books.worked(patient, nurse, 21)
    await books.worked(patient, nurse, 4, day=11, state="stopped")
    await books.worked(patient, nurse, 5, day=12, status="held")
    await books.worked(patient, nurse, 60, day=13, status="reversed")
    billed, month = await november(api, patient)
    assert billed == {"99490": 1}
    assert month.waiting.unconfirmed == 240 * SECOND
    assert month.waiting_words == (
        "4 min wait for confirmation",
        "5 min are held: they overlap another patient's",
    )
    (line,) = month.result.billable
    stored = await books.all("SELECT id::text FROM time_entry WHERE state = 'confirmed'"
                             " AND status = 'active'")  # fmt: skip
    assert [line.entries] == [tuple(key for (key,) in stored)]


async def test_the_month_ends_at_the_practices_midnight(books, api):
    patient, nurse = await books.patient(), await books.staff()
    await books.join(patient)
    # 23:50 to 00:20 in New York at either end: ten minutes, and twenty minutes, are November's.
    await books.worked(patient, nurse, 30, start=datetime(2026, 12, 1, 4, 50, tzinfo=UTC))
    await books.worked(patient, nurse, 30, start=datetime(2026, 11, 1, 3, 50, tzinfo=UTC))
    _, month = await november(api, patient)
    assert month.result.billable[0].micros == 30 * 60 * SECOND


async def test_consent_counts_from_the_first_that_is_complete_and_stands(books, api):
    patient, nurse = await books.patient(), await books.staff()
    doctor = await books.join(patient, elements=["availability"])
    await books.worked(patient, nurse, 30, day=3)
    assert (await november(api, patient))[1].result.refused == {"CCM"}
    await books.agree(patient, "CCM", doctor, at=datetime(2026, 11, 8, tzinfo=UTC))
    assert (await november(api, patient))[0] == {}
    await books.worked(patient, nurse, 20, day=9)
    assert (await november(api, patient))[0] == {"99490": 1}


@pytest.mark.parametrize(
    ("stopped", "bills"),
    [
        (datetime(2026, 11, 2, 15, tzinfo=UTC), True),
        (datetime(2026, 10, 30, 15, tzinfo=UTC), False),
    ],
)
async def test_a_stopped_consent_stands_until_its_month_ends(books, api, stopped, bills):
    patient, nurse = await books.patient(), await books.staff()
    await books.join(patient, stopped=stopped)
    await books.worked(patient, nurse, 20)
    assert bool((await november(api, patient))[0]) is bills


async def test_another_practitioner_needs_their_own_consent(books, api):
    patient, nurse = await books.patient(), await books.staff()
    other = await books.staff("Otto Other", "provider")
    await books.join(patient, consent=False)
    await books.agree(patient, "CCM", other)
    await books.worked(patient, nurse, 20)
    assert (await november(api, patient))[0] == {}


async def test_time_before_the_enrolment_is_not_enrolled(books, api):
    patient, nurse = await books.patient(), await books.staff()
    await books.join(patient, since="2026-11-11")
    await books.worked(patient, nurse, 20, day=10)
    billed, month = await november(api, patient)
    assert billed == {}
    assert "NOT_ENROLLED" in {r.reason for r in month.result.rejections}


# Reading days ------------------------------------------------------------------------------------


@pytest.fixture
async def monitored(books):
    """A cuff in Los Angeles, in RPM since 25 October: the period ends on 23 November."""
    home = await register_home(books.admin, "north", zone="America/Los_Angeles")
    await register_gateway(books.admin, "north", "gw-1", home=home)
    patient = await books.patient()
    await books.admin.execute("UPDATE patient SET zone = 'America/Los_Angeles' WHERE id = %s",
                              [patient])  # fmt: skip
    await register_device(books.admin, "north", CUFF)
    await assign(books.admin, "north", device=CUFF, patient=patient,
                 starts_at=datetime(2026, 1, 1, tzinfo=UTC))  # fmt: skip
    await books.join(patient, "RPM", since="2026-10-25")
    return patient


async def measured(books, at, **changes):
    ingest = await books.connect("hl_ingest")
    number = int(at.timestamp()) // 60 % 1_000_000
    reading = row(number, measured_at=at, device_time=at.replace(tzinfo=None), **changes)
    done = await write_batch(ingest, readings=[reading], quarantined=[])
    assert len(done.stored) == 1


def day(number, hour=20, month=11):
    return datetime(2026, month, number, hour, tzinfo=UTC)


async def test_sixteen_days_of_the_patient_earn_the_period(books, api, monitored):
    for number in range(1, 17):
        await measured(books, day(number))
        await measured(books, day(number, 21))
    billed, month = await november(api, monitored)
    assert billed == {"99454": 1}
    (line,) = month.result.billable
    assert (len(line.days), line.served_on) == (16, (date(2026, 11, 23),))


async def test_days_are_the_patients(books, api, monitored):
    # 23:50 and 00:10 in Los Angeles: two days there, one in New York and in UTC.
    await measured(books, datetime(2026, 11, 11, 7, 50, tzinfo=UTC))
    await measured(books, datetime(2026, 11, 11, 8, 10, tzinfo=UTC))
    _, month = await november(api, monitored)
    assert month.facts.rpm.reading_days == [date(2026, 11, 10), date(2026, 11, 11)]


async def test_what_is_typed_in_failed_or_of_uncertain_date_is_no_day(books, api, monitored):
    await measured(books, day(2), origin=Origin.MANUAL)
    await measured(books, day(3), values=[])
    await measured(books, day(4), flags=["control_solution"])
    vague = ClockCorrection(certainty=Certainty.HOME_ZONE, uncertainty_s=13 * 3600.0)
    await measured(books, day(5), clock=vague)
    await measured(books, day(24, month=10))  # before the enrolment
    await measured(books, day(6))
    _, month = await november(api, monitored)
    assert month.facts.rpm.reading_days == [date(2026, 11, 6)]


async def test_set_up_is_never_claimed_unasked(books, api, monitored):
    await measured(books, day(2))
    await measured(books, day(3))
    assert (await november(api, monitored))[0] == {"99445": 1}


async def test_management_needs_a_conversation_of_this_month(books, api, monitored):
    nurse = await books.staff()
    await books.worked(monitored, nurse, 12, programme="RPM")
    assert (await november(api, monitored))[0] == {}
    await books.worked(monitored, nurse, 8, day=11, programme="RPM", interactive=True)
    assert (await november(api, monitored))[0] == {"99457": 1}


# Clinics -----------------------------------------------------------------------------------------


async def test_a_clinics_month_is_its_own(books, api):
    await books.open_clinic("south", zone="America/New_York")
    here, there = await books.patient(), await books.patient("Bea", clinic="south")
    nurse = await books.staff(clinics=("north", "south"))
    await books.join(here)
    await books.join(there, clinic="south")
    await books.worked(here, nurse, 20)
    await books.worked(there, nurse, 20, day=11, clinic="south")
    north = await everybody(api, "north")
    assert [month.patient.id for month in north] == [here]
    assert await patient_month(api, "north", there, NOVEMBER, now=NOW) is None
    assert await everybody(api, "nowhere") == []


async def test_who_left_before_the_month_is_not_in_it(books, api):
    patient = await books.patient()
    await books.join(patient, until="2026-11-01")
    assert await everybody(api, "north") == []
    assert len(await everybody(api, "north", Month.parse("2026-10"))) == 1


async def test_periods_go_on_where_somebody_comes_back_within_one(books, api, monitored):
    """No day lies in two 30-day periods: what October's began with is not begun again."""
    patient = monitored
    await books.admin.execute(
        "UPDATE enrolment SET during = '[2026-10-20,2026-11-10)' WHERE programme = 'RPM'"
    )
    await books.join(patient, "RPM", since="2026-11-10")
    starts: list[date] = []
    for month in ("2026-11", "2026-12"):
        found = await patient_month(api, "north", patient, Month.parse(month), now=NOW)
        assert found is not None
        assert found.facts.rpm is not None
        starts += found.facts.rpm.period_starts
    assert starts == [
        date(2026, 10, 20),
        date(2026, 11, 19),
        date(2026, 11, 19),
        date(2026, 12, 19),
    ]
