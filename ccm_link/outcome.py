"""What an evaluation says. Everything names the entries it rests on (I8).

Words are made elsewhere: here are the parts that they are made of. They are msgspec's structs, as
facts and rules are: a month makes a hundred of them, and a dataclass takes five times as long.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from enum import StrEnum

from msgspec import Struct, field

from ccm_link.codes import Programme, Reason, Role
from ccm_link.intervals import Pieces

Parts = Mapping[str, object]  # what a sentence is filled with
Ids = tuple[str, ...]


class Unit(StrEnum):
    """What a code is measured in."""

    SECONDS = "seconds"
    DAYS = "days"


class Line(Struct, frozen=True, kw_only=True, gc=False):
    """A code that bills."""

    code: str
    units: int
    programme: str
    entries: Ids = ()
    micros: int = 0  # the counted time that the whole stack rests on
    days: tuple[date, ...] = ()  # the reading days that it rests on
    served_on: tuple[date, ...] = ()  # threshold met, or the period's last day
    dollars: Decimal = Decimal(0)
    verified: bool = False  # the amount is from a table that the clinic loaded


class Refusal(Struct, frozen=True, kw_only=True, gc=False):
    """A subject (code, programme, entry, instant) that does not bill, and why."""

    subject: str
    reason: Reason
    parts: Parts = field(default_factory=dict)
    entries: Ids = ()


class Advice(StrEnum):
    """What a person should look at although nothing is refused."""

    TWO_PERIODS = "two_periods"  # two periods end in one month
    FEW_DAYS = "few_days"  # management time bills, the days of readings are few
    PLAN_REVISION = "plan_revision"  # some payers still ask for a revised plan
    DAYS_BEFORE_CONSENT = "days_before_consent"
    ENROLLED_TWICE = "enrolled_twice"  # one programme with two practitioners
    INSIDE_VISIT = "inside_visit"  # it may be paid with the visit already
    SETUP_ELSEWHEN = "setup_elsewhen"  # set-up completed its days in another month


class Note(Struct, frozen=True, kw_only=True, gc=False):
    """Nothing is refused, but a person should look."""

    subject: str
    advice: Advice
    parts: Parts = field(default_factory=dict)


class Stack(Struct, frozen=True, kw_only=True, gc=False):
    """A track's codes with their units: met, and not chosen."""

    code: str
    units: tuple[tuple[str, int], ...]
    dollars: Decimal
    entries: Ids = ()


class Standing(Struct, frozen=True, kw_only=True, gc=False):
    """How far a code is from its next unit, whether or not anything blocks it."""

    programme: str
    code: str
    unit: Unit
    have: int  # microseconds, or days
    need: int  # for the next unit
    entries: Ids = ()
    addon: bool = False
    ends_on: date  # the last day that can still add to it
    last_chance: date  # the last day on which it is still in reach, if nothing is added before
    blockers: tuple[Reason, ...] = ()
    waiting: bool = False  # the whole programme is refused, and this waits behind it

    @property
    def missing(self) -> int:
        return max(0, self.need - self.have)

    def out_of_reach(self, today: date) -> bool:
        """No way is left: the month is over, or fewer days remain than are missing."""
        return today > self.last_chance and self.missing > 0


class LedgerRow(Struct, frozen=True, kw_only=True, gc=False):
    """One entry: what was logged, what of it counts, and where the rest went."""

    entry: str
    programme: Programme
    staff: str
    role: Role
    logged: int | None  # microseconds; None: no instants
    counted: Pieces
    lost: tuple[tuple[Reason, int], ...]


class Outcome(Struct, frozen=True, kw_only=True, gc=False):
    """What one step of the evaluation adds."""

    lines: tuple[Line, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    alternatives: tuple[Stack, ...] = ()
    standings: tuple[Standing, ...] = ()
    notes: tuple[Note, ...] = ()

    def __add__(self, other: Outcome) -> Outcome:
        return Outcome(
            lines=self.lines + other.lines,
            refusals=self.refusals + other.refusals,
            alternatives=self.alternatives + other.alternatives,
            standings=self.standings + other.standings,
            notes=self.notes + other.notes,
        )
