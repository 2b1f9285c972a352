"""Who keeps which minutes of a month, read off the engine's own ledger. Pure.

The engine credits each second to one entry at most (`Result.ledger`). Here it is only looked up:
which other entry was credited with what an entry lost, what a programme's pool holds, and how an
entry's time falls on the practice's days.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from ccm_link.codes import Programme, Reason
from ccm_link.evaluate import Result
from ccm_link.facts import Facts
from ccm_link.intervals import Pieces, instant, intersect, micros, midnight, total, union
from ccm_link.outcome import LedgerRow, Unit
from ccm_link.rules import Track

_BY_ANOTHER = {
    Reason.OVERLAP_SAME_STAFF,
    Reason.OVERLAP_TWO_STAFF,
    Reason.CROSS_PROGRAM_DOUBLE_COUNT,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Lost:
    """Time of an entry that does not count, in microseconds, and the entries that keep it."""

    reason: Reason
    micros: int
    kept_by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """What of an entry counts in the month."""

    programme: Programme
    counted: Pieces
    lost: tuple[Lost, ...]

    @property
    def micros(self) -> int:
        return total(self.counted)


def shares(facts: Facts, result: Result) -> dict[str, Share]:
    """By entry."""
    logged = dict(_logged(facts))
    return {
        row.entry: Share(
            programme=row.programme,
            counted=row.counted,
            lost=tuple(
                Lost(
                    reason=reason,
                    micros=gone,
                    kept_by=_keepers(row, reason, logged, result.ledger),
                )
                for reason, gone in row.lost
            ),
        )
        for row in result.ledger
    }


def _logged(facts: Facts) -> Iterator[tuple[str, Pieces]]:
    for entry in facts.time_entries:
        if entry.start is not None and entry.end is not None and entry.start < entry.end:
            yield entry.id, ((micros(entry.start), micros(entry.end)),)


def _keepers(
    row: LedgerRow, reason: Reason, logged: Mapping[str, Pieces], ledger: tuple[LedgerRow, ...]
) -> tuple[str, ...]:
    if reason not in _BY_ANOTHER:
        return ()
    own = logged.get(row.entry, ())
    elsewhere = reason is Reason.CROSS_PROGRAM_DOUBLE_COUNT
    return tuple(
        other.entry
        for other in ledger
        if other.entry != row.entry
        and (other.programme is not row.programme) == elsewhere
        and intersect(own, other.counted)
    )


def pool_micros(result: Result, track: Track) -> int:
    """What a track's pool holds, as the engine measured it.

    Where the engine says nothing of that track (another one is billed), its credited time.
    """
    for line in result.billable:
        if line.code == track.code:
            return line.micros
    for standing in result.standings:
        if standing.code == track.code and standing.unit is Unit.SECONDS:
            return standing.have
    own = (r for r in result.ledger if r.programme is track.programme and r.role in track.counts)
    return total(union(piece for row in own for piece in row.counted))


def by_day(pieces: Pieces, zone: ZoneInfo) -> list[tuple[date, int]]:
    """Microseconds on each local day, oldest first: split at every midnight of the zone."""
    found: dict[date, int] = {}
    for start, end in pieces:
        at = start
        while at < end:
            day = instant(at).astimezone(zone).date()
            until = min(end, midnight(day + timedelta(days=1), zone))
            found[day] = found.get(day, 0) + until - at
            at = until
    return sorted(found.items())
