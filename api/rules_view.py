"""The rule table as a person reads it: what holds, what did before, what changes. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from ccm_link.calendar_month import Month
from ccm_link.facts import Policy
from ccm_link.rule_words import sentence, subject
from ccm_link.rules import Amount, CodeRow, Conflict, Row, Rules, Table, Track

#: The parts of the table: its field, the heading, and what it is for.
PARTS = (
    ("code", "Codes", "What may stand on a claim, in our own words."),
    ("track", "Time", "A full first threshold, full further steps, and the most units."),
    ("gate", "Gates", "All of it must hold, or the whole programme is refused."),
    ("conflict", "Conflicts", "What else was billed for the patient in the month."),
    ("never", "What never counts", "Minutes of these activities count nowhere."),
    ("device", "Devices", "Distinct days with a reading, in 30-day periods of the patient."),
    ("review", "Practitioner's review", "The practitioner's own time with home data."),
    ("amount", "Amounts", "They choose between codes and give sums; never a promise to pay."),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Switch:
    """What a clinic can set to change a row."""

    name: str
    does: str
    standard: str
    here: str | None  # None: the clinic has not set it


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One row in words."""

    subject: str
    sentence: str
    valid_from: date
    valid_to: date | None
    source: str
    confidence: str
    verified: bool | None = None  # of amounts only
    switches: tuple[Switch, ...] = ()
    history: tuple[Told, ...] = ()  # the same rule at other times, the oldest first

    def says(self, wanted: str) -> bool:
        """Whether a search for `wanted` (lower case) finds the row."""
        parts = (self.subject, self.sentence, self.source, self.confidence)
        names = (switch.name for switch in self.switches)
        return any(wanted in part.lower() for part in (*parts, *names))


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One part of the table: what holds, and what holds at other times only."""

    key: str
    title: str
    hint: str
    rows: tuple[Told, ...]
    others: tuple[Told, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What is not the same in two months."""

    part: str
    subject: str
    before: str  # "" where it begins
    after: str  # "" where it ends


def parts_of(
    table: Table, rules: Rules, policy: Policy, *, wanted: str = "", only: str = ""
) -> list[Part]:
    """The parts that have something to show; `rules` are the month's, with its rates."""
    found = []
    for key, title, hint in PARTS:
        if only not in {"", key}:
            continue
        every: Sequence[Row] = getattr(table, key)
        rows, others = _split(key, every, rules, policy)
        kept = [tuple(told for told in many if told.says(wanted)) for many in (rows, others)]
        if any(kept):
            found.append(Part(key=key, title=title, hint=hint, rows=kept[0], others=kept[1]))
    return found


def _split(
    key: str, every: Sequence[Row], rules: Rules, policy: Policy
) -> tuple[list[Told], list[Told]]:
    now = [row for row in every if row.in_force(rules.month)]
    held = {_identity(row) for row in now}
    others = [row for row in every if _identity(row) not in held]
    shown: Iterable[Row] = rules.amounts.values() if key == "amount" else now
    return [_told(row, every, policy) for row in shown], [_told(row, (), policy) for row in others]


def _told(row: Row, every: Sequence[Row], policy: Policy) -> Told:
    same = [r for r in every if _identity(r) == _identity(row) and r != row]
    return Told(
        subject=subject(row),
        sentence=sentence(row),
        valid_from=row.valid_from,
        valid_to=row.valid_to,
        source=row.source,
        confidence=row.confidence,
        verified=row.verified if isinstance(row, Amount) else None,
        switches=tuple(_switches(row, policy)),
        history=tuple(_told(r, (), policy) for r in sorted(same, key=lambda r: r.valid_from)),
    )


def _identity(row: Row) -> tuple[object, ...]:
    """Rows of one identity are one rule at different times."""
    if isinstance(row, Conflict):
        who = row.same_practitioner, row.other_practitioner
        return row.subject, row.reason, who, row.with_
    if isinstance(row, CodeRow | Track):
        return (row.code,)
    return (getattr(row, "code", None) or getattr(row, "activity", None) or _programme(row),)


def _programme(row: Row) -> str:
    return str(getattr(row, "programme", type(row).__name__))


def _switches(row: Row, policy: Policy) -> Iterator[Switch]:
    if not isinstance(row, Track):
        return
    if row.addon:
        cap = policy.caps.get(row.addon)
        yield Switch(
            name=f"Most units of {row.addon}",
            does="another limit of a payer",
            standard=str(row.max_addon),
            here=None if cap is None else str(cap),
        )
    if row.qhp_by_policy:
        yield Switch(
            name="Practitioner's time counts as staff time",
            does="the practitioner did the staff's work in person",
            standard="no",
            here="yes" if policy.qhp_time_counts_as_staff else None,
        )


def changes(table: Table, before: Month, after: Month) -> list[Change]:
    """What ends, begins or reads otherwise between two months."""
    found = []
    for key, title, _ in PARTS:
        old, new = (_by_identity(getattr(table, key), month) for month in (before, after))
        for identity in dict.fromkeys((*old, *new)):
            was, becomes = old.get(identity), new.get(identity)
            if was == becomes:
                continue
            row = becomes or was
            found.append(
                Change(
                    part=title,
                    subject=subject(row) if row else "",
                    before=sentence(was) if was else "",
                    after=sentence(becomes) if becomes else "",
                )
            )
    return [change for change in found if change.before != change.after]


def _by_identity(rows: Sequence[Row], month: Month) -> dict[tuple[object, ...], Row]:
    return {_identity(row): row for row in rows if row.in_force(month)}


def months_of(table: Table, *, until: Month) -> list[Month]:
    """Every month that has rules, the newest first."""
    return [Month(n) for n in range(until, Month.of(table.covers_from) - 1, -1)]
