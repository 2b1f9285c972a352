"""What is stated for billing: kept, taken back, never edited; and what the engine makes of it."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime, timedelta

import psycopg
import pytest

from ccm_link.calendar_month import Month
from ccm_link.errors import (
    BadInterval,
    CareError,
    MonthLocked,
    NotFound,
    NotReversible,
    NotYours,
    SaidAlready,
    StayOnRecord,
    Undocumented,
    UnknownWord,
)
from ccm_link.months_service import patient_month
from ccm_link.signing import lock
from ccm_link.stated import Kind
from ccm_link.statements import Statement, end_stay, state, take_back
from ccm_link.work import log_time
from store import billing_policy
from store.pool import connection, open_pool
from tests.ccm_link.engine.test_month import Books
from tests.ccm_link.work.ward import NOW

pytestmark = pytest.mark.services
NOVEMBER = Month.parse("2026-11")
LATER = datetime(2026, 12, 3, 15, tzinfo=UTC)


@pytest.fixture
async def books(database, admin):
    async with Books(database, admin) as books:
        await books.open_clinic("north", zone="America/New_York")
        yield books


def stay(first, last=None):
    return Statement(
        kind=Kind.INPATIENT_STAY,
        first_day=date.fromisoformat(first),
        last_day=last and date.fromisoformat(last),
        note="A call from the hospital",
    )


def claim(code, month="2026-11-09", by=None):
    first = date.fromisoformat(month)
    return Statement(kind=Kind.OTHER_CLAIM, first_day=first, code=code, by_staff=by)


async def said(conn, actor, patient, statement, *, now=NOW, clinic="north"):
    return await state(conn, clinic, actor, patient, statement, now=now)


async def month_of(conn, patient, *, now=LATER, month=NOVEMBER):
    found = await patient_month(conn, "north", patient, month, now=now)
    assert found is not None
    return found


async def measured(books, patient, at):
    await books.admin.execute(
        "INSERT INTO reading (clinic_id, reading_id, patient_id, device, user_slot, kind,"
        " systolic_mmhg, diastolic_mmhg, failed, flags, received_at, measured_at, clock_certainty,"
        " clock_uncertainty_s, minted, origin, raw, context, gateway, envelope_id)"
        " VALUES ('north', gen_random_uuid(), %s, 'C0:FF:EE:00:00:01', -1, 'blood_pressure', 131,"
        " 82, false, '{}', %s, %s, 'device_clock', 1, false, 'automatic', '[]', '{}', 'gw-1', 'e')",
        [patient, at, at],
    )


def billed(found):
    return {line.code: line.units for line in found.result.billable}


def reasons(found, subject):
    return {str(r.reason) for r in found.result.rejections if r.subject == subject}


async def test_a_stay_takes_its_days_and_gives_them_back(books):
    nora, conn, patient = await books.staff(), await books.connect(), await books.patient()
    await books.join(patient)
    await books.worked(patient, nora, 25, day=10)
    assert billed(await month_of(conn, patient)) == {"99490": 1}
    fact = await said(conn, nora, patient, stay("2026-11-09"))
    found = await month_of(conn, patient, now=NOW)
    assert billed(found) == {}
    assert [(str(s.from_), str(s.to)) for s in found.facts.inpatient_stays] == [
        ("2026-11-09", "2026-11-20")
    ]
    ended = await end_stay(conn, "north", nora, fact, date(2026, 11, 9), now=NOW)
    assert billed(await month_of(conn, patient)) == {"99490": 1}
    assert await books.all(
        "SELECT id, last_day, replaces, reversed_reason, note FROM billing_fact"
        " ORDER BY replaces NULLS FIRST"
    ) == [
        (fact, None, None, "the stay ended", "A call from the hospital"),
        (ended, date(2026, 11, 9), fact, None, "A call from the hospital"),
    ]
    with pytest.raises(NotReversible):
        await end_stay(conn, "north", nora, fact, date(2026, 11, 8), now=NOW)
    with pytest.raises(NotReversible):
        await end_stay(conn, "north", nora, ended, date(2026, 11, 8), now=NOW)
    actions = await books.all("SELECT action, detail->>'kind' FROM audit_event ORDER BY seq")
    assert actions == [
        (a, "inpatient_stay") for a in ("fact.state", "fact.take_back", "fact.state")
    ]


async def test_days_of_a_stay_are_the_patients(books):
    """A patient in Los Angeles leaves on the 9th: at two in the morning of the 10th in New York."""
    nora, conn, patient = await books.staff(), await books.connect(), await books.patient()
    await books.admin.execute("UPDATE patient SET zone = 'America/Los_Angeles'")
    await books.join(patient)
    start = datetime(2026, 11, 10, 7, 30, tzinfo=UTC)  # 02:30 in New York, 23:30 of the 9th there
    await books.worked(patient, nora, 60, start=start)
    await said(conn, nora, patient, stay("2026-11-08", "2026-11-09"))
    found = await month_of(conn, patient)
    (row,) = found.result.ledger
    assert sum(b - a for a, b in row.counted) == 30 * 60 * 1_000_000


@pytest.mark.parametrize(
    ("statement", "refusal"),
    [
        (stay("2026-11-21"), BadInterval),
        (stay("2026-11-09", "2026-11-21"), BadInterval),
        (stay("2026-11-09", "2026-11-08"), BadInterval),
        (claim("9949"), UnknownWord),
        (claim("99490;"), UnknownWord),
        (claim("99490", "2026-12-01"), BadInterval),
        (Statement(kind=Kind.APCM, first_day=date(2026, 11, 1), code="99490"), UnknownWord),
        (Statement(kind=Kind.OTHER_CLAIM, first_day=date(2026, 11, 1)), UnknownWord),
    ],
)
async def test_what_cannot_be_is_refused(books, statement, refusal):
    nora, conn, patient = await books.staff(), await books.connect(), await books.patient()
    with pytest.raises(refusal):
        await said(conn, nora, patient, statement)
    assert await books.all("SELECT FROM billing_fact") == []


async def test_what_stands_is_not_said_twice(books):
    nora, conn, patient = await books.staff(), await books.connect(), await books.patient()
    fact = await said(conn, nora, patient, stay("2026-11-03", "2026-11-05"))
    with pytest.raises(StayOnRecord):
        await said(conn, nora, patient, stay("2026-11-05"))
    await said(conn, nora, patient, claim("99490"))
    with pytest.raises(SaidAlready):
        await said(conn, nora, patient, claim("99490", "2026-11-20"))
    await said(conn, nora, patient, claim("99490", by=nora.id))
    choice = Statement(kind=Kind.APCM, first_day=date(2026, 11, 4), code="G0557")
    await said(conn, nora, patient, choice)
    with pytest.raises(SaidAlready):
        await said(
            conn, nora, patient,
            Statement(kind=Kind.APCM, first_day=date(2026, 11, 1), code="G0556"),
        )  # fmt: skip
    with pytest.raises(Undocumented):
        await take_back(conn, "north", nora, fact, " ", now=NOW)
    await take_back(conn, "north", nora, fact, "Another patient", now=NOW)
    with pytest.raises(NotReversible):
        await take_back(conn, "north", nora, fact, "again", now=NOW)
    await said(conn, nora, patient, stay("2026-11-04", "2026-11-05"))


async def test_who_may_state_what(books):
    await books.open_clinic("south", zone="America/Chicago")
    nora, dora = await books.staff(), await books.staff("Dora", "provider")
    bill, boss = await books.staff("Bill", "biller"), await books.staff("Bo", "admin")
    conn, patient = await books.connect(), await books.patient()
    decision = Statement(
        kind=Kind.COMPLEX_DECISION, first_day=date(2026, 11, 2), level="high", by_staff=dora.id
    )
    setup = Statement(
        kind=Kind.DEVICE_SETUP, first_day=date(2026, 11, 2), fda_device=True, by_staff=nora.id
    )
    for actor, statement in (
        (nora, decision),
        (bill, decision),
        (bill, setup),
        (boss, claim("99490")),
    ):
        with pytest.raises(NotYours):
            await said(conn, actor, patient, statement)
    fact = await said(conn, dora, patient, decision)
    with pytest.raises(NotYours):
        await take_back(conn, "north", bill, fact, "r", now=NOW)
    await said(conn, bill, patient, claim("99490"))
    with pytest.raises(NotFound):
        await said(conn, nora, patient, claim("99490"), clinic="south")
    with pytest.raises(NotFound):
        await take_back(conn, "south", dora, fact, "r", now=NOW)
    stranger = await books.staff("Stan", "provider", ("south",))
    with pytest.raises(NotFound):
        await said(conn, bill, patient, claim("99491", by=stranger.id))


async def test_complex_care_asks_for_the_billing_practitioners_decision(books):
    nora, conn, patient = await books.staff(), await books.connect(), await books.patient()
    dora = await books.join(patient)
    other = await books.staff("Ole", "provider")
    await books.worked(patient, nora, 65)
    assert billed(await month_of(conn, patient)) == {"99490": 1, "99439": 2}
    decided = Statement(
        kind=Kind.COMPLEX_DECISION, first_day=date(2026, 11, 2), level="high", by_staff=other.id
    )
    await said(conn, other, patient, decided)
    assert billed(await month_of(conn, patient)) == {"99490": 1, "99439": 2}
    own = Statement(
        kind=Kind.COMPLEX_DECISION, first_day=date(2026, 11, 2), level="moderate", by_staff=dora.id
    )
    await said(conn, dora, patient, own)
    assert billed(await month_of(conn, patient)) == {"99487": 1}


async def test_what_another_practice_billed_and_what_was_chosen(books):
    nora, conn, patient = await books.staff(), await books.connect(), await books.patient()
    await books.join(patient)
    await books.worked(patient, nora, 25)
    fact = await said(conn, nora, patient, claim("99490"))
    found = await month_of(conn, patient)
    assert billed(found) == {}
    assert reasons(found, "CCM") == {"OTHER_PRACTITIONER_BILLED"}
    await take_back(conn, "north", nora, fact, "They withdrew it", now=NOW)
    choice = Statement(kind=Kind.APCM, first_day=date(2026, 11, 4), code="G0557")
    await said(conn, nora, patient, choice)
    found = await month_of(conn, patient)
    assert billed(found) == {"G0557": 1}
    assert reasons(found, "CCM") == {"APCM_EXCLUDES_CCM_PCM"}


async def test_set_up_bills_once_and_a_device_that_is_none_bills_nothing(books):
    nora, conn, patient = await books.staff(), await books.connect(), await books.patient()
    await books.join(patient, "RPM", since="2026-10-20")
    for day in range(3, 21):
        await measured(books, patient, datetime(2026, 11, day, 15, tzinfo=UTC))
    setup = Statement(
        kind=Kind.DEVICE_SETUP, first_day=date(2026, 11, 2), fda_device=True, by_staff=nora.id
    )
    fact = await said(conn, nora, patient, setup)
    assert billed(await month_of(conn, patient)) == {"99453": 1, "99454": 1}
    earlier = await said(conn, nora, patient, claim("99453", "2026-10-20"))
    found = await month_of(conn, patient)
    assert reasons(found, "99453") == {"ONCE_PER_EPISODE"}
    await take_back(conn, "north", nora, earlier, "It was denied", now=NOW)
    await take_back(conn, "north", nora, fact, "The scale is no medical device", now=NOW)
    none = Statement(
        kind=Kind.DEVICE_SETUP, first_day=date(2026, 11, 2), fda_device=False, by_staff=nora.id
    )
    await said(conn, nora, patient, none)
    found = await month_of(conn, patient)
    assert billed(found) == {}
    assert "DEVICE_NOT_FDA_DEFINED" in reasons(found, "99454")


async def test_extra_planning_bills_beside_the_initiating_visit(books):
    conn, patient = await books.connect(), await books.patient()
    dora = await books.join(patient)
    planned = Statement(
        kind=Kind.CARE_PLANNING, first_day=date(2026, 11, 5), by_staff=dora.id, with_visit=True,
        personally=True,
    )  # fmt: skip
    await said(conn, dora, patient, planned)
    assert billed(await month_of(conn, patient)) == {"G0506": 1}


async def test_the_practitioners_own_review_comes_from_the_ledger(books):
    """99091: thirty minutes of the billing practitioner with home data; nobody else's."""
    conn, patient = await books.connect(), await books.patient()
    dora = await books.join(patient, "RPM")
    other, nora = await books.staff("Ole", "provider"), await books.staff()

    async def reviewed(who, day, minutes, activity="data_review"):
        start = datetime(2026, 11, day, 15, tzinfo=UTC)
        await log_time(
            conn, "north", who, patient, "RPM", activity, start,
            start + timedelta(minutes=minutes), False, "Looked through", now=LATER,
        )  # fmt: skip

    await reviewed(dora, 3, 15)
    await reviewed(dora, 4, 15, "documentation")
    await reviewed(other, 5, 15)
    await reviewed(nora, 6, 15)
    found = await month_of(conn, patient)
    assert found.facts.rpm is not None
    assert found.facts.rpm.qhp_interpretation_seconds == 15 * 60
    assert billed(found) == {}
    await reviewed(dora, 7, 15)
    found = await month_of(conn, patient)
    assert billed(found) == {"99091": 1}
    # The clinic's month begins at its own midnight, and a day in hospital is none of ours.
    await said(conn, nora, patient, stay("2026-11-07", "2026-11-07"))
    found = await month_of(conn, patient)
    assert found.facts.rpm is not None
    assert found.facts.rpm.qhp_interpretation_seconds == 15 * 60


async def test_a_clinics_switches_hold_from_their_month_on(books):
    nora, conn, patient = await books.staff(), await books.connect(), await books.patient()
    boss = await books.staff("Bo", "admin")
    await books.join(patient)
    await books.worked(patient, nora, 65)

    async def switched(month, caps, at=NOW):
        await billing_policy.set_policy(
            conn, "north", valid_from=date.fromisoformat(month), qhp_time_counts_as_staff=False,
            caps=caps, reason="Payer", by=boss.id, now=at,
        )  # fmt: skip

    await switched("2026-12-01", {"99439": 0})
    assert billed(await month_of(conn, patient)) == {"99490": 1, "99439": 2}
    await switched("2026-11-01", {"99439": 1})
    await switched("2026-10-01", {"99439": 0}, NOW + timedelta(hours=1))
    assert billed(await month_of(conn, patient)) == {"99490": 1, "99439": 1}
    await switched("2026-11-01", {}, NOW + timedelta(hours=2))
    assert billed(await month_of(conn, patient)) == {"99490": 1, "99439": 2}
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="append-only"):
        await books.admin.execute("UPDATE billing_policy SET caps = '{}'")


async def test_a_locked_month_takes_no_statement_and_lets_go_of_one(books):
    nora, boss = await books.staff(), await books.staff("Bo", "admin")
    conn, patient = await books.connect(), await books.patient()
    fact = await said(conn, nora, patient, claim("99490", "2026-10-02"))
    there = await said(conn, nora, patient, stay("2026-10-29"))
    await lock(conn, "north", boss, Month.parse("2026-10"), now=NOW)
    with pytest.raises(MonthLocked):
        await said(conn, nora, patient, claim("99491", "2026-10-02"))
    with pytest.raises(MonthLocked):
        await end_stay(conn, "north", nora, there, date(2026, 10, 30), now=NOW)
    # October is the same whether the stay goes on or ends in November.
    ended = await end_stay(conn, "north", nora, there, date(2026, 11, 2), now=NOW)
    await take_back(conn, "north", nora, fact, "Withdrawn", now=NOW)
    await take_back(conn, "north", nora, ended, "Another patient", now=NOW)
    with pytest.raises(MonthLocked):
        await said(conn, nora, patient, stay("2026-10-31", "2026-11-02"))
    await said(conn, nora, patient, stay("2026-11-01", "2026-11-02"))


@pytest.mark.parametrize(
    "change",
    ["last_day = '2026-11-20'", "note = 'x'", "recorded_by = recorded_by, kind = 'apcm'",
     "reversed_reason = 'half'"],
)  # fmt: skip
async def test_the_database_itself_refuses_to_edit_a_statement(books, change):
    nora, conn, patient = await books.staff(), await books.connect(), await books.patient()
    fact = await said(conn, nora, patient, stay("2026-11-03", "2026-11-05"))
    edit = f"UPDATE billing_fact SET {change} WHERE id = %s"  # noqa: S608
    await conn.execute("SELECT set_config('hearthline.clinic', 'north', false)")
    with pytest.raises((psycopg.errors.InsufficientPrivilege, psycopg.errors.CheckViolation)):
        await conn.execute(edit, [fact])
    with pytest.raises(psycopg.errors.CheckViolation):
        await books.admin.execute(edit, [fact])
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="append-only"):
        await books.admin.execute("DELETE FROM billing_fact")
    await take_back(conn, "north", nora, fact, "r", now=NOW)
    with pytest.raises(psycopg.errors.CheckViolation, match="never edited"):
        await books.admin.execute("UPDATE billing_fact SET reversed_reason = 'another'")


@pytest.mark.parametrize(
    "columns",
    [
        "kind = 'apcm', code = '99490', first_day = '2026-11-01'",
        "kind = 'apcm', code = 'G0557', first_day = '2026-11-02'",
        "kind = 'other_claim', first_day = '2026-11-01'",
        "kind = 'complex_decision', first_day = '2026-11-01', level = 'low'",
        "kind = 'complex_decision', first_day = '2026-11-01', level = 'high'",
        "kind = 'device_setup', fda_device = true",
        "kind = 'care_planning', with_visit = true",
        "kind = 'holiday'",
        "kind = 'inpatient_stay', last_day = '2026-11-01'",
        "kind = 'inpatient_stay', level = 'high'",
    ],
)
async def test_a_statement_that_is_not_whole_is_none(books, columns):
    nora, patient = await books.staff(), await books.patient()
    given = {"clinic_id": "'north'", "patient_id": f"'{patient}'", "recorded_by": f"'{nora.id}'",
             "recorded_at": "now()", "first_day": "'2026-11-05'"}  # fmt: skip
    given |= dict(part.split(" = ") for part in columns.split(", "))
    insert = f"INSERT INTO billing_fact ({', '.join(given)}) VALUES ({', '.join(given.values())})"  # noqa: S608
    with pytest.raises(psycopg.errors.CheckViolation):
        await books.admin.execute(insert)


async def test_two_who_say_and_take_back_at_once(books):
    """One stay stands, and it is taken back once."""
    nora, nils, patient = await books.staff(), await books.staff("Nils"), await books.patient()
    async with open_pool(books.database.urls["hl_api"], max_size=2) as pool:

        async def alone(act):
            async with connection(pool) as conn:
                try:
                    return await act(conn)
                except CareError as refused:
                    return refused

        for _ in range(20):
            answers = await asyncio.gather(
                alone(lambda c: said(c, nora, patient, stay("2026-11-03", "2026-11-05"))),
                alone(lambda c: said(c, nils, patient, stay("2026-11-04", "2026-11-09"))),
            )
            (refused,) = [a for a in answers if isinstance(a, CareError)]
            (fact,) = [a for a in answers if not isinstance(a, CareError)]
            assert isinstance(refused, StayOnRecord)
            answers = await asyncio.gather(
                alone(lambda c, f=fact: take_back(c, "north", nora, f, "a", now=NOW)),
                alone(lambda c, f=fact: take_back(c, "north", nils, f, "b", now=NOW)),
            )
            assert [type(a) for a in answers if isinstance(a, CareError)] == [NotReversible]
    assert await books.all("SELECT FROM billing_fact WHERE reversed_at IS NULL") == []
