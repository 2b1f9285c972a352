"""The month's minutes of a patient by programme, and the first threshold they head for. Pure.

Sums are `ccm_link.ledger`'s (I7); thresholds are dated rule data. The billing engine has the last
word: here a person sees how far a month has come.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from ccm_link.calendar_month import Month
from ccm_link.codes import Programme
from ccm_link.ledger import Span, Worked, counted
from ccm_link.rules import NoRules, Track, rules_for

STAFF = "clinical_staff"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgrammeMinutes:
    """Counted seconds of one programme; `target_s` None: no rules of that month are known."""

    programme: Programme
    seconds: int
    target_s: int | None

    @property
    def whole(self) -> int:
        """Minutes, floored: 19:59 is 19."""
        return self.seconds // 60

    @property
    def target(self) -> int | None:
        return None if self.target_s is None else self.target_s // 60


def month_minutes(
    rows: Iterable[Mapping[str, Any]],
    programmes: Sequence[str],
    *,
    month: date,
    window: Span,
) -> list[ProgrammeMinutes]:
    """One of every programme that the patient is in, or that has time."""
    work = [
        Worked(
            programme=Programme(row["programme"]),
            role=row["role"],
            activity=row["activity"],
            starts_at=row["started_at"],
            ends_at=row["ended_at"],
        )
        for row in rows
    ]
    named = {Programme(p) for p in programmes} | {w.programme for w in work}
    return [
        ProgrammeMinutes(
            programme=programme,
            seconds=counted(work, programme, window, role=STAFF),
            target_s=threshold_s(programme, month),
        )
        for programme in Programme
        if programme in named
    ]


def threshold_s(programme: Programme, month: date) -> int | None:
    """The first full threshold that staff time can reach."""
    try:
        tracks = rules_for(Month.of(month)).of_programme(programme)
    except NoRules:
        return None
    return max((t.first_s for t in tracks if _is_staffs(t)), default=None)


def _is_staffs(track: Track) -> bool:
    return STAFF in track.counts and not track.needs_mdm and track.below_s is None
