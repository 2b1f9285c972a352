"""Daily summaries: what a patient's days came to, by measurement. They can always be made anew.

`alerts.summaries` computes them from readings; here they are held against what is stored, and only
what differs is written. All of it inside the caller's `clinic_session`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from store.arrays import literal
from store.errors import translated
from store.queries import load
from store.tenancy import Connection, clinic_session

_SQL = "summaries"


class DailySummary(msgspec.Struct, frozen=True):
    """One measurement of one day of a patient, in the unit that its name says.

    Of what a device cannot show there is no number: it is in `readings`, in `below` or `above`, and
    may be the last; minimum, maximum and means are of the numbers.
    """

    patient_id: UUID
    day: date
    measure: str
    readings: int
    below: int
    above: int
    minimum: float | None
    maximum: float | None
    mean: float | None
    morning_mean: float | None
    evening_mean: float | None
    rated: int  # of `readings`, where a limit was in force
    in_range: int  # of `rated`, beyond none
    last_at: datetime
    last_value: float | None
    last_comparator: str | None


_COLUMNS = DailySummary.__struct_fields__


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Days of a patient, both included, of which every reading was looked at."""

    patient_id: UUID
    first: date
    last: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Summaries:
    """All that the spans' days came to; a day that is not in it came to nothing."""

    spans: Sequence[Span]
    rows: Sequence[DailySummary]
    reading_days: Sequence[tuple[UUID, date]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """How many rows stored before were not what the readings say."""

    written: int = 0
    removed: int = 0

    def __add__(self, other: Difference) -> Difference:
        both = {f.name: getattr(self, f.name) + getattr(other, f.name) for f in fields(self)}
        return Difference(**both)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rebuild:
    """A patient whose summaries are to be made anew since then."""

    patient_id: UUID
    since: datetime


async def zones_of(conn: Connection, patients: Collection[UUID]) -> dict[UUID, ZoneInfo]:
    """Where each patient's days begin: their own zone, else the clinic's."""
    cur = await conn.execute(load(_SQL)["zones"], {"patients": list(patients)})
    return {patient: ZoneInfo(zone) for patient, zone in await cur.fetchall()}


async def put(conn: Connection, made: Summaries) -> Difference:
    """Make the spans' days say what `made` says."""
    if not made.spans:
        return Difference()
    spans = {
        "patients": literal(span.patient_id for span in made.spans),
        "firsts": literal(span.first for span in made.spans),
        "lasts": literal(span.last for span in made.spans),
    }
    rows = {name: literal(getattr(row, name) for row in made.rows) for name in _COLUMNS}
    days = {
        "day_patients": literal(patient for patient, _ in made.reading_days),
        "days": literal(day for _, day in made.reading_days),
    }
    return await _put(conn, "put_summaries", spans | rows) + await _put(
        conn, "put_reading_days", spans | days
    )


async def _put(conn: Connection, name: str, values: dict[str, Any]) -> Difference:
    cur = await conn.execute(load(_SQL)[name], values)
    written, removed = await cur.fetchone() or (0, 0)
    return Difference(written=written, removed=removed)


async def clinics_to_summarise(conn: Connection) -> list[str]:
    return await _names(conn, "clinics_to_summarise")


async def every_clinic(conn: Connection) -> list[str]:
    return await _names(conn, "every_clinic")


async def _names(conn: Connection, name: str) -> list[str]:
    with translated():
        cur = await conn.execute(load(_SQL)[name])
        return sorted(clinic for (clinic,) in await cur.fetchall())


async def waiting_for_rebuild(conn: Connection, clinic: str) -> list[UUID]:
    """Who waits, the longest first. Claims nothing."""
    async with clinic_session(conn, clinic):
        cur = await conn.execute(load(_SQL)["waiting_for_rebuild"])
        return [patient for (patient,) in await cur.fetchall()]


async def claim_rebuilds(conn: Connection, *, size: int, only: UUID | None = None) -> list[Rebuild]:
    """Whose turn it is, the longest waiting first; what another worker holds is passed over."""
    cur = await conn.execute(load(_SQL)["claim_rebuilds"], {"size": size, "only": only})
    return [Rebuild(patient_id=row[0], since=row[1]) for row in await cur.fetchall()]


async def rebuilt(conn: Connection, done: Iterable[Rebuild]) -> None:
    await conn.execute(load(_SQL)["rebuilt"], {"patients": [one.patient_id for one in done]})


async def patients_after(conn: Connection, after: UUID | None, *, size: int) -> list[UUID]:
    """The clinic's patients in the order of their keys, so many at a time."""
    cur = await conn.execute(load(_SQL)["patients_after"], {"after": after, "size": size})
    return [patient for (patient,) in await cur.fetchall()]
