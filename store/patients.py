"""Patients as people: who they are and how to reach them. What they measured is `store.charts`.

Every change is audited in its own transaction, by the names of the fields and never their values.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date, datetime
from uuid import UUID

from store import audit
from store.errors import DataRefused, StoreError
from store.named import Row, all_rows, one_row, run
from store.tenancy import Connection, clinic_session

_SQL = "patients"
_RECORD_NUMBER = "patient_record_number_idx"


class RecordNumberTaken(StoreError):
    """Another patient of this clinic has that record number."""


class NoSuchPatient(StoreError):
    """Nobody of that key is this clinic's patient."""


async def hold(conn: Connection, patient: UUID) -> None:
    """Until the transaction ends, whoever else adds what may not overlap for this patient waits.

    Without it two who find each other's row in an exclusion constraint wait in a ring, and the
    server ends one of them with an error that says nothing of the overlap.
    """
    await run(conn, _SQL, "hold_patient", {"patient": str(patient)})


@dataclass(frozen=True, slots=True, kw_only=True)
class PatientRecord:
    """What is registered of a patient."""

    family_name: str
    given_name: str
    birth_date: date | None = None
    record_number: str | None = None
    sex: str | None = None  # female, male, other, unknown
    phone: str | None = None
    zone: str | None = None  # IANA; None: the clinic's
    conditions: tuple[str, ...] = ()
    care_note: str = ""

    @property
    def columns(self) -> Row:
        return {**asdict(self), "conditions": list(self.conditions)}


async def read_patient(conn: Connection, clinic: str, patient: UUID) -> Row | None:
    """`zone` is where the patient's days are; `own_zone` is None where that is the clinic's."""
    async with clinic_session(conn, clinic):
        return await one_row(conn, _SQL, "read_patient", {"patient": patient})


async def register_patient(
    conn: Connection, clinic: str, record: PatientRecord, *, by: UUID, now: datetime
) -> UUID:
    """Raises RecordNumberTaken; then nothing was registered."""
    try:
        async with clinic_session(conn, clinic, staff=by):
            (row,) = await all_rows(conn, _SQL, "register_patient", {**record.columns, "now": now})
            patient = UUID(str(row["id"]))
            await audit.record(conn, actor=by, action="patient.register", subject=patient, now=now)
    except DataRefused as refused:
        raise _known(refused) from refused
    return patient


async def update_patient(
    conn: Connection, clinic: str, patient: UUID, record: PatientRecord, *, by: UUID, now: datetime
) -> None:
    """Raises NoSuchPatient or RecordNumberTaken; then nothing was changed."""
    try:
        async with clinic_session(conn, clinic, staff=by):
            before = await one_row(conn, _SQL, "lock_patient", {"patient": patient})
            if before is None:
                raise NoSuchPatient
            wanted = record.columns
            changed = [name for name, value in wanted.items() if before[name] != value]
            await run(conn, _SQL, "update_patient", {**wanted, "patient": patient})
            await audit.record(
                conn, actor=by, action="patient.update", subject=patient, now=now,
                detail={"fields": changed},
            )  # fmt: skip
    except DataRefused as refused:
        raise _known(refused) from refused


def _known(refused: DataRefused) -> StoreError:
    return RecordNumberTaken() if refused.constraint == _RECORD_NUMBER else refused


async def identities(conn: Connection, clinic: str, *, search: str = "", limit: int) -> list[Row]:
    """`search`: part of a name, given or family name first, or of a record number."""
    async with clinic_session(conn, clinic):
        return await all_rows(conn, _SQL, "identities", {"search": search, "limit": limit})


async def count_patients(conn: Connection, clinic: str) -> int:
    async with clinic_session(conn, clinic):
        (row,) = await all_rows(conn, _SQL, "count_patients")
        return int(row["count"])


async def practitioners(conn: Connection, clinic: str) -> list[Row]:
    """`id`, `name`, `credential` of the clinic's providers."""
    async with clinic_session(conn, clinic):
        return await all_rows(conn, _SQL, "practitioners")
