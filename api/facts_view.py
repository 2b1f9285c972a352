"""What was stated about a patient for billing, as it is read, and as it is typed. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from ccm_link.calendar_month import Month
from ccm_link.errors import BadInterval, CareError, UnknownWord
from ccm_link.local_time import YEARS
from ccm_link.stated import Kind
from ccm_link.statements import Statement

OUTSIDE = "outside"  # billed by another practice
APCM = (
    ("G0556", "G0556, one chronic condition at most"),
    ("G0557", "G0557, two or more"),
    ("G0558", "G0558, two or more, and a qualified Medicare beneficiary"),
)
LEVELS = (("moderate", "Moderate"), ("high", "High"))
_CODE = re.compile(r"[0-9A-Z]{5}")


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """How a kind of statement is headed, and what stands where there is none."""

    heading: str
    none: str
    action: str


ABOUT: dict[Kind, About] = {
    Kind.INPATIENT_STAY: About(
        heading="Inpatient stays",
        none="No stay is on record. Time on days in a hospital or nursing facility does not count.",
        action="Record a stay",
    ),
    Kind.OTHER_CLAIM: About(
        heading="Billed elsewhere",
        none="Nothing is on record that was billed outside of this software.",
        action="Record a claim",
    ),
    Kind.COMPLEX_DECISION: About(
        heading="Complex decision-making",
        none="None is documented. Complex CCM asks for it, by the practitioner who bills.",
        action="Document it for a month",
    ),
    Kind.APCM: About(
        heading="Advanced primary care management",
        none="Not chosen. Where it is, it stands for the month's CCM and PCM.",
        action="Choose it for a month",
    ),
    Kind.DEVICE_SETUP: About(
        heading="Device set-up and teaching",
        none="No set-up is on record, so 99453 is not asked for.",
        action="Record a set-up",
    ),
    Kind.CARE_PLANNING: About(
        heading="Extra care planning (G0506)",
        none="None is on record.",
        action="Record extra planning",
    ),
}


class FactForm(BaseModel):
    """The fields of all kinds, as they were typed."""

    kind: str = ""
    first_day: str = ""
    last_day: str = ""
    month: str = ""
    code: str = ""
    by_staff: str = ""
    level: str = ""
    fda_device: str = ""
    with_visit: str = ""
    personally: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FactRow:
    """One statement in words."""

    id: UUID
    when: str
    what: str
    note: str
    said: str
    said_at: datetime
    replaced: bool  # it stands for an earlier one
    open_stay: bool
    taken_back: str
    taken_back_at: datetime | None


def by_kind(rows: Iterable[Mapping[str, Any]]) -> dict[Kind, list[FactRow]]:
    """What stands and what was taken back, the newest first."""
    found: dict[Kind, list[FactRow]] = {kind: [] for kind in Kind}
    for row in rows:
        found[Kind(row["kind"])].append(_row(row))
    return found


def _row(row: Mapping[str, Any]) -> FactRow:
    kind = Kind(row["kind"])
    reversed_by = row["reversed_by_name"]
    return FactRow(
        id=row["id"],
        when=_when(kind, row),
        what=_what(kind, row),
        note=row["note"],
        said=row["recorded_by_name"],
        said_at=row["recorded_at"],
        replaced=row["replaces"] is not None,
        open_stay=kind is Kind.INPATIENT_STAY and row["last_day"] is None,
        taken_back=f"{reversed_by}: {row['reversed_reason']}" if reversed_by else "",
        taken_back_at=row["reversed_at"],
    )


def _when(kind: Kind, row: Mapping[str, Any]) -> str:
    first, last = row["first_day"], row["last_day"]
    if kind is Kind.INPATIENT_STAY:
        return f"{_day(first)} to {_day(last)}" if last else f"Since {_day(first)}, still there"
    if kind in {Kind.DEVICE_SETUP, Kind.CARE_PLANNING}:
        return _day(first)
    return f"{first:%B %Y}"


def _day(day: date) -> str:
    return f"{day:%b} {day.day}, {day.year}"


def _what(kind: Kind, row: Mapping[str, Any]) -> str:
    who = row["by_staff_name"] or "another practice"
    match kind:
        case Kind.OTHER_CLAIM:
            return f"{row['code']}, by {who}"
        case Kind.COMPLEX_DECISION:
            return f"{row['level'].capitalize()}, by {who}"
        case Kind.APCM:
            return str(row["code"])
        case Kind.DEVICE_SETUP:
            device = "a medical device" if row["fda_device"] else "no medical device"
            return f"By {who}; {device} as the FDA defines it"
        case Kind.CARE_PLANNING:
            beside = "beside" if row["with_visit"] else "not beside"
            in_person = "in person" if row["personally"] else "not in person"
            return f"By {who}, {in_person}, {beside} the initiating visit"
        case Kind.INPATIENT_STAY:
            return ""


def statement_of(kind: Kind, form: FactForm) -> tuple[Statement | None, dict[str, str]]:
    """What was typed as a statement, or what is wrong with it."""
    problems: dict[str, str] = {}
    monthly = kind in {Kind.OTHER_CLAIM, Kind.COMPLEX_DECISION, Kind.APCM}
    first = _month(form.month, problems) if monthly else _date("first_day", form, problems)
    said = _SAID[kind](form, problems)
    if problems or first is None:
        return None, {f"{kind}-{field}": words for field, words in problems.items()}
    return Statement(kind=kind, first_day=first, note=form.note, **said), {}


def _stay(form: FactForm, problems: dict[str, str]) -> dict[str, Any]:
    return {"last_day": _date("last_day", form, problems) if form.last_day else None}


def _claim(form: FactForm, problems: dict[str, str]) -> dict[str, Any]:
    code = form.code.strip().upper()
    if not _CODE.fullmatch(code):
        problems["code"] = "Enter a code of five characters, like 99490"
    by = None if form.by_staff == OUTSIDE else _key(form, problems)
    return {"code": code, "by_staff": by}


def _decision(form: FactForm, problems: dict[str, str]) -> dict[str, Any]:
    if form.level not in dict(LEVELS):
        problems["level"] = "Say how complex it was"
    return {"level": form.level, "by_staff": _key(form, problems)}


def _apcm(form: FactForm, problems: dict[str, str]) -> dict[str, Any]:
    if form.code not in dict(APCM):
        problems["code"] = "Choose a level"
    return {"code": form.code}


def _setup(form: FactForm, problems: dict[str, str]) -> dict[str, Any]:
    if form.fda_device not in {"yes", "no"}:
        problems["fda_device"] = "Say whether it is a medical device"
    return {"fda_device": form.fda_device == "yes", "by_staff": _key(form, problems)}


def _planning(form: FactForm, problems: dict[str, str]) -> dict[str, Any]:
    return {
        "by_staff": _key(form, problems),
        "with_visit": bool(form.with_visit),
        "personally": bool(form.personally),
    }


_SAID = {
    Kind.INPATIENT_STAY: _stay,
    Kind.OTHER_CLAIM: _claim,
    Kind.COMPLEX_DECISION: _decision,
    Kind.APCM: _apcm,
    Kind.DEVICE_SETUP: _setup,
    Kind.CARE_PLANNING: _planning,
}


def _date(field: str, form: FactForm, problems: dict[str, str]) -> date | None:
    try:
        day = date.fromisoformat(getattr(form, field))
    except ValueError:
        problems[field] = "Enter a date"
        return None
    if day.year not in YEARS:
        problems[field] = "Enter a date with its right year"
        return None
    return day


def _month(typed: str, problems: dict[str, str]) -> date | None:
    try:
        month = Month.parse(typed.strip())
    except ValueError:
        problems["month"] = "Enter a month, like 2026-11"
        return None
    if month.first.year not in YEARS:
        problems["month"] = "Enter a month with its right year"
        return None
    return month.first


def _key(form: FactForm, problems: dict[str, str]) -> UUID | None:
    try:
        return UUID(form.by_staff)
    except ValueError:
        problems["by_staff"] = "Choose who it was"
        return None


def own_errors(kind: Kind, problems: Mapping[str, str]) -> dict[str, str]:
    """Those of one form: the page has one for each kind, with the same fields."""
    start = f"{kind}-"
    return {k.removeprefix(start): words for k, words in problems.items() if k.startswith(start)}


def refusal(kind: Kind, refused: CareError) -> dict[str, str]:
    """Which field a refusal is about."""
    field = "month" if kind in {Kind.OTHER_CLAIM, Kind.COMPLEX_DECISION, Kind.APCM} else "first_day"
    if isinstance(refused, BadInterval):
        return {f"{kind}-{field}": "It cannot lie ahead, nor end before it begins"}
    if isinstance(refused, UnknownWord):
        return {f"{kind}-code": "Enter a code of five characters, like 99490"}
    return {f"{kind}-{field}": str(refused)}
