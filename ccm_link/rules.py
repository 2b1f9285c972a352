"""Rules as dated rows: the table is data (`data/rules.toml`), `Rules` is what a month gets (I12).

No number of a rule is written in code. A row says when it is in force, where it was read and how
sure that is; `Rules.version` names the table that was used, so that a month can be replayed.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from functools import cache
from importlib.resources import files
from itertools import pairwise
from typing import Any, Literal, TypeVar

import msgspec

from ccm_link.calendar_month import Month
from ccm_link.codes import Programme, Reason, Role
from ccm_link.facts import Policy
from ccm_link.rates import Rates


class NoRules(Exception):
    """The table was never checked for that month."""


class WrongTable(Exception):
    """Two rows of one thing hold at once, or one speaks of a code or a matter that is not there."""


APCM = "APCM"  # its codes have rows like a programme's, and log no minutes


class Row(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What every row says about itself."""

    valid_from: date
    source: str
    confidence: Literal["V1", "V2", "V2?", "G", "OURS"]
    valid_to: date | None = None

    def in_force(self, month: Month) -> bool:
        return self.valid_from <= month.first and (
            self.valid_to is None or month.last <= self.valid_to
        )


class CodeRow(Row, frozen=True):
    """A code that may appear on a claim."""

    code: str
    programme: str  # a Programme, or APCM
    label: str  # our own words
    min_conditions: int = 0


class Track(Row, frozen=True):
    """A first threshold, full further steps, a cap. `below_s`: it ends where another begins."""

    code: str
    programme: Programme
    rank: int
    counts: frozenset[Role]
    first_s: int
    qhp_by_policy: bool = False
    below_s: int | None = None
    addon: str | None = None
    step_s: int = 0
    max_addon: int = 0
    needs_mdm: bool = False
    needs_interactive: bool = False


class Never(Row, frozen=True):
    """An activity whose minutes count nowhere.

    `billed_elsewhere`: they are paid with something else, so the same person's other work at the
    same instants may be paid twice, and somebody has to look at it.
    """

    activity: str
    why: str
    billed_elsewhere: bool = False


class Gate(Row, frozen=True):
    """What a programme asks for; a part that is absent is not asked for."""

    programme: Programme
    consent_elements: frozenset[str]
    min_conditions: int = 0
    high_risk_condition: bool = False
    care_plan: bool = False
    access_24_7: bool = False
    initiating_visit: bool = False
    established_patient: bool = False


class Conflict(Row, frozen=True):
    """`subject` is refused where one of `with` was billed."""

    subject: str
    with_: tuple[str, ...] = msgspec.field(name="with")
    reason: Reason
    same_practitioner: bool = False  # only a claim by the same practitioner counts
    other_practitioner: bool = False  # only a claim by somebody else counts

    def covers(self, code: str) -> bool:
        return any(low <= code <= (high or low) for low, _, high in map(_range, self.with_))


def _range(text: str) -> tuple[str, str, str]:
    return text.partition("-")


class DeviceRule(Row, frozen=True):
    """Distinct days with a reading in a period; `part` pays for fewer."""

    period_days: int
    full: str
    full_days: int
    setup: str
    setup_days: int
    part: str | None = None
    part_days: int = 0


class Review(Row, frozen=True):
    """The practitioner's own time with home data."""

    code: str
    first_s: int


class Amount(Row, frozen=True):
    """What a unit is taken to pay."""

    code: str
    dollars: Decimal
    verified: bool


class Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole file."""

    covers_from: date
    code: tuple[CodeRow, ...]
    track: tuple[Track, ...]
    never: tuple[Never, ...]
    gate: tuple[Gate, ...]
    conflict: tuple[Conflict, ...]
    device: tuple[DeviceRule, ...]
    review: tuple[Review, ...]
    amount: tuple[Amount, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What is in force in one month."""

    month: Month
    version: str
    codes: dict[str, CodeRow]  # in the order of a claim
    tracks: tuple[Track, ...]
    never: dict[str, Never]
    gates: dict[Programme, Gate]
    conflicts: tuple[Conflict, ...]
    device: DeviceRule
    devices: tuple[DeviceRule, ...]  # of every month: set-up may complete its days under another
    review: Review | None
    amounts: dict[str, Amount]
    rates: Rates | None = None  # the clinic's own amounts, where it loaded some

    def of_programme(self, programme: Programme) -> tuple[Track, ...]:
        return tuple(t for t in self.tracks if t.programme is programme)

    def against(self, subject: str) -> tuple[Conflict, ...]:
        return tuple(c for c in self.conflicts if c.subject == subject)

    def dollars(self, code: str, units: int) -> Decimal:
        """Zero where no amount is known: it then decides nothing."""
        row = self.amounts.get(code)
        return row.dollars * units if row else Decimal(0)

    def is_verified(self, code: str) -> bool:
        """From a table that the clinic loaded, and no estimate of ours."""
        row = self.amounts.get(code)
        return row is not None and row.verified


_R = TypeVar("_R", bound=Row)


def _now(rows: tuple[_R, ...], month: Month) -> tuple[_R, ...]:
    return tuple(row for row in rows if row.in_force(month))


@cache
def shipped_text() -> str:
    """The table in this wheel as it is written: what a signature keeps."""
    return (files("ccm_link") / "data" / "rules.toml").read_text("utf-8")


@cache
def shipped() -> tuple[Table, str]:
    """The table in this wheel, and the name of its version."""
    return parse(shipped_text()), version_of(shipped_text())


def version_of(text: str) -> str:
    """The first twelve digits of the hash of a table's text."""
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def parse(text: str) -> Table:
    """A table from its text.

    Raises:
        WrongTable: its rows do not fit each other.
    """
    table = msgspec.convert(tomllib.loads(text), Table)
    check(table)
    return table


def check(table: Table) -> None:
    """Rows of one thing follow each other, and rules and the codes they name come and go together.

    Raises:
        WrongTable: they do not.
    """
    _check_words(table)
    _check_turns(table)
    rows = [row for _, row in _keyed(table)]
    edges = {Month.of(row.valid_from) for row in (*rows, *table.conflict)}
    edges |= {Month.of(row.valid_to) for row in rows if row.valid_to}
    for month in {near for edge in edges for near in (edge - 1, edge, edge + 1)}:
        _check_codes(table, Month(month))


def _check_words(table: Table) -> None:
    """What stands in a row means something there: else a change of it would go unnoticed."""
    idle = [
        *(r.code for r in table.code if r.min_conditions and r.programme != APCM),
        *(r.code for r in table.track if r.qhp_by_policy and Role.QHP in r.counts),
        *(r.code for r in table.track if r.addon is None and (r.step_s or r.max_addon)),
        *(r.subject for r in table.conflict if r.same_practitioner and r.other_practitioner),
    ]
    if idle:
        raise WrongTable(f"{', '.join(sorted(set(idle)))}: says what nothing asks of it")


def _check_codes(table: Table, month: Month) -> None:
    known = {row.code for row in _now(table.code, month)}
    earned = _earned(table, lambda rows: _now(rows, month))
    ever = _earned(table, lambda rows: rows)
    told = {row.subject for row in _now(table.conflict, month)} & {row.code for row in table.code}
    if wrong := (earned ^ (known & ever)) | (told - known):
        raise WrongTable(f"{', '.join(sorted(wrong))}: code and rule do not both hold in {month}")


def _earned(table: Table, of: Callable[[tuple[Any, ...]], tuple[Any, ...]]) -> set[str]:
    """Codes that minutes or days can earn."""
    timed = {code for row in of(table.track) for code in (row.code, row.addon)}
    measured = {code for row in of(table.device) for code in (row.full, row.part, row.setup)}
    return {*timed, *measured, *(row.code for row in of(table.review))} - {None}


def _check_turns(table: Table) -> None:
    one_at_a_time: dict[str, list[Row]] = {}
    for key, row in _keyed(table):
        one_at_a_time.setdefault(key, []).append(row)
    for key, rows in one_at_a_time.items():
        rows.sort(key=lambda row: row.valid_from)
        for before, after in pairwise(rows):
            if before.valid_to is None or before.valid_to >= after.valid_from:
                raise WrongTable(f"{key}: two rows hold on {after.valid_from}")


def _keyed(table: Table) -> Iterator[tuple[str, Row]]:
    yield from ((f"code {row.code}", row) for row in table.code)
    yield from ((f"track {row.code}", row) for row in table.track)
    yield from ((f"never {row.activity}", row) for row in table.never)
    yield from ((f"gate {row.programme}", row) for row in table.gate)
    yield from (("device", row) for row in table.device)
    yield from (("review", row) for row in table.review)
    yield from ((f"amount {row.code}", row) for row in table.amount)


@cache
def rules_for(month: Month) -> Rules:
    """The shipped rules of a month.

    Raises:
        NoRules: the table begins later.
    """
    table, version = shipped()
    return in_force(table, month, version=version)


def in_force(table: Table, month: Month, *, version: str) -> Rules:
    if month.first < table.covers_from:
        raise NoRules(f"the rule table begins in {Month.of(table.covers_from)}")
    return Rules(
        month=month,
        version=version,
        codes={row.code: row for row in _now(table.code, month)},
        tracks=_now(table.track, month),
        never={row.activity: row for row in _now(table.never, month)},
        gates={row.programme: row for row in _now(table.gate, month)},
        conflicts=_now(table.conflict, month),
        device=_now(table.device, month)[-1],
        devices=table.device,
        review=next(iter(_now(table.review, month)), None),
        amounts={row.code: row for row in _now(table.amount, month)},
    )


def with_rates(rules: Rules, rates: Rates | None) -> Rules:
    """The rules with a clinic's amounts; a code that its table lacks keeps the estimate."""
    if rates is None:
        return rules
    loaded = {
        code: Amount(
            code=code,
            dollars=dollars,
            verified=True,
            valid_from=rates.first,
            valid_to=rates.last,
            source=f"{rates.name} ({rates.source})",
            confidence="V1",
        )
        for code, dollars in rates.amounts.items()
    }
    return replace(rules, amounts=rules.amounts | loaded, rates=rates)


def with_policy(rules: Rules, policy: Policy) -> Rules:
    """The rules with a clinic's switches set: other caps, and whose time counts as staff's."""
    if policy == Policy():
        return rules
    return replace(rules, tracks=tuple(_switched(track, policy) for track in rules.tracks))


def _switched(track: Track, policy: Policy) -> Track:
    cap = policy.caps.get(track.addon or "", track.max_addon)
    widened = track.qhp_by_policy and policy.qhp_time_counts_as_staff
    counts = track.counts | {Role.QHP} if widened else track.counts
    return msgspec.structs.replace(track, max_addon=cap, counts=counts)
