"""Set-up and teaching: once an episode, in the month in which its data minimum was reached.

The minimum of a day is that of the rule then in force, so that days of readings over a new year are
neither billed twice nor lost.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date

from ccm_link.codes import Programme, Reason
from ccm_link.device_days import Period, counted_days, days_standing, few_reason, period_from
from ccm_link.facts import Enrollment, Facts, Setup
from ccm_link.gates import met_conflicts
from ccm_link.outcome import Advice, Line, Note, Outcome, Refusal
from ccm_link.rules import DeviceRule, Rules


def evaluate_setup(facts: Facts, rules: Rules, enrolment: Enrollment) -> Outcome:
    if facts.rpm is None or facts.rpm.setup is None:
        return Outcome()
    setup, days = facts.rpm.setup, counted_days(facts.rpm, facts)
    if setup.date > facts.month.last:
        return Outcome()
    if refusals := tuple(_refusals(setup, facts, rules, enrolment)):
        return Outcome(refusals=refusals)
    periods = _periods(setup, facts, rules.device)
    reached = min((at for p in periods if (at := _reached(p, days, rules))), default=None)
    if reached is None or reached > facts.month.last:
        return _too_few(periods, days, facts, rules.device)
    if reached < facts.month.first:
        parts = {"reached": reached}
        note = Note(subject=rules.device.setup, advice=Advice.SETUP_ELSEWHEN, parts=parts)
        return Outcome(notes=(note,))
    since = [day for day in days if setup.date <= day <= reached]
    line = Line(
        code=rules.device.setup,
        units=1,
        programme=Programme.RPM,
        days=tuple(since[-rules.device.setup_days :]),
        served_on=(reached,),
        dollars=rules.dollars(rules.device.setup, 1),
        verified=rules.is_verified(rules.device.setup),
    )
    return Outcome(lines=(line,))


def _refusals(setup: Setup, facts: Facts, rules: Rules, enrolment: Enrollment) -> Iterator[Refusal]:
    code = rules.device.setup
    if setup.already_billed_this_episode:
        yield Refusal(subject=code, reason=Reason.ONCE_PER_EPISODE)
    yield from met_conflicts(code, enrolment.practitioner, facts, rules)
    if facts.rpm is not None and not facts.rpm.fda_device:
        yield Refusal(subject=code, reason=Reason.DEVICE_NOT_FDA_DEFINED)


def _periods(setup: Setup, facts: Facts, rule: DeviceRule) -> list[Period]:
    """The days after set-up, and each period that begins later."""
    starts = facts.rpm.period_starts if facts.rpm else []
    return [period_from(day, rule) for day in sorted({setup.date, *starts}) if day >= setup.date]


def _reached(period: Period, days: tuple[date, ...], rules: Rules) -> date | None:
    """The first day of the period on which it held as many days as that day's rule asks for."""
    inside = period.holds(days)
    found = [
        max(inside[row.setup_days - 1], row.valid_from)
        for row in rules.devices
        if len(inside) >= row.setup_days
        and inside[row.setup_days - 1] <= (row.valid_to or period.last)
        and row.valid_from <= period.last
    ]
    return min(found, default=None)


def _too_few(
    periods: Sequence[Period], days: tuple[date, ...], facts: Facts, rule: DeviceRule
) -> Outcome:
    so_far = tuple(day for day in days if day <= facts.month.last)
    begun = [period for period in periods if period.first <= facts.month.last]
    best = max(begun, key=lambda period: (len(period.holds(so_far)), period.first))
    inside = best.holds(so_far)
    parts = {"have": len(inside), "need": rule.setup_days}
    refusal = Refusal(subject=rule.setup, reason=few_reason(rule.setup_days), parts=parts)
    standing = days_standing(rule.setup, rule.setup_days, best, inside)
    return Outcome(refusals=(refusal,), standings=(standing,))
