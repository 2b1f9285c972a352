"""Enrolling a patient in a programme, and the consent that it needs. Each act is one transaction.

A patient may stop at any time; that takes effect at the end of the calendar month, in the
practice's zone, and ends the enrolment with it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from ccm_link.acting import Actor
from ccm_link.errors import BadInterval, NotFound, UnknownWord, told
from ccm_link.programmes import ENROLLABLE, ConsentElement, stop_effective_on
from store import audit, enrolments, ledger
from store.tenancy import Connection, clinic_session

METHODS = ("verbal", "written")


@dataclass(frozen=True, slots=True, kw_only=True)
class NewEnrolment:
    """What is known when a patient is enrolled; billing says later what is missing."""

    programme: str
    practitioner: UUID
    starts_on: date
    ends_on: date | None = None  # the first day outside
    qualifying_conditions: tuple[str, ...] = ()
    high_risk_condition: bool = False  # PCM
    care_plan_on: date | None = None
    access_24_7: bool = True
    new_or_not_seen_12m: bool = False
    initiating_visit_on: date | None = None
    established_patient: bool = True  # RPM


@dataclass(frozen=True, slots=True, kw_only=True)
class NewConsent:
    """A patient's agreement, as it was given."""

    programme: str
    practitioner: UUID
    given_at: datetime
    method: str
    elements: frozenset[str]


async def enrol(
    conn: Connection, clinic: str, actor: Actor, patient: UUID, new: NewEnrolment, *, now: datetime
) -> UUID:
    """Begin a programme.

    Raises:
        NotFound, UnknownWord, BadInterval; AlreadyEnrolled during any part of that time.
    """
    if new.programme not in ENROLLABLE:
        raise UnknownWord
    if new.ends_on is not None and new.ends_on <= new.starts_on:
        raise BadInterval
    values = {field: getattr(new, field) for field in NewEnrolment.__slots__}
    values["qualifying_conditions"] = list(new.qualifying_conditions)
    values |= {"clinic": clinic, "patient": patient, "created_by": actor.id, "now": now}
    with told():
        async with clinic_session(conn, clinic, staff=actor.id):
            await _both_exist(conn, clinic, patient, new.practitioner)
            enrolment = await enrolments.insert_enrolment(conn, values)
            await _record(conn, actor, "enrolment.begin", enrolment, now)
    return enrolment


async def end_enrolment(
    conn: Connection, clinic: str, actor: Actor, enrolment: UUID, *, ends_on: date, now: datetime
) -> None:
    """`ends_on` is the first day outside of the programme; it can only come nearer."""
    async with clinic_session(conn, clinic, staff=actor.id):
        found = await enrolments.enrolment_for_update(conn, clinic, enrolment)
        if found is None:
            raise NotFound
        later = found["ends_on"] is not None and ends_on > found["ends_on"]
        if ends_on <= found["starts_on"] or later:
            raise BadInterval
        values = {"clinic": clinic, "enrolment": enrolment, "ends_on": ends_on}
        await enrolments.end_enrolment(conn, values)
        await _record(conn, actor, "enrolment.end", enrolment, now)


async def set_care_plan(
    conn: Connection, clinic: str, actor: Actor, enrolment: UUID, *, on: date, now: datetime
) -> None:
    """Since when the patient has a comprehensive plan."""
    async with clinic_session(conn, clinic, staff=actor.id):
        values = {"clinic": clinic, "enrolment": enrolment, "care_plan_on": on}
        if not await enrolments.set_care_plan(conn, values):
            raise NotFound
        await _record(conn, actor, "enrolment.care_plan", enrolment, now)


async def record_consent(
    conn: Connection, clinic: str, actor: Actor, patient: UUID, new: NewConsent, *, now: datetime
) -> UUID:
    """Keep a consent with what was said before it; what is missing, billing will name.

    Raises:
        NotFound, UnknownWord; BadInterval: it cannot have been given in the future.
    """
    known = new.programme in ENROLLABLE and new.method in METHODS
    if not known or not new.elements <= set(ConsentElement):
        raise UnknownWord
    if new.given_at > now:
        raise BadInterval
    values = {"clinic": clinic, "patient": patient, "programme": new.programme, "now": now}
    values |= {"practitioner": new.practitioner, "given_at": new.given_at, "method": new.method}
    values |= {"elements": sorted(new.elements), "recorded_by": actor.id}
    async with clinic_session(conn, clinic, staff=actor.id):
        await _both_exist(conn, clinic, patient, new.practitioner)
        consent = await enrolments.insert_consent(conn, values)
        await _record(conn, actor, "consent.record", consent, now)
    return consent


async def stop_consent(
    conn: Connection, clinic: str, actor: Actor, consent: UUID, *, now: datetime
) -> date:
    """The patient stops; returns the first day that is no longer covered."""
    async with clinic_session(conn, clinic, staff=actor.id):
        rules = await ledger.clinic_rules(conn, clinic)
        stopped = await enrolments.stop_consent(
            conn, {"clinic": clinic, "consent": consent, "now": now}
        )
        if stopped is None or rules is None:
            raise NotFound
        effective = stop_effective_on(now, rules["zone"])
        values = {"clinic": clinic, "patient": stopped["patient_id"], "ends_on": effective}
        await enrolments.end_enrolments_on(conn, values | {"programme": stopped["programme"]})
        await _record(conn, actor, "consent.stop", consent, now)
    return effective


async def programmes_of(conn: Connection, clinic: str, patient: UUID) -> dict[str, Any]:
    """`enrolments` and `consents` of a patient, newest first within a programme."""
    async with clinic_session(conn, clinic):
        return {
            "enrolments": await enrolments.enrolments_of(conn, clinic, patient),
            "consents": await enrolments.consents_of(conn, clinic, patient),
        }


async def _both_exist(conn: Connection, clinic: str, patient: UUID, practitioner: UUID) -> None:
    if not await ledger.patient_exists(conn, clinic, patient):
        raise NotFound
    if not await enrolments.practitioner_exists(conn, clinic, practitioner):
        raise NotFound


async def _record(
    conn: Connection, actor: Actor, action: str, subject: UUID, now: datetime
) -> None:
    await audit.record(conn, actor=actor.id, action=action, subject=subject, now=now)
