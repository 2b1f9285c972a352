"""How each patient's month stood when the clinic's month was last evaluated: drafts, replaced.

The statements of `sql/drafts.sql`, inside the caller's `clinic_session`. Many rows travel as binary
arrays of one statement: COPY is refused on a table with walls.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from store.named import all_rows, run
from store.tenancy import Connection

_SQL = "drafts"


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """One patient's month: the hash of its facts, and the JSON of the result."""

    patient_id: UUID
    month: date  # its first day
    facts_sha256: str
    rules_version: str
    as_of: date  # the patient's day on which it was evaluated
    result: bytes
    computed_at: datetime


async def write(conn: Connection, drafts: Sequence[Draft]) -> None:
    """All of one month, by one version of the rules and of one run; a later run's stay."""
    if not drafts:
        return
    values = {
        "month": drafts[0].month,
        "rules_version": drafts[0].rules_version,
        "now": drafts[0].computed_at,
        "patients": [draft.patient_id for draft in drafts],
        "facts": [draft.facts_sha256 for draft in drafts],
        "days": [draft.as_of for draft in drafts],
        "results": [draft.result for draft in drafts],
    }
    await run(conn, _SQL, "write", values)


async def forget(conn: Connection, month: date, *, before: datetime) -> int:
    """Drafts of earlier runs: whoever they are of is not enrolled in the month any more."""
    return await run(conn, _SQL, "forget", {"month": month, "before": before})


async def read(conn: Connection, month: date, patient: UUID | None = None) -> list[Draft]:
    """Of one patient, or of all of them."""
    rows = await all_rows(conn, _SQL, "read", {"month": month, "patient": patient})
    return [Draft(**row) for row in rows]
