"""Where one second, one day or one row changes what bills."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from ccm_link import words
from ccm_link.calendar_month import Month
from tests.ccm_link.engine.make import billed, days, enrolled, entry, month, result, rpm_month

TALK = ["2026-03-10T09:05:00-04:00"]
COMPLEX = {"enrollments": [enrolled(complex_mdm="high")]}


@pytest.mark.parametrize(
    ("seconds", "units"),
    [
        (1199, {}),
        (1199.999999, {}),
        (1200, {"99490": 1}),
        (2399, {"99490": 1}),
        (2400, {"99490": 1, "99439": 1}),
        (3599, {"99490": 1, "99439": 1}),
        (3600, {"99490": 1, "99439": 2}),
        (4800, {"99490": 1, "99439": 2}),
    ],
)
def test_staff_time(seconds: float, units: dict[str, int]) -> None:
    assert billed(month(entry(seconds))) == units


@pytest.mark.parametrize(
    ("seconds", "units"),
    [
        (1799, {}),
        (1800, {"99491": 1}),
        (3599, {"99491": 1}),
        (3600, {"99491": 1, "99437": 1}),
        (5400, {"99491": 1, "99437": 2}),
        (7200, {"99491": 1, "99437": 2}),
    ],
)
def test_the_practitioners_time(seconds: int, units: dict[str, int]) -> None:
    assert billed(month(entry(seconds, role="qhp", staff="MD1"))) == units


@pytest.mark.parametrize(
    ("seconds", "units"),
    [
        (3599, {"99490": 1, "99439": 1}),
        (3600, {"99487": 1}),
        (5399, {"99487": 1}),
        (5400, {"99487": 1, "99489": 1}),
        (3600 + 10 * 1800, {"99487": 1, "99489": 10}),
        (3600 + 11 * 1800, {"99487": 1, "99489": 10}),
    ],
)
def test_complex_care(seconds: int, units: dict[str, int]) -> None:
    assert billed(month(entry(seconds), **COMPLEX)) == units


@pytest.mark.parametrize(
    ("role", "seconds", "units"),
    [
        ("qhp", 1799, {}),
        ("qhp", 1800, {"99424": 1}),
        ("qhp", 3600, {"99424": 1, "99425": 1}),
        ("qhp", 7200, {"99424": 1, "99425": 2}),
        ("clinical_staff", 1800, {"99426": 1}),
        ("clinical_staff", 3600, {"99426": 1, "99427": 1}),
        ("clinical_staff", 7200, {"99426": 1, "99427": 2}),
    ],
)
def test_principal_care(role: str, seconds: int, units: dict[str, int]) -> None:
    case = month(entry(seconds, program="PCM", role=role), enrollments=[enrolled("PCM")])
    assert billed(case) == units


@pytest.mark.parametrize(
    ("seconds", "units"),
    [
        (599, {}),
        (600, {"99470": 1}),
        (1199, {"99470": 1}),
        (1200, {"99457": 1}),
        (2400, {"99457": 1, "99458": 1}),
        (3600, {"99457": 1, "99458": 2}),
        (4800, {"99457": 1, "99458": 2}),
    ],
)
def test_remote_monitoring_time(seconds: int, units: dict[str, int]) -> None:
    case = rpm_month(entry(seconds, program="RPM"), rpm={"interactive": TALK})
    assert billed(case) == units


@pytest.mark.parametrize(
    ("count", "units"),
    [(0, {}), (1, {}), (2, {"99445": 1}), (15, {"99445": 1}), (16, {"99454": 1})],
)
def test_reading_days(count: int, units: dict[str, int]) -> None:
    rpm = {"period_starts": ["2026-03-01"], "reading_days": days("2026-03-01", count)}
    assert billed(rpm_month(rpm=rpm)) == units


@pytest.mark.parametrize(("count", "units"), [(2, {}), (15, {}), (16, {"99453": 1, "99454": 1})])
def test_reading_days_before_2026(count: int, units: dict[str, int]) -> None:
    rpm = {
        "period_starts": ["2025-12-01"],
        "reading_days": days("2025-12-01", count),
        "setup": {"date": "2025-12-01"},
    }
    consent = {"at": "2025-10-15T10:00:00-04:00", "method": "verbal"}
    case = rpm_month(rpm=rpm, month="2025-12", enrollments=[enrolled("RPM", consent=consent)])
    assert billed(case) == units


@pytest.mark.parametrize("last", ["2026-03-30", "2026-03-31"])
def test_a_day_after_the_period_earns_nothing(last: str) -> None:
    rpm = {"period_starts": ["2026-03-01"], "reading_days": [*days("2026-03-01", 15), last]}
    assert billed(rpm_month(rpm=rpm)) == {"99454" if last == "2026-03-30" else "99445": 1}


def test_set_up_bills_once_in_the_month_that_completed_its_days() -> None:
    rpm: dict[str, Any] = {
        "reading_days": ["2026-03-31", "2026-04-01"],
        "setup": {"date": "2026-03-31"},
    }
    assert billed(rpm_month(rpm=rpm)) == {}
    assert billed(rpm_month(rpm=rpm, month="2026-04")) == {"99453": 1}
    assert billed(rpm_month(rpm=rpm, month="2026-05")) == {}


def test_overlapping_periods_are_not_two() -> None:
    rpm = {
        "period_starts": ["2026-03-01", "2026-03-02"],
        "reading_days": days("2026-03-01", 30),
    }
    assert billed(rpm_month(rpm=rpm)) == {"99454": 1}
    (told,) = (r for r in result(rpm_month(rpm=rpm)).rejections if r.subject == "2026-03-02")
    assert words.detail(told) == "It cannot stand beside the period before, which has not ended."


def test_a_period_that_still_runs_is_not_billed_yet() -> None:
    rpm = {"period_starts": ["2026-03-01"], "reading_days": days("2026-03-01", 3)}
    assert billed(rpm_month(rpm=rpm), today=date(2026, 3, 30)) == {}
    assert billed(rpm_month(rpm=rpm), today=date(2026, 3, 31)) == {"99445": 1}


@pytest.mark.parametrize(
    ("start", "seconds", "counted"),
    [
        ("2026-02-28T23:50:00-05:00", 1800, 1200),  # from February into March
        ("2026-03-31T23:40:00-04:00", 1800, 1200),  # out of March, on summer time
        ("2026-03-08T01:50:00-05:00", 1200, 1200),  # over the hour that does not exist
        ("2026-03-31T23:40:00-04:00", 1200, 1200),  # ends at midnight: all of it is March
    ],
)
def test_month_ends_and_the_daylight_saving_night(start: str, seconds: int, counted: int) -> None:
    whole = month(entry(seconds, start))
    less = month(entry(seconds, start), entry(60, start, name="t0", activity="training"))
    assert billed(whole) == ({"99490": 1} if counted >= 1200 else {})
    assert billed(less) == billed(whole)


def test_the_night_that_has_an_hour_twice_counts_real_seconds() -> None:
    case = month(entry(1200, "2026-11-01T01:50:00-04:00"), month="2026-11")
    assert case["time_entries"][0]["end"].startswith("2026-11-01T02:10:00-04:00")
    assert billed(case) == {"99490": 1}


def test_the_month_is_the_practices_and_inpatient_days_are_the_patients() -> None:
    """21:30 in Los Angeles on the 11th is 00:30 in New York on the 12th."""
    stay = [{"from": "2026-03-11", "to": "2026-03-11"}]
    late = entry(1200, "2026-03-12T00:30:00-04:00")
    assert billed(month(late, inpatient_stays=stay)) == {"99490": 1}
    assert billed(month(late, inpatient_stays=stay, patient_tz="America/Los_Angeles")) == {}


@pytest.mark.parametrize("text", ["2024-02", "2025-02", "2026-12", "9999-12"])
def test_a_month_has_a_last_day_up_to_the_end_of_the_calendar(text: str) -> None:
    found = Month.parse(text)
    assert (str(found), found.first.day) == (text, 1)
    assert found.last.day == {"2024-02": 29, "2025-02": 28}.get(text, 31)
    assert (found.first in found, found.last in found) == (True, True)
