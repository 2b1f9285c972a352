"""The billing engine alone: months of one patient evaluated in memory, no database, one process.

A patient as busy as the acceptance asks for: time entries of several people and programmes, some of
which overlap, and reading days of two months.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from time import perf_counter, process_time
from zoneinfo import ZoneInfo

from ccm_link.calendar_month import Month
from ccm_link.codes import Programme, Role
from ccm_link.evaluate import evaluate
from ccm_link.facts import Consent, Enrollment, Facts, Rpm, TimeEntry
from ccm_link.rules import rules_for

_MONTH = Month.parse("2026-03")
_FIRST = datetime(2026, 3, 1, 14, tzinfo=UTC)
_STAFF = [("RN1", Role.CLINICAL_STAFF), ("RN2", Role.CLINICAL_STAFF), ("MD1", Role.QHP)]
_OVERLAPPING = 7  # every so many entries begin before the one before has ended


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """What a patient-month holds."""

    entries: int = 30
    days: int = 40


def patient_months(count: int, size: Size) -> Iterator[Facts]:
    """Each a little different from the one before, so that nothing can be remembered."""
    for number in range(count):
        yield Facts(
            month=_MONTH,
            practice_tz=ZoneInfo("America/New_York"),
            patient_tz=ZoneInfo("America/Chicago"),
            billing_practitioner="A",
            enrollments=[_enrolled(programme) for programme in (Programme.CCM, Programme.RPM)],
            time_entries=[_entry(n, number) for n in range(size.entries)],
            rpm=_monitored(size.days),
        )


def _enrolled(programme: Programme) -> Enrollment:
    agreed = ["availability", "cost_sharing", "one_practitioner", "right_to_stop"]
    return Enrollment(
        program=programme,
        practitioner="A",
        qualifying_conditions=2,
        care_plan=True,
        consent=Consent(at=_FIRST - timedelta(days=60), method="verbal", elements=agreed),
        since=date(2026, 1, 1),
    )


def _entry(number: int, patient: int) -> TimeEntry:
    staff, role = _STAFF[(number + patient) % len(_STAFF)]
    start = _FIRST + timedelta(days=number % 30, hours=number // 30, minutes=patient % 60)
    if number % _OVERLAPPING == 0:
        start -= timedelta(days=1) - timedelta(minutes=1)
    return TimeEntry(
        id=f"{patient}-{number}",
        program=Programme.RPM if number % 3 == 0 else Programme.CCM,
        staff=staff,
        role=role,
        activity="call",
        start=start,
        end=start + timedelta(minutes=2 + number % 5, seconds=patient % 60),
    )


def _monitored(days: int) -> Rpm:
    first = date(2026, 2, 10)
    return Rpm(
        period_starts=[first, first + timedelta(days=30)],
        reading_days=[first + timedelta(days=number) for number in range(days)],
        interactive=[_FIRST],
    )


def ms_per_patient_month(
    *, patients: int = 500, rounds: int = 5, size: Size | None = None
) -> dict[str, float]:
    """Milliseconds of one evaluation, by the wall's clock and of processor time: the best round.

    What other processes take shows as worse rounds. Facts are made before the clock starts.
    """
    months = list(patient_months(patients, size or Size()))
    found = [_round(months) for _ in range(rounds)]
    return {
        "wall": round(min(wall for wall, _ in found) / patients, 4),
        "cpu": round(min(cpu for _, cpu in found) / patients, 4),
    }


def _round(months: Sequence[Facts]) -> tuple[float, float]:
    rules = rules_for(_MONTH)
    gc.collect()
    wall, cpu = perf_counter(), process_time()
    for facts in months:
        evaluate(facts, rules, today=_MONTH.last)
    return (perf_counter() - wall) * 1000, (process_time() - cpu) * 1000
