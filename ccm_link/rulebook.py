"""Which rules and amounts a clinic's month gets, and the texts that they are kept as."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256

from ccm_link.calendar_month import Month
from ccm_link.rates import Rates
from ccm_link.rules import (
    Rules,
    in_force,
    parse,
    rules_for,
    shipped_text,
    version_of,
    with_rates,
)
from store import rates as stored
from store.tenancy import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class Rulebook:
    """The rules of one month, with what is kept so that they can be made again."""

    text: str  # of the whole table
    rates: bytes | None  # None: the amounts of the table
    rules: Rules

    @property
    def sha256(self) -> str:
        return sha256(self.text.encode()).hexdigest()


@lru_cache(maxsize=32)
def kept(text: str, rates: bytes | None, month: Month) -> Rulebook:
    """From the texts that a signature keeps."""
    rules = in_force(parse(text), month, version=version_of(text))
    amounts = None if rates is None else Rates.decode(rates)
    return Rulebook(text=text, rates=rates, rules=with_rates(rules, amounts))


async def rulebook_for(
    conn: Connection,
    clinic: str,
    month: Month,
    *,
    table: str | None = None,
) -> Rulebook:
    """What the clinic's month is evaluated by today; inside the caller's `clinic_session`."""
    rates = await rates_for(conn, clinic, month)
    encoded = None if rates is None else rates.encode()
    if table is not None:
        return kept(table, encoded, month)
    rules = with_rates(rules_for(month), rates)
    return Rulebook(text=shipped_text(), rates=encoded, rules=rules)


async def rates_for(conn: Connection, clinic: str, month: Month) -> Rates | None:
    """The amounts that the clinic loaded for the month; inside the caller's `clinic_session`."""
    table = await stored.for_month(conn, clinic, month.first)
    if table is None:
        return None
    return Rates(
        id=str(table.id),
        name=table.name,
        source=table.source,
        locality=table.locality,
        first=table.first,
        last=table.last,
        amounts=table.amounts,
    )
