"""Programmes and consents: dated, once at a time, stopped at the end of the practice's month."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from ccm_link.enrolments import (
    NewConsent,
    NewEnrolment,
    end_enrolment,
    enrol,
    programmes_of,
    record_consent,
    set_care_plan,
    stop_consent,
)
from ccm_link.errors import AlreadyEnrolled, BadInterval, NotFound, UnknownWord
from ccm_link.work import claim
from tests.ccm_link.work.ward import NOW, after

pytestmark = pytest.mark.services


class Office:
    """A nurse, a practitioner, a patient and a console's connection."""

    def __init__(self, ward):
        self.ward = ward

    async def open(self):
        self.nora = await self.ward.staff()
        self.doctor = await self.ward.staff("Dora Doctor", "provider")
        self.patient = await self.ward.patient()
        self.conn = await self.ward.connect()
        return self

    async def enrol(self, programme="CCM", starts_on=date(2026, 11, 1), **changes):
        words = {"programme": programme, "practitioner": self.doctor.id, "starts_on": starts_on}
        new = NewEnrolment(**(words | changes))
        return await enrol(self.conn, "north", self.nora, self.patient, new, now=NOW)

    async def consent(self, programme="CCM", **changes):
        words = {
            "programme": programme,
            "practitioner": self.doctor.id,
            "given_at": NOW,
            "method": "verbal",
            "elements": frozenset({"availability", "cost_sharing"}),
        }
        new = NewConsent(**(words | changes))
        return await record_consent(self.conn, "north", self.nora, self.patient, new, now=NOW)

    async def both(self):
        return await programmes_of(self.conn, "north", self.patient)


@pytest.fixture
async def office(ward):
    return await Office(ward).open()


async def test_an_enrolment_is_listed_with_what_it_needs(office):
    enrolment = await office.enrol(
        qualifying_conditions=("hypertension", "type 2 diabetes"),
        initiating_visit_on=date(2026, 10, 5),
    )
    await set_care_plan(office.conn, "north", office.nora, enrolment, on=date(2026, 11, 3), now=NOW)
    (row,) = (await office.both())["enrolments"]
    assert row["qualifying_conditions"] == ["hypertension", "type 2 diabetes"]
    assert (row["starts_on"], row["ends_on"]) == (date(2026, 11, 1), None)
    assert (row["care_plan_on"], row["practitioner_name"]) == (date(2026, 11, 3), "Dora Doctor")
    acts = await office.ward.all("SELECT action, actor FROM audit_event ORDER BY seq")
    assert acts == [
        ("enrolment.begin", str(office.nora.id)),
        ("enrolment.care_plan", str(office.nora.id)),
    ]


async def test_a_patient_is_in_a_programme_once_at_a_time(office):
    first = await office.enrol()
    with pytest.raises(AlreadyEnrolled):
        await office.enrol(starts_on=date(2026, 12, 1))
    await office.enrol("RPM")
    with pytest.raises(BadInterval):
        await _end(office, first, date(2026, 11, 1))
    await _end(office, first, date(2026, 12, 1))
    with pytest.raises(BadInterval):
        await _end(office, first, date(2026, 12, 2))
    await office.enrol(starts_on=date(2026, 12, 1))
    assert len((await office.both())["enrolments"]) == 3


async def _end(office, enrolment, day):
    await end_enrolment(office.conn, "north", office.nora, enrolment, ends_on=day, now=NOW)


async def test_words_and_days_that_cannot_be_are_refused(office):
    with pytest.raises(UnknownWord):
        await office.enrol("TCM")
    with pytest.raises(BadInterval):
        await office.enrol(ends_on=date(2026, 11, 1))
    with pytest.raises(NotFound):
        await office.enrol(practitioner=office.patient)
    with pytest.raises(UnknownWord):
        await office.consent(elements=frozenset({"everything"}))
    with pytest.raises(UnknownWord):
        await office.consent(method="assumed")
    with pytest.raises(BadInterval):
        await office.consent(given_at=after(1))


@pytest.mark.parametrize(
    ("stopped_at", "effective"),
    [
        (datetime(2026, 11, 20, 15, tzinfo=UTC), date(2026, 12, 1)),
        (datetime(2026, 12, 1, 4, 59, 59, tzinfo=UTC), date(2026, 12, 1)),  # still November there
        (datetime(2026, 12, 1, 5, tzinfo=UTC), date(2027, 1, 1)),
    ],
)
async def test_a_stopped_consent_holds_to_the_end_of_the_practices_month(
    office, stopped_at, effective
):
    await office.enrol()
    await office.enrol("RPM")
    consent = await office.consent()
    told = await stop_consent(office.conn, "north", office.nora, consent, now=stopped_at)
    assert told == effective
    found = await office.both()
    (kept,) = found["consents"]
    assert (kept["stopped_at"], kept["ends_on"]) == (stopped_at, effective)
    ends = {row["programme"]: row["ends_on"] for row in found["enrolments"]}
    assert ends == {"CCM": effective, "RPM": None}
    with pytest.raises(NotFound):
        await stop_consent(office.conn, "north", office.nora, consent, now=stopped_at)


async def test_after_a_stop_alert_work_belongs_to_the_programme_that_is_left(office):
    await office.enrol()
    await office.enrol("RPM")
    consent = await office.consent()
    await office.consent("RPM")
    await stop_consent(office.conn, "north", office.nora, consent, now=NOW)
    for lineage, day, programme in [
        ("blood_pressure.high", datetime(2026, 12, 1, 4, tzinfo=UTC), "CCM"),
        ("pulse.high", datetime(2026, 12, 1, 6, tzinfo=UTC), "RPM"),
    ]:
        _, task = await office.ward.alert(office.patient, lineage=lineage, opened_at=day)
        claimed = await claim(office.conn, "north", office.nora, task, now=day)
        assert (claimed.programme, claimed.enrolled) == (programme, True)


async def test_another_clinics_patient_enrolment_and_consent_are_nothing_here(office):
    enrolment, consent = await office.enrol(), await office.consent()
    await office.ward.open_clinic("south", zone="America/Chicago")
    stranger = await office.ward.staff(clinics=("south",))
    with pytest.raises(NotFound):
        await stop_consent(office.conn, "south", stranger, consent, now=NOW)
    with pytest.raises(NotFound):
        await end_enrolment(
            office.conn, "south", stranger, enrolment, ends_on=date(2026, 12, 1), now=NOW
        )
    new = NewEnrolment(programme="PCM", practitioner=stranger.id, starts_on=date(2026, 11, 1))
    with pytest.raises(NotFound):
        await enrol(office.conn, "south", stranger, office.patient, new, now=NOW)
    assert await programmes_of(office.conn, "south", office.patient) == {
        "enrolments": [],
        "consents": [],
    }
