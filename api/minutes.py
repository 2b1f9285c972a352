"""The month's minutes of a patient by programme, and the first threshold they head for. Pure.

On one patient's pages they are the billing engine's own (`engine_minutes`). Where a page lists
everybody they are `ccm_link.ledger`'s sums (I7), which know no gate. Thresholds are rule data.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from ccm_link.calendar_month import Month
from ccm_link.codes import Programme
from ccm_link.evaluate import Result
from ccm_link.intervals import SECOND
from ccm_link.ledger import Span, Worked, counted
from ccm_link.rules import NoRules, Rules, Track, rules_for
from ccm_link.shares import pool_micros

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


def engine_minutes(
    result: Result, programmes: Iterable[str], rules: Rules
) -> list[ProgrammeMinutes]:
    """What the engine's pools hold for staff's track; of every programme that has one."""
    named = {Programme(p) for p in programmes} | {row.programme for row in result.ledger}
    tracks = {p: _staffs(rules.of_programme(p)) for p in Programme if p in named}
    return [
        ProgrammeMinutes(
            programme=programme,
            seconds=pool_micros(result, track) // SECOND,
            target_s=track.first_s,
        )
        for programme, track in tracks.items()
        if track is not None
    ]


def threshold_s(programme: Programme, month: date) -> int | None:
    """The first full threshold that staff time can reach."""
    try:
        tracks = rules_for(Month.of(month)).of_programme(programme)
    except NoRules:
        return None
    track = _staffs(tracks)
    return None if track is None else track.first_s


def _staffs(tracks: Iterable[Track]) -> Track | None:
    return max((t for t in tracks if _is_staffs(t)), key=lambda t: t.first_s, default=None)


def _is_staffs(track: Track) -> bool:
    return STAFF in track.counts and not track.needs_mdm and track.below_s is None
