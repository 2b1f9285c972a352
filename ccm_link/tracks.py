"""Steps 7, 8 and the management half of 10: time codes, all by one function of time.

A track is a row of data: a full first threshold, full further steps, a cap. Where a programme has
several, the lowest rank that is met is billed, and within a rank the larger sum of amounts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal

from msgspec import Struct
from msgspec.structs import replace

from ccm_link.codes import Reason, Role
from ccm_link.credit import Pool, pool
from ccm_link.facts import Enrollment, Facts
from ccm_link.gates import met_conflicts
from ccm_link.intervals import SECOND, Length, instant, micros, moment_of
from ccm_link.normalise import Span
from ccm_link.outcome import Advice, Line, Note, Outcome, Refusal, Stack, Standing, Unit
from ccm_link.rules import Rules, Track

#: What a claim does to a track is told even where the whole programme is refused.
_OF_CLAIMS = {Reason.CONCURRENT_CODE_CONFLICT}


class Steps(Struct, frozen=True, kw_only=True, gc=False):
    """What an amount of time is worth on a track."""

    first: int  # 0 or 1
    addons: int
    beyond_cap: int  # further full steps that do not bill
    next_at: int | None  # microseconds at which one more unit is earned; None: capped


class Measured(Struct, frozen=True, kw_only=True, gc=False):
    """A track with the time it may count, and what keeps it from billing."""

    track: Track
    pool: Pool
    steps: Steps
    stack: Stack
    first_unit: Decimal  # what one unit of its first code comes to
    asked_for: bool  # complex care is only asked for where its decision-making is documented
    refusals: tuple[Refusal, ...] = ()

    @property
    def met(self) -> bool:
        return self.steps.first > 0

    @property
    def eligible(self) -> bool:
        return self.met and not self.refusals


def steps_of(track: Track, amount: int) -> Steps:
    """Full steps only: 19:59 is nothing. `amount` in microseconds."""
    first_at = track.first_s * SECOND
    if amount < first_at:
        return Steps(first=0, addons=0, beyond_cap=0, next_at=first_at)
    if track.below_s is not None and amount >= track.below_s * SECOND:
        return Steps(first=0, addons=0, beyond_cap=0, next_at=None)
    if track.addon is None:
        return Steps(first=1, addons=0, beyond_cap=0, next_at=None)
    step = track.step_s * SECOND
    full = (amount - first_at) // step
    addons = min(full, track.max_addon)
    next_at = None if addons == track.max_addon else first_at + (addons + 1) * step
    return Steps(first=1, addons=addons, beyond_cap=full - addons, next_at=next_at)


def evaluate_tracks(
    facts: Facts, rules: Rules, enrolment: Enrollment, spans: Sequence[Span]
) -> Outcome:
    """What the time in one programme bills."""
    measured = _measured(facts, rules, enrolment, spans)
    chosen = _choose(measured)
    outcome = Outcome(
        refusals=tuple(r for m in measured for r in _refusals(m, chosen)),
        alternatives=tuple(m.stack for m in measured if m.eligible and m is not chosen),
        standings=tuple(_standings(measured, chosen, facts)),
    )
    if chosen is None:
        return outcome
    return outcome + Outcome(lines=tuple(_lines(chosen, facts, rules)), notes=_notes(chosen))


def waiting_tracks(
    facts: Facts,
    rules: Rules,
    enrolment: Enrollment,
    spans: Sequence[Span],
    blockers: tuple[Reason, ...],
) -> Outcome:
    """A programme that is refused bills nothing; how much time waits behind the refusal."""
    measured = _measured(facts, rules, enrolment, spans)
    return Outcome(
        refusals=tuple(r for m in measured for r in m.refusals if r.reason in _OF_CLAIMS),
        standings=tuple(
            Standing(
                programme=enrolment.program,
                code=m.track.code,
                unit=Unit.SECONDS,
                have=m.pool.micros,
                need=m.track.first_s * SECOND,
                entries=m.pool.entries,
                ends_on=facts.month.last,
                last_chance=facts.month.last,
                blockers=blockers,
                waiting=True,
            )
            for m in measured
            if m.asked_for
        ),
    )


def _measured(
    facts: Facts, rules: Rules, enrolment: Enrollment, spans: Sequence[Span]
) -> list[Measured]:
    """The programme's tracks; those that count the same people share one sum."""
    own = [span for span in spans if span.programme is enrolment.program]
    tracks = rules.of_programme(enrolment.program)
    pools = {roles: pool(own, roles) for roles in {track.counts for track in tracks}}
    return [_measure(track, facts, rules, enrolment, pools[track.counts]) for track in tracks]


def _measure(
    track: Track, facts: Facts, rules: Rules, enrolment: Enrollment, counted: Pool
) -> Measured:
    steps = steps_of(track, counted.micros)
    units = [(track.code, steps.first), (track.addon or "", steps.addons)]
    stack = Stack(
        code=track.code,
        units=tuple((code, n) for code, n in units if n),
        dollars=rules.dollars(*units[0]) + rules.dollars(*units[1]),
        entries=counted.entries,
    )
    asked_for = not track.needs_mdm or enrolment.complex_mdm is not None
    measured = Measured(
        track=track,
        pool=counted,
        steps=steps,
        stack=stack,
        first_unit=rules.dollars(track.code, 1),
        asked_for=asked_for,
    )
    found = tuple(_hindrances(measured, facts, rules, enrolment))
    return replace(measured, refusals=found) if found else measured


def _hindrances(
    measured: Measured, facts: Facts, rules: Rules, enrolment: Enrollment
) -> Iterator[Refusal]:
    track, entries = measured.track, measured.pool.entries
    if not measured.pool.micros:
        return
    if track.needs_interactive and not _talked(facts):
        reason = Reason.NO_INTERACTIVE_COMMUNICATION
        yield Refusal(subject=track.code, reason=reason, entries=entries)
    if not measured.met:
        return
    if not measured.asked_for:
        reason = Reason.COMPLEX_MDM_NOT_DOCUMENTED
        yield Refusal(subject=track.code, reason=reason, entries=entries)
    for refusal in met_conflicts(track.code, enrolment.practitioner, facts, rules):
        yield replace(refusal, entries=entries)


def _talked(facts: Facts) -> bool:
    """A live two-way conversation in the practice's month."""
    start, end = facts.month.span(facts.practice_tz)
    return facts.rpm is not None and any(start <= micros(at) < end for at in facts.rpm.interactive)


def _choose(measured: Sequence[Measured]) -> Measured | None:
    eligible = [m for m in measured if m.eligible]
    # Amounts only settle a tie of rank: complex is never chosen against by price.
    return min(eligible, key=lambda m: (m.track.rank, -m.stack.dollars), default=None)


def _refusals(measured: Measured, chosen: Measured | None) -> Iterator[Refusal]:
    track, entries, steps = measured.track, measured.pool.entries, measured.steps
    yield from measured.refusals
    if _short(measured):
        parts = {
            "have": Length(measured.pool.micros),
            "need": Length(track.first_s * SECOND),
            "missing": Length(track.first_s * SECOND - measured.pool.micros),
        }
        reason = Reason.TIME_BELOW_THRESHOLD
        yield Refusal(subject=track.code, reason=reason, parts=parts, entries=entries)
    if measured.eligible and chosen is not None and measured is not chosen:
        yield Refusal(
            subject=track.code,
            reason=Reason.MUTUALLY_EXCLUSIVE_ALTERNATIVE,
            parts={"code": chosen.track.code},
            entries=entries,
        )
    if measured is chosen and steps.beyond_cap and track.addon:
        yield Refusal(
            subject=track.addon,
            reason=Reason.ADDON_MAX_UNITS,
            parts={"cap": track.max_addon, "beyond": steps.beyond_cap},
            entries=entries,
        )


def _short(measured: Measured) -> bool:
    """Time was logged, but less than the first threshold is left of it."""
    attempted = measured.asked_for and measured.pool.attempted
    return attempted and measured.pool.micros < measured.track.first_s * SECOND


def _standings(
    measured: Sequence[Measured], chosen: Measured | None, facts: Facts
) -> Iterator[Standing]:
    for m in measured:
        code = m.track.addon if m is chosen and m.track.addon else m.track.code
        need = m.track.first_s * SECOND if m.refusals else m.steps.next_at
        if need is None or not (m is chosen or _worth_telling(m, chosen)):
            continue
        yield Standing(
            programme=m.track.programme,
            code=code,
            unit=Unit.SECONDS,
            have=m.pool.micros,
            need=need,
            entries=m.pool.entries,
            addon=m is chosen,
            ends_on=facts.month.last,
            last_chance=facts.month.last,
            blockers=tuple(r.reason for r in m.refusals),
        )


def _worth_telling(measured: Measured, chosen: Measured | None) -> bool:
    """What nobody works towards is no news: staff's track always is, others once they have time.

    Beside a chosen track only what would be chosen in its place.
    """
    if not measured.asked_for or measured.eligible:
        return False
    if chosen is not None and not _would_win(measured, chosen):
        return False
    return bool(measured.pool.micros) or Role.CLINICAL_STAFF in measured.track.counts


def _would_win(measured: Measured, chosen: Measured) -> bool:
    if measured.track.rank != chosen.track.rank:
        return measured.track.rank < chosen.track.rank
    return bool(measured.pool.micros) and measured.first_unit > chosen.stack.dollars


def _lines(chosen: Measured, facts: Facts, rules: Rules) -> Iterator[Line]:
    for code, units in chosen.stack.units:
        yield Line(
            code=code,
            units=units,
            programme=chosen.track.programme,
            entries=chosen.pool.entries,
            micros=chosen.pool.micros,
            served_on=(_served_on(chosen, facts),),
            dollars=rules.dollars(code, units),
            verified=rules.is_verified(code),
        )


def _served_on(chosen: Measured, facts: Facts) -> date:
    """The practice's day on which the first threshold was met."""
    met_at = moment_of(chosen.pool.pieces, chosen.track.first_s * SECOND)
    if met_at is None:
        return facts.month.last
    return instant(met_at).astimezone(facts.practice_tz).date()


def _notes(chosen: Measured) -> tuple[Note, ...]:
    if not chosen.track.needs_mdm:
        return ()
    return (Note(subject=chosen.track.code, advice=Advice.PLAN_REVISION),)
