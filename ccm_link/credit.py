"""Step 4: a second counts once. Union in a programme, then one programme keeps what two logged.

The ledger credits each second to exactly one entry, so its sums are the union's, exactly.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from ccm_link.codes import Programme, Reason, Role
from ccm_link.intervals import Pieces, intersect, subtract, total, union
from ccm_link.normalise import Span
from ccm_link.outcome import Ids, LedgerRow


class Pool(Struct, frozen=True, kw_only=True, gc=False):
    """The time that a track may count, and the entries that it lies in."""

    pieces: Pieces
    entries: Ids
    attempted: bool  # countable work was logged in the month, even if all of it was lost since

    @property
    def micros(self) -> int:
        return total(self.pieces)


def share_out(spans: Sequence[Span]) -> list[Span]:
    """Overlaps marked, and each minute left to the first programme in the order of `Programme`."""
    marked = _marked(spans)
    taken: Pieces = ()
    given: list[Span] = []
    for programme in Programme:
        own = [span for span in marked if span.programme is programme]
        if not own:
            continue
        if taken:
            own = [span.cut(taken, Reason.CROSS_PROGRAM_DOUBLE_COUNT) for span in own]
        taken = union((*taken, *(piece for span in own for piece in span.pieces)))
        given += own
    return given


def _marked(spans: Sequence[Span]) -> list[Span]:
    """The later of two that overlap in one programme is told; the union settles the time."""
    marked = list(spans)
    live: list[int] = []
    for at, span in enumerate(spans):
        if not span.pieces:
            continue
        start = span.started
        live = [n for n in live if spans[n].pieces[-1][1] > start]
        met = [n for n in live if _meet(spans[n], span)]
        if met:
            shared = dict.fromkeys(_overlap(spans[n], span) for n in met)
            marked[at] = replace(span, shared=tuple(shared), meets=True)
            for n in met:
                if not marked[n].meets:
                    marked[n] = replace(marked[n], meets=True)
        live.append(at)
    return marked


def _meet(one: Span, other: Span) -> bool:
    return one.programme is other.programme and bool(intersect(one.pieces, other.pieces))


def _overlap(one: Span, other: Span) -> Reason:
    same = one.staff == other.staff
    return Reason.OVERLAP_SAME_STAFF if same else Reason.OVERLAP_TWO_STAFF


def pool(spans: Sequence[Span], roles: Collection[Role]) -> Pool:
    """Of one programme's spans, the time of people who worked in those roles."""
    own = [span for span in spans if span.role in roles and not span.faults]
    return Pool(
        pieces=union([piece for span in own for piece in span.pieces]),
        entries=tuple([span.id for span in own if span.pieces]),
        attempted=any(span.in_month for span in own),
    )


def ledger(
    spans: Sequence[Span], chosen: Mapping[Programme, Collection[Role]]
) -> tuple[LedgerRow, ...]:
    """Each second to one entry: those of the billed track first, else the earlier one."""
    credited: list[Span] = []
    rows: dict[str, LedgerRow] = {}
    for span in sorted(spans, key=lambda span: span.role not in chosen.get(span.programme, ())):
        rows[span.id] = _row(span, credited)
        if span.meets:
            credited.append(span)
    return tuple([rows[span.id] for span in spans])


def _row(span: Span, credited: Sequence[Span]) -> LedgerRow:
    counted = span.pieces
    lost = {reason: total(pieces) for reason, pieces in span.losses}
    for other in credited if span.meets else ():
        if other.programme is span.programme and (gone := intersect(counted, other.pieces)):
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
