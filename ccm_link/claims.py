"""A signed month as claim lines: what every export is made of. Pure.

Only what was signed is read, byte for byte: no rule is asked again. What is not in it (who the
patient is, what a practitioner is called) is looked up by key and may have been corrected since.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

import msgspec

from ccm_link import facts as facts_of
from ccm_link.calendar_month import Month
from ccm_link.facts import Facts
from store.signing import Signed


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimPatient:
    """Whom the claim is for."""

    id: UUID
    record_number: str | None
    family_name: str
    given_name: str
    birth_date: date | None
    sex: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Practitioner:
    """Whose service it was."""

    id: UUID
    name: str
    credential: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedLine:
    """A line that was signed. `amount` is for all of its units, in dollars."""

    code: str
    programme: str
    units: int
    seconds: Decimal
    days: tuple[date, ...]
    served_on: tuple[date, ...]
    amount: Decimal
    is_verified: bool  # the amount is from a rate table that somebody loaded
    practitioner: Practitioner


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedClaim:
    """A patient's month as it was signed."""

    signing_id: UUID
    version: int
    month: Month
    patient: ClaimPatient
    biller: Practitioner  # whose claim it is
    lines: tuple[SignedLine, ...]
    facts_sha256: str
    result_sha256: str
    rules_version: str
    rates: str  # the name of the rate table that was in force; empty: none was loaded
    signed_by: str
    signed_at: datetime


class _Evidence(msgspec.Struct, frozen=True):
    """The parts of `ccm_link.view` that a claim holds."""

    code: str
    units: int
    seconds: Decimal
    days: tuple[date, ...]
    served_on: tuple[date, ...]
    amount: Decimal
    amount_verified: bool
    programme: str


class _Rates(msgspec.Struct, frozen=True):
    """The rate table by its name."""

    name: str


class _Result(msgspec.Struct, frozen=True):
    """Other keys of the result are for other readers."""

    evidence: tuple[_Evidence, ...]
    rates: _Rates | None = None


def claim_of(
    signed: Signed,
    patients: Mapping[UUID, ClaimPatient],
    practitioners: Mapping[UUID, Practitioner],
) -> SignedClaim:
    """A month without a line is a claim without a line: who exports leaves it out."""
    facts = facts_of.decode(signed.facts)
    result = msgspec.json.decode(signed.result, type=_Result)
    return SignedClaim(
        signing_id=signed.id,
        version=signed.version,
        month=Month.of(signed.month),
        patient=patients[signed.patient_id],
        biller=practitioners[UUID(facts.billing_practitioner)],
        lines=tuple(_line(line, facts, practitioners) for line in result.evidence),
        facts_sha256=signed.facts_sha256,
        result_sha256=signed.result_sha256,
        rules_version=signed.rules_version,
        rates=result.rates.name if result.rates else "",
        signed_by=signed.signed_by_name,
        signed_at=signed.signed_at,
    )


def practitioners_of(signed: Signed) -> frozenset[UUID]:
    """Whose names the claim will need."""
    facts = facts_of.decode(signed.facts)
    named = {facts.billing_practitioner, *(e.practitioner for e in facts.enrollments)}
    return frozenset(UUID(key) for key in named)


def _line(line: _Evidence, facts: Facts, practitioners: Mapping[UUID, Practitioner]) -> SignedLine:
    return SignedLine(
        code=line.code,
        programme=line.programme,
        units=line.units,
        seconds=line.seconds,
        days=line.days,
        served_on=line.served_on,
        amount=line.amount,
        is_verified=line.amount_verified,
        practitioner=practitioners[UUID(_whose(line.programme, facts))],
    )


def _whose(programme: str, facts: Facts) -> str:
    """The practitioner of the enrolment that was evaluated; a G code of APCM is the biller's."""
    enrolled = (facts.enrolled(e.program) for e in facts.enrollments if e.program == programme)
    found = next(enrolled, None)
    return found.practitioner if found else facts.billing_practitioner
