"""Fetch a month's rows, evaluate every patient, hand back results. The only part that waits."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from ccm_link.calendar_month import Month
from ccm_link.evaluate import evaluate
from ccm_link.month import PatientMonth
from ccm_link.month_facts import by_patient, facts_of_month, person, waiting
from ccm_link.rules import rules_for
from store.month import MonthRows, clinic_zone, month_facts
from store.tenancy import Connection, clinic_session


async def month_of_clinic(
    conn: Connection, clinic: str, month: Month, *, now: datetime
) -> list[PatientMonth]:
    """Every patient enrolled in the month, by name."""
    return await _evaluated(conn, clinic, month, None, now)


async def patient_month(
    conn: Connection, clinic: str, patient_id: UUID, month: Month, *, now: datetime
) -> PatientMonth | None:
    """None: not enrolled in that month, or not this clinic's patient."""
    return next(iter(await _evaluated(conn, clinic, month, patient_id, now)), None)


async def _evaluated(
    conn: Connection, clinic: str, month: Month, patient: UUID | None, now: datetime
) -> list[PatientMonth]:
    async with clinic_session(conn, clinic):
        zone = await clinic_zone(conn, clinic)
        if zone is None:
            return []
        rows = await month_facts(conn, clinic, month.first, month.last, zone, patient=patient)
    return list(_results(rows, month, zone, now))


def _results(
    rows: MonthRows, month: Month, zone: ZoneInfo, now: datetime
) -> Iterator[PatientMonth]:
    rules = rules_for(month)
    grouped = by_patient(
        rows.patients, rows.enrolments, rows.consents, rows.entries, rows.reading_days
    )
    for one in grouped:
        facts = facts_of_month(one, month, zone, rules)
        # Days left are counted where the patient measures.
        today = now.astimezone(facts.patient_zone).date()
        yield PatientMonth(
            patient=person(one),
            facts=facts,
            result=evaluate(facts, rules, today=today),
            waiting=waiting(one, month, zone),
        )
