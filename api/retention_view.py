"""The words of the retention page: times in years and months, rules and holds as rows. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from store.retention import LONGEST_MONTHS, SHORTEST_MONTHS

YEAR = 12  # months
FOR_EVER = "for ever"


class EntryRefused(Exception):
    """What was typed is no time; `field` is where."""

    def __init__(self, field: str, said: str) -> None:
        super().__init__(said)
        self.field = field


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What somebody set; `waits` until it counts."""

    words: str
    reason: str
    by: str
    set_at: datetime
    valid_from: datetime
    waits: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """`whose`: a patient's name, or the clinic."""

    id: UUID
    whose: str
    record_number: str
    reason: str
    by: str
    placed_at: datetime
    released_by: str
    released_at: datetime | None
    release_reason: str


def months_of(keep: str, years: str, months: str) -> int | None:
    """None: for ever.

    Raises:
        EntryRefused: it is no whole number, or too short or long a time.
    """
    if keep == "ever":
        return None
    if keep != "time":
        raise EntryRefused("keep", "Choose how long readings are kept")
    total = _whole("years", years) * YEAR + _whole("months", months)
    if not SHORTEST_MONTHS <= total <= LONGEST_MONTHS:
        raise EntryRefused("years", "Enter a time of 1 to 100 years")
    return total


def _whole(field: str, typed: str) -> int:
    text = typed.strip() or "0"
    if not (text.isascii() and text.isdigit() and len(text) <= 4):  # noqa: PLR2004 -- 1,200 months
        raise EntryRefused(field, f"Enter a whole number of {field}")
    return int(text)


def in_words(months: int | None) -> str:
    if months is None:
        return FOR_EVER
    years, rest = divmod(months, YEAR)
    parts = [_count(years, "year"), _count(rest, "month")]
    return " and ".join(part for part in parts if part)


def _count(number: int, unit: str) -> str:
    return f"{number} {unit}{'' if number == 1 else 's'}" if number else ""


def rule_of(row: Mapping[str, Any], now: datetime) -> Rule:
    return Rule(
        words=in_words(row["months"]),
        reason=row["reason"],
        by=row["set_by_name"],
        set_at=row["set_at"],
        valid_from=row["valid_from"],
        waits=row["valid_from"] > now,
    )


def hold_of(row: Mapping[str, Any]) -> Hold:
    name = f"{row['given_name']} {row['family_name']}"
    return Hold(
        id=row["id"],
        whose="The whole clinic" if row["patient_id"] is None else name,
        record_number=row["record_number"] or "",
        reason=row["reason"],
        by=row["placed_by_name"],
        placed_at=row["placed_at"],
        released_by=row["released_by_name"] or "",
        released_at=row["released_at"],
        release_reason=row["release_reason"] or "",
    )
