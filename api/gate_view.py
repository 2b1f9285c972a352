"""What each programme asks for, and what of it is met this month: the gates as a list. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from ccm_link import words
from ccm_link.calendar_month import Month
from ccm_link.codes import Programme, Reason
from ccm_link.facts import Consent, Enrollment, Facts, Rpm
from ccm_link.gates import programme_refusals
from ccm_link.rules import Gate, NoRules, rules_for

Row = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Gated:
    """One thing that a programme asks for; `why` says what is missing."""

    label: str
    why: str | None

    @property
    def met(self) -> bool:
        return self.why is None


def gates_of(
    enrolments: Sequence[Row], consents: Sequence[Row], *, month: date, zone: ZoneInfo
) -> dict[str, list[Gated]]:
    """By programme, of those that the patient is in during the month; empty: no rules are known."""
    this = Month.of(month)
    own = [e for e in enrolments if e["starts_on"] <= this.last and _outlasts(e, this)]
    try:
        rules = rules_for(this)
    except NoRules:
        return {}
    found: dict[str, list[Gated]] = {}
    for enrolment in own:
        refusals = programme_refusals(_facts(enrolment, consents, this, zone), rules)
        programme = Programme(enrolment["programme"])
        why = {refusal.reason: words.detail(refusal) for refusal in refusals[programme]}
        found.setdefault(programme, list(_list(rules.gates[programme], why)))
    return found


def _outlasts(row: Row, month: Month) -> bool:
    return row["ends_on"] is None or row["ends_on"] > month.first


def _facts(enrolment: Row, consents: Sequence[Row], month: Month, zone: ZoneInfo) -> Facts:
    return Facts(
        month=month,
        practice_tz=zone,
        billing_practitioner=str(enrolment["practitioner"]),
        enrollments=[
            Enrollment(
                program=Programme(enrolment["programme"]),
                practitioner=str(enrolment["practitioner"]),
                qualifying_conditions=len(enrolment["qualifying_conditions"]),
                high_risk_condition=enrolment["high_risk_condition"],
                care_plan=_since(enrolment["care_plan_on"], month),
                access_24_7=enrolment["access_24_7"],
                new_or_not_seen_12m=enrolment["new_or_not_seen_12m"],
                initiating_visit=enrolment["initiating_visit_on"],
                consent=_consent(enrolment["programme"], consents, month),
            )
        ],
        rpm=Rpm(established_patient=enrolment["established_patient"]),
    )


def _since(day: date | None, month: Month) -> bool:
    return day is not None and day <= month.last


def _consent(programme: str, consents: Sequence[Row], month: Month) -> Consent | None:
    """The newest that holds in the month."""
    own = [c for c in consents if c["programme"] == programme and _outlasts(c, month)]
    given = sorted(own, key=lambda c: c["given_at"])
    if not given:
        return None
    last = given[-1]
    return Consent(at=last["given_at"], method=last["method"], elements=list(last["elements"]))


def _list(gate: Gate, why: dict[Reason, str]) -> Iterator[Gated]:
    def gated(label: str, *reasons: Reason) -> Gated:
        return Gated(label=label, why=next((why[r] for r in reasons if r in why), None))

    yield gated("Consent", Reason.NO_CONSENT, Reason.CONSENT_INCOMPLETE)
    if gate.min_conditions:
        label = f"At least {gate.min_conditions} chronic conditions"
        yield gated(label, Reason.CONDITIONS_INSUFFICIENT)
    if gate.high_risk_condition:
        yield gated("One high-risk condition", Reason.CONDITIONS_INSUFFICIENT)
    if gate.care_plan:
        yield gated("Care plan", Reason.NO_CARE_PLAN)
    if gate.access_24_7:
        yield gated("Access around the clock", Reason.NO_24_7_ACCESS)
    if gate.initiating_visit:
        yield gated("Initiating visit, where one is needed", Reason.NO_INITIATING_VISIT)
    if gate.established_patient:
        yield gated("Established patient", Reason.NOT_ESTABLISHED_PATIENT)
