"""The device half of step 10: distinct days with an automatic reading, in 30-day periods.

Days are the patient's. A period belongs to the month in which its last day falls, whatever the
number of devices.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from ccm_link.codes import Programme, Reason
from ccm_link.facts import Enrollment, Facts, Rpm
from ccm_link.gates import met_conflicts
from ccm_link.outcome import Advice, Line, Note, Outcome, Refusal, Standing, Unit
from ccm_link.rules import DeviceRule, Rules

_FEW = {16: Reason.DAYS_BELOW_16, 2: Reason.DAYS_BELOW_2}


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """Consecutive days of the patient, both included."""

    first: date
    last: date

    def holds(self, days: tuple[date, ...]) -> tuple[date, ...]:
        return tuple(day for day in days if self.first <= day <= self.last)


def evaluate_device(
    facts: Facts, rules: Rules, enrolment: Enrollment, today: date | None
) -> Outcome:
    """Device data; without `today` every period counts as ended."""
    rpm = facts.rpm or Rpm()
    days = counted_days(rpm, facts)
    mine, told = _periods(rpm, days, facts, rules.device)
    outcome = Outcome(refusals=(*_typed_in(rpm), *told), notes=_early_days(days, enrolment, facts))
    for period in mine:
        outcome += _period(period, days, facts, rules, enrolment, today)
    if len(mine) > 1:
        outcome += Outcome(notes=(Note(subject=rules.device.full, advice=Advice.TWO_PERIODS),))
    return outcome


def told_of_readings(facts: Facts, rules: Rules) -> tuple[Refusal, ...]:
    """What is true of readings and periods, whether or not the programme may bill."""
    rpm = facts.rpm or Rpm()
    _, told = _periods(rpm, counted_days(rpm, facts), facts, rules.device)
    return (*_typed_in(rpm), *told)


def counted_days(rpm: Rpm, facts: Facts) -> tuple[date, ...]:
    zone = facts.patient_zone
    automatic = [r.at.at.astimezone(zone).date() for r in rpm.readings if not r.manual]
    return tuple(sorted({*rpm.reading_days, *automatic}))


def _typed_in(rpm: Rpm) -> list[Refusal]:
    subjects = sorted(str(reading.at) for reading in rpm.readings if reading.manual)
    return [Refusal(subject=subject, reason=Reason.MANUAL_READING) for subject in subjects]


def _periods(
    rpm: Rpm, days: tuple[date, ...], facts: Facts, rule: DeviceRule
) -> tuple[tuple[Period, ...], tuple[Refusal, ...]]:
    """Those whose last day is in the month; a day lies in at most one period."""
    mine: list[Period] = []
    refused: list[Refusal] = []
    free_from = date.min
    for start in sorted(set(rpm.period_starts)):
        period = period_from(start, rule)
        if start < free_from:
            reason = Reason.CONCURRENT_CODE_CONFLICT
            before = {"code": "the period before, which has not ended"}
            refused.append(Refusal(subject=str(start), reason=reason, parts=before))
            continue
        free_from = period.last + timedelta(days=1)
        if period.last in facts.month:
            mine.append(period)
        else:
            reason = Reason.PERIOD_ENDS_OTHER_MONTH
            held = len(period.holds(days))
            parts = {"first": period.first, "last": period.last, "days": held}
            refused.append(Refusal(subject=str(start), reason=reason, parts=parts))
    return tuple(mine), tuple(refused)


def _period(
    period: Period,
    days: tuple[date, ...],
    facts: Facts,
    rules: Rules,
    enrolment: Enrollment,
    today: date | None,
) -> Outcome:
    rule, inside = rules.device, period.holds(days)
    code = _earned(rule, len(inside))
    standings = tuple(_standings(period, inside, rule))
    few = tuple(_few(rule, len(inside), period))
    if facts.rpm is not None and not facts.rpm.fda_device:
        return _no_medical_device(rule)
    if code is None:
        return Outcome(refusals=few, standings=standings)
    if today is not None and today <= period.last:
        parts = {"last": period.last, "days": len(inside)}
        wait = Refusal(subject=code, reason=Reason.PERIOD_NOT_ENDED, parts=parts)
        return Outcome(refusals=(*few, wait), standings=standings)
    if met := met_conflicts(code, enrolment.practitioner, facts, rules):
        return Outcome(refusals=(*few, *met))
    line = Line(
        code=code,
        units=1,
        programme=Programme.RPM,
        days=inside,
        served_on=(period.last,),
        dollars=rules.dollars(code, 1),
        verified=rules.is_verified(code),
    )
    return Outcome(lines=(line,), refusals=few, standings=standings)


def period_from(first: date, rule: DeviceRule) -> Period:
    return Period(first=first, last=first + timedelta(days=rule.period_days - 1))


def _earned(rule: DeviceRule, days: int) -> str | None:
    if days >= rule.full_days:
        return rule.full
    return rule.part if rule.part and days >= rule.part_days else None


def _few(rule: DeviceRule, days: int, period: Period) -> Iterator[Refusal]:
    asked = [(rule.full, rule.full_days), (rule.part, rule.part_days)]
    for code, need in asked:
        if code and days < need:
            parts = {"have": days, "need": need, "first": period.first, "last": period.last}
            yield Refusal(subject=code, reason=few_reason(need), parts=parts)


def few_reason(need: int) -> Reason:
    return _FEW.get(need, Reason.DAYS_BELOW_16)


def _no_medical_device(rule: DeviceRule) -> Outcome:
    reason = Reason.DEVICE_NOT_FDA_DEFINED
    codes = [code for code in (rule.full, rule.part) if code]
    return Outcome(refusals=tuple(Refusal(subject=c, reason=reason) for c in codes))


def _standings(period: Period, inside: tuple[date, ...], rule: DeviceRule) -> Iterator[Standing]:
    """What more days would still earn: the part for a few, and the whole."""
    for code, need in ((rule.part, rule.part_days), (rule.full, rule.full_days)):
        if code and len(inside) < need:
            yield days_standing(code, need, period, inside)


def days_standing(code: str, need: int, period: Period, inside: tuple[date, ...]) -> Standing:
    return Standing(
        programme=Programme.RPM,
        code=code,
        unit=Unit.DAYS,
        have=len(inside),
        need=need,
        ends_on=period.last,
        last_chance=_last_chance(period, inside, need - len(inside)),
    )


def _last_chance(period: Period, inside: tuple[date, ...], missing: int) -> date:
    """Counted from the end, the day that must be used with every free day after it."""
    day = period.last
    free = 0
    while day >= period.first:
        free += day not in inside
        if free == missing:
            break
        day -= timedelta(days=1)
    return day


def _early_days(days: tuple[date, ...], enrolment: Enrollment, facts: Facts) -> tuple[Note, ...]:
    """No rule was found for readings before consent: they count, and a person is told."""
    if enrolment.consent is None:
        return ()
    agreed = enrolment.consent.at.astimezone(facts.patient_zone).date()
    early = sum(day < agreed for day in days)
    if not early:
        return ()
    parts = {"days": early, "agreed": agreed}
    return (Note(subject=Programme.RPM, advice=Advice.DAYS_BEFORE_CONSENT, parts=parts),)
