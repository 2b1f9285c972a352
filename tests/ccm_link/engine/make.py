"""A patient's month, as short as a test can say it."""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from ccm_link.evaluate import Result, evaluate
from ccm_link.facts import decode
from ccm_link.rules import rules_for

CASES = json.loads((Path(__file__).parent / "cases.json").read_text("utf-8"))["cases"]
ALL_ELEMENTS = ["availability", "cost_sharing", "one_practitioner", "right_to_stop"]
MORNING = "2026-03-10T09:00:00-04:00"


def enrolled(program: str = "CCM", **changes: Any) -> dict[str, Any]:
    plain = {
        "program": program,
        "practitioner": "A",
        "qualifying_conditions": 2,
        "high_risk_condition": True,
        "care_plan": True,
        "consent": {
            "at": "2026-01-15T10:00:00-05:00",
            "method": "verbal",
            "elements": ALL_ELEMENTS,
        },
    }
    return plain | changes


def entry(
    seconds: float, at: str = MORNING, *, name: str = "t1", program: str = "CCM", **changes: Any
) -> dict[str, Any]:
    start = datetime.fromisoformat(at)
    plain = {
        "id": name,
        "program": program,
        "staff": "RN1",
        "role": "clinical_staff",
        "activity": "care_coordination",
        "start": start.isoformat(),
        "end": (start + timedelta(seconds=seconds)).isoformat(),
    }
    return plain | changes


def month(*entries: dict[str, Any], **changes: Any) -> dict[str, Any]:
    plain = {
        "month": "2026-03",
        "practice_tz": "America/New_York",
        "billing_practitioner": "A",
        "enrollments": [enrolled()],
        "time_entries": list(entries),
    }
    return plain | changes


def rpm_month(*entries: dict[str, Any], rpm: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return month(*entries, **({"enrollments": [enrolled("RPM")], "rpm": rpm} | changes))


def result(case: dict[str, Any], *, today: date | None = None) -> Result:
    facts = decode(json.dumps(case))
    return evaluate(facts, rules_for(facts.month), today=today)


def billed(case: dict[str, Any], *, today: date | None = None) -> dict[str, int]:
    return {line.code: line.units for line in result(case, today=today).billable}


def refused(case: dict[str, Any]) -> set[tuple[str, str]]:
    return {(r.subject, str(r.reason)) for r in result(case).rejections}


def days(first: str, count: int) -> list[str]:
    return [str(date.fromisoformat(first) + timedelta(days=n)) for n in range(count)]
