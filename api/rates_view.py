"""A file of amounts beside those that hold now: what it brings, changes and lacks. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from ccm_link.rules import Rules


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """A code of the rules with its amount in the file and the one that holds now."""

    code: str
    label: str
    brought: str  # "" where the file has none
    holds: str  # "" where none holds
    is_estimate: bool  # what holds now
    change: str


def compared(amounts: Mapping[str, Decimal], rules: Rules) -> list[Compared]:
    """Every code that is in force, in the order of a claim."""
    return [_compared(code, amounts.get(code), rules) for code in rules.codes]


def _compared(code: str, brought: Decimal | None, rules: Rules) -> Compared:
    row = rules.amounts.get(code)
    return Compared(
        code=code,
        label=rules.codes[code].label,
        brought=dollars(brought),
        holds=dollars(row.dollars if row else None),
        is_estimate=row is not None and not row.verified,
        change=_change(brought, row.dollars if row else None),
    )


def _change(brought: Decimal | None, holds: Decimal | None) -> str:
    if brought is None:
        return "not in the file" if holds is None else "not in the file: stays as it is"
    if holds is None:
        return "new"
    if brought == holds:
        return "the same"
    sign = "+" if brought > holds else "\N{MINUS SIGN}"
    return f"{sign}{dollars(abs(brought - holds))}"


def dollars(amount: Decimal | None) -> str:
    return "" if amount is None else f"${amount:,.2f}"


def missing(rows: list[Compared]) -> int:
    """Codes in force that the file has no amount for."""
    return sum(1 for row in rows if not row.brought)
