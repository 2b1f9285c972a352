"""A clinic's month at a glance: a small row from each patient's month, counted and listed. Pure.

    with each PatientMonth: board.add(one)        whatever the number of patients
    board.rows(Show.NEARLY, programme="CCM")      in the order in which a biller works

A patient may stand in several lists, with different codes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from ccm_link import words
from ccm_link.calendar_month import Month
from ccm_link.explain import Kind
from ccm_link.month import Blocked, Nearly, PatientMonth, Ready, month_lists
from ccm_link.outcome import Unit


class Show(StrEnum):
    """What a list shows, in the order of the tabs."""

    TO_SIGN = "to_sign"  # something bills, and nobody has signed it
    SIGNED = "signed"
    CHANGED = "changed"  # signed, and what it rests on is not as it was
    NEARLY = "nearly"
    BLOCKED = "blocked"


LABELS = {
    Show.TO_SIGN: "Ready",
    Show.SIGNED: "Signed",
    Show.CHANGED: "Changed since signed",
    Show.NEARLY: "Nearly",
    Show.BLOCKED: "Blocked",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Who:
    """Whose month a row is about."""

    id: UUID
    name: str
    programmes: frozenset[str]
    waiting: tuple[str, ...]
    open_tasks: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Sum:
    """Money of lines, as far as amounts are known."""

    dollars: Decimal = Decimal(0)
    unverified: int = 0  # lines whose amount is an estimate
    unknown: int = 0  # lines without an amount

    def __add__(self, other: Sum) -> Sum:
        return Sum(
            dollars=self.dollars + other.dollars,
            unverified=self.unverified + other.unverified,
            unknown=self.unknown + other.unknown,
        )

    @property
    def amount(self) -> str:
        """`$231.40`; nothing where no amount is known."""
        return f"${self.dollars:,.2f}" if self.dollars else ""

    @property
    def small_print(self) -> str:
        """`estimate, 2 without an amount`."""
        kind = "estimate" if self.dollars and self.unverified else ""
        without = f"{self.unknown} without an amount" if self.unknown else ""
        return ", ".join(filter(None, [kind, without]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Bills:
    """What a patient's month bills as it stands, and whether somebody signed it."""

    who: Who
    codes: tuple[tuple[str, int], ...]
    sum: Sum
    said: tuple[str, ...]
    show: Show
    signed: str  # `version 2, Demo Biller`
    seen: str  # what is looked at, as a hash; "" where nobody signs it now


@dataclass(frozen=True, slots=True, kw_only=True)
class Short:
    """What one more unit lacks."""

    who: Who
    programme: str
    code: str
    missing: tuple[str, ...]
    unit: str
    have: float
    need: float
    until: date
    last_chance: date  # the last day on which it is in reach, if nothing is added before
    effort: tuple[bool, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stuck:
    """A programme that bills nothing as it stands: why, and what would lift it."""

    who: Who
    programme: str
    why: tuple[str, ...]
    next: tuple[str, ...]


BoardRow = Bills | Short | Stuck


@dataclass(slots=True, kw_only=True)
class Board:
    """All patients of a clinic's month, as small as a list needs them."""

    month: Month
    today: date
    enrolled: int = 0
    _bills: list[Bills] = field(default_factory=list)
    _short: list[Short] = field(default_factory=list)
    _stuck: list[Stuck] = field(default_factory=list)

    @property
    def is_over(self) -> bool:
        """Only a month that is over can be signed."""
        return self.today > self.month.last

    def add(self, one: PatientMonth) -> None:
        self.enrolled += 1
        lists = month_lists([one], today=self.today)
        who = _who(one)
        self._bills += [_bills(row, who, signable=self.is_over) for row in lists.ready]
        self._short += [_short(row, who) for row in lists.nearly]
        self._stuck += _stuck(lists.blocked, who)

    def rows(self, show: Show, *, programme: str = "") -> Sequence[BoardRow]:
        """In the order of work: by name, and what is nearly there by its effort."""
        return [row for row in self._listed(show) if programme in {"", *_programmes(row)}]

    def _listed(self, show: Show) -> Sequence[BoardRow]:
        if show is Show.NEARLY:
            return sorted(self._short, key=lambda row: row.effort)
        if show is Show.BLOCKED:
            return self._stuck
        return [row for row in self._bills if row.show is show]

    def count(self, show: Show, *, programme: str = "") -> int:
        return len(self.rows(show, programme=programme))

    def sum(self, *, programme: str = "") -> Sum:
        """Of everything that bills, signed or not."""
        found = (row.sum for row in self._bills if programme in {"", *row.who.programmes})
        return sum(found, Sum())

    def to_sign(self) -> list[Bills]:
        """What a preview of signing lists."""
        return [row for row in self._bills if row.show is Show.TO_SIGN and row.seen]

    def names(self) -> dict[UUID, str]:
        """Of everybody in a list."""
        lists: tuple[Sequence[BoardRow], ...] = (self._bills, self._short, self._stuck)
        return {row.who.id: row.who.name for rows in lists for row in rows}


def _programmes(row: BoardRow) -> frozenset[str]:
    return row.who.programmes if isinstance(row, Bills) else frozenset({row.programme})


def _who(one: PatientMonth) -> Who:
    return Who(
        id=one.patient.id,
        name=f"{one.patient.given_name} {one.patient.family_name}",
        programmes=frozenset(str(line.programme) for line in one.result.billable),
        waiting=one.waiting_words,
        open_tasks=one.open_tasks,
    )


def _bills(row: Ready, who: Who, *, signable: bool) -> Bills:
    one = row.month
    show = Show.TO_SIGN
    if one.signed:
        show = Show.CHANGED if one.changed_since_signed else Show.SIGNED
    return Bills(
        who=who,
        codes=tuple((line.code, line.units) for line in row.lines),
        sum=sum_of(row.month),
        said=one.text(Kind.LOOK),
        show=show,
        signed=f"version {one.signed.version}, {one.signed.signed_by_name}" if one.signed else "",
        seen=one.seen if signable and show is Show.TO_SIGN else "",
    )


def sum_of(one: PatientMonth) -> Sum:
    """Of the lines that bill."""
    lines = one.result.billable
    return Sum(
        dollars=sum((line.dollars for line in lines), Decimal(0)),
        unverified=sum(1 for line in lines if line.dollars and not line.verified),
        unknown=sum(1 for line in lines if not line.dollars),
    )


def _short(row: Nearly, who: Who) -> Short:
    days = row.unit is Unit.DAYS
    scale = 1 if days else 60_000_000  # microseconds of a minute
    return Short(
        who=who,
        programme=str(row.programme),
        code=row.code,
        missing=row.words,
        unit="days" if days else "min",
        have=row.have // scale,
        need=row.need // scale,
        until=row.ends_on,
        last_chance=row.last_chance,
        effort=(days, row.missing),
    )


def _stuck(rows: Sequence[Blocked], who: Who) -> Iterator[Stuck]:
    """One row a programme, whatever number of its codes is out of reach."""
    for programme in dict.fromkeys(row.programme for row in rows):
        own = [row for row in rows if row.programme == programme]
        lift = (
            words.text(e)
            for e in own[0].month.result.explanations
            if e.kind is Kind.WHAT_NEXT and e.subject == programme
        )
        why = (f"{row.code}: {said}" if row.code else said for row in own for said in row.words)
        yield Stuck(who=who, programme=str(programme), why=tuple(why), next=tuple(lift))
