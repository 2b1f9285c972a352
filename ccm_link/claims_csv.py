"""Signed claim lines as CSV: RFC 4180, one row a line, columns that keep their names. Pure.

A spreadsheet runs a cell that begins like a formula, so text that somebody typed is guarded with an
apostrophe in front. docs/exports.md says what each column holds.
"""

from __future__ import annotations

import csv
import unicodedata
from collections.abc import Iterable, Iterator
from io import StringIO

from ccm_link.claims import SignedClaim, SignedLine

BYTE_ORDER_MARK = "\ufeff"  # some spreadsheets take UTF-8 for something else without it

COLUMNS = (
    "month",
    "patient_record_number",
    "patient_id",
    "programme",
    "code",
    "units",
    "service_dates",
    "practitioner",
    "practitioner_credential",
    "seconds_counted",
    "reading_days",
    "amount_usd",
    "amount_verified",
    "rate_table",
    "facts_sha256",
    "result_sha256",
    "rules_version",
    "signing_id",
    "signing_version",
    "signed_by",
    "signed_at",
)

#: What a spreadsheet takes for the beginning of a formula, full-width forms too.
_FORMULA = frozenset("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")
_UNSEEN = frozenset({"Zs", "Zl", "Zp", "Cf"})  # Unicode's blanks, and signs that have no form


def as_csv(claims: Iterable[SignedClaim], *, bom: bool = False) -> str:
    """The header, and a row for each line of each claim, in the order given."""
    out = StringIO()
    if bom:
        out.write(BYTE_ORDER_MARK)
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for claim in claims:
        writer.writerows(_rows(claim))
    return out.getvalue()


def _rows(claim: SignedClaim) -> Iterator[tuple[object, ...]]:
    for line in claim.lines:
        yield (*_what(claim, line), *_proof(claim))


def _what(claim: SignedClaim, line: SignedLine) -> tuple[object, ...]:
    return (
        claim.month,
        guarded(claim.patient.record_number or ""),
        claim.patient.id,
        line.programme,
        line.code,
        line.units,
        ";".join(day.isoformat() for day in line.served_on),
        guarded(line.practitioner.name),
        guarded(line.practitioner.credential),
        line.seconds or "",
        len(line.days) or "",
        f"{line.amount:.2f}" if line.amount else "",
        "yes" if line.is_verified else "no",
        guarded(claim.rates),
    )


def _proof(claim: SignedClaim) -> tuple[object, ...]:
    return (
        claim.facts_sha256,
        claim.result_sha256,
        claim.rules_version,
        claim.signing_id,
        claim.version,
        guarded(claim.signed_by),
        claim.signed_at.isoformat(),
    )


def guarded(text: str) -> str:
    """Text that no spreadsheet runs; what shows nothing in front is looked through, as they do."""
    first = next((c for c in text if unicodedata.category(c) not in _UNSEEN), "")
    return f"'{text}" if first in _FORMULA else text
