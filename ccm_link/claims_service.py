"""The signed claims of a clinic's month, read from the store. What is made of them is pure."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from ccm_link.calendar_month import Month
from ccm_link.claims import ClaimPatient, Practitioner, SignedClaim, claim_of
from ccm_link.evidence_parts import Practice
from store import claims, signing
from store.signing import Signed
from store.tenancy import Connection, clinic_session


@dataclass(frozen=True, slots=True, kw_only=True)
class ClinicClaims:
    """Every signature of the month that stands and has a line, by patient."""

    practice: Practice
    claims: tuple[SignedClaim, ...]

    @property
    def lines(self) -> int:
        return sum(len(claim.lines) for claim in self.claims)


async def signed_claims(conn: Connection, clinic: str, month: Month) -> ClinicClaims | None:
    """None: there is no such clinic."""
    async with clinic_session(conn, clinic):
        practice = await claims.practice(conn, clinic)
        if practice is None:
            return None
        signed = await signing.of_month(conn, month.first)
        named = await claims.patients(conn, clinic, [one.patient_id for one in signed])
        staff = await claims.practitioners(conn, clinic)
    patients = {row["id"]: ClaimPatient(**row) for row in named}
    practitioners = {row["id"]: Practitioner(**row) for row in staff}
    # Ten thousand months take seconds to read: not on the event loop.
    made = await asyncio.to_thread(_claims, signed, patients, practitioners)
    return ClinicClaims(practice=Practice(**practice), claims=made)


def _claims(
    signed: Sequence[Signed],
    patients: Mapping[UUID, ClaimPatient],
    practitioners: Mapping[UUID, Practitioner],
) -> tuple[SignedClaim, ...]:
    made = (claim_of(one, patients, practitioners) for one in signed)
    return tuple(claim for claim in made if claim.lines)
