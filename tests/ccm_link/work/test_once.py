"""What is billed once for an episode is looked for in the months that are signed."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from ccm_link import signing
from ccm_link.calendar_month import Month
from ccm_link.months_service import patient_month
from ccm_link.stated import Kind
from ccm_link.statements import Statement, state
from tests.ccm_link.engine.test_month import Books
from tests.ccm_link.work.ward import NOW

pytestmark = pytest.mark.services
OCTOBER, NOVEMBER = Month.parse("2026-10"), Month.parse("2026-11")
LATER = datetime(2026, 12, 3, 15, tzinfo=UTC)


@pytest.fixture
async def books(database, admin):
    async with Books(database, admin) as books:
        await books.open_clinic("north", zone="America/New_York")
        yield books


async def test_extra_planning_that_a_signed_month_billed_is_used_up_until_it_is_reopened(books):
    conn, patient = await books.connect(), await books.patient()
    biller = await books.staff("Bill", "biller")
    dora = await books.join(patient)

    async def planned(day):
        said = Statement(
            kind=Kind.CARE_PLANNING, first_day=day, by_staff=dora.id, with_visit=True,
            personally=True,
        )  # fmt: skip
        return await state(conn, "north", dora, patient, said, now=NOW)

    async def month(which):
        found = await patient_month(conn, "north", patient, which, now=LATER)
        assert found is not None
        return found

    async def used_up():
        found = await month(NOVEMBER)
        assert found.facts.g0506 is not None
        return found.facts.g0506.already_billed

    earlier = await planned(date(2026, 10, 9))
    seen = (await month(OCTOBER)).seen
    await signing.sign(conn, "north", biller, patient, OCTOBER, seen=seen, note="", now=LATER)
    # The statement itself is taken back: only the signature still says that it was billed.
    await books.admin.execute(
        "UPDATE billing_fact SET reversed_at = now(), reversed_by = %s, reversed_reason = 'slip'"
        " WHERE id = %s", [dora.id, earlier],
    )  # fmt: skip
    await planned(date(2026, 11, 9))
    assert await used_up()
    await signing.reopen(
        conn, "north", biller, patient, OCTOBER, reason="It was no initiating visit", now=LATER
    )
    assert not await used_up()
