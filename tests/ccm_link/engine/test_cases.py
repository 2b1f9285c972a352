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


def test_the_command_names_a_wrong_field_in_one_line() -> None:
    """Every other way of being wrong: `test_input.py`."""
    done = evaluate(json.dumps(month() | {"month": "2026-13"}))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("$.month: ")
    assert done.stderr.count("\n") == 1
