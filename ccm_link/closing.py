"""A clinic's whole month: every patient evaluated, the drafts stored, and what that comes to.

    ids of the enrolled ─┬─ a hundred at once ─▶ read ─ evaluate ─ store, one transaction
                         └─ the same in a second process

Memory is bounded by the hundred. A part that fails stops the command; what was stored stays, and
running it again stores the same.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from multiprocessing import get_context
from uuid import UUID

from ccm_link.calendar_month import Month
from ccm_link.errors import NotFound
from ccm_link.freeze import encoded, sha256
from ccm_link.month import PatientMonth, month_lists
from ccm_link.months_service import read_months
from ccm_link.outcome import Unit
from ccm_link.view import as_bytes
from store import drafts
from store.drafts import Draft
from store.month import clinic_zone, enrolled
from store.pool import connection, open_pool
from store.tenancy import Connection, clinic_session

AT_ONCE = 100  # patients of one transaction
PROCESSES = 2


@dataclass(slots=True, kw_only=True)
class Totals:
    """Patients of a clinic's month by what they come to, and the units that bill."""

    enrolled: int = 0
    ready: int = 0  # something bills
    nearly: int = 0  # one more unit is in reach
    blocked: int = 0  # a programme bills nothing, whatever is done in minutes or days
    short_with_open_tasks: int = 0  # time is missing, and work waits that would bring it
    signed: int = 0
    changed_since_signed: int = 0
    units: Counter[str] = field(default_factory=Counter)  # by code

    def __add__(self, other: Totals) -> Totals:
        counts = {
            name: getattr(self, name) + getattr(other, name) for name in self.__dataclass_fields__
        }
        return Totals(**counts)


async def evaluate_clinic(
    url: str, clinic: str, month: Month, *, now: datetime, processes: int = PROCESSES
) -> Totals:
    """Every enrolled patient, as `hl_worker`.

    Raises:
        NotFound: no such clinic.
        NoRules, Unavailable.
    """
    async with open_pool(url, max_size=1) as pool, connection(pool) as conn:
        async with clinic_session(conn, clinic):
            if await clinic_zone(conn, clinic) is None:
                raise NotFound
            everybody = await enrolled(conn, clinic, month.first, month.last)
        work = partial(_parts, url, clinic, month, now)
        shares = [everybody[start::processes] for start in range(processes)]
        found = await _everywhere(work, [share for share in shares if share])
        async with clinic_session(conn, clinic):
            await drafts.forget(conn, month.first, before=now)
    return sum(found, Totals())


async def _everywhere(work: partial[Totals], shares: Sequence[Sequence[UUID]]) -> list[Totals]:
    """Each share in a process of its own; a single one in a thread, for a loop of its own."""
    if len(shares) < 2:  # noqa: PLR2004 -- nothing to divide
        return [await asyncio.to_thread(work, share) for share in shares]
    loop = asyncio.get_running_loop()
    with ProcessPoolExecutor(len(shares), mp_context=get_context("spawn")) as processes:
        return await asyncio.gather(
            *(loop.run_in_executor(processes, work, share) for share in shares)
        )


def _parts(url: str, clinic: str, month: Month, now: datetime, patients: Sequence[UUID]) -> Totals:
    return asyncio.run(_all_parts(url, clinic, month, now, patients))


async def _all_parts(
    url: str, clinic: str, month: Month, now: datetime, patients: Sequence[UUID]
) -> Totals:
    total = Totals()
    async with open_pool(url, max_size=1, fresh_plans=True) as pool, connection(pool) as conn:
        for start in range(0, len(patients), AT_ONCE):
            some = patients[start : start + AT_ONCE]
            async with clinic_session(conn, clinic):
                total += await evaluate_patients(conn, clinic, month, some, now=now)
    return total


async def evaluate_patients(
    conn: Connection, clinic: str, month: Month, patients: Sequence[UUID], *, now: datetime
) -> Totals:
    """Read, evaluate and store them, inside the caller's `clinic_session`."""
    total = Totals()
    stored: list[Draft] = []
    for found in await read_months(conn, clinic, patients, month, now=now):
        facts_sha256 = sha256(encoded(found.facts))
        stored.append(
            Draft(
                patient_id=found.patient.id,
                month=month.first,
                facts_sha256=facts_sha256,
                rules_version=found.result.rules_version,
                as_of=found.as_of,
                result=as_bytes(found.result),
                computed_at=now,
            )
        )
        _count(total, found, facts_sha256)
    await drafts.write(conn, stored)
    return total


def _count(total: Totals, found: PatientMonth, facts_sha256: str) -> None:
    lists = month_lists([found], today=found.as_of)
    total.enrolled += 1
    total.ready += bool(lists.ready)
    total.nearly += bool(lists.nearly)
    total.blocked += bool(lists.blocked)
    minutes_short = any(item.unit is Unit.SECONDS and item.missing for item in lists.nearly)
    total.short_with_open_tasks += minutes_short and found.open_tasks > 0
    if found.signed is not None:
        total.signed += 1
        total.changed_since_signed += found.signed.facts_sha256 != facts_sha256
    for line in found.result.billable:
        total.units[line.code] += line.units
