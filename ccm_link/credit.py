"""Step 4: a second counts once. Union in a programme, then one programme keeps what two logged.

The ledger credits each second to exactly one entry, so its sums are the union's, exactly.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from ccm_link.codes import Programme, Reason, Role
from ccm_link.intervals import Pieces, intersect, subtract, total, union
from ccm_link.normalise import Span
from ccm_link.outcome import Ids, LedgerRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """The time that a track may count, and the entries that it lies in."""

    pieces: Pieces
    entries: Ids
    attempted: bool  # countable work was logged in the month, even if all of it was lost since

    @property
    def micros(self) -> int:
        return total(self.pieces)


def share_out(spans: Sequence[Span]) -> list[Span]:
    """Overlaps marked, and each minute left to the first programme in the order of `Programme`."""
    marked = list(_marked(spans))
    taken: Pieces = ()
    given: list[Span] = []
    for programme in Programme:
        own = [span for span in marked if span.programme is programme]
        if own:
            own = [span.cut(taken, Reason.CROSS_PROGRAM_DOUBLE_COUNT) for span in own]
            taken = union((*taken, *(piece for span in own for piece in span.pieces)))
        given += own
    return given


def _marked(spans: Sequence[Span]) -> Iterator[Span]:
    """The later of two that overlap in one programme is told; the union settles the time."""
    live: list[Span] = []
    for span in spans:
        start = span.logged[0][0] if span.logged else 0
        live = [other for other in live if other.logged and other.logged[-1][1] > start]
        met = [
            o for o in live if o.programme is span.programme and intersect(o.pieces, span.pieces)
        ]
        yield replace(span, shared=_overlaps(met, span)) if met else span
        live.append(span)


def _overlaps(met: Sequence[Span], span: Span) -> tuple[Reason, ...]:
    return tuple(dict.fromkeys(_overlap(other, span) for other in met))


def _overlap(one: Span, other: Span) -> Reason:
    same = one.staff == other.staff
    return Reason.OVERLAP_SAME_STAFF if same else Reason.OVERLAP_TWO_STAFF


def pool(spans: Sequence[Span], programme: Programme, roles: Collection[Role]) -> Pool:
    own = [s for s in spans if s.programme is programme and s.role in roles and not s.faults]
    return Pool(
        pieces=union(piece for span in own for piece in span.pieces),
        entries=tuple(span.id for span in own if span.pieces),
        attempted=any(span.in_month for span in own),
    )


def ledger(
    spans: Sequence[Span], chosen: Mapping[Programme, Collection[Role]]
) -> tuple[LedgerRow, ...]:
    """Each second to one entry: those of the billed track first, else the earlier one."""
    rows: dict[str, LedgerRow] = {}
    for programme in Programme:
        roles = chosen.get(programme, ())
        own = [span for span in spans if span.programme is programme]
        overlapping = any(span.shared for span in own)
        credited: list[Span] = []
        for span in sorted(own, key=lambda span: span.role not in roles):
            rows[span.id] = _row(span, credited)
            if overlapping:
                credited.append(span)
    return tuple(rows[span.id] for span in spans)


def _row(span: Span, credited: Sequence[Span]) -> LedgerRow:
    counted = span.pieces
    lost = {reason: total(pieces) for reason, pieces in span.losses if pieces}
    for other in credited:
        if gone := intersect(counted, other.pieces):
            reason = _overlap(other, span)
            lost[reason] = lost.get(reason, 0) + total(gone)
            counted = subtract(counted, gone)
    return LedgerRow(
        entry=span.id,
        programme=span.programme,
        staff=span.staff,
        role=span.role,
        logged=None if span.logged is None else total(span.logged),
        counted=counted,
        lost=tuple(lost.items()),
    )
