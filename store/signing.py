"""Signed months, the rule tables that they were signed by, and locked months.

The statements of `sql/signing.sql`, inside the caller's `clinic_session`. The database refuses any
change of a signing but its reopening, a second one that stands, and what a lock forbids.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from store.named import Row, all_rows, one_row, run
from store.tenancy import Connection

_SQL = "signing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """A patient's month as somebody signed it; `rates` None: the amounts of the rule table."""

    id: UUID
    patient_id: UUID
    month: date  # its first day
    version: int  # 1, and one more after each reopening
    as_of: date  # the patient's day on which it was evaluated
    facts: bytes  # `ccm_link.freeze.frozen`
    facts_sha256: str
    result: bytes  # the JSON of `ccm_link.view.as_json`
    result_sha256: str
    rules_sha256: str
    rules_version: str  # its first twelve digits
    rates: bytes | None
    signed_by: UUID
    signed_by_name: str  # as it was then
    signed_at: datetime
    note: str
    reopened_at: datetime | None = None
    reopened_by: UUID | None = None
    reopened_by_name: str | None = None
    reopened_reason: str | None = None

    @property
    def stands(self) -> bool:
        return self.reopened_at is None


@dataclass(frozen=True, slots=True, kw_only=True)
class Lock:
    """A clinic's month to which nothing is added; it stands until it is unlocked."""

    id: UUID
    month: date
    locked_by: UUID
    locked_by_name: str
    locked_at: datetime
    note: str
    unlocked_by: UUID | None
    unlocked_by_name: str | None
    unlocked_at: datetime | None
    unlocked_reason: str | None

    @property
    def stands(self) -> bool:
        return self.unlocked_at is None


async def hold_zone(conn: Connection) -> None:
    """Until the transaction ends, the practice's zone is what it is: months are cut by it."""
    await run(conn, _SQL, "hold_zone")


async def hold_patient_month(conn: Connection, clinic: str, patient: UUID, month: date) -> None:
    """Until the transaction ends, nobody else signs or reopens this month."""
    values = {"clinic": clinic, "patient": patient, "month": month}
    await run(conn, _SQL, "hold_patient_month", values)


async def keep_rules(conn: Connection, sha256: str, rules: str, *, now: datetime) -> None:
    await run(conn, _SQL, "keep_rules", {"sha256": sha256, "rules": rules, "now": now})


async def kept_rules(conn: Connection, sha256: str) -> str | None:
    """The text of a rule table by its hash."""
    row = await one_row(conn, _SQL, "kept_rules", {"sha256": sha256})
    return row["rules"] if row else None


async def sign(conn: Connection, values: Row) -> UUID | None:
    """The new signing's key; None where the signer is nobody of this clinic.

    Raises:
        DataRefused: `signed_month_one_stands`, `month_is_locked`.
    """
    row = await one_row(conn, _SQL, "sign", values)
    return row["id"] if row else None


async def reopen(conn: Connection, values: Row) -> UUID | None:
    """The signing that stood; None where none did."""
    row = await one_row(conn, _SQL, "reopen", values)
    return row["id"] if row else None


async def by_id(conn: Connection, signing: UUID) -> Signed | None:
    return next(iter(await _signed(conn, id=signing)), None)


async def of_patient(conn: Connection, patient: UUID, month: date) -> list[Signed]:
    """The reopened ones too, the first first."""
    return await _signed(conn, patient=patient, month=month)


async def standing(conn: Connection, patient: UUID, month: date) -> Signed | None:
    found = await _signed(conn, patient=patient, month=month, standing=True)
    return next(iter(found), None)


async def of_month(conn: Connection, month: date) -> list[Signed]:
    """Those that stand, by patient."""
    return await _signed(conn, month=month, standing=True)


async def _signed(conn: Connection, **asked: object) -> list[Signed]:
    values: Row = {"id": None, "patient": None, "month": None, "standing": False, **asked}
    return [Signed(**row) for row in await all_rows(conn, _SQL, "signed", values)]


async def lock(conn: Connection, values: Row) -> UUID | None:
    """None: it is locked already."""
    row = await one_row(conn, _SQL, "lock", values)
    return row["id"] if row else None


async def unlock(conn: Connection, values: Row) -> UUID | None:
    """None: it is not locked."""
    row = await one_row(conn, _SQL, "unlock", values)
    return row["id"] if row else None


async def locks(conn: Connection, month: date | None = None) -> list[Lock]:
    """Of a month, or of all of them, the newest first; the ones that were unlocked too."""
    rows = await all_rows(conn, _SQL, "locks", {"month": month})
    return [Lock(**row) for row in rows]
