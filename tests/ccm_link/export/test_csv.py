"""The CSV is read back by another reader, and says to the letter what was signed."""

from __future__ import annotations

import csv
from dataclasses import replace
from io import StringIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccm_link.claims import Practitioner
from ccm_link.claims_csv import COLUMNS, as_csv, guarded
from tests.ccm_link.export.make import DOCTOR, RATES, SOMEBODY, claim_for, facts, signed


def rows(text):
    return list(csv.DictReader(StringIO(text, newline="")))


def test_a_row_a_line_with_its_dates_and_who():
    found = rows(as_csv([claim_for(facts("CCM", "RPM"))]))
    by_code = {row["code"]: row for row in found}
    assert set(by_code) == {"99490", "99439", "99454", "99457"}
    first = by_code["99490"]
    assert first["month"] == "2026-03"
    assert (first["patient_record_number"], first["patient_id"]) == ("MRN-1", str(SOMEBODY.id))
    assert (first["units"], first["service_dates"]) == ("1", "2026-03-10")
    assert (first["seconds_counted"], first["reading_days"]) == ("2700", "")
    assert (first["practitioner"], first["practitioner_credential"]) == ("Dora Doctor", "MD")
    assert (by_code["99454"]["reading_days"], by_code["99454"]["seconds_counted"]) == ("16", "")
    assert by_code["99454"]["service_dates"] == "2026-03-30"


def test_the_proof_is_what_was_signed():
    case = facts("CCM")
    own = signed(case)
    (row, *_) = rows(as_csv([claim_for(case)]))
    assert row["facts_sha256"] == own.facts_sha256
    assert row["result_sha256"] == own.result_sha256
    assert row["rules_version"] == own.rules_version
    assert (row["signing_id"], row["signing_version"]) == (str(own.id), "1")
    assert (row["signed_by"], row["signed_at"]) == ("Bela Biller", "2026-04-02T14:30:00+00:00")


def test_an_amount_says_whether_somebody_verified_it_and_where():
    estimated = rows(as_csv([claim_for(facts("CCM"))]))
    assert {(r["amount_verified"], r["rate_table"]) for r in estimated} == {("no", "")}
    loaded = rows(as_csv([claim_for(facts("CCM"), rates=RATES)]))
    assert {(r["amount_verified"], r["rate_table"]) for r in loaded} == {
        ("yes", "PFS 2026, Manhattan")
    }
    assert {r["code"]: r["amount_usd"] for r in loaded} == {"99490": "66.30", "99439": "50.56"}


def test_columns_and_line_ends():
    text = as_csv([claim_for(facts("CCM"))])
    assert text.partition("\r\n")[0].split(",") == list(COLUMNS)
    assert text.endswith("\r\n")
    assert text.count("\n") == text.count("\r\n")


def test_a_byte_order_mark_is_asked_for():
    assert as_csv([], bom=True) == "\ufeff" + as_csv([])


def test_nothing_signed_is_a_header():
    assert as_csv([]) == ",".join(COLUMNS) + "\r\n"
    nothing = claim_for(facts("CCM", minutes=5))
    assert as_csv([nothing]) == as_csv([])


@pytest.mark.parametrize(
    "text",
    [
        "=1+1",
        "+1",
        "-1",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        "\n=1",
        " =1",
        "\N{FULLWIDTH EQUALS SIGN}1",
        "\xa0=1",
        "\N{ZERO WIDTH SPACE}=1+1",
        "\N{SOFT HYPHEN} \N{LEFT-TO-RIGHT MARK}=cmd",
    ],
)
def test_a_formula_is_not_run(text):
    claim = claim_for(facts("CCM"), replace(SOMEBODY, record_number=text))
    (row, *_) = rows(as_csv([claim]))
    assert row["patient_record_number"] == f"'{text}"


@pytest.mark.parametrize("text", ["MRN-1", "007", "A=1", "O'Neil", ""])
def test_other_text_stays_as_it_is(text):
    assert guarded(text) == text


@given(
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=40),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=40),
)
def test_whatever_was_typed_comes_back(number, name):
    claim = claim_for(facts("CCM"), replace(SOMEBODY, record_number=number))
    named = Practitioner(id=DOCTOR, name=name, credential='N",P')
    claim = replace(claim, lines=tuple(replace(x, practitioner=named) for x in claim.lines))
    for row in rows(as_csv([claim])):
        assert row["patient_record_number"] == guarded(number)
        assert row["practitioner"] == guarded(name)
        assert row["practitioner_credential"] == 'N",P'
        assert len(row) == len(COLUMNS)
