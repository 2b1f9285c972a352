"""The month as a biller works through it: who is ready, who nearly, who is blocked and why.

Drawn from results alone; a patient may stand in several lists, with different codes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from ccm_link import words
from ccm_link.codes import Reason
from ccm_link.evaluate import Result
from ccm_link.explain import Explanation, Kind
from ccm_link.facts import Facts
from ccm_link.freeze import frozen, sha256
from ccm_link.intervals import Length
from ccm_link.month_facts import Person, Waiting
from ccm_link.outcome import Line, Standing, Unit

_ONLY_TALK = {Reason.NO_INTERACTIVE_COMMUNICATION}  # a blocker that a phone call lifts


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """That the month is signed: by whom, and for which facts."""

    id: UUID
    version: int
    facts_sha256: str
    rules_version: str
    signed_at: datetime
    signed_by_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PatientMonth:
    """A patient with the month's facts, its result, and the time that does not count yet."""

    patient: Person
    facts: Facts
    result: Result
    waiting: Waiting
    as_of: date  # the patient's day on which it was evaluated
    open_tasks: int = 0  # as they are now, whatever the month
    signed: Signature | None = None

    @property
    def facts_sha256(self) -> str:
        return sha256(frozen(self.facts))

    @property
    def seen(self) -> str:
        """What whoever signs has looked at (`ccm_link.signing.sign`): facts, rules and lines.

        Other rules, or other amounts that choose another track, are not what was looked at.
        """
        lines = [
            f"{line.code} {line.units} {line.dollars} {line.verified}"
            for line in self.result.billable
        ]
        told = [self.facts_sha256, self.result.rules_version, *lines]
        return sha256("\n".join(told).encode())

    @property
    def changed_since_signed(self) -> bool:
        """Something that the signature rests on is not as it was: an entry taken back, say."""
        return self.signed is not None and self.signed.facts_sha256 != self.facts_sha256

    @property
    def waiting_words(self) -> tuple[str, ...]:
        """`4 min wait for confirmation`."""
        kinds = (
            (self.waiting.unconfirmed, "wait for confirmation"),
            (self.waiting.held, "are held: they overlap another patient's"),
        )
        said = [f"{words.length(amount)} {what}" for amount, what in kinds if amount]
        return (*said, *(["a timer is running"] if self.waiting.running else []))

    def text(self, *kinds: Kind) -> tuple[str, ...]:
        return tuple(words.text(e) for e in self.result.explanations if e.kind in kinds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """Something bills as it stands."""

    month: PatientMonth
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Nearly:
    """One more unit is in reach."""

    month: PatientMonth
    programme: str
    code: str
    unit: Unit
    missing: int  # microseconds or days
    have: int
    need: int
    ends_on: date  # the last day that can still add to it
    last_chance: date  # the last day on which it is still in reach, if nothing is added before
    needs_talk: bool
    words: tuple[str, ...]  # what is missing


@dataclass(frozen=True, slots=True, kw_only=True)
class Blocked:
    """A programme that bills nothing, whatever is done in minutes or days."""

    month: PatientMonth
    programme: str
    reasons: tuple[Reason, ...]
    words: tuple[str, ...]
    code: str = ""  # where one of its codes is out of reach, and not the whole programme


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthLists:
    """Ready by name, nearly by least effort, blocked by name."""

    ready: tuple[Ready, ...]
    nearly: tuple[Nearly, ...]
    blocked: tuple[Blocked, ...]


def month_lists(months: Iterable[PatientMonth], *, today: date | None = None) -> MonthLists:
    """`today` moves what is out of reach from nearly to blocked."""
    ready: list[Ready] = []
    nearly: list[Nearly] = []
    blocked: list[Blocked] = []
    for month in sorted(months, key=_by_name):
        if month.result.billable:
            ready.append(Ready(month=month, lines=month.result.billable))
        nearly += _nearest(month, today)
        blocked += (*_refused(month), *_too_late(month, today))
    nearly.sort(key=lambda item: (item.unit is Unit.DAYS, item.missing, _by_name(item.month)))
    return MonthLists(ready=tuple(ready), nearly=tuple(nearly), blocked=tuple(blocked))


def _by_name(month: PatientMonth) -> tuple[str, str, str]:
    return month.patient.family_name, month.patient.given_name, str(month.patient.id)


def _nearest(month: PatientMonth, today: date | None) -> Iterator[Nearly]:
    """Of each programme's minutes and days, the unit that is closest."""
    best: dict[tuple[str, Unit], Standing] = {}
    for standing in month.result.standings:
        key = standing.programme, standing.unit
        in_reach = today is None or not standing.out_of_reach(today)
        liftable = not standing.waiting and set(standing.blockers) <= _ONLY_TALK
        if in_reach and liftable and (key not in best or standing.missing < best[key].missing):
            best[key] = standing
    for standing in best.values():
        yield Nearly(
            month=month,
            programme=standing.programme,
            code=standing.code,
            unit=standing.unit,
            missing=standing.missing,
            have=standing.have,
            need=standing.need,
            ends_on=standing.ends_on,
            last_chance=standing.last_chance,
            needs_talk=bool(standing.blockers),
            words=tuple(_missing(standing)),
        )


def _missing(standing: Standing) -> Iterator[str]:
    if standing.missing:
        timed = standing.unit is Unit.SECONDS
        yield words.short(Length(standing.missing) if timed else standing.missing)
    for reason in standing.blockers:
        yield words.text(Explanation(subject=standing.code, kind=Kind.WHAT_NEXT, key=reason))


def _refused(month: PatientMonth) -> Iterator[Blocked]:
    for programme in sorted(month.result.refused):
        found = [r for r in month.result.rejections if r.subject == programme]
        yield Blocked(
            month=month,
            programme=programme,
            reasons=tuple(refusal.reason for refusal in found),
            words=tuple(words.detail(refusal) for refusal in found),
        )


def _too_late(month: PatientMonth, today: date | None) -> Iterator[Blocked]:
    """Nothing of this kind bills, and no day is left in which it could."""
    billed = {(line.programme, bool(line.days)) for line in month.result.billable}
    for standing in month.result.standings:
        nothing = (standing.programme, standing.unit is Unit.DAYS) not in billed
        if today and nothing and not standing.waiting and standing.out_of_reach(today):
            gone = [e for e in month.result.explanations if e.kind is Kind.IMPOSSIBLE]
            yield Blocked(
                month=month,
                programme=standing.programme,
                reasons=standing.blockers,
                words=tuple(words.text(e) for e in gone if e.subject == standing.code),
                code=standing.code,
            )
