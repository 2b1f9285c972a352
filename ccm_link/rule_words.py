"""A row of the rule table as a sentence. Pure: it says what a row holds and decides nothing."""

from __future__ import annotations

from collections.abc import Iterable
from functools import singledispatch

from ccm_link.activities import ACTIVITIES, Activity
from ccm_link.codes import Role
from ccm_link.intervals import SECOND
from ccm_link.rules import (
    Amount,
    CodeRow,
    Conflict,
    DeviceRule,
    Gate,
    Never,
    Review,
    Row,
    Track,
)
from ccm_link.words import length

#: How sure a row is, and where that mark comes from.
CONFIDENCE = {
    "V1": "Read on a text of CMS, a contractor or the eCFR, or a verbatim quotation of one.",
    "V2": "Read on a secondary page: a law firm, a society, a vendor.",
    "V2?": "Read on secondary pages that disagree.",
    "G": "General knowledge, not read on a page.",
    "OURS": "An engineering choice: no public rule was found.",
}
_ROLES = {
    Role.CLINICAL_STAFF: "clinical staff",
    Role.QHP: "the practitioner in person",
    Role.NON_CLINICAL: "other staff",
}


def subject(row: Row) -> str:
    """What the row is about: a code, a programme, an activity."""
    match row:
        case CodeRow() | Track() | Review() | Amount():
            return row.code
        case Gate():
            return str(row.programme)
        case Conflict():
            return row.subject
        case Never():
            return _activity(row.activity)
        case DeviceRule():
            return " / ".join(code for code in (row.full, row.part, row.setup) if code)
    raise TypeError(type(row))


@singledispatch
def sentence(row: Row) -> str:
    """What the row says.

    Raises:
        TypeError: a kind of row that nobody has put into words.
    """
    raise TypeError(type(row))


@sentence.register
def _(row: CodeRow) -> str:
    asked = f" Asks for {row.min_conditions} or more conditions." if row.min_conditions else ""
    return f"{row.label}. Programme {row.programme}.{asked}"


@sentence.register
def _(row: Track) -> str:
    who = listed((_ROLES[role] for role in sorted(row.counts)), "or")
    below = f", below {_seconds(row.below_s)}" if row.below_s else ""
    said = [f"{_seconds(row.first_s)} of {who}{below}."]
    if row.addon:
        step, most = _seconds(row.step_s), row.max_addon
        said.append(f"Each further full {step} is {row.addon}, at most {most} units.")
    if row.needs_mdm:
        said.append("Complex decisions have to be documented.")
    if row.needs_interactive:
        said.append("Asks for a live conversation in the month.")
    return " ".join(said)


@sentence.register
def _(row: Never) -> str:
    look = (
        " Other work of the same person at that time is pointed out."
        if row.billed_elsewhere
        else ""
    )
    return f"Counts nowhere: {row.why}.{look}"


@sentence.register
def _(row: Gate) -> str:
    elements = [element.replace("_", " ") for element in sorted(row.consent_elements)]
    asked = [
        f"consent that names {listed(elements)}" if elements else "consent",
        f"{row.min_conditions} qualifying conditions" if row.min_conditions else "",
        "one high-risk condition" if row.high_risk_condition else "",
        "a care plan" if row.care_plan else "",
        "access around the clock" if row.access_24_7 else "",
        "an initiating visit if new or not seen for a year" if row.initiating_visit else "",
        "an established patient" if row.established_patient else "",
    ]
    return f"Asks for {'; '.join(part for part in asked if part)}."


@sentence.register
def _(row: Conflict) -> str:
    whose = ""
    if row.same_practitioner:
        whose = " by the same practitioner"
    if row.other_practitioner:
        whose = " by another practitioner"
    codes = listed((code.replace("-", " to ") for code in row.with_), "or")
    return f"Refused where {codes} was billed{whose}."


@sentence.register
def _(row: DeviceRule) -> str:
    said = [f"{row.full_days} days with a reading in {row.period_days} days are {row.full}."]
    if row.part:
        said.append(f"{row.part_days} to {row.full_days - 1} days are {row.part}.")
    said.append(f"Set-up, {row.setup}, asks for {row.setup_days} days.")
    return " ".join(said)


@sentence.register
def _(row: Review) -> str:
    return f"{_seconds(row.first_s)} of the practitioner in person with home data."


@sentence.register
def _(row: Amount) -> str:
    return f"${row.dollars} a unit{'' if row.verified else ', an estimate'}."


def listed(parts: Iterable[str], last: str = "and") -> str:
    """'a, b and c'."""
    *before, final = parts
    return f"{', '.join(before)} {last} {final}" if before else final


def _seconds(amount: int) -> str:
    return length(amount * SECOND)


def _activity(name: str) -> str:
    return ACTIVITIES[Activity(name)].label if name in set(Activity) else name
