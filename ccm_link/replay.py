"""A signed month once more: by its own rules, by today's, and with today's facts.

    signed facts + signed rules  = own            must be what was signed, byte for byte
    signed facts + today's rules = todays_rules   what another rule table would have billed
    today's facts + signed rules = todays_facts   what was taken back, added or corrected since

Each difference has one cause. Nothing is written.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from ccm_link import rulebook
from ccm_link.calendar_month import Month
from ccm_link.difference import Difference, difference
from ccm_link.errors import NotFound, RulesGone
from ccm_link.evaluate import Result, evaluate
from ccm_link.facts import Facts, decode
from ccm_link.freeze import canonical
from ccm_link.months_service import read_months
from ccm_link.rulebook import Rulebook, rulebook_for
from ccm_link.view import as_bytes
from store import signing
from store.signing import Signed
from store.tenancy import Connection, clinic_session


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """A signing beside what comes out today."""

    signed: Signed
    own: Result
    identical: (
        bool  # `own` is what was signed; keys that a later release added are not held against it
    )
    todays_rules: Result
    todays_facts: Result | None  # None: not enrolled in that month any more
    by_rules: Difference
    by_facts: Difference


async def replay(conn: Connection, clinic: str, signing_id: UUID, *, now: datetime) -> Replay:
    """Whether or not the signing still stands.

    Raises:
        NotFound, RulesGone.
    """
    async with clinic_session(conn, clinic):
        signed = await signing.by_id(conn, signing_id)
        if signed is None:
            raise NotFound
        month = Month.of(signed.month)
        own_book = await _kept(conn, signed, month)
        todays_book = await rulebook_for(conn, clinic, month)
        found = await read_months(
            conn, clinic, [signed.patient_id], month, now=now, rules=own_book.rules
        )
    facts = next((one.facts for one in found), None)
    return replayed(signed, own_book, todays_book, facts)


def replayed(
    signed: Signed, own_book: Rulebook, todays_book: Rulebook, facts: Facts | None
) -> Replay:
    """`facts`: today's, None where the patient is not enrolled in the month any more. Pure."""
    frozen = decode(signed.facts)
    own = evaluate(frozen, own_book.rules, today=signed.as_of)
    todays_rules = evaluate(frozen, todays_book.rules, today=signed.as_of)
    todays_facts = (
        None if facts is None else evaluate(canonical(facts), own_book.rules, today=signed.as_of)
    )
    nothing = replace(own, billable=(), rejections=(), ledger=())
    return Replay(
        signed=signed,
        own=own,
        identical=reproduces(signed, own),
        todays_rules=todays_rules,
        todays_facts=todays_facts,
        by_rules=difference(own, todays_rules),
        by_facts=difference(own, todays_facts or nothing),
    )


async def _kept(conn: Connection, signed: Signed, month: Month) -> Rulebook:
    text = await signing.kept_rules(conn, signed.rules_sha256)
    if text is None:
        raise RulesGone
    return rulebook.kept(text, signed.rates, month)


def reproduces(signed: Signed, own: Result) -> bool:
    """Whether the signed facts and rules give what was signed once more."""
    return _within(msgspec.json.decode(signed.result), msgspec.json.decode(as_bytes(own)))


def _within(signed: Any, found: Any) -> bool:
    """All that was signed comes out again. Keys are added by later releases, never renamed."""
    if isinstance(signed, dict) and isinstance(found, dict):
        return all(key in found and _within(value, found[key]) for key, value in signed.items())
    if isinstance(signed, list) and isinstance(found, list):
        return len(signed) == len(found) and all(map(_within, signed, found))
    return bool(signed == found)
