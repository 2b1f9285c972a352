"""Which alert a finding belongs to, and what that does to it. Pure: a plan comes out.

1. A reading that falls into a resolved episode, or into the day before it, and is no worse than
   what was dealt with then, joins that episode: nobody is asked twice about one thing.
2. Else it joins the lineage's open alert.
3. Else it opens the next episode; or, where the last was closed because later data left nothing of
   it, that one again.

Rule 1 looks at resolved episodes only, which findings never move, and asks no order of the
findings; so one worker and four, and any order of days, come to the same alerts.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar
from uuid import UUID, uuid5

from alerts.findings import Finding
from alerts.lifecycle import Event, State, advance, opening
from alerts.lineage import Lineage, Severity, worst
from alerts.rulebook import Rulebook
from store.alert_rows import (
    AlertChange,
    KnownAlert,
    NewAlert,
    NewEvent,
    NewFinding,
    Return,
    Writing,
)

#: Ids are made of what an alert is, so that a set that runs again makes the same ones.
_NAMESPACE = UUID("6f1c3a52-52f4-5e57-9d0a-3f5d6a0a7c11")
#: Readings so shortly before a resolved episode were known to be part of it.
LEAD = timedelta(hours=24)

Subject = tuple[UUID, Lineage]
_T = TypeVar("_T", Finding, KnownAlert)


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What a plan depends on beside findings and alerts."""

    clinic: str
    book: Rulebook
    now: datetime

    def due_at(self, finding: Finding) -> datetime:
        within = self.book.respond_within(finding.severity, late=finding.late, on=self.now.date())
        return self.now + within

    def repeat_due_at(self, findings: Iterable[Finding]) -> datetime | None:
        asked = [f.repeat_within for f in findings if f.repeat_within is not None]
        return self.now + min(asked) if asked else None


def plan(findings: Sequence[Finding], known: Iterable[KnownAlert], context: Context) -> Writing:
    """What to write for findings that are not stored yet."""
    writing = Writing(findings=[], opened=[], returned=[], changed=[], events=[])
    alerts = _by_subject(known)
    for subject, new in _by_subject(findings).items():
        _place(writing, new, alerts.get(subject, []), context)
    return writing


def _by_subject(rows: Iterable[_T]) -> dict[Subject, list[_T]]:
    grouped: dict[Subject, list[_T]] = {}
    for row in rows:
        grouped.setdefault((row.patient_id, Lineage(row.lineage)), []).append(row)
    return grouped


def _place(
    writing: Writing, new: list[Finding], alerts: list[KnownAlert], context: Context
) -> None:
    """The new findings of one lineage of one patient."""
    rest = []
    for finding in new:
        episode = _dealt_with(finding, alerts)
        if episode is None:
            rest.append(finding)
        else:
            _write(writing, finding, episode.id)
            state = advance(State(episode.state), Event.JOINED)
            _tell(writing, episode.id, Event.JOINED, state, [finding])
    if not rest:
        return
    standing = next((alert for alert in alerts if alert.state != State.RESOLVED), None)
    last = max(alerts, key=lambda alert: alert.episode, default=None)
    if standing is not None:
        _add(writing, rest, standing, context)
    elif last is not None and last.not_needed:
        _return(writing, rest, last, context)
    else:
        _open(writing, rest, 1 + (last.episode if last else 0), context)


def _dealt_with(finding: Finding, alerts: Iterable[KnownAlert]) -> KnownAlert | None:
    """The resolved episode that this finding adds nothing to; the newest, should there be two."""
    matching = [
        alert
        for alert in alerts
        if alert.state == State.RESOLVED
        and not alert.not_needed
        and alert.starts_at - LEAD <= finding.measured_at <= alert.last_at
        and finding.found.rank <= Severity(alert.severity).rank
    ]
    return max(matching, key=lambda alert: alert.episode, default=None)


def _open(writing: Writing, new: list[Finding], episode: int, context: Context) -> None:
    first = new[0]
    name = f"{context.clinic}/{first.patient_id}/{first.lineage}/{episode}"
    alert = NewAlert(
        id=uuid5(_NAMESPACE, name),
        task_id=uuid5(_NAMESPACE, f"{name}/task"),
        patient_id=first.patient_id,
        lineage=first.lineage,
        state=opening(first.lineage),
        severity=worst(*(f.severity for f in new)),
        late=all(f.late for f in new),
        episode=episode,
        starts_at=min(f.measured_at for f in new),
        last_at=max(f.measured_at for f in new),
        repeat_due_at=context.repeat_due_at(new),
        due_at=min(context.due_at(f) for f in new),
    )
    writing.opened.append(alert)
    for finding in new:
        _write(writing, finding, alert.id)
    _tell(writing, alert.id, Event.FIRED, State(alert.state), new)


def _return(writing: Writing, new: list[Finding], alert: KnownAlert, context: Context) -> None:
    """An alert that nobody had acted on stands again as if it were new."""
    asks = opening(new[0].lineage) is State.PENDING
    event = Event.ASKED_AGAIN if asks else Event.RETURNED
    state = advance(State(alert.state), event)
    back = Return(
        id=alert.id,
        state=state,
        repeat_due_at=context.repeat_due_at(new),
        due_at=min(context.due_at(f) for f in new),
    )
    writing.returned.append(back)
    for finding in new:
        _write(writing, finding, alert.id)
    _tell(writing, alert.id, event, state, new)


def _add(writing: Writing, new: list[Finding], alert: KnownAlert, context: Context) -> None:
    now_worst = worst(*(f.severity for f in new))
    worsens = now_worst.rank > Severity(alert.severity).rank
    event = Event.WORSENED if worsens else Event.RECURRED
    state = advance(State(alert.state), event)
    change = AlertChange(
        id=alert.id,
        state=state,
        repeat_due_at=context.repeat_due_at(new),
        due_at=min(context.due_at(f) for f in new),
        wakes=worsens,
    )
    writing.changed.append(change)
    for finding in new:
        _write(writing, finding, alert.id)
    _tell(writing, alert.id, event, state, new)


def _tell(
    writing: Writing, alert: UUID, event: Event, state: State, new: Sequence[Finding]
) -> None:
    detail = {"findings": len(new), "severity": str(worst(*(f.severity for f in new)))}
    writing.events.append(NewEvent(alert_id=alert, event=event, state=state, detail=detail))


def _write(writing: Writing, finding: Finding, alert: UUID) -> None:
    row = NewFinding(
        alert_id=alert,
        patient_id=finding.patient_id,
        lineage=finding.lineage,
        reading_id=finding.reading_id,
        quarantine_id=finding.quarantine_id,
        rule=finding.rule,
        severity=finding.severity,
        late=finding.late,
        measured_at=finding.measured_at,
        observed=finding.observed,
        limits=[hit.as_row() for hit in finding.limits],
        rules_version=finding.rules_version,
    )
    writing.findings.append(row)
