"""Signed months without a database: the engine's own result of facts that a test can read."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from ccm_link.claims import ClaimPatient, Practitioner, SignedClaim, claim_of
from ccm_link.evaluate import evaluate
from ccm_link.evidence_parts import Practice
from ccm_link.facts import decode
from ccm_link.freeze import frozen, sha256
from ccm_link.rates import Rates
from ccm_link.rules import rules_for, shipped_text, with_rates
from ccm_link.view import as_bytes
from store.signing import Signed
from tests.ccm_link.engine.make import enrolled, entry

DOCTOR = UUID("d0000000-0000-4000-8000-000000000001")
BILLER = UUID("b0000000-0000-4000-8000-000000000001")
OTHER = UUID("d0000000-0000-4000-8000-000000000002")
PATIENT = UUID("a0000000-0000-4000-8000-000000000001")
SIGNING = UUID("50000000-0000-4000-8000-000000000001")
SIGNED_AT = datetime(2026, 4, 2, 14, 30, tzinfo=UTC)
PRACTICE = Practice(
    id="north",
    name="North Clinic",
    zone="America/New_York",
    glucose_unit="mg/dL",
    weight_unit="lb",
)
PRACTITIONERS = {
    DOCTOR: Practitioner(id=DOCTOR, name="Dora Doctor", credential="MD"),
    OTHER: Practitioner(id=OTHER, name="Omar Other", credential="NP"),
}
SOMEBODY = ClaimPatient(
    id=PATIENT,
    record_number="MRN-1",
    family_name="Testperson",
    given_name="Synthetic",
    birth_date=date(1950, 2, 3),
    sex="female",
)


def facts(*programs: str, minutes: float = 45, days: int = 16, **changes: Any) -> dict[str, Any]:
    """March 2026: minutes of CCM and of RPM, and days of readings, all of one practitioner."""
    entries = []
    if "CCM" in programs:
        entries.append(entry(minutes * 60, name=str(UUID(int=1))))
    if "RPM" in programs:
        at = "2026-03-11T09:00:00-04:00"
        entries.append(entry(20 * 60, at, name=str(UUID(int=2)), program="RPM"))
    first = date(2026, 3, 1)
    rpm = {
        "period_starts": ["2026-03-01"],
        "reading_days": [str(first + timedelta(days=n)) for n in range(days)],
        "interactive": ["2026-03-11T09:05:00-04:00"],
    }
    plain = {
        "month": "2026-03",
        "practice_tz": "America/New_York",
        "billing_practitioner": str(DOCTOR),
        "enrollments": [enrolled(program, practitioner=str(DOCTOR)) for program in programs],
        "time_entries": entries,
    }
    return plain | ({"rpm": rpm} if "RPM" in programs else {}) | changes


def signed(case: dict[str, Any], rates: Rates | None = None, **changes: Any) -> Signed:
    decoded = decode(json.dumps(case))
    data, rules = frozen(decoded), with_rates(rules_for(decoded.month), rates)
    result = as_bytes(evaluate(decoded, rules, today=SIGNED_AT.date()))
    plain = Signed(
        id=SIGNING,
        patient_id=PATIENT,
        month=decoded.month.first,
        version=1,
        as_of=SIGNED_AT.date(),
        facts=data,
        facts_sha256=sha256(data),
        result=result,
        result_sha256=sha256(result),
        rules_sha256=sha256(shipped_text().encode()),
        rules_version=rules.version,
        rates=None if rates is None else rates.encode(),
        signed_by=BILLER,
        signed_by_name="Bela Biller",
        signed_at=SIGNED_AT,
        note="",
    )
    return replace(plain, **changes)


def claim_for(case: dict[str, Any], who: ClaimPatient = SOMEBODY, **changes: Any) -> SignedClaim:
    return claim_of(signed(case, patient_id=who.id, **changes), {who.id: who}, PRACTITIONERS)


RATES = Rates(
    id="a",
    name="PFS 2026, Manhattan",
    source="CMS, January release",
    locality="01",
    first=date(2026, 1, 1),
    last=date(2026, 12, 31),
    amounts={
        code: Decimal(amount)
        for code, amount in (
            ("99490", "66.30"),
            ("99439", "50.56"),
            ("99454", "52.11"),
            ("99457", "51.90"),
        )
    },
)
