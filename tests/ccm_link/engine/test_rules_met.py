"""Gates, conflicts and switches: each refuses what it should, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from tests.ccm_link.engine.make import (
    billed,
    days,
    enrolled,
    entry,
    month,
    refused,
    result,
    rpm_month,
)

FULL = entry(1200)
DOCTOR = {"role": "qhp", "staff": "MD1"}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"consent": None}, "NO_CONSENT"),
        ({"consent": {"at": "2026-04-01T00:00:00-04:00", "method": "verbal"}}, "NO_CONSENT"),
        ({"consent": {"at": "2026-01-15T10:00:00Z", "method": "written"}}, "CONSENT_INCOMPLETE"),
        ({"qualifying_conditions": 1}, "CONDITIONS_INSUFFICIENT"),
        ({"care_plan": False}, "NO_CARE_PLAN"),
        ({"access_24_7": False}, "NO_24_7_ACCESS"),
        ({"new_or_not_seen_12m": True}, "NO_INITIATING_VISIT"),
        ({"new_or_not_seen_12m": True, "initiating_visit": "2026-04-01"}, "NO_INITIATING_VISIT"),
    ],
)
def test_a_gate_refuses_the_programme(change: dict[str, Any], reason: str) -> None:
    case = month(FULL, enrollments=[enrolled(**change)])
    assert billed(case) == {}
    assert ("CCM", reason) in refused(case)


def test_principal_care_asks_for_one_high_risk_condition() -> None:
    time = entry(1800, program="PCM")
    low = month(time, enrollments=[enrolled("PCM", high_risk_condition=False)])
    one = month(time, enrollments=[enrolled("PCM", qualifying_conditions=1)])
    assert ("PCM", "CONDITIONS_INSUFFICIENT") in refused(low)
    assert billed(one) == {"99426": 1}


@pytest.mark.parametrize(
    ("code", "practitioner", "reason"),
    [
        ("99491", "A", "CONCURRENT_CODE_CONFLICT"),
        ("99490", "B", "OTHER_PRACTITIONER_BILLED"),
        ("99426", "A", "CONCURRENT_CODE_CONFLICT"),
        ("99426", "B", None),
        ("G0182", "A", "CONCURRENT_CODE_CONFLICT"),
        ("G0182", "B", None),
        ("90960", "A", "CONCURRENT_CODE_CONFLICT"),
        ("90971", "A", None),
        ("G0557", "B", "CONCURRENT_CODE_CONFLICT"),
        ("99495", "A", None),
        ("99214", "A", None),
    ],
)
def test_what_else_was_billed(code: str, practitioner: str, reason: str | None) -> None:
    case = month(FULL, other_claims=[{"code": code, "practitioner": practitioner}])
    assert billed(case) == ({} if reason else {"99490": 1})
    assert reason is None or ("CCM", reason) in refused(case)


@pytest.mark.parametrize("code", ["99490", "99426", "99496", "99422", "98971", "99452", "G2251"])
def test_advanced_primary_care_stands_beside_none_of_these(code: str) -> None:
    case = month(apcm=["G0557"], other_claims=[{"code": code, "practitioner": "A"}])
    assert billed(case) == {}
    assert ("G0557", "CONCURRENT_CODE_CONFLICT") in refused(case)


def test_advanced_primary_care_by_level() -> None:
    one = {"enrollments": [enrolled(qualifying_conditions=1)]}
    assert billed(month(apcm=["G0556"], **one)) == {"G0556": 1}
    assert billed(month(apcm=["G0557"], **one)) == {}
    assert billed(month(apcm=["G0556", "G0558"])) == {"G0558": 1}


def test_ccm_keeps_the_month_before_pcm_of_the_same_practitioner() -> None:
    both = [enrolled(), enrolled("PCM")]
    staff = entry(1800, "2026-03-11T09:00:00-04:00", name="t2", program="PCM")
    together = month(FULL, staff, enrollments=both)
    alone = month(staff, enrollments=both)
    assert billed(together) == {"99490": 1}
    assert ("PCM", "PCM_CCM_SAME_PRACTITIONER") in refused(together)
    assert billed(alone) == {"99426": 1}


def test_monitoring_never_with_therapeutic_monitoring() -> None:
    rpm = {"period_starts": ["2026-03-01"], "reading_days": days("2026-03-01", 16)}
    case = rpm_month(rpm=rpm, other_claims=[{"code": "98977", "practitioner": "B"}])
    assert billed(case) == {}
    assert ("RPM", "CONCURRENT_CODE_CONFLICT") in refused(case)


@pytest.mark.parametrize(
    ("spent", "minutes", "units"),
    [(1799, 0, {}), (1800, 0, {"99091": 1}), (1800, 10, {"99470": 1}), (1800, 20, {"99457": 1})],
)
def test_the_practitioners_own_review(spent: int, minutes: int, units: dict[str, int]) -> None:
    rpm = {
        "qhp_interpretation_seconds": spent,
        "interactive": ["2026-03-10T09:05:00-04:00"],
    }
    time = [entry(60 * minutes, program="RPM")] if minutes else []
    assert billed(rpm_month(*time, rpm=rpm)) == units


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        ({"with_initiating_visit": True}, "NOT_PERSONALLY_PERFORMED"),
        ({"personally_by_billing_practitioner": True}, "NO_INITIATING_VISIT"),
    ],
)
def test_extra_planning(asked: dict[str, bool], reason: str) -> None:
    case = month(g0506=asked)
    assert billed(case) == {}
    assert ("G0506", reason) in refused(case)


def test_the_rural_code_bills_until_its_end() -> None:
    consent = {**enrolled()["consent"], "at": "2025-01-15T10:00:00-05:00"}
    case = {"request_g0511": True, "enrollments": [enrolled(consent=consent)]}
    time = entry(1200, "2025-09-10T09:00:00-04:00")
    later = entry(1200, "2025-10-10T09:00:00-04:00")
    assert billed(month(time, month="2025-09", **case)) == {"G0511": 1}
    assert billed(month(later, month="2025-10", **case)) == {"99490": 1}


def test_of_two_tracks_the_larger_amount_bills_and_the_other_is_named() -> None:
    case = month(entry(1200), entry(1800, "2026-03-11T09:00:00-04:00", name="t2", **DOCTOR))
    assert billed(case) == {"99491": 1}
    assert ("99490", "MUTUALLY_EXCLUSIVE_ALTERNATIVE") in refused(case)
    assert [stack.code for stack in result(case).alternatives] == ["99490"]
    more = month(entry(2400), entry(1800, "2026-03-11T09:00:00-04:00", name="t2", **DOCTOR))
    assert billed(more) == {"99490": 1, "99439": 1}


def test_complex_care_is_never_chosen_against_by_price() -> None:
    complex_care = [enrolled(complex_mdm="moderate")]
    doctor = entry(7200, "2026-03-11T09:00:00-04:00", name="t2", **DOCTOR)
    assert billed(month(entry(3600), doctor, enrollments=complex_care)) == {"99487": 1}


def test_the_practitioners_time_is_staff_time_only_by_the_switch() -> None:
    case = month(entry(900), entry(900, "2026-03-11T09:00:00-04:00", name="t2", **DOCTOR))
    on = {"qhp_time_counts_as_staff": True}
    assert billed(case) == {}
    assert billed(case | {"policy": on}) == {"99490": 1}


@pytest.mark.parametrize("policy", [{"caps": {"99439": 3}}, {"99439": 3}, {"max_99439": 3}])
def test_a_cap_can_be_overridden(policy: dict[str, Any]) -> None:
    assert billed(month(entry(4800), policy=policy)) == {"99490": 1, "99439": 3}


def test_no_live_talk_this_month_no_management_code() -> None:
    case = rpm_month(entry(1200, program="RPM"), rpm={"interactive": ["2026-04-01T04:00:00Z"]})
    assert billed(case) == {}
    assert ("99457", "NO_INTERACTIVE_COMMUNICATION") in refused(case)


def test_time_outside_the_days_of_enrolment_is_not_enrolled() -> None:
    case = month(FULL, enrollments=[enrolled(since="2026-03-11")])
    assert ("t1", "NOT_ENROLLED") in refused(case)
    assert billed(month(FULL, enrollments=[enrolled(since="2026-03-10")])) == {"99490": 1}


def test_transitional_care_takes_its_minutes_from_ccm() -> None:
    case = month(FULL, entry(600, name="t0", program="TCM", staff="RN2"))
    assert billed(case) == {}
    assert ("t1", "CROSS_PROGRAM_DOUBLE_COUNT") in refused(case)


def test_the_same_entry_twice_counts_once() -> None:
    case = month(entry(1199), entry(1199, name="t2"))
    assert ("t2", "DUPLICATE_ENTRY") in refused(case)
    assert billed(case) == {}
