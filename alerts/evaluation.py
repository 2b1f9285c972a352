"""One set of days, one transaction: claim, read, judge, sum up, write (I5). Decides elsewhere.

A crash anywhere leaves the marks as they were, and the set runs again: readings are judged once
per version, a finding is unique per reading and lineage, ids of alerts are made of what they are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from alerts import rules, superseded, windows
from alerts.effective import EffectiveLimits
from alerts.episodes import Context, plan
from alerts.findings import Finding
from alerts.rulebook import Rulebook
from alerts.rules import Judged
from alerts.summaries import summarise
from store import alerts as store
from store import summaries as summaries_store
from store.alert_rows import Sample, SetAside, Window
from store.limits import limits_of_patients
from store.tenancy import Connection, clinic_session
from vitals.reading import Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class SetDone:
    """What one set came to; the counts are for metrics."""

    claimed: int = 0
    oldest: datetime | None = None  # how long the longest waiting mark has waited
    judged: int = 0
    findings: Counter[str] = field(default_factory=Counter)  # by severity
    opened: Counter[str] = field(default_factory=Counter)  # by lineage


async def evaluate_set(
    conn: Connection,
    clinic: str,
    *,
    book: Rulebook,
    now: datetime,
    size: int,
    only: UUID | None = None,
) -> SetDone:
    """Judge what waits longest in a clinic; `claimed` is 0 when nothing is left to claim.

    `only`: this patient's, where the set of all could not be written.

    Raises:
        Unavailable: nothing was written; the same call may succeed later.
    """
    async with clinic_session(conn, clinic):
        marks = await store.claim_days(conn, size=size, only=only)
        set_aside = await store.claim_set_aside(conn, size=size, only=only)
        if not marks and not set_aside:
            return SetDone()
        patients = {m.patient_id for m in marks} | {s.patient_id for s in set_aside}
        await store.lock_patients(conn, patients)
        zones = await summaries_store.zones_of(conn, {mark.patient_id for mark in marks})
        marked = windows.windows_of(marks)
        days = windows.in_whole_days(marked, zones)
        samples = await _of_days(conn, days)
        limits = EffectiveLimits(book, await limits_of_patients(conn, list(patients)))
        moved = {mark.patient_id for mark in marks if not mark.ids}
        judged = rules.judge(await _to_judge(conn, samples, marked, moved), limits)
        context = Context(clinic=clinic, book=book, now=now)
        severities, opened = await _write(conn, judged, _of_set_aside(set_aside, limits), context)
        spans = windows.spans_of(days, zones)
        await summaries_store.put(conn, summarise(samples, spans, zones, limits, book))
        return SetDone(
            claimed=sum(mark.rows for mark in marks) + len(set_aside),
            oldest=min((m.marked_at for m in marks), default=None),
            judged=await store.finish(
                conn,
                marks=marks,
                set_aside=set_aside,
                verdicts=judged.verdicts,
                patients=patients,
                now=now,
            ),
            findings=severities,
            opened=opened,
        )


async def _of_days(conn: Connection, days: Sequence[Window]) -> list[Sample]:
    """Every reading of the patient's days, of which what was marked is to be judged."""
    return await store.load_samples(conn, days, kinds=list(Kind))


async def _to_judge(
    conn: Connection, samples: Sequence[Sample], marked: Sequence[Window], moved: set[UUID]
) -> list[Sample]:
    """Of weights also those of the days around; of `moved` also where none is left of the day."""
    weighed = moved | {s.patient_id for s in samples if s.kind == "weight" and s.asked}
    around = windows.with_history(w for w in marked if w.patient_id in weighed)
    history = await store.load_samples(conn, around, kinds=[Kind.WEIGHT])
    return [s for s in samples if s.kind != "weight"] + history


def _of_set_aside(rows: Iterable[SetAside], limits: EffectiveLimits) -> list[Finding]:
    return [
        rules.judge_set_aside(row, limits.at(row.patient_id, row.first_seen))
        for row in rows
        if row.waits
    ]


async def _write(
    conn: Connection, judged: Judged, set_aside: Sequence[Finding], context: Context
) -> tuple[Counter[str], Counter[str]]:
    """What is new of what was found, by severity, and what it opened, by lineage."""
    standing = await store.standing_findings(conn, judged.verdicts)
    change = superseded.compare(judged.findings, standing)
    new = change.new + await _new_set_aside(conn, set_aside)
    patients = {one.patient_id for one in new} | {one.patient_id for one in change.gone}
    if not patients:
        return Counter(), Counter()
    await store.lock_alerts(conn, patients)
    await store.withdraw(conn, change.gone, patients, now=context.now)
    known = await store.known_alerts(conn, patients, {finding.lineage for finding in new})
    writing = plan(new, known, context)
    await store.write(conn, writing, now=context.now)
    await _settle(conn, change.lost(writing.findings), context)
    await store.unflag(conn, {row.alert_id for row in writing.findings}, superseded.REASONS)
    severities = Counter(str(finding.severity) for finding in new)
    return severities, Counter(str(alert.lineage) for alert in writing.opened)


async def _settle(conn: Connection, lost: Counter[UUID], context: Context) -> None:
    if lost:
        bereft = await store.bereft_alerts(conn, lost)
        await store.settle(conn, superseded.settle(bereft, lost), now=context.now)


async def _new_set_aside(conn: Connection, found: Sequence[Finding]) -> list[Finding]:
    ids = [f.quarantine_id for f in found if f.quarantine_id is not None]
    known = await store.known_set_aside(conn, ids)
    return [
        finding for finding in found if (finding.quarantine_id, finding.patient_id) not in known
    ]
