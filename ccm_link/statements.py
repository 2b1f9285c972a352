"""Saying and taking back what billing rests on: each act is one transaction, and audited.

Statements are never edited. A stay that ends, and a statement that was wrong, is taken back with a
reason; where something else holds instead, another statement names what it replaces.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime
from typing import get_args
from uuid import UUID

from ccm_link.acting import Actor, Role
from ccm_link.calendar_month import Month
from ccm_link.errors import (
    BadInterval,
    NotFound,
    NotReversible,
    NotYours,
    Undocumented,
    UnknownWord,
    told,
)
from ccm_link.facts import ApcmCode
from ccm_link.programmes import day_in
from ccm_link.stated import Kind
from store import audit, billing_facts
from store.named import Row
from store.tenancy import Connection, clinic_session

_CODE = re.compile(r"[0-9A-Z]{5}")
_APCM = frozenset(get_args(ApcmCode))
_OF_A_MONTH = frozenset({Kind.OTHER_CLAIM, Kind.COMPLEX_DECISION, Kind.APCM})
_ANYBODY: frozenset[Role] = frozenset({"nurse", "provider", "biller"})
#: Who may state what; what is a clinician's own act is stated by clinicians.
MAY_STATE: dict[Kind, frozenset[Role]] = {
    Kind.INPATIENT_STAY: _ANYBODY,
    Kind.OTHER_CLAIM: _ANYBODY,
    Kind.APCM: _ANYBODY,
    Kind.DEVICE_SETUP: frozenset({"nurse", "provider"}),
    Kind.COMPLEX_DECISION: frozenset({"provider"}),
    Kind.CARE_PLANNING: frozenset({"provider"}),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """What is said. `first_day` is any day of the month where the kind is about a month."""

    kind: Kind
    first_day: date
    last_day: date | None = None  # of a stay; None: still there
    code: str | None = None
    by_staff: UUID | None = None  # who billed, decided, taught or planned; None: another practice
    level: str | None = None
    fda_device: bool | None = None
    with_visit: bool | None = None
    personally: bool | None = None
    note: str = ""


async def state(
    conn: Connection, clinic: str, actor: Actor, patient: UUID, said: Statement, *, now: datetime
) -> UUID:
    """Keep a statement.

    Raises:
        NotFound: patient or person; NotYours: not for this role; UnknownWord: no such code;
        BadInterval: a day that has not come; SaidAlready, StayOnRecord: it stands already.
    """
    _refuse_role(actor, said.kind)
    _refuse_words(said)
    with told():
        async with clinic_session(conn, clinic, staff=actor.id):
            return await _insert(conn, clinic, actor, patient, said, now=now)


async def _insert(  # noqa: PLR0913 -- the act's own words
    conn: Connection,
    clinic: str,
    actor: Actor,
    patient: UUID,
    said: Statement,
    *,
    now: datetime,
    replaces: UUID | None = None,
) -> UUID:
    zone = await billing_facts.patient_zone(conn, clinic, patient)
    if zone is None:
        raise NotFound
    _refuse_days(said, day_in(now, zone))
    if said.by_staff and not await billing_facts.is_staff(conn, clinic, said.by_staff):
        raise NotFound
    values = {field: getattr(said, field) for field in Statement.__slots__}
    first = Month.of(said.first_day).first if said.kind in _OF_A_MONTH else said.first_day
    values |= {"clinic": clinic, "patient": patient, "kind": str(said.kind), "first_day": first}
    values |= {"note": said.note.strip(), "recorded_by": actor.id, "now": now}
    fact = await billing_facts.insert(conn, values | {"replaces": replaces})
    detail = {"kind": str(said.kind), "patient": str(patient)}
    await audit.record(
        conn, actor=actor.id, action="fact.state", subject=fact, now=now, detail=detail
    )
    return fact


def _refuse_role(actor: Actor, kind: Kind) -> None:
    if actor.role not in MAY_STATE[kind]:
        raise NotYours("This is for a clinician to state.")


def _refuse_words(said: Statement) -> None:
    wrong_code = said.code is not None and not _CODE.fullmatch(said.code)
    if wrong_code or (said.kind is Kind.APCM and said.code not in _APCM):
        raise UnknownWord
    if said.kind is Kind.OTHER_CLAIM and said.code is None:
        raise UnknownWord


def _refuse_days(said: Statement, today: date) -> None:
    """Nobody knows yet what will be; days are the patient's."""
    if said.first_day > today or (said.last_day is not None and said.last_day > today):
        raise BadInterval
    if said.last_day is not None and said.last_day < said.first_day:
        raise BadInterval


async def take_back(
    conn: Connection, clinic: str, actor: Actor, fact: UUID, reason: str, *, now: datetime
) -> date:
    """It stays on record with who, when and why, and counts for nothing. Returns its first day.

    Raises:
        NotFound, NotYours, Undocumented: no reason; NotReversible: it was taken back before.
    """
    with told():
        async with clinic_session(conn, clinic, staff=actor.id):
            row = await _taken_back(conn, clinic, actor, fact, reason, now=now)
    first: date = row["first_day"]
    return first


async def _taken_back(
    conn: Connection, clinic: str, actor: Actor, fact: UUID, reason: str, *, now: datetime
) -> Row:
    if not reason.strip():
        raise Undocumented("Say why.")
    row = await billing_facts.for_update(conn, clinic, fact)
    if row is None:
        raise NotFound
    _refuse_role(actor, Kind(row["kind"]))
    if row["reversed_at"] is not None:
        raise NotReversible
    values = {"clinic": clinic, "fact": fact, "staff": actor.id, "reason": reason.strip()}
    await billing_facts.take_back(conn, values | {"now": now})
    detail = {"kind": row["kind"], "patient": str(row["patient_id"])}
    await audit.record(
        conn, actor=actor.id, action="fact.take_back", subject=fact, now=now, detail=detail
    )
    return row


async def end_stay(
    conn: Connection, clinic: str, actor: Actor, fact: UUID, last_day: date, *, now: datetime
) -> UUID:
    """The patient is home: the open stay is replaced by one that ends with `last_day`.

    Raises:
        NotFound: no such stay; NotReversible: it was taken back or has ended; BadInterval.
    """
    with told():
        async with clinic_session(conn, clinic, staff=actor.id):
            row = await _taken_back(conn, clinic, actor, fact, "the stay ended", now=now)
            if row["kind"] != Kind.INPATIENT_STAY:
                raise NotFound
            if row["last_day"] is not None:
                raise NotReversible("This stay has ended: take it back and record another.")
            ended = Statement(
                kind=Kind.INPATIENT_STAY,
                first_day=row["first_day"],
                last_day=last_day,
                note=row["note"],
            )
            return await _insert(
                conn, clinic, actor, row["patient_id"], ended, now=now, replaces=fact
            )
