"""Fetch a month's rows, evaluate every patient, hand back results. The only part that waits.

A clinic's month comes in pages of patients, so that memory does not grow with their number; each
page is a transaction of its own, and closed before its results are handed out.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from ccm_link.calendar_month import Month
from ccm_link.evaluate import evaluate
from ccm_link.freeze import canonical
from ccm_link.month import PatientMonth, Signature
from ccm_link.month_facts import Frame, by_patient, facts_of_month, person, policy_of, waiting
from ccm_link.rulebook import rulebook_for
from ccm_link.rules import Rules
from store.month import MonthRows, clinic_zone, enrolled, month_facts
from store.tenancy import Connection, clinic_session

PAGE = 200  # patients of one transaction


async def month_of_clinic(
    conn: Connection, clinic: str, month: Month, *, now: datetime, page: int = PAGE
) -> AsyncIterator[PatientMonth]:
    """Every patient enrolled in the month, by name."""
    async with clinic_session(conn, clinic):
        zone = await clinic_zone(conn, clinic)
        rules = (await rulebook_for(conn, clinic, month)).rules
    after: UUID | None = None
    while zone is not None:
        async with clinic_session(conn, clinic):
            some = await enrolled(conn, clinic, month.first, month.last, after=after, most=page)
            rows = await month_facts(conn, clinic, month.first, month.last, zone, patients=some)
        for found in months_in(rows, month, zone, now, rules):
            yield found
            await asyncio.sleep(0)  # thousands of them must not keep everybody else waiting
        if len(some) < page:
            return
        after = some[-1]


async def patient_month(
    conn: Connection, clinic: str, patient_id: UUID, month: Month, *, now: datetime
) -> PatientMonth | None:
    """None: not enrolled in that month, or not this clinic's patient."""
    async with clinic_session(conn, clinic):
        found = await read_months(conn, clinic, [patient_id], month, now=now)
    return next(iter(found), None)


async def read_months(
    conn: Connection,
    clinic: str,
    patients: Sequence[UUID],
    month: Month,
    *,
    now: datetime,
    rules: Rules | None = None,
) -> list[PatientMonth]:
    """Inside the caller's `clinic_session`: those who are enrolled; by `rules`, else by today's."""
    zone = await clinic_zone(conn, clinic)
    if zone is None:
        return []
    rules = rules or (await rulebook_for(conn, clinic, month)).rules
    rows = await month_facts(conn, clinic, month.first, month.last, zone, patients=patients)
    return list(months_in(rows, month, zone, now, rules))


def months_in(
    rows: MonthRows, month: Month, zone: ZoneInfo, now: datetime, rules: Rules
) -> Iterator[PatientMonth]:
    """Every patient of the rows, evaluated. `zone` is the practice's."""
    tasks = {row["patient_id"]: row["tasks"] for row in rows.open_tasks}
    signed = {row["patient_id"]: _signature(row) for row in rows.signed}
    frame = Frame(month=month, zone=zone, rules=rules, now=now, policy=policy_of(rows.policy))
    grouped = by_patient(
        rows.patients,
        rows.enrolments,
        rows.consents,
        rows.entries,
        rows.reading_days,
        [*rows.stated, *rows.billed],
    )
    for one in grouped:
        facts = canonical(facts_of_month(one, frame))
        who = person(one)
        # Days left are counted where the patient measures.
        today = now.astimezone(facts.patient_zone).date()
        yield PatientMonth(
            patient=who,
            facts=facts,
            as_of=today,
            result=evaluate(facts, rules, today=today),
            waiting=waiting(one, month, zone),
            open_tasks=tasks.get(who.id, 0),
            signed=signed.get(who.id),
        )


def _signature(row: Mapping[str, Any]) -> Signature:
    return Signature(**{key: row[key] for key in Signature.__dataclass_fields__})
