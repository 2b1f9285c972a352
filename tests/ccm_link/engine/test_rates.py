"""Amounts out of files, told apart by their own first lines; and what a month does with them."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from ccm_link.evaluate import Result, evaluate
from ccm_link.facts import decode
from ccm_link.rates import Found, Kind, Rates, RatesError, read
from ccm_link.rules import rules_for, with_rates
from ccm_link.view import as_json
from tests.ccm_link.engine.make import entry, month

CODES = {"99490", "99439", "99491", "99437", "99454"}


def amount_line(code: str, amount: str, place: str = "05", modifier: str = "  ") -> str:
    """As the payment amount file of 2026 is written."""
    fields = ["2026", "01112", place, code, modifier, amount, "0000001.00", " ", "0", "A", "0"]
    fields += ["0000000.00", "0000000.00", "9", "0000000.00", "0000000.00"]
    return ",".join(f'"{field}"' for field in fields) + "\n"


AMOUNTS = [
    amount_line("0001F", "0000000.00"),
    amount_line("99490", "0000071.25"),
    amount_line("99490", "0000040.00", modifier="26"),
    amount_line("99439", "0000000.00"),
    amount_line("99490", "0000069.10", place="09"),
    '"TRL","0000004"\n',
]

COLUMNS = (
    "HCPCS,MOD,DESCRIPTION,CODE,PAYMENT,RVU,PE RVU,INDICATOR,PE RVU,INDICATOR,RVU,TOTAL,TOTAL,IND,"
    "DAYS,OP,OP,OP,PROC,SURG,SURG,SURG,SURG,IND,BASE,FACTOR,PROCEDURES,FLAG,INDICATOR,AMOUNT\n"
)


def value_line(code: str, total: str, factor: str = "33.4009", modifier: str = "") -> str:
    cells = [code, modifier, "Told elsewhere, short", "A", "", "1.00", "0.94", "", "0.40", ""]
    cells += ["0.04", total, "1.44", "0", "XXX", *["0.00"] * 3, *["0"] * 5, "9", "", factor, "09"]
    return ",".join(f'"{cell}"' if "," in cell else cell for cell in cells) + "\n"


VALUES = [
    "2026 National Physician Fee Schedule Relative Value File January Release,,,,,,\n",
    "CPT codes and descriptions only are copyright 2025 of the AMA.,,,,,,\n",
    "\n",
    ",,,STATUS,MEDICARE,WORK,NON-FAC,NA,FACILITY,NA,MP,NON-FACILITY,FACILITY,PCTC\n",
    COLUMNS,
    value_line("99213", "2.85"),
    value_line("99490", "1.98"),
    value_line("99490", "0.50", modifier="26"),
    value_line("99437", "1.89"),
    value_line("99454", "0.00"),
]


def found(lines: list[str], locality: str | None = None, year: int = 2026) -> Found:
    return read(lines, year=year, codes=CODES, locality=locality)


def test_the_payment_amounts_of_a_locality() -> None:
    here = found(AMOUNTS, "01112-05")
    assert (here.kind, here.locality) == (Kind.AMOUNTS, "01112-05")
    assert here.amounts == {"99490": Decimal("71.25")}  # none with a modifier, none of nothing
    assert found(AMOUNTS, "0111209").amounts == {"99490": Decimal("69.10")}


def test_a_file_of_one_locality_needs_no_choice() -> None:
    assert found(AMOUNTS[:4]).locality == "01112-05"


def test_relative_values_times_the_conversion_factor_to_the_cent() -> None:
    here = found(VALUES)
    assert (here.kind, here.locality) == (Kind.RELATIVE_VALUES, None)
    assert here.amounts == {"99490": Decimal("66.13"), "99437": Decimal("63.13")}


def test_the_columns_are_found_by_their_names() -> None:
    """The files of 2025 have one column less before the conversion factor."""
    older = [
        line.replace("SURG,IND,BASE", "SURG,BASE").replace(",9,,33.4009", ",9,33.4009")
        for line in VALUES
    ]
    assert found(older).amounts == found(VALUES).amounts


@pytest.mark.parametrize(
    "lines",
    [
        ["code,amount\n", "99490,66.13\n", "99999,1.00\n"],
        ["99490,$66.13\r\n"],
        ["\ufeffCODE,Amount\n", ' 99490 ,"66.13"\n', "\n"],
    ],
)
def test_a_plain_list(lines: list[str]) -> None:
    here = found(lines)
    assert (here.kind, here.amounts) == (Kind.PLAIN, {"99490": Decimal("66.13")})


@pytest.mark.parametrize(
    ("lines", "locality", "said"),
    [
        ([], None, "the file is empty"),
        (["\n", "\n"], None, "the file is empty"),
        (["a,b,c\n"], None, "line 1: is no payment amount file"),
        (['"a,b\n'], None, "line 1: is no CSV"),
        (["99490,1.00\n", '"99439" , "2.00"\n'], None, "line 2: is no CSV"),
        (AMOUNTS, None, "it holds 2 localities: choose one, 01112-05, 01112-09"),
        (AMOUNTS, "01112-06", "no locality 01112-06 in it; there is 01112-05, 01112-09"),
        (AMOUNTS, "99999-00", "no locality 99999-00 in it; there is 01112-05, 01112-09"),
        ([*AMOUNTS[:2], '"2026","01112"\n'], None, "line 3: 7 columns or more, not 2"),
        ([*AMOUNTS[:2], amount_line("99491", "12,5")], None, "line 3: '12,5' is no number"),
        ([amount_line("99490", "-1.00")], None, "line 1: '-1.00' is no amount"),
        ([amount_line("99490", "9999999.00")], None, "line 1: '9999999.00' is no amount"),
        ([amount_line("99490", "1.005")], None, "line 1: '1.005' is more exact than a cent"),
        ([amount_line("99490", "NaN")], None, "line 1: 'NaN' is no amount"),
        ([AMOUNTS[1], amount_line("99490", "1.00")], None, "line 2: 99490 has another amount"),
        ([AMOUNTS[0]], None, "none of the codes that the rules know"),
        (VALUES, "01112-05", "a relative value file is the whole nation's"),
        ([*VALUES, value_line("99439", "x")], None, "line 11: 'x' is no number"),
        ([*VALUES, value_line("99439", "999999")], None, "line 11: 33400866.60 for 99439 is no"),
        (["99490\0,66.13\n"], None, "line 1: holds a byte that no text has"),
        ([*VALUES, "99439,,x\n"], None, "line 11: 99439 has too few columns"),
        ([COLUMNS.replace("TOTAL", "SUM"), VALUES[6]], None, "line 1: no column of totals"),
        (["code,amount\n", "99490,66.13,x\n"], None, "line 2: a code and an amount, not 3"),
        (["code,amount\n", "9949,66.13\n"], None, "line 2: '9949' is no code"),
        (["99490,66.13\n", "99490,66.14\n"], None, "line 2: 99490 has another amount"),
        (["99999,1.00\n"], None, "none of the codes that the rules know"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(
    lines: list[str], locality: str | None, said: str
) -> None:
    with pytest.raises(RatesError) as caught:
        found(lines, locality)
    assert str(caught.value).startswith(said)


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (AMOUNTS, "line 1: is of 2026, not of 2025"),
        (VALUES, "line 1: is of 2026, not of 2025"),
    ],
)
def test_a_file_of_another_year_is_refused(lines: list[str], said: str) -> None:
    with pytest.raises(RatesError, match=said):
        found(lines, "01112-05" if lines is AMOUNTS else None, year=2025)


# In a month --------------------------------------------------------------------------------------

DOCTOR = entry(1800, "2026-03-11T09:00:00-04:00", name="t2", role="qhp", staff="MD1")
RATES = Rates(
    id="r1",
    name="2026 01112-05",
    source="PFALL26.txt, payment amounts",
    locality="01112-05",
    first=date(2026, 1, 1),
    last=date(2026, 12, 31),
    amounts={"99490": Decimal("99.00")},
)


def judged(case: dict[str, Any], rates: Rates | None) -> Result:
    facts = decode(json.dumps(case))
    return evaluate(facts, with_rates(rules_for(facts.month), rates))


def test_loaded_amounts_choose_the_track_and_are_named() -> None:
    case = month(entry(1200), DOCTOR)
    assert [line.code for line in judged(case, None).billable] == ["99491"]
    said = as_json(judged(case, RATES))
    assert said["billable"] == [{"code": "99490", "units": 1}]
    assert said["rates"]["name"] == "2026 01112-05"
    (line,) = said["evidence"]
    assert (line["amount"], line["amount_verified"]) == ("99.00", True)


def test_a_code_that_the_table_lacks_keeps_the_estimate_unverified() -> None:
    lines = {line.code: line for line in judged(month(entry(2400)), RATES).billable}
    assert (lines["99490"].dollars, lines["99490"].verified) == (Decimal("99.00"), True)
    assert (lines["99439"].dollars, lines["99439"].verified) == (Decimal("50.00"), False)


def test_without_a_table_nothing_is_verified() -> None:
    said = as_json(judged(month(entry(2400)), None))
    assert said["rates"] is None
    assert {line["amount_verified"] for line in said["evidence"]} == {False}


def test_rates_are_kept_as_bytes_and_read_back() -> None:
    assert Rates.decode(RATES.encode()) == RATES
    other = Rates.decode(RATES.encode())
    assert other.encode() == RATES.encode()
