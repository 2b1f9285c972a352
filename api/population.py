"""The rows of the patients' page: pure, from `store.charts.population`, in the reader's units."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from api import words
from api.auth.viewer import Viewer
from api.charts import pressure_words
from api.minutes import ProgrammeMinutes, month_minutes
from api.units import glucose, percent, temperature, weight
from ccm_link.ledger import Span
from store.charts import Population

Row = dict[str, Any]

STRIP_DAYS = 30
SILENT_AFTER = timedelta(days=3)


class Sort(StrEnum):
    """In which order patients stand; the words are the page's."""

    ATTENTION = "attention"  # open alerts by severity, then the longest silent
    NAME = "name"
    SILENT = "silent"  # the longest without a reading first
    DAYS = "days"  # the fewest reading days first
    MINUTES = "minutes"  # the fewest minutes first


@dataclass(frozen=True, slots=True, kw_only=True)
class Last:
    """The last reading of a kind."""

    label: str
    words: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PatientRow:
    """Everything that the row shows."""

    id: UUID
    name: str
    age: str
    record_number: str
    conditions: list[str]
    programmes: list[str]
    last: list[Last]
    last_at: datetime | None
    silent: bool
    strip: list[str]
    days: int
    strip_words: str
    alerts: int
    severity: str | None
    minutes: list[ProgrammeMinutes]


def rows_of(
    found: Population, viewer: Viewer, now: datetime, *, month: date, window: Span
) -> list[PatientRow]:
    return [
        _row(
            row,
            viewer,
            now,
            _minutes(found.work.get(row["id"], ()), row["programmes"], month, window),
        )
        for row in found.rows
    ]


def _minutes(
    work: Iterable[Row], programmes: Sequence[str], month: date, window: Span
) -> list[ProgrammeMinutes]:
    """Of the programmes that the patient is in: time for any other is kept and counts nothing."""
    every = month_minutes(work, programmes, month=month, window=window)
    return [part for part in every if part.programme in programmes]


def _row(row: Row, viewer: Viewer, now: datetime, minutes: list[ProgrammeMinutes]) -> PatientRow:
    today = now.astimezone(ZoneInfo(row["zone"])).date()
    strip = _strip(row, today)
    has = sum(day != "none" for day in strip)
    out = sum(day == "out" for day in strip)
    return PatientRow(
        id=row["id"],
        name=words.name_of(row),
        age=words.age(row["birth_date"], today),
        record_number=row["record_number"] or "",
        conditions=row["conditions"],
        programmes=row["programmes"],
        last=_last(row, viewer),
        last_at=row["last_at"],
        silent=row["last_at"] is None or now - row["last_at"] > SILENT_AFTER,
        strip=strip,
        days=has,
        strip_words=f"Readings on {has} of {STRIP_DAYS} days, beyond a limit on {out}",
        alerts=row["alerts"],
        severity=row["severity"],
        minutes=minutes,
    )


def _strip(row: Row, today: date) -> list[str]:
    has, out = set(row["days"]), set(row["days_out"])
    every = [today - timedelta(days=ago) for ago in range(STRIP_DAYS - 1, -1, -1)]
    return ["out" if day in out else "has" if day in has else "none" for day in every]


def _last(row: Row, viewer: Viewer) -> list[Last]:
    found = []
    if row["bp_at"]:
        pressure = pressure_words({**row, "comparator": row["bp_comparator"]})
        found.append(Last(label="BP", words=pressure, at=row["bp_at"]))
    if row["glucose_at"]:
        bound = {">": "HI", "<": "LO"}.get(row["glucose_comparator"])
        sugar = bound or glucose(row["glucose_mg_dl"], viewer.glucose_unit)
        found.append(Last(label="Glucose", words=sugar, at=row["glucose_at"]))
    if row["weight_at"]:
        mass = weight(row["weight_kg"], viewer.weight_unit)
        found.append(Last(label="Weight", words=mass, at=row["weight_at"]))
    if row["spo2_at"]:
        found.append(Last(label="Oxygen", words=percent(row["spo2_pct"]), at=row["spo2_at"]))
    if row["temperature_at"]:
        warmth = temperature(row["temperature_c"])
        found.append(Last(label="Temperature", words=warmth, at=row["temperature_at"]))
    return found


_RANK = {"critical": 0, "warning": 1, "notice": 2, None: 3}


def ordered(rows: Sequence[PatientRow], sort: Sort) -> list[PatientRow]:
    """Stable: those that are equal stay by name, as they came."""
    if sort is Sort.ATTENTION:
        return sorted(rows, key=lambda r: (_RANK[r.severity], -r.alerts, not r.silent))
    if sort is Sort.SILENT:
        return sorted(rows, key=lambda r: r.last_at.timestamp() if r.last_at else 0.0)
    if sort is Sort.DAYS:
        return sorted(rows, key=lambda r: r.days)
    if sort is Sort.MINUTES:
        return sorted(rows, key=lambda r: sum(m.seconds for m in r.minutes))
    return list(rows)
