"""The clinic's billing switches in words, and as they are typed. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from ccm_link.calendar_month import Month
from ccm_link.rules import Rules

Row = Mapping[str, Any]
FIRST = Month.parse("2025-01")  # where the rule table begins
AHEAD = 12  # months
MOST = 99  # units


class PolicyForm(BaseModel):
    """As it was typed; the caps come beside it, a field for each code."""

    valid_from: str = ""
    qhp_time_counts_as_staff: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What an admin sets."""

    valid_from: Month
    qhp_time_counts_as_staff: bool
    caps: dict[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cap:
    """One code's most units a month: what the rules say, and what is typed."""

    code: str
    of_rules: int
    typed: str


def typed_of(stands: Row | None, running: Month) -> PolicyForm:
    counts = stands is not None and stands["qhp_time_counts_as_staff"]
    return PolicyForm(valid_from=str(running), qhp_time_counts_as_staff="yes" if counts else "no")


def caps_of(rules: Rules, stands: Row | None, typed: Mapping[str, str] | None) -> list[Cap]:
    own = stands["caps"] if stands else {}
    return [
        Cap(
            code=code,
            of_rules=most,
            typed=str(own.get(code, "")) if typed is None else typed.get(f"cap_{code}", ""),
        )
        for code, most in _capped(rules)
    ]


def _capped(rules: Rules) -> Iterator[tuple[str, int]]:
    return ((t.addon, t.max_addon) for t in rules.tracks if t.addon is not None)


def in_words(stands: Row | None, rules: Rules) -> list[str]:
    """What holds in a month."""
    counts = stands is not None and stands["qhp_time_counts_as_staff"]
    said = [
        "The practitioner's own time counts as staff's for 99490 and 99487."
        if counts
        else "The practitioner's own time counts to the practitioner's codes alone."
    ]
    caps = dict(stands["caps"]) if stands else {}
    known = dict(_capped(rules))
    said += [
        f"{code}: {most} a month at most; the rules say {known[code]}."
        for code, most in sorted(caps.items())
        if code in known
    ]
    return said


def entered(
    form: PolicyForm, typed: Mapping[str, str], rules: Rules, running: Month
) -> tuple[Wanted | None, dict[str, str]]:
    """What was typed, or what is wrong with it."""
    problems: dict[str, str] = {}
    month = _month(form.valid_from, running, problems)
    if form.qhp_time_counts_as_staff not in {"yes", "no"}:
        problems["qhp_time_counts_as_staff"] = "Choose whose time it is"
    caps = dict(_caps(typed, rules, problems))
    if not form.reason.strip():
        problems["reason"] = "Say why: who decided, and on what ground"
    if problems or month is None:
        return None, problems
    counts = form.qhp_time_counts_as_staff == "yes"
    return Wanted(valid_from=month, qhp_time_counts_as_staff=counts, caps=caps), {}


def _month(typed: str, running: Month, problems: dict[str, str]) -> Month | None:
    try:
        month = Month.parse(typed.strip())
    except ValueError:
        problems["valid_from"] = "Enter a month, like 2026-11"
        return None
    if not FIRST <= month <= running + AHEAD:
        problems["valid_from"] = f"Enter a month from {FIRST} to a year from now"
        return None
    return month


def _caps(
    typed: Mapping[str, str], rules: Rules, problems: dict[str, str]
) -> Iterator[tuple[str, int]]:
    """A cap as the rules have it is none of the clinic's own."""
    for code, most in _capped(rules):
        text = typed.get(f"cap_{code}", "").strip()
        if not text:
            continue
        if not (text.isascii() and text.isdigit() and len(text) < 4 and int(text) <= MOST):  # noqa: PLR2004
            problems[f"cap_{code}"] = f"Enter a whole number from 0 to {MOST} for {code}"
        elif int(text) != most:
            yield code, int(text)
