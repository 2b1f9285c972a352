"""Step 9, and what is neither a stack of minutes nor a period of days: G codes, 99091."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from ccm_link.codes import Programme, Reason
from ccm_link.facts import G0506, Enrollment, Facts
from ccm_link.gates import met_conflicts
from ccm_link.intervals import SECOND, Length
from ccm_link.outcome import Line, Outcome, Refusal, Standing, Unit
from ccm_link.rules import APCM, CodeRow, Review, Rules

_G0506 = "G0506"
_G0511 = "G0511"


def evaluate_apcm(facts: Facts, rules: Rules) -> Outcome:
    """Not timed: chosen by the practice, one level a month, against what else was billed."""
    outcome = Outcome()
    for code in sorted(set(facts.apcm), reverse=True):
        refusals = tuple(_apcm_refusals(code, facts, rules))
        if outcome.lines:
            parts = {"code": outcome.lines[0].code}
            taken = Refusal(subject=code, reason=Reason.CONCURRENT_CODE_CONFLICT, parts=parts)
            refusals = (*refusals, taken)
        lines = () if refusals else (_once(code, APCM, facts, rules),)
        outcome += Outcome(lines=lines, refusals=refusals)
    return outcome


def _apcm_refusals(code: str, facts: Facts, rules: Rules) -> Iterator[Refusal]:
    row = rules.codes.get(code)
    if row is None:
        yield Refusal(subject=code, reason=Reason.CODE_RETIRED)
        return
    for refusal in met_conflicts(APCM, facts.billing_practitioner, facts, rules):
        yield from (refusal, replace(refusal, subject=code))
    ccm = facts.enrolled(Programme.CCM)
    if ccm is not None and not _right_level(row, ccm):
        parts = {"have": ccm.qualifying_conditions, "need": row.min_conditions}
        yield Refusal(subject=code, reason=Reason.CONDITIONS_INSUFFICIENT, parts=parts)


def _right_level(row: CodeRow, ccm: Enrollment) -> bool:
    """Where the number of conditions is known. A lower level than earned is nobody's loss."""
    return ccm.qualifying_conditions >= row.min_conditions


def evaluate_g0506(facts: Facts, rules: Rules, ccm: Enrollment | None) -> Outcome:
    """Once, beside the initiating visit, by the billing practitioner in person."""
    if facts.g0506 is None:
        return Outcome()
    if refusals := tuple(_g0506_refusals(facts.g0506, facts, rules, ccm)):
        return Outcome(refusals=refusals)
    return Outcome(lines=(_once(_G0506, Programme.CCM, facts, rules),))


def _g0506_refusals(
    asked: G0506, facts: Facts, rules: Rules, ccm: Enrollment | None
) -> Iterator[Refusal]:
    if ccm is None:
        yield Refusal(subject=_G0506, reason=Reason.NOT_ENROLLED)
    if asked.already_billed:
        yield Refusal(subject=_G0506, reason=Reason.ONCE_PER_INITIATION)
    if not asked.with_initiating_visit:
        yield Refusal(subject=_G0506, reason=Reason.NO_INITIATING_VISIT)
    if not asked.personally_by_billing_practitioner:
        yield Refusal(subject=_G0506, reason=Reason.NOT_PERSONALLY_PERFORMED)
    yield from met_conflicts(_G0506, facts.billing_practitioner, facts, rules)


def ask_g0511(facts: Facts, rules: Rules, ccm: Outcome) -> Outcome:
    """While it was payable it stood for the month's CCM codes; afterwards it is refused."""
    if not facts.request_g0511:
        return ccm
    if _G0511 not in rules.codes:
        return ccm + Outcome(refusals=(Refusal(subject=_G0511, reason=Reason.CODE_RETIRED),))
    if not ccm.lines:
        return ccm
    line = replace(
        ccm.lines[0],
        code=_G0511,
        units=1,
        dollars=rules.dollars(_G0511, 1),
        verified=rules.is_verified(_G0511),
    )
    return replace(ccm, lines=(line,))


def evaluate_review(facts: Facts, rules: Rules, enrolment: Enrollment, rpm: Outcome) -> Outcome:
    """99091: the practitioner's own time with home data, never beside management time."""
    spent = facts.rpm.qhp_interpretation_seconds if facts.rpm else 0
    if not spent or rules.review is None:
        return Outcome()
    if refusals := tuple(_review_refusals(spent, rules.review, facts, rules, enrolment, rpm)):
        return Outcome(refusals=refusals, standings=_short(spent, rules.review, refusals, facts))
    line = _once(rules.review.code, Programme.RPM, facts, rules)
    return Outcome(lines=(replace(line, micros=spent * SECOND),))


def _short(
    spent: int, row: Review, refusals: tuple[Refusal, ...], facts: Facts
) -> tuple[Standing, ...]:
    """What is missing, where nothing else stands against it."""
    if {refusal.reason for refusal in refusals} != {Reason.TIME_BELOW_THRESHOLD}:
        return ()
    return (
        Standing(
            programme=Programme.RPM,
            code=row.code,
            unit=Unit.SECONDS,
            have=spent * SECOND,
            need=row.first_s * SECOND,
            ends_on=facts.month.last,
            last_chance=facts.month.last,
        ),
    )


def _review_refusals(
    spent: int, row: Review, facts: Facts, rules: Rules, enrolment: Enrollment, rpm: Outcome
) -> Iterator[Refusal]:
    if spent < row.first_s:
        parts = {
            "have": Length(spent * SECOND),
            "need": Length(row.first_s * SECOND),
            "missing": Length((row.first_s - spent) * SECOND),
        }
        yield Refusal(subject=row.code, reason=Reason.TIME_BELOW_THRESHOLD, parts=parts)
    yield from met_conflicts(row.code, enrolment.practitioner, facts, rules)
    against = rules.against(row.code)
    for line in rpm.lines:
        if any(conflict.covers(line.code) for conflict in against):
            reason = Reason.CONCURRENT_CODE_CONFLICT
            yield Refusal(subject=row.code, reason=reason, parts={"code": line.code})
            return


def _once(code: str, programme: str, facts: Facts, rules: Rules) -> Line:
    return Line(
        code=code,
        units=1,
        programme=programme,
        served_on=(facts.month.last,),
        dollars=rules.dollars(code, 1),
        verified=rules.is_verified(code),
    )
