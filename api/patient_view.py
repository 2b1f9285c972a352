"""The header of a patient's pages, as it is read: pure, from `store.charts.header`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from api import times, words
from store.charts import Header

Row = dict[str, Any]
SILENT_AFTER = timedelta(days=3)


@dataclass(frozen=True, slots=True, kw_only=True)
class Flag:
    """Something to know before anything else; `tone` as the pills have it."""

    text: str
    tone: str = "notice"


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A programme that the patient is in today, and whether its consent holds."""

    programme: str
    consent: str
    missing: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PatientHeader:
    """Who this is."""

    id: UUID
    name: str
    age: str
    born: date | None
    sex: str
    record_number: str
    phone: str
    zone: ZoneInfo
    zone_words: str  # where it is not the clinic's
    conditions: list[str]
    care_note: str
    standing: list[Standing]
    flags: list[Flag]
    task_id: UUID | None


_SEXES = {"female": "Female", "male": "Male", "other": "Other", "unknown": "Not known"}


def header_of(found: Header, now: datetime, clinic_zone: ZoneInfo) -> PatientHeader:
    row, zone = found.patient, ZoneInfo(found.patient["zone"])
    standing = _standing(found, now.astimezone(clinic_zone).date())
    own_days = now.astimezone(zone).utcoffset() != now.astimezone(clinic_zone).utcoffset()
    return PatientHeader(
        id=row["id"],
        name=words.name_of(row),
        age=words.age(row["birth_date"], now.astimezone(zone).date()),
        born=row["birth_date"],
        sex=_SEXES.get(row["sex"] or "", ""),
        record_number=row["record_number"] or "",
        phone=row["phone"] or "",
        zone=zone,
        zone_words=f"{now.astimezone(zone):%Z}" if own_days else "",
        conditions=row["conditions"],
        care_note=row["care_note"],
        standing=standing,
        flags=list(_flags(row, standing, now)),
        task_id=row["task_id"],
    )


def _standing(found: Header, today: date) -> list[Standing]:
    return [
        _consented(enrolment, found.consents, today)
        for enrolment in found.enrolments
        if covers(enrolment, today)
    ]


def covers(row: Row, day: date) -> bool:
    """Of an enrolment or a consent; `ends_on` is the first day outside."""
    starts_on, ends_on = row["starts_on"], row["ends_on"]
    return bool(starts_on <= day and (ends_on is None or day < ends_on))


def _consented(enrolment: Row, consents: Sequence[Row], today: date) -> Standing:
    programme = enrolment["programme"]
    holding = [c for c in consents if c["programme"] == programme and covers(c, today)]
    if not holding:
        return Standing(programme=programme, consent="no consent", missing=True)
    consent = holding[0]
    said = f"consent {consent['method']}, {_day(consent['starts_on'])}"
    if consent["ends_on"]:
        said += f", stopped: holds to {_day(consent['ends_on'] - timedelta(days=1))}"
    return Standing(programme=programme, consent=said, missing=False)


def _flags(row: Row, standing: Sequence[Standing], now: datetime) -> list[Flag]:
    found = []
    if row["alerts"]:
        tone = {"critical": "critical", "warning": "warning"}.get(row["severity"], "notice")
        count = row["alerts"]
        found.append(Flag(text=f"{count} open alert{'s' if count > 1 else ''}", tone=tone))
    if row["review"]:
        found.append(Flag(text="Readings were moved: look again", tone="warning"))
    if row["last_at"] is None:
        found.append(Flag(text="No reading yet"))
    elif now - row["last_at"] > SILENT_AFTER:
        silent = times.span(now - row["last_at"])
        found.append(Flag(text=f"Silent for {silent}", tone="warning"))
    if row["waiting_entries"]:
        found.append(Flag(text=f"{row['waiting_entries']} time to document", tone="warning"))
    if any(s.missing for s in standing):
        found.append(Flag(text="Consent missing", tone="warning"))
    if row["shares_device"]:
        found.append(Flag(text="Shares a device"))
    return found


def _day(day: date) -> str:
    return f"{day:%b} {day.day}, {day.year}"
