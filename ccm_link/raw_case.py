"""A case's JSON before it becomes facts: other spellings of the same thing, made one.

Here is what a schema cannot say: caps under any name that has a code in it, instants in any form of
ISO 8601, years that a calendar can count with. Each complaint names the field that it is about.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

_CODE = re.compile(r"[0-9A-Z]{5}")
_CODE_IN_KEY = re.compile(r"(?<![0-9A-Za-z])([0-9G]\d{4})(?![0-9A-Za-z])")
_YEAR = re.compile(r"\d{4}(?=\D|\d{4}T)")
_FIRST_YEAR, _LAST_YEAR = "1900", "2199"  # beyond them is a slip, and sums of days may overflow
_DATE_LENGTH = len("2026-03-10")

_DAY, _INSTANT, _AS_WRITTEN = "day", "instant", "as written"
#: Where dates and instants stand. A reading's instant is quoted back, so it keeps its spelling.
_WHEN: dict[str, Any] = {
    "month": _DAY,
    "enrollments": {
        "initiating_visit": _DAY,
        "since": _DAY,
        "until": _DAY,
        "consent": {"at": _INSTANT},
    },
    "time_entries": {"start": _INSTANT, "end": _INSTANT},
    "staff_other_patient": {"start": _INSTANT, "end": _INSTANT},
    "inpatient_stays": {"from": _DAY, "to": _DAY},
    "rpm": {
        "period_starts": _DAY,
        "reading_days": _DAY,
        "readings": {"at": _AS_WRITTEN},
        "setup": {"date": _DAY},
        "interactive": _INSTANT,
    },
}


class InputError(Exception):
    """The input is not a case: `path` names the wrong field."""

    def __init__(self, path: str, message: str) -> None:
        super().__init__(f"{path}: {message}")
        self.path = path


def tidied(raw: Any) -> Any:
    """The same case in the one spelling that `Facts` reads.

    Raises:
        InputError: a cap that is no number of units, or a year that is none of ours.
    """
    if not isinstance(raw, dict):
        return raw
    found = _dated(raw, _WHEN, "$")
    policy = found.get("policy")
    return {**found, "policy": _with_caps(policy)} if isinstance(policy, dict) else found


def _dated(value: Any, when: Any, path: str) -> Any:
    if isinstance(value, list):
        return [_dated(one, when, f"{path}[{n}]") for n, one in enumerate(value)]
    if isinstance(value, dict) and isinstance(when, dict):
        return {
            key: _dated(one, when[key], f"{path}.{key}") if key in when else one
            for key, one in value.items()
        }
    return _in_range(value, when, path) if isinstance(value, str) else value


def _in_range(text: str, kind: object, path: str) -> str | datetime:
    year = _YEAR.match(text)
    if year and not _FIRST_YEAR <= year[0] <= _LAST_YEAR:
        raise InputError(path, f"a year from {_FIRST_YEAR} to {_LAST_YEAR}, not {year[0]}")
    return _instant(text) if kind == _INSTANT else text


def _instant(text: str) -> str | datetime:
    """What is no instant stays as it is: the schema complains."""
    try:
        return datetime.fromisoformat(text) if len(text) > _DATE_LENGTH else text
    except ValueError:
        return text


def _with_caps(policy: dict[str, Any]) -> dict[str, Any]:
    """Caps may stand under any name by code, or each under a name that has its code in it."""
    rest: dict[str, Any] = {}
    caps: dict[str, int] = {}
    for key, value in policy.items():
        path = f"$.policy.{key}"
        if code := _CODE_IN_KEY.search(key.replace("_", " ")):
            caps[code[1]] = _cap(value, path)
        elif isinstance(value, dict) and (key == "caps" or _by_code(value)):
            caps |= {code: _code_cap(code, units, path) for code, units in value.items()}
        else:
            rest[key] = value
    return {**rest, "caps": caps} if caps else rest


def _by_code(value: dict[str, Any]) -> bool:
    return bool(value) and all(_CODE_IN_KEY.fullmatch(key) for key in value)


def _code_cap(code: str, units: Any, path: str) -> int:
    if not _CODE.fullmatch(code):
        raise InputError(f"{path}.{code}", "is no code")
    return _cap(units, f"{path}.{code}")


def _cap(units: Any, path: str) -> int:
    if type(units) is not int or units < 0:
        raise InputError(path, "a number of units, 0 or more")
    return units
