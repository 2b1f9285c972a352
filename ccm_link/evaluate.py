"""The evaluation of one patient's month, in the order of steps that the rules fix.

Pure: facts and rules in, a result out. No clock; `today`, where it is given, only says which
30-day periods have ended and what can still be reached.

    1-3 normalise  ->  4 share out  ->  5-6 gates and conflicts  ->  9 APCM, G codes
    ->  7 CCM  ->  8 PCM  ->  10 RPM devices and management  ->  11 explain
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from msgspec.structs import replace

from ccm_link.codes import Programme, Reason, Role
from ccm_link.credit import ledger, share_out
from ccm_link.device_days import counted_days, evaluate_device, told_of_readings
from ccm_link.device_setup import evaluate_setup
from ccm_link.explain import Explanation, explain
from ccm_link.extras import ask_g0511, evaluate_apcm, evaluate_g0506, evaluate_review
from ccm_link.facts import Enrollment, Facts
from ccm_link.gates import programme_refusals
from ccm_link.intervals import Interval, Length, intersect, total, union
from ccm_link.normalise import Span, normalise, sent_twice
from ccm_link.outcome import Advice, LedgerRow, Line, Note, Outcome, Refusal, Stack, Standing
from ccm_link.rates import Rates
from ccm_link.rules import Rules, with_policy
from ccm_link.tracks import evaluate_tracks, waiting_tracks


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """All that can be said of a patient's month, from one pass."""

    billable: tuple[Line, ...]  # in the order of a claim, one line a code
    rejections: tuple[Refusal, ...]
    alternatives: tuple[Stack, ...]
    ledger: tuple[LedgerRow, ...]
    standings: tuple[Standing, ...]
    notes: tuple[Note, ...]
    explanations: tuple[Explanation, ...]
    refused: frozenset[str]  # programmes that bill nothing, whatever the time
    rules_version: str
    rates: Rates | None = None  # whose amounts; None: the estimates of the rule table


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    """What every step looks at."""

    facts: Facts
    rules: Rules
    spans: Sequence[Span]
    refusals: Mapping[Programme, tuple[Refusal, ...]]
    today: date | None


def evaluate(facts: Facts, rules: Rules, *, today: date | None = None) -> Result:
    rules = with_policy(rules, facts.policy)
    spans = share_out(normalise(facts, rules))
    apcm = evaluate_apcm(facts, rules)
    refusals = programme_refusals(facts, rules)
    if apcm.lines:
        refusals = _without_ccm_and_pcm(refusals, apcm.lines[0].code)
    case = _Case(facts=facts, rules=rules, spans=spans, refusals=refusals, today=today)
    entries = Outcome(refusals=_of_entries(facts, spans), notes=tuple(_inside_visits(spans, rules)))
    g0506 = evaluate_g0506(facts, rules, facts.enrolled(Programme.CCM))
    ccm = _ccm(case)
    outcome = entries + apcm + g0506 + ccm + _pcm(case, ccm) + _rpm(case) + _enrolled_twice(facts)
    return _result(outcome, case)


def _of_entries(facts: Facts, spans: Sequence[Span]) -> tuple[Refusal, ...]:
    told = [r for span in spans if not span.is_whole for r in span.refusals()]
    return (*sent_twice(facts), *told)


def _inside_visits(spans: Sequence[Span], rules: Rules) -> Iterator[Note]:
    """The rules only say that a visit's own minutes count nowhere: the rest a person decides."""
    paid = {activity for activity, row in rules.never.items() if row.billed_elsewhere}
    visits: dict[str, list[Interval]] = {}
    for span in spans:
        if span.logged and span.activity in paid:
            visits.setdefault(span.staff, []).extend(span.logged)
    for span in spans if visits else ():
        if gone := intersect(span.pieces, union(visits.get(span.staff, ()))):
            parts = {"gone": Length(total(gone))}
            yield Note(subject=span.id, advice=Advice.INSIDE_VISIT, parts=parts)


def _without_ccm_and_pcm(
    refusals: Mapping[Programme, tuple[Refusal, ...]], chosen: str
) -> dict[Programme, tuple[Refusal, ...]]:
    reason = Reason.APCM_EXCLUDES_CCM_PCM
    return {
        programme: found
        if programme is Programme.RPM
        else (*found, Refusal(subject=programme, reason=reason, parts={"code": chosen}))
        for programme, found in refusals.items()
    }


def _ccm(case: _Case) -> Outcome:
    enrolment = case.facts.enrolled(Programme.CCM)
    timed = Outcome()
    if enrolment is not None:
        timed = _tracks(case, enrolment, case.refusals[Programme.CCM])
    return ask_g0511(case.facts, case.rules, timed)


def _pcm(case: _Case, ccm: Outcome) -> Outcome:
    enrolment = case.facts.enrolled(Programme.PCM)
    if enrolment is None:
        return Outcome()
    refusals = case.refusals[Programme.PCM]
    other = case.facts.enrolled(Programme.CCM)
    if ccm.lines and other is not None and other.practitioner == enrolment.practitioner:
        parts = {"code": ccm.lines[0].code}
        reason = Reason.PCM_CCM_SAME_PRACTITIONER
        refusals = (*refusals, Refusal(subject=Programme.PCM, reason=reason, parts=parts))
    return _tracks(case, enrolment, refusals)


def _tracks(case: _Case, enrolment: Enrollment, refusals: tuple[Refusal, ...]) -> Outcome:
    if not refusals:
        return evaluate_tracks(case.facts, case.rules, enrolment, case.spans)
    blockers = tuple(refusal.reason for refusal in refusals)
    waiting = waiting_tracks(case.facts, case.rules, enrolment, case.spans, blockers)
    return waiting + Outcome(refusals=refusals)


def _rpm(case: _Case) -> Outcome:
    facts, rules = case.facts, case.rules
    enrolment = facts.enrolled(Programme.RPM)
    if enrolment is None:
        return _unasked_rpm(facts)
    refusals = case.refusals[Programme.RPM]
    timed = _tracks(case, enrolment, refusals)
    devices = evaluate_device(facts, rules, enrolment, case.today)
    devices += evaluate_setup(facts, rules, enrolment)
    if refusals:
        blockers = tuple(refusal.reason for refusal in refusals)
        held = tuple(replace(s, blockers=blockers, waiting=True) for s in devices.standings)
        return timed + Outcome(refusals=told_of_readings(facts, rules), standings=held)
    return (
        timed + devices + evaluate_review(facts, rules, enrolment, timed) + _few_days(case, timed)
    )


def _unasked_rpm(facts: Facts) -> Outcome:
    if facts.rpm is None:
        return Outcome()
    return Outcome(refusals=(Refusal(subject=Programme.RPM, reason=Reason.NOT_ENROLLED),))


def _few_days(case: _Case, timed: Outcome) -> Outcome:
    """Management does not need 16 days, but some payers say that it does."""
    days = len(counted_days(case.facts.rpm, case.facts)) if case.facts.rpm else 0
    need = case.rules.device.full_days
    if not timed.lines or days >= need:
        return Outcome()
    parts = {"days": days, "need": need}
    return Outcome(notes=(Note(subject=timed.lines[0].code, advice=Advice.FEW_DAYS, parts=parts),))


def _enrolled_twice(facts: Facts) -> Outcome:
    """Only one practitioner bills a programme: the other enrolment is not evaluated."""
    programmes = [e.program for e in facts.enrollments]
    twice = sorted({p for p in programmes if programmes.count(p) > 1})
    return Outcome(notes=tuple(Note(subject=p, advice=Advice.ENROLLED_TWICE) for p in twice))


def _result(outcome: Outcome, case: _Case) -> Result:
    lines = _as_claim(outcome.lines, case.rules)
    explanations = explain(outcome, lines, month_end=case.facts.month.last, today=case.today)
    return Result(
        billable=lines,
        rejections=outcome.refusals,
        alternatives=outcome.alternatives,
        ledger=ledger(case.spans, _billed_roles(lines, case.rules)),
        standings=outcome.standings,
        notes=outcome.notes,
        explanations=explanations,
        refused=frozenset(p for p, found in case.refusals.items() if found),
        rules_version=case.rules.version,
        rates=case.rules.rates,
    )


def _as_claim(lines: Sequence[Line], rules: Rules) -> tuple[Line, ...]:
    """One line a code, in the table's order; two periods of a month are two units."""
    merged: dict[str, Line] = {}
    for line in lines:
        if first := merged.get(line.code):
            line = replace(  # noqa: PLW2901 -- the sum of both
                first,
                units=first.units + line.units,
                days=first.days + line.days,
                served_on=first.served_on + line.served_on,
                dollars=first.dollars + line.dollars,
            )
        merged[line.code] = line
    return tuple(merged[code] for code in rules.codes if code in merged)


def _billed_roles(lines: Sequence[Line], rules: Rules) -> dict[Programme, frozenset[Role]]:
    billed = {line.code for line in lines}
    return {track.programme: track.counts for track in rules.tracks if track.code in billed}
