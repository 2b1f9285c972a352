"""Every reason for which something does not bill, with the subject that it names."""

from __future__ import annotations

from typing import Any

import pytest

from ccm_link.codes import Reason
from ccm_link.intervals import SECOND
from tests.ccm_link.engine.make import (
    ALL_ELEMENTS,
    billed,
    days,
    enrolled,
    entry,
    month,
    refused,
    result,
    rpm_month,
)

TALK = ["2026-03-10T09:05:00-04:00"]
NEXT_DAY = "2026-03-11T09:00:00-04:00"
NINE = "2026-03-10T09:00:00-04:00"
DOCTOR = {"role": "qhp", "staff": "MD1"}
EARLY = {"at": "2025-02-01T10:00:00-05:00", "method": "written", "elements": ALL_ELEMENTS}


def claimed(code: str, by: str = "A") -> dict[str, Any]:
    return {"other_claims": [{"code": code, "practitioner": by}]}


def consented(at: str) -> dict[str, Any]:
    return {"at": at, "method": "verbal", "elements": ALL_ELEMENTS}


def gate(**changes: Any) -> dict[str, Any]:
    return month(entry(1200), enrollments=[enrolled(**changes)])


def pcm(*entries: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return month(*entries, enrollments=[enrolled("PCM", **changes)])


def measured(count: int, first: str = "2026-03-01", **rpm: Any) -> dict[str, Any]:
    facts = {"period_starts": [first], "reading_days": days(first, count)} | rpm
    return rpm_month(rpm=facts)


def managed(*entries: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return rpm_month(*entries, rpm={"interactive": TALK} | changes.pop("rpm", {}), **changes)


def december(case: dict[str, Any]) -> dict[str, Any]:
    return case | {"month": "2025-12", "enrollments": [enrolled("RPM", consent=EARLY)]}


BOTH = [enrolled(), enrolled("PCM")]
MONITORED = [enrolled(), enrolled("RPM")]
LONG = {"at": "2026-03-10T09:10:00-04:00", "method": "verbal", "elements": ALL_ELEMENTS}

#: case, subject, reason
REFUSALS: list[tuple[dict[str, Any], str, str]] = [
    # what an entry is
    (month(entry(1, start="2026-03-10T09:00:00")), "t1", "NO_TIMEZONE"),
    (month(entry(1, end="2026-03-10T09:20:00")), "t1", "NO_TIMEZONE"),
    (month(entry(1, start="2026-03-10T09:20:00", end="2026-03-10T09:00:00")), "t1", "NO_TIMEZONE"),
    (month(entry(0)), "t1", "INVALID_ENTRY"),
    (month(entry(-60)), "t1", "INVALID_ENTRY"),
    (month(entry(0, start=None, end=None, minutes=25)), "t1", "UNDOCUMENTED_TIME"),
    (month(entry(0, end=None, minutes=25)), "t1", "UNDOCUMENTED_TIME"),
    (month(entry(0, start=None, end=None)), "t1", "UNDOCUMENTED_TIME"),
    (month(entry(1200, program="PCM")), "t1", "NOT_ENROLLED"),
    (month(entry(1200, program="RPM")), "t1", "NOT_ENROLLED"),
    (month(entry(1200, role="non_clinical")), "t1", "NON_CLINICAL_STAFF"),
    (month(entry(1200, activity="face_to_face_em")), "t1", "ACTIVITY_NOT_COUNTABLE"),
    (month(entry(1200, activity="supervision_only", **DOCTOR)), "t1", "ACTIVITY_NOT_COUNTABLE"),
    (month(entry(1200, activity="billing_admin")), "t1", "ACTIVITY_NOT_COUNTABLE"),
    (month(entry(1200, activity="scheduling_only")), "t1", "ACTIVITY_NOT_COUNTABLE"),
    (month(entry(1200, activity="training")), "t1", "ACTIVITY_NOT_COUNTABLE"),
    (month(entry(1200), entry(1200, name="t0")), "t1", "DUPLICATE_ENTRY"),
    (month(entry(1200), entry(1200)), "t1", "DUPLICATE_ENTRY"),
    (month(entry(1200), entry(1200, name="t2", activity="call")), "t2", "OVERLAP_SAME_STAFF"),
    # when it was
    (month(entry(1200, "2026-02-10T09:00:00-05:00")), "t1", "OUTSIDE_MONTH"),
    (month(entry(1200, "2026-04-01T00:00:00-04:00")), "t1", "OUTSIDE_MONTH"),
    (month(entry(1200, "2026-02-28T23:40:00-05:00")), "t1", "OUTSIDE_MONTH"),
    (month(entry(1200, "2026-02-10T09:00:00Z", activity="training")), "t1", "OUTSIDE_MONTH"),
    (month(entry(1200, "2026-02-28T23:50:00-05:00")), "t1", "SPLIT_AT_MONTH_BOUNDARY"),
    (month(entry(1200, "2026-03-31T23:59:59-04:00")), "t1", "SPLIT_AT_MONTH_BOUNDARY"),
    (
        month(
            entry(1200),
            staff_other_patient=[{"staff": "RN1", "start": NINE, "end": "2026-03-10T13:00:01Z"}],
        ),
        "t1",
        "STAFF_BUSY_OTHER_PATIENT",
    ),
    (
        month(entry(1200), inpatient_stays=[{"from": "2026-03-10", "to": "2026-03-10"}]),
        "t1",
        "INPATIENT",
    ),
    (gate(consent=LONG), "t1", "TIME_BEFORE_CONSENT"),
    (gate(consent=consented("2026-03-20T09:00:00-04:00")), "t1", "TIME_BEFORE_CONSENT"),
    # all that is true is told, whatever took the time first
    (
        month(
            entry(1200),
            enrollments=[enrolled(consent=LONG)],
            inpatient_stays=[{"from": "2026-03-09", "to": "2026-03-12"}],
        ),
        "t1",
        "TIME_BEFORE_CONSENT",
    ),
    # a second counts once
    (month(entry(900), entry(600, name="t0")), "t1", "OVERLAP_SAME_STAFF"),
    (month(entry(900), entry(900, name="t2", staff="RN2")), "t2", "OVERLAP_TWO_STAFF"),
    (month(entry(900), entry(1800, name="t2", **DOCTOR)), "t2", "OVERLAP_TWO_STAFF"),
    *[
        (
            month(
                entry(1200, program=keeps, name="t2"),
                entry(1200, program=loses),
                enrollments=[enrolled(p) for p in ("CCM", "PCM", "RPM")],
            ),
            "t1",
            "CROSS_PROGRAM_DOUBLE_COUNT",
        )
        for keeps, loses in [
            ("TCM", "RPM"),
            ("TCM", "CCM"),
            ("RPM", "CCM"),
            ("RPM", "PCM"),
            ("CCM", "PCM"),
            ("CCM", "BHI"),
            ("PCM", "BHI"),
        ]
    ],
    # gates
    (gate(consent=None), "CCM", "NO_CONSENT"),
    (pcm(entry(1800, program="PCM"), consent=None), "PCM", "NO_CONSENT"),
    (rpm_month(rpm={}, enrollments=[enrolled("RPM", consent=None)]), "RPM", "NO_CONSENT"),
    (gate(consent=consented("2026-04-01T04:00:00Z")), "CCM", "NO_CONSENT"),
    (gate(consent={**LONG, "elements": ALL_ELEMENTS[1:]}), "CCM", "CONSENT_INCOMPLETE"),
    (pcm(consent={**LONG, "elements": ALL_ELEMENTS[:3]}), "PCM", "CONSENT_INCOMPLETE"),
    (gate(qualifying_conditions=1), "CCM", "CONDITIONS_INSUFFICIENT"),
    (pcm(high_risk_condition=False), "PCM", "CONDITIONS_INSUFFICIENT"),
    (gate(care_plan=False), "CCM", "NO_CARE_PLAN"),
    (pcm(care_plan=False), "PCM", "NO_CARE_PLAN"),
    (gate(access_24_7=False), "CCM", "NO_24_7_ACCESS"),
    (gate(new_or_not_seen_12m=True), "CCM", "NO_INITIATING_VISIT"),
    (managed(rpm={"established_patient": False}), "RPM", "NOT_ESTABLISHED_PATIENT"),
    # who and what else was billed
    (month(entry(1200), **claimed("99439", "B")), "CCM", "OTHER_PRACTITIONER_BILLED"),
    (pcm() | claimed("99426", "C"), "PCM", "OTHER_PRACTITIONER_BILLED"),
    *[
        (measured(16) | claimed(code, "B"), "RPM", "OTHER_PRACTITIONER_BILLED")
        for code in ("99453", "99454", "99445", "99457", "99458", "99470")
    ],
    (
        month(entry(1200), entry(1800, NEXT_DAY, name="t2", program="PCM"), enrollments=BOTH),
        "PCM",
        "PCM_CCM_SAME_PRACTITIONER",
    ),
    (pcm() | claimed("99490"), "PCM", "PCM_CCM_SAME_PRACTITIONER"),
    (month(entry(1200), apcm=["G0557"]), "CCM", "APCM_EXCLUDES_CCM_PCM"),
    (pcm() | {"apcm": ["G0556"]}, "PCM", "APCM_EXCLUDES_CCM_PCM"),
    (month(entry(1200), **claimed("G0556", "B")), "CCM", "APCM_EXCLUDES_CCM_PCM"),
    (month(entry(1200), **claimed("G0556", "B")), "CCM", "CONCURRENT_CODE_CONFLICT"),
    (month(entry(1200), **claimed("99491")), "CCM", "CONCURRENT_CODE_CONFLICT"),
    (month(entry(1200), **claimed("99491")), "99490", "CONCURRENT_CODE_CONFLICT"),
    (month(entry(1800, **DOCTOR), **claimed("99439")), "99491", "CONCURRENT_CODE_CONFLICT"),
    (month(entry(1200), **claimed("99487")), "99490", "CONCURRENT_CODE_CONFLICT"),
    (month(entry(1200), **claimed("G0182")), "CCM", "CONCURRENT_CODE_CONFLICT"),
    (month(entry(1200), **claimed("90951")), "CCM", "CONCURRENT_CODE_CONFLICT"),
    (month(entry(1200), **claimed("90970")), "CCM", "CONCURRENT_CODE_CONFLICT"),
    (measured(16) | claimed("98980", "B"), "RPM", "CONCURRENT_CODE_CONFLICT"),
    (measured(16) | claimed("99445"), "99454", "CONCURRENT_CODE_CONFLICT"),
    (measured(3) | claimed("99454"), "99445", "CONCURRENT_CODE_CONFLICT"),
    (
        managed(entry(1200, program="RPM")) | claimed("99091"),
        "99457",
        "CONCURRENT_CODE_CONFLICT",
    ),
    (managed(entry(600, program="RPM")) | claimed("99457"), "99470", "CONCURRENT_CODE_CONFLICT"),
    (
        managed(entry(600, program="RPM"), rpm={"qhp_interpretation_seconds": 1800}),
        "99091",
        "CONCURRENT_CODE_CONFLICT",
    ),
    (month(apcm=["G0557"]) | claimed("99495"), "APCM", "CONCURRENT_CODE_CONFLICT"),
    (month(apcm=["G0557"]) | claimed("99495"), "G0557", "CONCURRENT_CODE_CONFLICT"),
    (
        measured(16, period_starts=["2026-03-01", "2026-03-02"]),
        "2026-03-02",
        "CONCURRENT_CODE_CONFLICT",
    ),
    (month(entry(1200), request_g0511=True), "G0511", "CODE_RETIRED"),
    (
        measured(16, setup={"date": "2026-03-01", "already_billed_this_episode": True}),
        "99453",
        "ONCE_PER_EPISODE",
    ),
    (month(g0506={"already_billed": True}), "G0506", "ONCE_PER_INITIATION"),
    (month(g0506={"with_initiating_visit": True}), "G0506", "NOT_PERSONALLY_PERFORMED"),
    # how much there is
    (month(entry(1199)), "99490", "TIME_BELOW_THRESHOLD"),
    (month(entry(1799, **DOCTOR)), "99491", "TIME_BELOW_THRESHOLD"),
    (gate(complex_mdm="moderate"), "99487", "TIME_BELOW_THRESHOLD"),
    (pcm(entry(1799, program="PCM")), "99426", "TIME_BELOW_THRESHOLD"),
    (pcm(entry(1799, program="PCM", **DOCTOR)), "99424", "TIME_BELOW_THRESHOLD"),
    (managed(entry(599, program="RPM")), "99470", "TIME_BELOW_THRESHOLD"),
    (managed(entry(1199, program="RPM")), "99457", "TIME_BELOW_THRESHOLD"),
    (managed(rpm={"qhp_interpretation_seconds": 1799}), "99091", "TIME_BELOW_THRESHOLD"),
    (month(entry(4800)), "99439", "ADDON_MAX_UNITS"),
    (month(entry(7200, **DOCTOR)), "99437", "ADDON_MAX_UNITS"),
    (
        month(entry(3600 + 11 * 1800), enrollments=[enrolled(complex_mdm="high")]),
        "99489",
        "ADDON_MAX_UNITS",
    ),
    (pcm(entry(7200, program="PCM", **DOCTOR)), "99425", "ADDON_MAX_UNITS"),
    (pcm(entry(7200, program="PCM")), "99427", "ADDON_MAX_UNITS"),
    (managed(entry(4800, program="RPM")), "99458", "ADDON_MAX_UNITS"),
    (month(entry(2400), policy={"caps": {"99439": 0}}), "99439", "ADDON_MAX_UNITS"),
    (month(entry(3600)), "99487", "COMPLEX_MDM_NOT_DOCUMENTED"),
    (
        month(entry(1200), entry(1800, NEXT_DAY, name="t2", **DOCTOR)),
        "99490",
        "MUTUALLY_EXCLUSIVE_ALTERNATIVE",
    ),
    (
        month(entry(3600), enrollments=[enrolled(complex_mdm="high")]),
        "99490",
        "MUTUALLY_EXCLUSIVE_ALTERNATIVE",
    ),
    (
        pcm(entry(1800, program="PCM"), entry(1800, NEXT_DAY, name="t2", program="PCM", **DOCTOR)),
        "99426",
        "MUTUALLY_EXCLUSIVE_ALTERNATIVE",
    ),
    (rpm_month(entry(1200, program="RPM"), rpm={}), "99457", "NO_INTERACTIVE_COMMUNICATION"),
    (rpm_month(entry(600, program="RPM"), rpm={}), "99457", "NO_INTERACTIVE_COMMUNICATION"),
    # readings and their periods
    (measured(15), "99454", "DAYS_BELOW_16"),
    (measured(1), "99454", "DAYS_BELOW_16"),
    (measured(1), "99445", "DAYS_BELOW_2"),
    (measured(0), "99445", "DAYS_BELOW_2"),
    (measured(1, setup={"date": "2026-03-01"}), "99453", "DAYS_BELOW_2"),
    (december(measured(15, "2025-12-01")), "99454", "DAYS_BELOW_16"),
    (
        december(measured(15, "2025-12-01", setup={"date": "2025-12-01"})),
        "99453",
        "DAYS_BELOW_16",
    ),
    (measured(16, fda_device=False), "99454", "DEVICE_NOT_FDA_DEFINED"),
    (
        measured(16, fda_device=False, setup={"date": "2026-03-01"}),
        "99453",
        "DEVICE_NOT_FDA_DEFINED",
    ),
    (measured(16, "2026-03-03"), "2026-03-03", "PERIOD_ENDS_OTHER_MONTH"),
    (measured(16, "2026-01-30"), "2026-01-30", "PERIOD_ENDS_OTHER_MONTH"),
    (
        measured(16, "2026-03-03", established_patient=False),
        "2026-03-03",
        "PERIOD_ENDS_OTHER_MONTH",
    ),
    (
        measured(2, readings=[{"at": "2026-03-20T12:00:00Z", "manual": True}]),
        "2026-03-20T12:00:00Z",
        "MANUAL_READING",
    ),
    (
        measured(
            2, established_patient=False, readings=[{"at": "2026-03-20T12:00:00Z", "manual": True}]
        ),
        "2026-03-20T12:00:00Z",
        "MANUAL_READING",
    ),
]


@pytest.mark.parametrize(
    ("case", "subject", "reason"),
    REFUSALS,
    ids=[f"{n} {reason} {subject}" for n, (_, subject, reason) in enumerate(REFUSALS)],
)
def test_a_reason_names_its_subject(case: dict[str, Any], subject: str, reason: str) -> None:
    assert (subject, reason) in refused(case)


def test_every_reason_was_met() -> None:
    met = {reason for _, _, reason in REFUSALS}
    assert met == set(Reason) - {Reason.PERIOD_NOT_ENDED}  # only with today's date


# What is refused nowhere -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "claims",
    [
        claimed("99495"),
        claimed("99496", "B"),
        claimed("99214"),
        claimed("99484"),
        claimed("99492"),
        claimed("G0181", "B"),
        claimed("90960", "B"),
        claimed("99426", "B"),
        claimed("99454", "B"),
        claimed("99421"),
        claimed("98977"),
    ],
    ids=str,
)
def test_what_may_stand_beside_ccm(claims: dict[str, Any]) -> None:
    case = month(entry(1200), **claims)
    assert billed(case) == {"99490": 1}
    assert refused(case) == set()


@pytest.mark.parametrize("code", ["99490", "99426", "G0557", "99495", "99214"])
def test_what_may_stand_beside_monitoring(code: str) -> None:
    assert billed(measured(16) | claimed(code)) == {"99454": 1}


def test_principal_care_of_another_practitioner_stands_beside_ccm() -> None:
    who = [enrolled(), enrolled("PCM", practitioner="B")]
    other = entry(1800, NEXT_DAY, name="t2", program="PCM", staff="RN9")
    assert billed(month(entry(1200), other, enrollments=who)) == {"99490": 1, "99426": 1}


def test_an_activity_that_nobody_knows_counts() -> None:
    assert billed(month(entry(1200, activity="watering the plants"))) == {"99490": 1}


# How much goes, and to whom ----------------------------------------------------------------------


def test_consent_in_the_middle_of_an_entry_cuts_it_there() -> None:
    case = month(entry(1800), enrollments=[enrolled(consent=LONG)])
    assert billed(case) == {"99490": 1}
    assert billed(month(entry(1799), enrollments=[enrolled(consent=LONG)])) == {}


def test_the_same_minute_is_never_on_both_tracks() -> None:
    """Ten minutes together: with the switch on, staff's track has 30 min and not 40."""
    doctor = entry(1200, "2026-03-10T09:10:00-04:00", name="t2", **DOCTOR)
    case = month(entry(1200), doctor, policy={"qhp_time_counts_as_staff": True})
    assert billed(case) == {"99490": 1}
    (line,) = result(case).billable
    assert line.micros == 1800 * SECOND


def test_a_refused_programme_still_keeps_the_minutes_that_it_shares() -> None:
    who = [enrolled(), enrolled("RPM", consent=None)]
    shared = entry(600, name="t2", program="RPM")
    case = month(entry(1200), shared, enrollments=who)
    assert billed(case) == {}
    assert ("t1", "CROSS_PROGRAM_DOUBLE_COUNT") in refused(case)


def test_minutes_of_a_programme_without_enrolment_take_nothing() -> None:
    case = month(entry(1200), entry(600, name="t2", program="RPM"))
    assert billed(case) == {"99490": 1}


def test_the_ledger_tells_the_first_reason_and_the_refusals_all() -> None:
    stay = [{"from": "2026-03-10", "to": "2026-03-10"}]
    case = month(entry(1200), inpatient_stays=stay, enrollments=[enrolled(consent=LONG)])
    (row,) = result(case).ledger
    assert row.lost == ((Reason.INPATIENT, 1200 * SECOND),)
    told = {r.reason: r.parts["gone"] for r in result(case).rejections if r.subject == "t1"}
    assert told == {
        Reason.INPATIENT: 1200 * SECOND,
        Reason.TIME_BEFORE_CONSENT: 600 * SECOND,
    }


@pytest.mark.parametrize("key", ["caps", "max_units", "anything"])
def test_caps_by_code_under_any_name(key: str) -> None:
    assert billed(month(entry(4800), policy={key: {"99439": 3}})) == {"99490": 1, "99439": 3}


def test_a_longer_cap_ends_where_it_says() -> None:
    case = month(entry(6000), policy={"caps": {"99439": 3}})
    assert billed(case) == {"99490": 1, "99439": 3}
    assert ("99439", "ADDON_MAX_UNITS") in refused(case)


# Set-up, and periods over a new year -------------------------------------------------------------


def over_new_year(count: int, first: str = "2025-12-20", number: str = "2026-01") -> dict[str, Any]:
    rpm = {
        "period_starts": [first],
        "reading_days": days(first, count),
        "setup": {"date": first},
    }
    return rpm_month(rpm=rpm, month=number, enrollments=[enrolled("RPM", consent=EARLY)])


@pytest.mark.parametrize(
    ("count", "first", "number", "units"),
    [
        # The period ends on 18 January: its month's rules hold.
        (2, "2025-12-20", "2026-01", {"99445": 1, "99453": 1}),
        (15, "2025-12-20", "2026-01", {"99445": 1, "99453": 1}),
        (16, "2025-12-20", "2026-01", {"99454": 1, "99453": 1}),
        (1, "2025-12-20", "2026-01", {}),
        (16, "2025-12-20", "2025-12", {}),
        # It ends on 31 December: the older rules hold, and nothing is left for January.
        (15, "2025-12-02", "2025-12", {}),
        (15, "2025-12-02", "2026-01", {}),
        (16, "2025-12-02", "2025-12", {"99454": 1, "99453": 1}),
        (16, "2025-12-02", "2026-01", {}),
        # Sixteen days of December: set-up is December's, the period January's.
        (16, "2025-12-10", "2025-12", {"99453": 1}),
        (16, "2025-12-10", "2026-01", {"99454": 1}),
    ],
)
def test_periods_over_a_new_year(
    count: int, first: str, number: str, units: dict[str, int]
) -> None:
    assert billed(over_new_year(count, first, number)) == units


def test_set_up_waits_for_a_later_period() -> None:
    case = measured(2, "2026-03-01", setup={"date": "2026-01-05"})
    assert billed(case) == {"99445": 1, "99453": 1}


def test_set_up_of_a_later_month_is_not_this_months() -> None:
    case = measured(16, setup={"date": "2026-04-01"})
    assert billed(case) == {"99454": 1}
    assert "99453" not in {subject for subject, _ in refused(case)}


def test_set_up_that_was_complete_before_is_pointed_out() -> None:
    case = measured(16, setup={"date": "2026-03-01"}) | {"month": "2026-04"}
    assert billed(case) == {}
    assert "99453" in {note.subject for note in result(case).notes}


def test_two_periods_in_a_month_by_their_own_days() -> None:
    rpm = {
        "period_starts": ["2026-01-30", "2026-03-01"],
        "reading_days": [*days("2026-02-01", 16), "2026-03-05", "2026-03-07"],
    }
    assert billed(rpm_month(rpm=rpm)) == {"99445": 1}
    rpm["period_starts"] = ["2026-01-31", "2026-03-02"]
    assert billed(rpm_month(rpm=rpm)) == {"99454": 1, "99445": 1}


def test_a_day_is_one_day_however_it_was_told() -> None:
    """As a day, by two devices, and at the patient's midnight."""
    readings = [
        {"at": "2026-03-02T04:59:59Z", "device": "cuff"},  # 23:59:59 on the 1st
        {"at": "2026-03-02T05:00:00Z", "device": "scale"},
        {"at": "2026-03-02T06:00:00Z"},
    ]
    assert billed(measured(1, readings=readings)) == {"99445": 1}
    assert billed(measured(1, readings=readings[:1])) == {}


def test_a_months_talk_is_the_practices_months() -> None:
    time = entry(1200, program="RPM")
    assert billed(rpm_month(time, rpm={"interactive": ["2026-04-01T03:59:59Z"]})) == {"99457": 1}
    assert billed(rpm_month(time, rpm={"interactive": ["2026-03-01T04:59:59Z"]})) == {}
    assert billed(rpm_month(time, rpm={"interactive": ["2026-03-01T05:00:00Z"]})) == {"99457": 1}
