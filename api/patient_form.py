"""What a person typed about a patient: read, checked, and said back where it is wrong. Pure."""

from __future__ import annotations

import re
from datetime import date
from zoneinfo import available_timezones

from pydantic import BaseModel

from store.patients import PatientRecord

LONGEST_NAME, LONGEST_NOTE, MOST_CONDITIONS, LONGEST_CONDITION = 100, 4000, 20, 80
EARLIEST_BIRTH = date(1900, 1, 1)
SEXES = (
    ("female", "Female"),
    ("male", "Male"),
    ("other", "Other"),
    ("unknown", "Not known"),
)
_PHONE = re.compile(r"^\+?[\d\s().-]{5,30}$")


class PatientForm(BaseModel):
    """The fields as they were typed."""

    family_name: str = ""
    given_name: str = ""
    birth_date: str = ""
    record_number: str = ""
    sex: str = ""
    phone: str = ""
    zone: str = ""
    conditions: str = ""  # one a line
    care_note: str = ""

    @property
    def condition_list(self) -> tuple[str, ...]:
        lines = [line.strip() for line in self.conditions.splitlines()]
        return tuple(dict.fromkeys(line for line in lines if line))


def form_of(record: PatientRecord) -> PatientForm:
    """What is registered, as a form shows it."""
    return PatientForm(
        family_name=record.family_name,
        given_name=record.given_name,
        birth_date=record.birth_date.isoformat() if record.birth_date else "",
        record_number=record.record_number or "",
        sex=record.sex or "",
        phone=record.phone or "",
        zone=record.zone or "",
        conditions="\n".join(record.conditions),
        care_note=record.care_note,
    )


def problems_of(form: PatientForm, today: date) -> dict[str, str]:
    """By field, in the order of the form; empty: it can be saved."""
    found = {
        "given_name": _name(form.given_name, "given name"),
        "family_name": _name(form.family_name, "family name"),
        "birth_date": _birth(form.birth_date, today),
        "sex": None if form.sex in {"", *dict(SEXES)} else "Choose one of the answers",
        "phone": _phone(form.phone.strip()),
        "zone": _zone(form.zone),
        "record_number": _record_number(form.record_number),
        "conditions": _conditions(form.condition_list),
        "care_note": _note(form.care_note),
    }
    return {field: problem for field, problem in found.items() if problem}


def record_of(form: PatientForm) -> PatientRecord:
    """Of a form without problems."""
    return PatientRecord(
        family_name=form.family_name.strip(),
        given_name=form.given_name.strip(),
        birth_date=date.fromisoformat(form.birth_date) if form.birth_date else None,
        record_number=form.record_number.strip() or None,
        sex=form.sex or None,
        phone=form.phone.strip() or None,
        zone=form.zone or None,
        conditions=form.condition_list,
        care_note=form.care_note.strip(),
    )


def _name(typed: str, what: str) -> str | None:
    if not typed.strip():
        return f"Enter the {what}"
    if len(typed.strip()) > LONGEST_NAME:
        return f"Enter a {what} of {LONGEST_NAME} characters at most"
    return None


def _birth(typed: str, today: date) -> str | None:
    try:
        day = date.fromisoformat(typed)
    except ValueError:
        return "Enter the birth date" if not typed else "Enter a real date"
    return None if EARLIEST_BIRTH <= day <= today else "Enter a birth date in the past"


def _phone(typed: str) -> str | None:
    if not typed or _PHONE.match(typed):
        return None
    return "Enter a phone number, like +1 212 555 0147"


def _zone(typed: str) -> str | None:
    if not typed or typed in available_timezones():
        return None
    return "Choose a time zone"


def _record_number(typed: str) -> str | None:
    return None if len(typed) <= 50 else "Enter 50 characters at most"  # noqa: PLR2004


def _conditions(lines: tuple[str, ...]) -> str | None:
    if len(lines) > MOST_CONDITIONS:
        return f"Enter {MOST_CONDITIONS} conditions at most"
    if any(len(line) > LONGEST_CONDITION for line in lines):
        return f"Enter one condition a line, {LONGEST_CONDITION} characters at most"
    return None


def _note(typed: str) -> str | None:
    if len(typed) > LONGEST_NOTE:
        return f"Shorten the care note to {LONGEST_NOTE} characters"
    return None
