"""What people stated becomes the facts of a month, and where two compete the lesser is taken."""

from __future__ import annotations

from datetime import date
from uuid import UUID

import pytest

from ccm_link import stated
from ccm_link.calendar_month import Month
from ccm_link.codes import Programme
from ccm_link.facts import G0506, Enrollment, OtherClaim, Setup, Stay
from ccm_link.stated import ANOTHER_PRACTICE, Kind

NOVEMBER = Month.parse("2026-11")
DOCTOR, OTHER = UUID(int=1), UUID(int=2)
PERIOD = 30
BLANK = {
    "last_day": None, "code": None, "by_staff": None, "level": None, "fda_device": None,
    "with_visit": None, "personally": None,
}  # fmt: skip


def said(kind, first_day, **more):
    return BLANK | {"kind": str(kind), "first_day": date.fromisoformat(first_day)} | more


def enrolled(programme=Programme.RPM, since="2026-10-05"):
    return Enrollment(program=programme, practitioner=str(DOCTOR), since=date.fromisoformat(since))


def stay(first, last=None):
    return said(Kind.INPATIENT_STAY, first, last_day=last and date.fromisoformat(last))


@pytest.mark.parametrize(
    ("rows", "today", "expected"),
    [
        ([stay("2026-11-03", "2026-11-05")], "2026-11-20", [("2026-11-03", "2026-11-05")]),
        ([stay("2026-11-18")], "2026-11-20", [("2026-11-18", "2026-11-20")]),
        ([stay("2026-11-20")], "2026-11-20", [("2026-11-20", "2026-11-20")]),
        # The month is over and the patient is still there: to its end, and a day for the zones.
        ([stay("2026-11-18")], "2027-02-03", [("2026-11-18", "2026-12-01")]),
        ([stay("2026-09-01", "2026-11-02")], "2026-11-20", [("2026-09-01", "2026-11-02")]),
        ([stay("2026-09-01", "2026-10-31")], "2026-11-20", [("2026-09-01", "2026-10-31")]),
        ([stay("2026-09-01", "2026-10-30")], "2026-11-20", []),
        ([stay("2026-12-02", "2026-12-09")], "2026-12-20", []),
        ([stay("2026-11-20")], "2026-11-10", []),  # looked at from before it was
    ],
)
def test_a_stay_reaches_to_today_and_no_further(rows, today, expected):
    found = stated.stays(rows, NOVEMBER, date.fromisoformat(today))
    assert found == [Stay(from_=date.fromisoformat(a), to=date.fromisoformat(b))
                     for a, b in expected]  # fmt: skip


def test_claims_and_choices_belong_to_their_month():
    rows = [
        said(Kind.OTHER_CLAIM, "2026-11-01", code="99490"),
        said(Kind.OTHER_CLAIM, "2026-11-01", code="G0181", by_staff=DOCTOR),
        said(Kind.OTHER_CLAIM, "2026-10-01", code="99487"),
        said(Kind.APCM, "2026-11-01", code="G0557"),
        said(Kind.APCM, "2026-10-01", code="G0556"),
    ]
    assert stated.other_claims(rows, NOVEMBER) == [
        OtherClaim(code="99490", practitioner=ANOTHER_PRACTICE),
        OtherClaim(code="G0181", practitioner=str(DOCTOR)),
    ]
    assert stated.apcm(rows, NOVEMBER) == ["G0557"]


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (("2026-11-01", DOCTOR), "high"),
        (("2026-10-01", DOCTOR), None),
        (("2026-11-01", OTHER), None),
    ],
)
def test_only_the_billing_practitioners_decision_makes_care_complex(row, expected):
    month, who = row
    rows = [said(Kind.COMPLEX_DECISION, month, by_staff=who, level="high")]
    assert stated.complex_decision(rows, NOVEMBER, str(DOCTOR)) == expected


def setup_of(*rows, month=NOVEMBER, since="2026-10-05"):
    return stated.setup(list(rows), month, enrolled(since=since), PERIOD)


def signed(code, month):
    return {"kind": stated.SIGNED, "first_day": date.fromisoformat(month), "code": code}


def taught(day, *, fda_device=True):
    return said(Kind.DEVICE_SETUP, day, by_staff=OTHER, fda_device=fda_device)


def test_the_first_set_up_of_the_spell_is_asked_about_while_its_days_can_be_reached():
    october = Setup(date=date(2026, 10, 20), already_billed_this_episode=False)
    assert setup_of(taught("2026-10-20")) == october
    assert setup_of(taught("2026-10-20"), taught("2026-11-10")) == october
    assert setup_of(taught("2026-10-02")) is None  # its 30 days ended with October
    assert setup_of(taught("2026-10-03")) is not None
    assert setup_of(taught("2026-12-01")) is None
    assert setup_of(taught("2026-11-02"), since="2026-11-05") is not None  # brought before
    assert setup_of(taught("2026-06-20"), taught("2026-11-10")) == Setup(date=date(2026, 11, 10))


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([], False),
        ([signed("99453", "2026-10-01")], True),
        ([signed("99453", "2026-09-01")], False),  # an earlier spell
        ([signed("99454", "2026-10-01")], False),
        ([said(Kind.OTHER_CLAIM, "2026-10-01", code="99453")], True),
        ([said(Kind.OTHER_CLAIM, "2026-11-01", code="99453", by_staff=DOCTOR)], True),
        ([said(Kind.OTHER_CLAIM, "2026-09-01", code="99453")], False),  # an earlier spell
        ([said(Kind.OTHER_CLAIM, "2026-12-01", code="99453")], False),
        ([said(Kind.OTHER_CLAIM, "2026-10-01", code="99454")], False),
    ],
)
def test_set_up_is_billed_once_a_spell(rows, expected):
    found = setup_of(taught("2026-10-20"), *rows)
    assert found.already_billed_this_episode is expected


def test_one_statement_that_a_device_is_no_medical_device_is_enough():
    def stands(*rows):
        return stated.fda_device(list(rows), NOVEMBER, enrolled(), PERIOD)

    assert stands()
    assert stands(taught("2026-10-06"))
    assert not stands(taught("2026-10-06"), taught("2026-11-06", fda_device=False))
    assert stands(taught("2026-10-06"), taught("2026-12-06", fda_device=False))


def planned(day, *, with_visit=True, personally=True, by=DOCTOR):
    return said(Kind.CARE_PLANNING, day, by_staff=by, with_visit=with_visit, personally=personally)


def planning_of(*rows):
    return stated.planning(list(rows), NOVEMBER, enrolled(Programme.CCM))


def test_extra_planning_bills_in_the_month_of_its_day_and_once():
    fine = G0506(
        already_billed=False, with_initiating_visit=True, personally_by_billing_practitioner=True
    )
    used_up = G0506(
        already_billed=True, with_initiating_visit=True, personally_by_billing_practitioner=True
    )
    assert planning_of() is None
    assert planning_of(planned("2026-10-30")) is None
    assert planning_of(planned("2026-11-03")) == fine
    assert planning_of(planned("2026-10-30"), planned("2026-11-03")) == used_up
    assert planning_of(planned("2026-10-30", with_visit=False), planned("2026-11-03")) == fine
    assert planning_of(planned("2026-10-01"), planned("2026-11-03")) == fine  # an earlier spell
    assert planning_of(planned("2026-11-03"), signed("G0506", "2026-10-01")) == used_up
    claim = said(Kind.OTHER_CLAIM, "2026-10-01", code="G0506")
    assert planning_of(planned("2026-11-03"), claim) == used_up
    by_another = planning_of(planned("2026-11-03", by=OTHER))
    assert by_another is not None
    assert not by_another.personally_by_billing_practitioner
