"""What a patient's month rests on: one statement a kind, whatever the number of rows.

Everything here runs inside the caller's `clinic_session`. The chain is put together in
`ccm_link.evidence`; `reading_ids` is also what signing cites, so that what a packet shows is kept.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from store.named import Row, all_rows, one_row
from store.tenancy import Connection

_SQL = "evidence"
A_DAY = timedelta(days=1)  # no zone is further from UTC, and no finding from its reading


@dataclass(frozen=True, slots=True, kw_only=True)
class RestsOn:
    """What of a patient's month was counted: reading days, in the patient's zone, and entries."""

    days: Collection[date] = ()
    entries: Collection[UUID] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceRows:
    """A patient's month, each list in the order in which it happened."""

    head: Row
    entries: list[Row]
    tasks: list[Row]
    alerts: list[Row]
    events: list[Row]
    findings: list[Row]
    counted: list[Row]  # reading_id, measured_at, day
    cited: frozenset[UUID] | None  # by the signature that was asked for
    readings: list[Row]
    contacts: list[Row]
    consents: list[Row]
    enrolments: list[Row]
    statements: list[Row]


async def reading_ids(
    conn: Connection, clinic: str, months: Mapping[UUID, RestsOn]
) -> dict[UUID, frozenset[UUID]]:
    """By patient: the readings of the counted days, and those that the alerts worked on were for.

    A reading that was found to be somebody else's is not among them: it is theirs.
    """
    found: defaultdict[UUID, set[UUID]] = defaultdict(set)
    for row in await _counted(conn, clinic, {p: of.days for p, of in months.items()}):
        found[row["patient_id"]].add(row["reading_id"])
    entries = [entry for of in months.values() for entry in of.entries]
    for row in await all_rows(conn, _SQL, "acted_on", {"clinic": clinic, "entries": entries}):
        found[row["patient_id"]].add(row["reading_id"])
    return {patient: frozenset(found[patient]) for patient in months}


async def month_evidence(  # noqa: PLR0913 -- whose, when, and what was counted
    conn: Connection,
    clinic: str,
    patient: UUID,
    first: date,
    last: date,
    days: Collection[date],
    *,
    signing: UUID | None = None,
) -> EvidenceRows | None:
    """All that there is about a month. None: not this clinic's patient.

    Of a signing come the readings that it cites as well.
    """
    head = await one_row(conn, _SQL, "head", {"clinic": clinic, "patient": patient})
    if head is None:
        return None
    zone = ZoneInfo(head["clinic_zone"])
    values: Row = {
        "clinic": clinic,
        "patient": patient,
        "first": first,
        "last": last,
        "begins": datetime.combine(first, time(), zone),
        "ends": datetime.combine(last + A_DAY, time(), zone),
    }
    entries = await all_rows(conn, _SQL, "entries", values)
    worked_on = {row["task_id"] for row in entries if row["task_id"]}
    tasks = await all_rows(conn, _SQL, "tasks", values | {"tasks": list(worked_on)})
    values["tasks"] = [row["id"] for row in tasks]
    values["alerts"] = [row["alert_id"] for row in tasks if row["alert_id"]]
    findings = await all_rows(conn, _SQL, "findings", values)
    counted = await _counted(conn, clinic, {patient: days})
    cited: list[Row] = []
    if signing is not None:
        asked = {"clinic": clinic, "why": f"month {signing}"}
        cited = await all_rows(conn, _SQL, "cited", asked)
    return EvidenceRows(
        head=head,
        entries=entries,
        tasks=tasks,
        alerts=await all_rows(conn, _SQL, "alerts", values),
        events=await all_rows(conn, _SQL, "events", values),
        findings=findings,
        counted=counted,
        cited=frozenset(row["reading_id"] for row in cited) if signing else None,
        readings=await _readings(conn, patient, [*findings, *counted, *cited]),
        contacts=await all_rows(conn, _SQL, "contacts", values),
        consents=await all_rows(conn, _SQL, "consents", values),
        enrolments=await all_rows(conn, _SQL, "enrolments", values),
        statements=await all_rows(conn, _SQL, "statements", values),
    )


async def _counted(
    conn: Connection, clinic: str, asked: Mapping[UUID, Collection[date]]
) -> list[Row]:
    pairs = [(patient, day) for patient, days in asked.items() for day in sorted(set(days))]
    if not pairs:
        return []
    days = [day for _, day in pairs]
    values = {
        "clinic": clinic,
        "patients": [patient for patient, _ in pairs],
        "days": days,
        "since": datetime.combine(min(days), time(), UTC) - A_DAY,
        "until": datetime.combine(max(days), time(), UTC) + 2 * A_DAY,
    }
    return await all_rows(conn, _SQL, "counted", values)


async def _readings(conn: Connection, patient: UUID, named: Sequence[Row]) -> list[Row]:
    """Those that are still there and still this patient's."""
    instants = {row["reading_id"]: row["measured_at"] for row in named if row["reading_id"]}
    if not instants:
        return []
    values = {
        "patient": patient,
        "ids": list(instants),
        "since": min(instants.values()) - A_DAY,
        "until": max(instants.values()) + A_DAY,
    }
    return await all_rows(conn, _SQL, "readings", values)
