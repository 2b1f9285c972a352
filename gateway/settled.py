"""Receipts that were heard and are still to be worked into the spool's file. Pure.

A backlog's receipts come hundreds a second, and each removal touches the index wherever its ids
happen to fall. Worked off many at once, each page is written once for all of them. Until then they
count as gone; if the power goes, they are sent again and answered as duplicates.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from vitals.wire import Receipt


@dataclass(slots=True)
class Settled:
    """`ids`: what has been receipted; `amended`: of them, with all that was added later."""

    ids: dict[str, None] = field(default_factory=dict)
    amended: set[str] = field(default_factory=set)
    receipts: list[tuple[Receipt, datetime]] = field(default_factory=list)

    def take(self, receipt: Receipt, at: datetime) -> None:
        self.ids |= dict.fromkeys([*receipt.stored, *receipt.duplicate])
        self.amended.update(receipt.amended)
        self.receipts.append((receipt, at))

    def put_back(self, other: Settled) -> None:
        """What could not be worked off is still to be."""
        self.ids = other.ids | self.ids
        self.amended |= other.amended
        self.receipts = [*other.receipts, *self.receipts]
