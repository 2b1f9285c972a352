"""The engine against the rules written a second time: the same units, and no reason less."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.ccm_link.engine.drawn import cases
from tests.ccm_link.engine.make import CASES, billed, refused
from tests.ccm_link.engine.second_opinion import SecondOpinion
from tests.ccm_link.engine.test_reasons import REFUSALS


def agree(case: dict[str, Any]) -> None:
    other = SecondOpinion(case)
    assert billed(case) == other.units
    assert other.refused <= refused(case)


@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_the_second_opinion_agrees_with_the_worked_cases(case: dict[str, Any]) -> None:
    other = SecondOpinion({"enrollments": [], "time_entries": [], **case["input"]})
    expected = case["expected"]
    assert other.units == {line["code"]: line["units"] for line in expected["billable"]}
    assert {(r["subject"], r["reason"]) for r in expected["rejections"]} <= other.refused


@pytest.mark.parametrize("case", [case for case, _, _ in REFUSALS], ids=range(len(REFUSALS)))
def test_both_agree_on_every_reason(case: dict[str, Any]) -> None:
    agree(case)


@settings(max_examples=600, deadline=None)
@given(cases())
def test_both_agree_on_any_month(case: dict[str, Any]) -> None:
    agree(case)


@settings(max_examples=200, deadline=None)
@given(
    cases(),
    st.fixed_dictionaries(
        {
            "already_billed": st.booleans(),
            "with_initiating_visit": st.booleans(),
            "personally_by_billing_practitioner": st.booleans(),
        }
    ),
    st.booleans(),
)
def test_both_agree_on_codes_without_minutes(
    case: dict[str, Any], g0506: dict[str, bool], rural: Any
) -> None:
    agree(case | {"g0506": g0506, "request_g0511": rural})
