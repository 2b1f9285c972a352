"""What differs between two evaluations of one month: lines, entries, refusals. Pure.

`difference(signed, now)` is what a biller is shown after a reopening, a replay or a change of the
rules. What is the same in both is not in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal

from ccm_link import words
from ccm_link.evaluate import Result
from ccm_link.intervals import total
from ccm_link.outcome import LedgerRow, Line, Refusal


@dataclass(frozen=True, slots=True, kw_only=True)
class LineChange:
    """A code before and after; None: it did, or does, not bill."""

    code: str
    before: Line | None
    after: Line | None

    @property
    def units(self) -> int:
        """More (or, below zero, fewer) units than before."""
        return _units(self.after) - _units(self.before)

    @property
    def dollars(self) -> Decimal:
        return _dollars(self.after) - _dollars(self.before)


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryChange:
    """A time entry before and after; None: it was, or is, not among the facts."""

    entry: str
    before: LedgerRow | None
    after: LedgerRow | None

    @property
    def counted(self) -> int:
        """Microseconds more (or, below zero, fewer) than before."""
        return _counted(self.after) - _counted(self.before)


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """From `before` to `after`."""

    lines: tuple[LineChange, ...]
    entries: tuple[EntryChange, ...]
    refusals_new: tuple[Refusal, ...]
    refusals_gone: tuple[Refusal, ...]
    rules_before: str
    rules_after: str

    @property
    def is_empty(self) -> bool:
        """Nothing that anybody would see; the rules' version alone is no difference."""
        return not (self.lines or self.entries or self.refusals_new or self.refusals_gone)

    @property
    def dollars(self) -> Decimal:
        return sum((line.dollars for line in self.lines), Decimal(0))


def difference(before: Result, after: Result) -> Difference:
    was, now = _refusals(before), _refusals(after)
    return Difference(
        lines=tuple(_lines(before, after)),
        entries=tuple(_entries(before.ledger, after.ledger)),
        refusals_new=tuple(refusal for key, refusal in now.items() if key not in was),
        refusals_gone=tuple(refusal for key, refusal in was.items() if key not in now),
        rules_before=before.rules_version,
        rules_after=after.rules_version,
    )


def _lines(before: Result, after: Result) -> Iterator[LineChange]:
    was = {line.code: line for line in before.billable}
    now = {line.code: line for line in after.billable}
    for code in dict.fromkeys([*was, *now]):
        if was.get(code) != now.get(code):
            yield LineChange(code=code, before=was.get(code), after=now.get(code))


def _entries(before: Iterable[LedgerRow], after: Iterable[LedgerRow]) -> Iterator[EntryChange]:
    was = {row.entry: row for row in before}
    now = {row.entry: row for row in after}
    for entry in dict.fromkeys([*was, *now]):
        if was.get(entry) != now.get(entry):
            yield EntryChange(entry=entry, before=was.get(entry), after=now.get(entry))


def _refusals(result: Result) -> dict[tuple[str, str, str], Refusal]:
    """By what a reader sees of them."""
    return {(r.subject, r.reason, words.detail(r)): r for r in result.rejections}


def sentences(found: Difference) -> tuple[tuple[str, str], ...]:
    """(code, entry or other subject, what is different), the lines first."""
    return (
        *((change.code, _of_line(change)) for change in found.lines),
        *((change.entry, _of_entry(change)) for change in found.entries),
        *((r.subject, f"New: {words.detail(r)}") for r in found.refusals_new),
        *((r.subject, f"No longer: {words.detail(r)}") for r in found.refusals_gone),
    )


def _of_line(change: LineChange) -> str:
    before, after = change.before, change.after
    if after is None:
        return f"Bills no more; it was {_said_units(before)} ({_said_dollars(before)})."
    if before is None:
        return f"Bills {_said_units(after)} now ({_said_dollars(after)}); it did not before."
    changed = [
        f"{now} instead of {was}"
        for was, now in (
            (_said_units(before), _said_units(after)),
            (_said_basis(before), _said_basis(after)),
            (_said_dollars(before), _said_dollars(after)),
        )
        if was != now
    ]
    return f"{'; '.join(changed) or 'The same units rest on other entries or days'}."


def _of_entry(change: EntryChange) -> str:
    before, after = change.before, change.after
    if after is None:
        return f"It is not there any more; {words.length(_counted(before))} of it counted."
    if before is None:
        return f"It is new; {words.length(_counted(after))} of it count."
    if change.counted:
        return f"{words.length(_counted(after))} count instead of {words.length(_counted(before))}."
    return "As much of it counts, for another programme, person or reason."


def _units(line: Line | None) -> int:
    return line.units if line else 0


def _dollars(line: Line | None) -> Decimal:
    return line.dollars if line else Decimal(0)


def _counted(row: LedgerRow | None) -> int:
    return total(row.counted) if row else 0


def _said_units(line: Line | None) -> str:
    units = _units(line)
    return f"{units} {'unit' if units == 1 else 'units'}"


def _said_basis(line: Line) -> str:
    return f"{len(line.days)} days" if line.days else words.length(line.micros)


def _said_dollars(line: Line | None) -> str:
    return f"${_dollars(line)}"
