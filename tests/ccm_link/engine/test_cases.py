"""The worked cases: what bills is equal, what is refused is contained."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from ccm_link.view import as_json
from tests.ccm_link.engine.make import CASES, month, result


@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_a_worked_case(case: dict[str, Any]) -> None:
    said = as_json(result(case["input"]))
    refused = {(r["subject"], str(r["reason"])) for r in said["rejections"]}
    expected = {(r["subject"], r["reason"]) for r in case["expected"]["rejections"]}
    assert said["billable"] == case["expected"]["billable"]
    assert expected <= refused


@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_every_outcome_of_time_names_entries_that_exist(case: dict[str, Any]) -> None:
    known = {entry["id"] for entry in case["input"].get("time_entries", [])}
    found = result(case["input"])
    for line in found.billable:
        assert set(line.entries) <= known
        assert line.entries or not line.micros
    for refusal in found.rejections:
        assert set(refusal.entries) <= known
        assert refusal.subject not in known or refusal.entries == (refusal.subject,)


def evaluate(text: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "ccm_link", "evaluate", *arguments],
        input=text,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_command_says_what_bills_in_the_agreed_keys() -> None:
    done = evaluate(json.dumps(CASES[5]["input"]), "--today", "2026-03-20")
    said = json.loads(done.stdout)
    assert done.returncode == 0
    assert said["billable"] == CASES[5]["expected"]["billable"]
    assert {"rejections", "alternatives", "ledger"} <= said.keys()


WRONG = [
    ("$.month", {"month": "2026-13"}),
    ("$.month", {"month": "2019-01"}),
    ("$.month", {"month": 202603}),
    ("$.practice_tz", {"practice_tz": "America"}),
    ("$.billing_practitioner", {"billing_practitioner": ""}),
    ("$.enrolments", {"enrolments": []}),
    ("$.enrollments[0].program", {"enrollments": [{"program": "XYZ", "practitioner": "A"}]}),
    ("$.enrollments[0].practitioner", {"enrollments": [{"program": "CCM"}]}),
    (
        "$.enrollments[0].consent.at",
        {
            "enrollments": [
                {
                    "program": "CCM",
                    "practitioner": "A",
                    "consent": {"at": "2026-01-01T00:00:00", "method": "verbal"},
                }
            ]
        },
    ),
    ("$.time_entries[0].staff", {"time_entries": [{"id": "t1", "program": "CCM"}]}),
    ("$.policy.unheard_of", {"policy": {"unheard_of": True}}),
    ("$.policy.caps", {"policy": {"caps": 3}}),
    ("$.inpatient_stays[0].to", {"inpatient_stays": [{"from": "2026-03-09", "to": "2026-03-08"}]}),
    ("$.apcm[0]", {"apcm": ["G0559"]}),
    ("$.rpm.readings[0].at", {"rpm": {"readings": [{"at": "2026-03-09T08:00:00"}]}}),
    ("$.rpm.period_starts[0]", {"rpm": {"period_starts": ["2026-02-30"]}}),
]


@pytest.mark.parametrize(("path", "change"), WRONG, ids=[path for path, _ in WRONG])
def test_a_wrong_field_is_named(path: str, change: dict[str, Any]) -> None:
    done = evaluate(json.dumps(month() | change))
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith(f"{path}: ")
    assert done.stderr.count("\n") == 1


def test_what_is_not_json_is_refused_too() -> None:
    assert evaluate("{").returncode == 2
