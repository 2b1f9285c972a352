"""The evidence of a month: claim line -> entries -> task -> alert -> findings -> readings.

Parts name each other by key, so that a reading behind two alerts is told once; `Evidence` finds
them. Nothing is judged here: what counted and why is the engine's `Result`, who did what is what
was stored. `as_of` shows a signed month as it was stored when it was signed; what happened to it
since is told apart, in `changes`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from ccm_link import words
from ccm_link.calendar_month import Month
from ccm_link.evaluate import Result
from ccm_link.evidence_parts import (
    Cause,
    ClaimLine,
    Day,
    Entry,
    Evidence,
    Ids,
    Loss,
    Person,
    Said,
    Stretch,
)
from ccm_link.evidence_rows import (
    Row,
    Then,
    alerts_of,
    consent_of,
    contact_of,
    enrolment_of,
    patient_of,
    practice_of,
    reading_of,
    statement_of,
    task_of,
)
from ccm_link.explain import Kind
from ccm_link.facts import Facts
from ccm_link.intervals import Pieces, instant, total
from ccm_link.outcome import LedgerRow, Line, Refusal
from store.evidence import EvidenceRows, RestsOn, month_evidence
from store.tenancy import Connection, clinic_session


def rests_on(facts: Facts) -> RestsOn:
    """What a month's facts name, whether or not it billed: for `store.evidence.reading_ids`."""
    return RestsOn(
        days=facts.rpm.reading_days if facts.rpm else (),
        entries=[UUID(entry.id) for entry in facts.time_entries],
    )


async def evidence_of_month(  # noqa: PLR0913 -- whose, when, and what was found
    conn: Connection,
    clinic: str,
    patient_id: UUID,
    month: Month,
    result: Result,
    *,
    facts: Facts | None = None,
    signing: UUID | None = None,
    as_of: datetime | None = None,
) -> Evidence | None:
    """The chain of a result. None: the patient is not this clinic's.

    With the facts come the readings of every day that they name, without them of those that bill.
    Of a signed month give its `signing`, whose readings are cited, and `as_of` when it was signed.
    """
    days = {day for line in result.billable for day in line.days}
    days.update(rests_on(facts).days if facts else ())
    async with clinic_session(conn, clinic):
        rows = await month_evidence(
            conn, clinic, patient_id, month.first, month.last, days, signing=signing
        )
    return None if rows is None else evidence_from(rows, month, result, as_of=as_of)


def evidence_from(
    rows: EvidenceRows, month: Month, result: Result, *, as_of: datetime | None = None
) -> Evidence:
    """Pure: stored rows and what the engine says of them."""
    then = Then(as_of)
    own = {row["reading_id"] for row in rows.readings}
    shown = own if rows.cited is None else own & rows.cited
    counted = [row for row in rows.counted if row["reading_id"] in shown]
    entries = [row for row in rows.entries if not then.is_later(row["created_at"])]
    return Evidence(
        month=str(month),
        patient=patient_of(rows.head),
        practice=practice_of(rows.head),
        lines=tuple(_line(line, counted, result) for line in result.billable),
        entries=tuple(_Entries(rows, entries, result, then).all()),
        tasks=tuple(
            task_of(row, then) for row in rows.tasks if not then.is_later(row["created_at"])
        ),
        alerts=tuple(alerts_of(rows, then)),
        readings=tuple(
            reading_of(row, {r["reading_id"]: r["day"] for r in counted})
            for row in rows.readings
            if row["reading_id"] in shown
        ),
        contacts=tuple(contact_of(row) for row in rows.contacts if not then.is_later(row["at"])),
        consents=tuple(
            consent_of(row, then) for row in rows.consents if not then.is_later(row["recorded_at"])
        ),
        enrolments=tuple(enrolment_of(row) for row in rows.enrolments),
        statements=tuple(
            statement_of(row, then)
            for row in rows.statements
            if not then.is_later(row["recorded_at"])
        ),
        gaps=tuple(_gaps(rows, result, counted)),
        changes=tuple(_changes(rows, then)),
    )


def _line(line: Line, counted: Sequence[Row], result: Result) -> ClaimLine:
    by_day = defaultdict(list)
    for row in counted:
        by_day[row["day"]].append(row["reading_id"])
    return ClaimLine(
        code=line.code,
        programme=str(line.programme),
        units=line.units,
        seconds=seconds(line.micros),
        amount=line.dollars,
        amount_verified=line.verified,
        served_on=line.served_on,
        why=tuple(
            words.text(e)
            for e in result.explanations
            if e.kind in {Kind.WHY, Kind.LOOK} and e.subject == line.code
        ),
        entries=tuple(UUID(entry) for entry in line.entries),
        days=tuple(Day(day=day, readings=tuple(by_day[day])) for day in line.days),
    )


def seconds(micros: int) -> Decimal:
    """Exact: `1200`, `1199.5`."""
    return Decimal(micros) / 1_000_000


class _Entries:
    """The entries, each with the engine's word on it and what it was spent on."""

    def __init__(
        self, rows: EvidenceRows, entries: Sequence[Row], result: Result, then: Then
    ) -> None:
        self._rows, self._own, self._then = rows, entries, then
        self._judged = {row.entry: row for row in result.ledger}
        self._kinds = {row["id"]: row["kind"] for row in rows.tasks}
        self._after = {row["replaces"]: row["id"] for row in entries if row["replaces"]}
        self._refusals: defaultdict[str, list[Refusal]] = defaultdict(list)
        for refusal in result.rejections:
            self._refusals[refusal.subject].append(refusal)

    def all(self) -> Iterable[Entry]:
        return (self._entry(row) for row in self._own)

    def _entry(self, row: Row) -> Entry:
        judged = self._judged.get(str(row["id"]))
        contacts = self._contacts(row)
        was_reversed_later = self._then.is_later(row["reversed_at"])
        return Entry(
            id=row["id"],
            staff=Person(name=row["staff_name"], credential=row["credential"]),
            role=row["role"],
            programme=row["programme"],
            activity=row["activity"],
            source=row["source"],
            state=row["state"],
            status="active" if was_reversed_later else row["status"],
            started_at=row["started_at"],
            ended_at=row["ended_at"],
            logged_seconds=_between(row["started_at"], row["ended_at"]),
            is_judged=judged is not None,
            counted_seconds=seconds(total(judged.counted)) if judged else Decimal(0),
            counted=_stretches(judged.counted) if judged else (),
            lost=_losses(judged) if judged else (),
            said=tuple(
                Said(reason=str(r.reason), detail=words.detail(r))
                for r in self._refusals[str(row["id"])]
            ),
            interactive=row["interactive"],
            note=row["note"],
            created_at=row["created_at"],
            confirmed_at=row["confirmed_at"],
            cause=self._cause(row, contacts),
            task_id=row["task_id"],
            contacts=contacts,
            replaces=row["replaces"],
            replaced_by=self._after.get(row["id"]),
            reversed_at=None if was_reversed_later else row["reversed_at"],
            reversed_by=None if was_reversed_later else row["reversed_by_name"],
            reversed_reason=None if was_reversed_later else row["reversed_reason"],
            stopped_by=row["stopped_by"],
            review_reason=row["review_reason"],
            import_sha256=row["import_sha256"],
            import_line=row["import_line"],
        )

    def _contacts(self, row: Row) -> Ids:
        """Those that its person had while it ran."""
        start, end = row["started_at"], row["ended_at"]
        if start is None or end is None:
            return ()
        return tuple(
            contact["id"]
            for contact in self._rows.contacts
            if contact["staff_id"] == row["staff_id"]
            and start <= contact["at"] <= end
            and not self._then.is_later(contact["at"])
        )

    def _cause(self, row: Row, contacts: Ids) -> Cause:
        if row["task_id"] is not None:
            return Cause(self._kinds[row["task_id"]])
        return Cause.CONTACT if contacts else Cause.BY_HAND


def _between(start: datetime | None, end: datetime | None) -> Decimal:
    if start is None or end is None:
        return Decimal(0)
    return seconds((end - start) // timedelta(microseconds=1))


def _stretches(pieces: Pieces) -> tuple[Stretch, ...]:
    return tuple(Stretch(start=instant(start), end=instant(end)) for start, end in pieces)


def _losses(judged: LedgerRow) -> tuple[Loss, ...]:
    return tuple(Loss(reason=str(reason), seconds=seconds(gone)) for reason, gone in judged.lost)


def _gaps(rows: EvidenceRows, result: Result, counted: Sequence[Row]) -> Iterable[str]:
    """What the result counts and the store cannot show any more."""
    here = {str(row["id"]) for row in rows.entries}
    days = {row["day"] for row in counted}
    for line in result.billable:
        gone = [entry for entry in line.entries if entry not in here]
        yield from (f"{line.code}: entry {entry} is not stored for this patient." for entry in gone)
        yield from (
            f"{line.code}: no reading of {words.plain(day)} is this patient's any more."
            for day in line.days
            if day not in days
        )
    lost = (rows.cited or frozenset()) - {row["reading_id"] for row in rows.readings}
    if lost:
        yield f"Readings that were signed for and are not this patient's any more: {len(lost)}."


def _changes(rows: EvidenceRows, then: Then) -> Iterable[str]:
    """What was done to the month after it was signed."""
    yield from _entries_since(rows, then)
    yield from _said_since(rows, then)
    late = rows.cited is not None and sum(
        row["reading_id"] not in rows.cited for row in rows.readings
    )
    if late:
        yield f"Readings that came after, or were somebody else's then: {late}."
    moved = sum(
        then.is_later(row["withdrawn_at"]) and row["withdrawn_reason"] == "reassigned"
        for row in rows.findings
    )
    if moved:
        yield f"Findings whose reading was found to be somebody else's: {moved}."


def _entries_since(rows: EvidenceRows, then: Then) -> Iterable[str]:
    for row in rows.entries:
        if then.is_later(row["created_at"]):
            yield f"Entry {row['id']} was added {_utc(row['created_at'])}."
        if then.is_later(row["reversed_at"]):
            by = row["reversed_by_name"] or "the rules"
            yield f"Entry {row['id']} was reversed {_utc(row['reversed_at'])} by {by}."


def _said_since(rows: EvidenceRows, then: Then) -> Iterable[str]:
    for row in rows.statements:
        said = words.plain(row["kind"])
        if then.is_later(row["recorded_at"]):
            yield f"Stated {_utc(row['recorded_at'])} by {row['recorded_by_name']}: {said}."
        if then.is_later(row["reversed_at"]):
            at, by = _utc(row["reversed_at"]), row["reversed_by_name"]
            yield f"Taken back {at} by {by}: {said}."
    for row in rows.consents:
        if then.is_later(row["stopped_at"]):
            yield f"The consent to {row['programme']} was stopped {_utc(row['stopped_at'])}."


def _utc(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%SZ}"
