"""What was found before, held against what the rules find now that they know more. Pure.

A reading is judged again when late data, an amendment or another limit touches its days. A finding
that the rules no longer yield is withdrawn; one that they yield otherwise is withdrawn and found
anew. So what stands is always what the rules say of all that is known, in whatever order it came.

What people did is not undone: an alert that nobody has acted on is closed when nothing of it is
left, any other is flagged for a person to look at again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from alerts.findings import Finding
from alerts.lifecycle import Event, State, advance
from store.alert_rows import Bereft, Flag, NewEvent, NewFinding, Settling, StandingFinding

NOTHING_LEFT = "Late data changed what its readings mean: none of them is beyond a limit any more."
SOME_LEFT = "Late data changed what some of its readings mean."
REASONS = (NOTHING_LEFT, SOME_LEFT)

Key = tuple[UUID, str, UUID | None]  # patient, lineage, reading


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What has to be written, and what stands no longer."""

    new: list[Finding]
    gone: list[StandingFinding]

    def lost(self, written: Iterable[NewFinding]) -> Counter[UUID]:
        """By alert, how many findings of it are gone and did not come back to it."""
        kept = {(_key(row), row.alert_id) for row in written}
        return Counter(one.alert_id for one in self.gone if (_key(one), one.alert_id) not in kept)


def compare(found: Sequence[Finding], standing: Iterable[StandingFinding]) -> Change:
    """`standing`: of the readings that were judged, and of no others."""
    now = {_key(finding): finding for finding in found}
    before = {_key(one): one for one in standing}
    gone = [one for key, one in before.items() if key not in now or _differ(now[key], one)]
    left = before.keys() - {_key(one) for one in gone}
    return Change(new=[f for key, f in now.items() if key not in left], gone=gone)


def _key(row: Finding | StandingFinding | NewFinding) -> Key:
    return row.patient_id, str(row.lineage), row.reading_id


def _differ(finding: Finding, before: StandingFinding) -> bool:
    """By what a person reads; other rules that come to the same words change nothing."""
    return (
        finding.rule,
        str(finding.severity),
        finding.late,
        finding.observed,
        [hit.as_row() for hit in finding.limits],
    ) != (before.rule, before.severity, before.late, before.observed, before.limits)


def settle(alerts: Iterable[Bereft], lost: Mapping[UUID, int]) -> Settling:
    """What becomes of alerts that lost findings."""
    settling = Settling(closed=[], flagged=[], events=[])
    for alert in alerts:
        nothing_left = alert.standing == 0
        closes = nothing_left and not alert.acted and not alert.flagged
        event = Event.NOT_NEEDED if closes else Event.SUPERSEDED
        state = advance(State(alert.state), event)
        detail = {"findings": lost[alert.id]}
        told = NewEvent(alert_id=alert.id, event=event, state=state, detail=detail)
        settling.events.append(told)
        if closes:
            settling.closed.append(alert.id)
        elif alert.acted:
            reason = NOTHING_LEFT if nothing_left else SOME_LEFT
            settling.flagged.append(Flag(id=alert.id, review_reason=reason))
    return settling
