"""`python -m ccm_link evaluate-month`: what it prints, and its exit codes.

0: everybody is evaluated and stored. 1: the database is away or busy, run it again. 2: no such
clinic, no such month, or no rules for it. One line on stderr says which.
"""

from __future__ import annotations

import asyncio
import sys
import time
from dataclasses import fields
from typing import Any

import msgspec

from ccm_link.calendar_month import Month
from ccm_link.closing import Totals, evaluate_clinic
from ccm_link.errors import NotFound
from ccm_link.rules import NoRules, rules_for
from ccm_link.settings import Settings
from store.errors import Unavailable
from vitals.clock import utc_now

_AGAIN, _REFUSED = 1, 2


def run(clinic: str, text: str, *, as_json: bool, processes: int) -> int:
    """The exit code."""
    try:
        month = Month.parse(text)
        rules = rules_for(month)
    except (ValueError, NoRules) as exc:
        return _refuse(f"--month: {exc}", _REFUSED)
    started = time.perf_counter()
    url = Settings().database_url.get_secret_value()
    try:
        totals = asyncio.run(
            evaluate_clinic(url, clinic, month, now=utc_now(), processes=processes)
        )
    except NotFound:
        return _refuse(f"--clinic: there is no clinic {clinic!r}", _REFUSED)
    except Unavailable as exc:
        return _refuse(f"the database is away or busy ({exc}): run it again", _AGAIN)
    told = {"clinic": clinic, "month": str(month), **_counts(totals)}
    told |= {"rules_version": rules.version, "seconds": round(time.perf_counter() - started, 2)}
    _tell(told, as_json=as_json)
    return 0


def _counts(totals: Totals) -> dict[str, Any]:
    counts = {one.name: getattr(totals, one.name) for one in fields(totals)}
    return counts | {"units": dict(sorted(totals.units.items()))}


def _tell(told: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        sys.stdout.write(msgspec.json.encode(told).decode() + "\n")
        return
    for name, value in told.items():
        said = ", ".join(f"{code} x {n}" for code, n in value.items()) if name == "units" else value
        sys.stdout.write(f"{name.replace('_', ' '):24} {said}\n")


def _refuse(line: str, code: int) -> int:
    sys.stderr.write(line + "\n")
    return code
