"""Whose a reading is: the patient of the assignment in force when it was measured. Pure.

Where the uncertainty of that instant reaches over an assignment's boundary, a person decides: held.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID


class Spell(NamedTuple):
    """An assignment of one device and slot. None as a bound: without end."""

    assignment: UUID
    patient: UUID
    lower: datetime | None
    upper: datetime | None
    lower_included: bool
    upper_included: bool

    def covers(self, at: datetime) -> bool:
        """As PostgreSQL's `during @> at`."""
        if self.lower is not None and (at < self.lower or (at == self.lower and not self[4])):
            return False
        return self.upper is None or at < self.upper or (at == self.upper and self.upper_included)


class Attribution(NamedTuple):
    """Nobody's, somebody's, or held for a person to decide."""

    patient: UUID | None = None
    assignment: UUID | None = None
    held: bool = False


_NOBODYS, _HELD = Attribution(), Attribution(held=True)


def attribute(spells: Sequence[Spell], at: datetime, uncertainty_s: float) -> Attribution:
    """`spells`: all of the device and slot, which never overlap."""
    if not spells:
        return _NOBODYS
    if uncertainty_s > 0 and any(_near(spell, at, uncertainty_s) for spell in spells):
        return _HELD
    for spell in spells:
        if spell.covers(at):
            return Attribution(spell.patient, spell.assignment)
    return _NOBODYS


def _near(spell: Spell, at: datetime, uncertainty_s: float) -> bool:
    lower, upper = spell.lower, spell.upper
    return (lower is not None and abs((lower - at).total_seconds()) < uncertainty_s) or (
        upper is not None and abs((upper - at).total_seconds()) < uncertainty_s
    )
