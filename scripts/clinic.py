"""The demo clinic as its staff would have set it up: people, homes, devices, programmes, limits."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from api.auth.passwords import hash_password
from ccm_link.acting import Actor
from ccm_link.enrolments import NewConsent, NewEnrolment, enrol, record_consent
from simulator.patients.events import REPLACED
from simulator.patients.people import Person
from simulator.patients.plan import MODELS, Clinic, Home
from store import fixtures
from store.limits import set_limit
from store.staff import NewStaff, create_member

LONG_AGO = timedelta(days=400)
HANDED_OVER = REPLACED.since - timedelta(hours=1)  # when the live home's new devices were
ENROLLED = timedelta(days=100)
PASSWORD = "hearthline-demo-only"  # noqa: S105 -- printed for visitors of a synthetic clinic
Connection = Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A sign-in of the demo clinic."""

    email: str
    name: str
    credential: str
    role: str


STAFF = (
    Member(email="nurse@demo.example", name="Nell Example", credential="RN", role="nurse"),
    Member(email="nurse2@demo.example", name="Noor Sample", credential="LPN", role="nurse"),
    Member(email="provider@demo.example", name="Pat Placeholder", credential="MD", role="provider"),
    Member(email="biller@demo.example", name="Bo Ledgerly", credential="", role="biller"),
    Member(email="admin@demo.example", name="Al Fixture", credential="", role="admin"),
)
NURSE, _, PROVIDER, BILLER, ADMIN = STAFF


@dataclass(frozen=True, slots=True, kw_only=True)
class SetUp:
    """Keys of what was set up."""

    patients: dict[str, UUID]  # by record number
    staff: dict[str, UUID]  # by email
    homes: dict[int, UUID]


async def set_up(conn: Connection, clinic: str, wanted: Clinic, *, now: datetime) -> SetUp:
    password_hash = hash_password(PASSWORD)
    staff = {m.email: await _join(conn, clinic, m, password_hash, now) for m in STAFF}
    patients = {p.key: await _register(conn, clinic, p) for p in wanted.people}
    by = staff[PROVIDER.email]
    for person in wanted.people:
        await _set_limits(conn, clinic, person, patients[person.key], by=by, now=now)
        await _enrol(conn, clinic, person, patients[person.key], by=by, now=now)
    homes = {}
    for home in wanted.homes:
        homes[home.number] = await _equip(conn, clinic, home, patients, now)
        await fixtures.register_gateway(conn, clinic, home.gateway, home=homes[home.number])
    return SetUp(patients=patients, staff=staff, homes=homes)


async def _join(
    conn: Connection, clinic: str, member: Member, password_hash: str, now: datetime
) -> UUID:
    who = NewStaff(
        email=member.email, name=member.name, credential=member.credential, role=member.role
    )
    return await create_member(
        conn, clinic, who, password_hash=password_hash, now=now - 2 * ENROLLED
    )


async def _register(conn: Connection, clinic: str, person: Person) -> UUID:
    return await fixtures.register_patient(
        conn,
        clinic,
        family_name=person.family,
        given_name=person.given,
        birth_date=person.born,
        record_number=person.key,
        sex=person.sex,
        phone=person.phone,
        zone=person.zone,
        conditions=person.conditions,
        care_note=person.care_note,
    )


async def _set_limits(
    conn: Connection,
    clinic: str,
    person: Person,
    patient: UUID,
    *,
    by: UUID,
    now: datetime,
) -> None:
    for limit in person.limits:
        await set_limit(
            conn,
            clinic,
            patient,
            rule=limit.rule,
            value=limit.value,
            ucum=limit.ucum,
            valid_from=now - LONG_AGO,
            by=by,
            reason=limit.reason,
            now=now - ENROLLED,
        )


async def _enrol(
    conn: Connection, clinic: str, person: Person, patient: UUID, *, by: UUID, now: datetime
) -> None:
    """With consent, unless nobody asked. Not all on one day, so that periods end on many."""
    actor = Actor(id=by, role="provider")
    since = now - ENROLLED - timedelta(days=person.number)
    for enrolment in person.enrolments:
        new = NewEnrolment(
            programme=enrolment.programme,
            practitioner=by,
            starts_on=since.date(),
            qualifying_conditions=person.conditions,
            care_plan_on=since.date() if enrolment.programme == "CCM" else None,
        )
        await enrol(conn, clinic, actor, patient, new, now=since)
        if enrolment.elements is not None:
            consent = NewConsent(
                programme=enrolment.programme,
                practitioner=by,
                given_at=since,
                method="verbal",
                elements=frozenset(enrolment.elements),
            )
            await record_consent(conn, clinic, actor, patient, consent, now=since)


async def _equip(
    conn: Connection, clinic: str, home: Home, patients: dict[str, UUID], now: datetime
) -> UUID:
    """The home, and its devices in the hands of those who use them."""
    found = await fixtures.register_home(conn, clinic, zone=home.zone, label=home.label)
    replaced = home.number == REPLACED.patient
    for device in home.devices:
        await fixtures.register_device(
            conn, clinic, device.address, kind=device.kind, model=MODELS[device.kind]
        )
        for slot, key in device.wearers.items():
            await fixtures.assign(
                conn,
                clinic,
                device=device.address,
                patient=patients[key],
                starts_at=now - LONG_AGO,
                ends_at=now - HANDED_OVER if replaced else None,
                user_slot=slot,
                actor="demo",
            )
    return found


async def hand_over(
    conn: Connection,
    clinic: str,
    worn: Iterable[tuple[str, str, int | None]],
    *,
    patient: UUID,
    starts_at: datetime,
) -> None:
    """Devices (address, kind, slot) to one patient."""
    for address, kind, slot in worn:
        await fixtures.register_device(conn, clinic, address, kind=kind)
        await fixtures.assign(
            conn,
            clinic,
            device=address,
            patient=patient,
            starts_at=starts_at,
            user_slot=slot,
            actor="demo",
        )
