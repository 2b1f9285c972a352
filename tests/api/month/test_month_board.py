"""A clinic's month in lists: who stands where, in which order, and what it sums to."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from api.month_board import Board, Show, Sum
from ccm_link.calendar_month import Month
from ccm_link.codes import Programme, Role
from ccm_link.evaluate import evaluate
from ccm_link.facts import Consent, Enrollment, Facts, Rpm, TimeEntry
from ccm_link.month import PatientMonth, Signature
from ccm_link.month_facts import Person, Waiting
from ccm_link.rules import rules_for

MONTH = Month.parse("2026-11")
AGREED = datetime(2026, 10, 1, 15, tzinfo=UTC)
ELEMENTS = ["availability", "cost_sharing", "one_practitioner", "right_to_stop"]
ESTIMATE = "estimate, 1 without an amount"
DURING, AFTER = date(2026, 11, 20), date(2026, 12, 2)


def enrolled(programme=Programme.CCM, **more):
    consent = Consent(at=AGREED, method="verbal", elements=ELEMENTS)
    plain = {"program": programme, "practitioner": "dr", "consent": consent, "care_plan": True}
    return Enrollment(**(plain | {"qualifying_conditions": 2} | more))


def worked(minutes, *, day=3, key="e1"):
    start = datetime(2026, 11, day, 15, tzinfo=UTC)
    return TimeEntry(
        id=key, program=Programme.CCM, staff="n", role=Role.CLINICAL_STAFF, activity="call",
        start=start, end=start + timedelta(minutes=minutes),
    )  # fmt: skip


def patient(number, *, entries=(), enrolments=None, rpm=None, today=DURING, **more):
    facts = Facts(
        month=MONTH,
        practice_tz=ZoneInfo("America/New_York"),
        billing_practitioner="dr",
        enrollments=[enrolled()] if enrolments is None else enrolments,
        time_entries=list(entries),
        rpm=rpm,
    )
    return PatientMonth(
        patient=Person(
            id=UUID(int=number), family_name=f"Test{number}", given_name="Mona", birth_date=None
        ),
        facts=facts,
        result=evaluate(facts, rules_for(MONTH), today=today),
        waiting=Waiting(),
        as_of=today,
        **more,
    )


def signature(facts_sha256):
    return Signature(
        id=UUID(int=99), version=2, facts_sha256=facts_sha256, rules_version="x",
        signed_at=AGREED, signed_by_name="Demo Biller",
    )  # fmt: skip


def board(*months, today=DURING):
    made = Board(month=MONTH, today=today)
    for one in months:
        made.add(one)
    return made


def ids(rows):
    return [row.who.id.int for row in rows]


def test_who_bills_is_ready_and_who_is_short_is_nearly_there():
    found = board(patient(1, entries=[worked(20)]), patient(2, entries=[worked(17)]))
    assert ids(found.rows(Show.TO_SIGN)) == [1]
    assert ids(found.rows(Show.NEARLY)) == [2, 1]  # 3 minutes, then 20 to the next unit
    short = found.rows(Show.NEARLY)[0]
    assert (short.have, short.need, short.unit, short.missing) == (17, 20, "min", ("3 min short",))
    assert short.until == date(2026, 11, 30)


def test_without_consent_it_is_blocked_with_a_way_out():
    found = board(patient(1, entries=[worked(25)], enrolments=[enrolled(consent=None)]))
    (stuck,) = found.rows(Show.BLOCKED)
    assert "No consent" in stuck.why[0]
    assert "Record the patient's consent" in stuck.next[0]
    assert found.rows(Show.TO_SIGN) == []


def test_only_a_month_that_is_over_carries_the_hash_that_is_signed():
    one = patient(1, entries=[worked(20)])
    assert board(one).to_sign() == []
    (row,) = board(one, today=AFTER).to_sign()
    assert row.seen == one.seen


def test_signed_and_changed_since():
    one = patient(1, entries=[worked(20)])
    same = replace(one, signed=signature(one.facts_sha256))
    other = replace(patient(2, entries=[worked(20)]), signed=signature("f" * 64))
    found = board(same, other, today=AFTER)
    assert ids(found.rows(Show.SIGNED)) == [1]
    assert ids(found.rows(Show.CHANGED)) == [2]
    assert found.rows(Show.SIGNED)[0].signed == "version 2, Demo Biller"
    assert found.to_sign() == []


def test_a_programme_filters_every_list_and_the_sum():
    ccm = patient(1, entries=[worked(20)])
    days = [date(2026, 10, 20) + timedelta(days=n) for n in range(20)]
    rpm = patient(
        2,
        enrolments=[enrolled(Programme.RPM)],
        rpm=Rpm(period_starts=[date(2026, 10, 20)], reading_days=days),
    )
    found = board(ccm, rpm)
    assert ids(found.rows(Show.TO_SIGN)) == [1, 2]
    assert ids(found.rows(Show.TO_SIGN, programme="RPM")) == [2]
    assert found.count(Show.TO_SIGN, programme="PCM") == 0
    assert found.sum(programme="CCM").dollars == Decimal("66.13")
    assert found.sum(programme="RPM") == Sum(unknown=1)


@pytest.mark.parametrize(
    ("made", "amount", "small_print"),
    [
        (Sum(), "", ""),
        (Sum(unknown=2), "", "2 without an amount"),
        (Sum(dollars=Decimal(1234)), "$1,234.00", ""),
        (Sum(dollars=Decimal("66.13"), unverified=1, unknown=1), "$66.13", ESTIMATE),
    ],
)
def test_a_sum_says_what_it_is(made, amount, small_print):
    assert (made.amount, made.small_print) == (amount, small_print)


def test_names_are_those_of_every_list():
    found = board(patient(1, entries=[worked(20)]), patient(2, enrolments=[enrolled(consent=None)]))
    assert set(found.names().values()) == {"Mona Test1", "Mona Test2"}
    assert found.enrolled == 2
