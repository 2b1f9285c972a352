"""A signed month as it is read: what was signed, by whom, and how it differs from today. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from api.month_view import subject_words
from api.times import short
from ccm_link import words
from ccm_link.difference import Difference, sentences
from ccm_link.evaluate import Result
from store.signing import Signed

Row = Mapping[str, Any]
Sentence = tuple[str, str]  # of what, and what is different


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedLine:
    """A line of what was signed, read from the signed bytes."""

    code: str
    units: int
    rests_on: str
    amount: str


def lines_of(signed: Signed) -> list[SignedLine]:
    """From the JSON that was signed; no rule is asked again."""
    told = msgspec.json.decode(signed.result)
    return [_line(line) for line in told["evidence"]]


def _line(line: dict[str, Any]) -> SignedLine:
    days = line["days"]
    rests_on = f"{len(days)} reading days" if days else ""
    if line["seconds"]:
        rests_on = words.length(round(line["seconds"] * 1_000_000))
    known = float(line["amount"])
    kind = "" if line["amount_verified"] else " estimate"
    return SignedLine(
        code=line["code"],
        units=line["units"],
        rests_on=rests_on or "the month",
        amount=f"${line['amount']}{kind}" if known else "",
    )


def codes_of(result: Result) -> str:
    """What somebody is about to sign: codes, and units where there are several."""
    return ", ".join(
        f"{line.code} \N{MULTIPLICATION SIGN} {line.units}" if line.units > 1 else line.code
        for line in result.billable
    )


def told(found: Difference, entries: Sequence[Row], zone: ZoneInfo) -> list[Sentence]:
    """The difference in words; a time entry is named by its person and its time."""
    names = {str(row["id"]): _entry(row, zone) for row in entries}
    return [(_subject(subject, names), said) for subject, said in sentences(found)]


def _subject(subject: str, names: Mapping[str, str]) -> str:
    if subject in names:
        return names[subject]
    return "A time entry" if _is_key(subject) else subject_words(subject)


def _is_key(subject: str) -> bool:
    try:
        UUID(subject)
    except ValueError:
        return False
    return True


def _entry(row: Row, zone: ZoneInfo) -> str:
    at = f", {short(row['started_at'], zone)}" if row["started_at"] else ""
    return f"{row['staff_name']}{at}"
