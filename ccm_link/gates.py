"""Steps 5 and 6: what a programme asks for, and what else was billed. One failure refuses all."""

from __future__ import annotations

from collections.abc import Iterator

from ccm_link.codes import UNENROLLED, Programme, Reason
from ccm_link.facts import Enrollment, Facts
from ccm_link.intervals import micros
from ccm_link.outcome import Refusal
from ccm_link.rules import Conflict, Gate, Rules


def programme_refusals(facts: Facts, rules: Rules) -> dict[Programme, tuple[Refusal, ...]]:
    """Every enrolled programme, with all that stands against it (nothing: it may bill)."""
    enrolled = {p: facts.enrolled(p) for p in Programme if p not in UNENROLLED}
    return {
        programme: (
            *_unmet(enrolment, rules.gates[programme], facts),
            *met_conflicts(programme, enrolment.practitioner, facts, rules),
        )
        for programme, enrolment in enrolled.items()
        if enrolment is not None
    }


def _unmet(enrolment: Enrollment, gate: Gate, facts: Facts) -> Iterator[Refusal]:
    programme = enrolment.program
    if reason := _consent(enrolment, gate, facts):
        yield reason
    if enrolment.qualifying_conditions < gate.min_conditions:
        yield Refusal(
            subject=programme,
            reason=Reason.CONDITIONS_INSUFFICIENT,
            parts={"have": enrolment.qualifying_conditions, "need": gate.min_conditions},
        )
    if gate.high_risk_condition and not enrolment.high_risk_condition:
        parts = {"have": 0, "need": 1}
        yield Refusal(subject=programme, reason=Reason.CONDITIONS_INSUFFICIENT, parts=parts)
    if gate.care_plan and not enrolment.care_plan:
        yield Refusal(subject=programme, reason=Reason.NO_CARE_PLAN)
    if gate.access_24_7 and not enrolment.access_24_7:
        yield Refusal(subject=programme, reason=Reason.NO_24_7_ACCESS)
    if gate.initiating_visit and not _initiated(enrolment, facts):
        yield Refusal(subject=programme, reason=Reason.NO_INITIATING_VISIT)
    if gate.established_patient and facts.rpm and not facts.rpm.established_patient:
        yield Refusal(subject=programme, reason=Reason.NOT_ESTABLISHED_PATIENT)


def _consent(enrolment: Enrollment, gate: Gate, facts: Facts) -> Refusal | None:
    """Given before the month ends, and with every element that the programme asks for."""
    consent = enrolment.consent
    _, month_end = facts.month.span(facts.practice_tz)
    if consent is None or micros(consent.at) >= month_end:
        return Refusal(subject=enrolment.program, reason=Reason.NO_CONSENT)
    if missing := sorted(gate.consent_elements.difference(consent.elements)):
        parts = {"missing": tuple(missing)}
        return Refusal(subject=enrolment.program, reason=Reason.CONSENT_INCOMPLETE, parts=parts)
    return None


def _initiated(enrolment: Enrollment, facts: Facts) -> bool:
    visit = enrolment.initiating_visit
    return not enrolment.new_or_not_seen_12m or (visit is not None and visit <= facts.month.last)


def met_conflicts(
    subject: str, practitioner: str, facts: Facts, rules: Rules
) -> tuple[Refusal, ...]:
    """Claims of this patient and month that keep `subject` from being billed."""
    if not facts.other_claims:
        return ()
    found: dict[Reason, Refusal] = {}
    for row in rules.against(subject):
        for claim in sorted(facts.other_claims, key=lambda claim: claim.code):
            if row.covers(claim.code) and _concerns(row, claim.practitioner == practitioner):
                told = Refusal(subject=subject, reason=row.reason, parts={"code": claim.code})
                found.setdefault(row.reason, told)
    return tuple(found.values())


def _concerns(row: Conflict, same: bool) -> bool:  # noqa: FBT001 -- one fact, one caller
    return same if row.same_practitioner else not (same and row.other_practitioner)
