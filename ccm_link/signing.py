"""Signing a patient's month, reopening it, and closing a clinic's month.

    review ─ seen: the hash of the facts ─▶ sign ─▶ stands ─ reopen, with a reason ─▶ sign again
                                             │                                        (version 2)
                             facts, result and rules frozen; readings cited

A signature is for the facts that the signer looked at: if one of them is different by then, it is
refused. What is signed is never edited; time that is taken back later shows as a change. A lock
closes the month of the whole clinic for all that adds to it, and never for taking back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from ccm_link.acting import Actor
from ccm_link.calendar_month import Month
from ccm_link.errors import (
    AlreadyLocked,
    AlreadySigned,
    CareError,
    ChangedSinceReview,
    MonthRuns,
    NoReason,
    NotFound,
    NothingToSign,
    NotLocked,
    NotSigned,
    ReadingsGone,
    told,
)
from ccm_link.evidence import rests_on
from ccm_link.freeze import frozen, sha256
from ccm_link.month import PatientMonth
from ccm_link.months_service import read_months
from ccm_link.rulebook import Rulebook, rulebook_for
from ccm_link.view import as_bytes
from store import audit, retention, signing
from store.evidence import reading_ids
from store.month import clinic_zone
from store.signing import Lock, Signed
from store.tenancy import Connection, clinic_session

__all__ = [
    "Lock",
    "Refused",
    "Signed",
    "SignedMany",
    "history",
    "lock",
    "lock_of",
    "locks",
    "reopen",
    "sign",
    "sign_ready",
    "signed_months",
    "unlock",
]

_AT_ONCE = 100  # patients of one transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A month that was not signed, and why."""

    patient_id: UUID
    why: CareError


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedMany:
    """What became of each month that was asked for."""

    signed: tuple[Signed, ...]
    refused: tuple[Refused, ...]


async def sign(  # noqa: PLR0913 -- the act's own words
    conn: Connection,
    clinic: str,
    actor: Actor,
    patient_id: UUID,
    month: Month,
    *,
    seen: str,
    note: str,
    now: datetime,
    table: str | None = None,
) -> Signed:
    """Freeze the month as it stands; `seen` is `PatientMonth.seen` of what was looked at.

    `table`: the text of a rule table, where it is not the shipped one.

    Raises:
        NotFound, MonthRuns, MonthLocked, AlreadySigned, ChangedSinceReview, NothingToSign,
        ReadingsGone.
    """
    with told():
        async with clinic_session(conn, clinic, staff=actor.id):
            pen = await _pen(conn, clinic, actor, month, table, now)
            for found in await _looked_at(pen, [patient_id]):
                return await _sign(pen, found, seen, note)
            raise NotFound


async def sign_ready(  # noqa: PLR0913 -- the act's own words
    conn: Connection,
    clinic: str,
    actor: Actor,
    month: Month,
    seen: Mapping[UUID, str],
    *,
    note: str = "",
    now: datetime,
) -> SignedMany:
    """Sign each month that still is what was seen; what cannot be signed keeps nobody else back.

    Raises:
        NotFound, MonthRuns, MonthLocked: of the clinic's month; nothing was signed.
    """
    signed: list[Signed] = []
    refused: list[Refused] = []
    wanted = sorted(seen, key=str)
    for start in range(0, len(wanted), _AT_ONCE):
        some = wanted[start : start + _AT_ONCE]
        with told():
            async with clinic_session(conn, clinic, staff=actor.id):
                pen = await _pen(conn, clinic, actor, month, None, now)
                found = {one.patient.id: one for one in await _looked_at(pen, some)}
                for patient in some:
                    outcome = await _try(pen, found.get(patient), patient, seen[patient], note)
                    if isinstance(outcome, Refused):
                        refused.append(outcome)
                    else:
                        signed.append(outcome)
    return SignedMany(signed=tuple(signed), refused=tuple(refused))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pen:
    """Who signs which month, where, when and by which rules; inside of an open session."""

    conn: Connection
    clinic: str
    actor: Actor
    month: Month
    book: Rulebook
    now: datetime


async def _pen(
    conn: Connection, clinic: str, actor: Actor, month: Month, table: str | None, now: datetime
) -> _Pen:
    await _refuse_running(conn, clinic, month, now)
    book = await rulebook_for(conn, clinic, month, table=table)
    await signing.keep_rules(conn, book.sha256, book.text, now=now)
    return _Pen(conn=conn, clinic=clinic, actor=actor, month=month, book=book, now=now)


async def _looked_at(pen: _Pen, patients: Sequence[UUID]) -> list[PatientMonth]:
    """As they are now, and held: nobody else signs or reopens them meanwhile."""
    for patient in patients:
        await signing.hold_patient_month(pen.conn, pen.clinic, patient, pen.month.first)
    rules = pen.book.rules
    return await read_months(pen.conn, pen.clinic, patients, pen.month, now=pen.now, rules=rules)


async def _try(
    pen: _Pen, found: PatientMonth | None, patient: UUID, seen: str, note: str
) -> Signed | Refused:
    if found is None:
        return Refused(patient_id=patient, why=NotFound())
    try:
        async with pen.conn.transaction():  # a savepoint: what was cited for it goes with it
            return await _sign(pen, found, seen, note)
    except CareError as why:
        return Refused(patient_id=patient, why=why)


async def _sign(pen: _Pen, found: PatientMonth, seen: str, note: str) -> Signed:
    facts = _signable(pen, found, seen)
    result = as_bytes(found.result)
    values = {
        "patient": found.patient.id,
        "month": pen.month.first,
        "as_of": found.as_of,
        "facts": facts,
        "facts_sha256": sha256(facts),
        "result": result,
        "result_sha256": sha256(result),
        "rules_sha256": pen.book.sha256,
        "rules_version": pen.book.rules.version,
        "rates": pen.book.rates,
        "by": pen.actor.id,
        "now": pen.now,
        "note": note.strip(),
    }
    key = await signing.sign(pen.conn, values)
    signed = await signing.by_id(pen.conn, key) if key else None
    if signed is None:
        raise NotFound
    await _cite(pen, found, signed)
    await _audit(pen, "month.sign", signed)
    return signed


def _signable(pen: _Pen, found: PatientMonth, seen: str) -> bytes:
    """The bytes that are signed."""
    if found.as_of <= pen.month.last:
        raise MonthRuns
    if found.signed is not None:
        raise AlreadySigned(found.signed.signed_by_name, found.signed.signed_at)
    facts = frozen(found.facts)
    if found.seen != seen:
        raise ChangedSinceReview
    if not found.result.billable:
        raise NothingToSign
    return facts


async def _cite(pen: _Pen, found: PatientMonth, signed: Signed) -> None:
    """Every reading of the counted days, and those whose alerts were worked on, stay."""
    ids = await reading_ids(pen.conn, pen.clinic, {found.patient.id: rests_on(found.facts)})
    why = f"month {signed.id}"
    if await retention.cite(pen.conn, list(ids[found.patient.id]), why=why, now=pen.now):
        raise ReadingsGone


async def _audit(pen: _Pen, action: str, signed: Signed) -> None:
    detail = {"month": str(pen.month), "version": signed.version, "signing": str(signed.id)}
    await audit.record(
        pen.conn,
        actor=pen.actor.id,
        action=action,
        subject=signed.patient_id,
        now=pen.now,
        detail=detail,
    )


async def reopen(  # noqa: PLR0913 -- the act's own words
    conn: Connection,
    clinic: str,
    actor: Actor,
    patient_id: UUID,
    month: Month,
    *,
    reason: str,
    now: datetime,
) -> Signed:
    """The signature stands no more, and stays in the history. A locked month can be reopened.

    Raises:
        NoReason, NotSigned.
    """
    reason = _reason(reason)
    async with clinic_session(conn, clinic, staff=actor.id):
        await signing.hold_patient_month(conn, clinic, patient_id, month.first)
        values = {"patient": patient_id, "month": month.first, "by": actor.id}
        key = await signing.reopen(conn, values | {"reason": reason, "now": now})
        signed = await signing.by_id(conn, key) if key else None
        if signed is None:
            raise NotSigned
        detail = {"month": str(month), "version": signed.version, "signing": str(signed.id)}
        await audit.record(
            conn, actor=actor.id, action="month.reopen", subject=patient_id, now=now, detail=detail
        )
    return signed


async def lock(
    conn: Connection, clinic: str, actor: Actor, month: Month, *, note: str = "", now: datetime
) -> Lock:
    """Close the clinic's month: nothing is added to it until it is unlocked.

    Raises:
        NotFound, MonthRuns, AlreadyLocked.
    """
    async with clinic_session(conn, clinic, staff=actor.id):
        await _refuse_running(conn, clinic, month, now)
        values = {"month": month.first, "by": actor.id, "now": now, "note": note.strip()}
        made = await signing.lock(conn, values)
        (found, *_) = (one for one in await signing.locks(conn, month.first) if one.stands)
        if made is None:
            raise AlreadyLocked(found.locked_by_name, found.locked_at)
        await _audit_lock(conn, actor, "month.lock", clinic, month, now)
    return found


async def unlock(
    conn: Connection, clinic: str, actor: Actor, month: Month, *, reason: str, now: datetime
) -> Lock:
    """Raises NoReason, NotLocked."""
    reason = _reason(reason)
    async with clinic_session(conn, clinic, staff=actor.id):
        values = {"month": month.first, "by": actor.id, "now": now, "reason": reason}
        key = await signing.unlock(conn, values)
        if key is None:
            raise NotLocked
        await _audit_lock(conn, actor, "month.unlock", clinic, month, now)
        (found,) = (one for one in await signing.locks(conn, month.first) if one.id == key)
    return found


async def _audit_lock(
    conn: Connection, actor: Actor, action: str, clinic: str, month: Month, now: datetime
) -> None:
    detail = {"month": str(month)}
    await audit.record(conn, actor=actor.id, action=action, subject=clinic, now=now, detail=detail)


async def _refuse_running(conn: Connection, clinic: str, month: Month, now: datetime) -> None:
    await signing.hold_zone(conn)
    zone = await clinic_zone(conn, clinic)
    if zone is None:
        raise NotFound
    if now.astimezone(zone).date() <= month.last:
        raise MonthRuns


def _reason(text: str) -> str:
    if not text.strip():
        raise NoReason
    return text.strip()


async def history(conn: Connection, clinic: str, patient_id: UUID, month: Month) -> list[Signed]:
    """Every signing of the month, the first first; all but the last were reopened."""
    async with clinic_session(conn, clinic):
        return await signing.of_patient(conn, patient_id, month.first)


async def signed_months(conn: Connection, clinic: str, month: Month) -> list[Signed]:
    """Those that stand, by patient, each with its facts and result."""
    async with clinic_session(conn, clinic):
        return await signing.of_month(conn, month.first)


async def lock_of(conn: Connection, clinic: str, month: Month) -> Lock | None:
    """The lock that stands."""
    return next((one for one in await locks(conn, clinic, month) if one.stands), None)


async def locks(conn: Connection, clinic: str, month: Month | None = None) -> list[Lock]:
    """Of a month, or of all of them, the newest first; those that were unlocked too."""
    async with clinic_session(conn, clinic):
        return await signing.locks(conn, None if month is None else month.first)
