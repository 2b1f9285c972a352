"""From stored rows to the facts of each patient's month. Pure.

Only confirmed time that stands becomes a fact. What is stopped, running or held is told beside it,
so that nobody wonders where their minutes are. Patients are enrolled in CCM, PCM and RPM here, and
time is logged to those; minutes of TCM and BHI reach the engine only from a case.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from ccm_link import stated
from ccm_link.activities import Activity
from ccm_link.calendar_month import Month
from ccm_link.codes import Programme, Role
from ccm_link.facts import Consent, Enrollment, Facts, Policy, Rpm, Stay, TimeEntry
from ccm_link.intervals import (
    SECOND,
    Interval,
    Pieces,
    days,
    intersect,
    micros,
    subtract,
    total,
    union,
)
from ccm_link.rules import Rules

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Whose month it is."""

    id: UUID
    family_name: str
    given_name: str
    birth_date: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """Time that does not count yet, in microseconds within the month."""

    unconfirmed: int = 0  # stopped, and not documented
    held: int = 0  # overlaps another patient's, and waits for a decision
    running: int = 0  # timers that run now


@dataclass(frozen=True, slots=True, kw_only=True)
class PatientRows:
    """One patient's part of a month's rows."""

    patient: Row
    enrolments: Sequence[Row]
    consents: Sequence[Row]
    entries: Sequence[Row]
    days: Sequence[date]
    stated: Sequence[Row] = ()


def by_patient(
    patients: Iterable[Row],
    enrolments: Iterable[Row],
    consents: Iterable[Row],
    entries: Iterable[Row],
    reading_days: Iterable[Row],
    statements: Iterable[Row] = (),
) -> Iterator[PatientRows]:
    enrolled, agreed, worked = _grouped(enrolments), _grouped(consents), _grouped(entries)
    said = _grouped(statements)
    measured = {row["patient_id"]: row["days"] for row in reading_days}
    for patient in patients:
        key = patient["patient_id"]
        yield PatientRows(
            patient=patient,
            enrolments=enrolled[key],
            consents=agreed[key],
            entries=worked[key],
            days=measured.get(key, ()),
            stated=said[key],
        )


def _grouped(rows: Iterable[Row]) -> defaultdict[Any, list[Row]]:
    groups: defaultdict[Any, list[Row]] = defaultdict(list)
    for row in rows:
        groups[row["patient_id"]].append(row)
    return groups


def person(rows: PatientRows) -> Person:
    patient = rows.patient
    return Person(
        id=patient["patient_id"],
        family_name=patient["family_name"],
        given_name=patient["given_name"],
        birth_date=patient["birth_date"],
    )


def policy_of(row: Row | None) -> Policy:
    """A clinic that never set anything has the rules' own switches."""
    if row is None:
        return Policy()
    return Policy(qhp_time_counts_as_staff=row["qhp_time_counts_as_staff"], caps=dict(row["caps"]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """What the months of all patients of a clinic have in common."""

    month: Month
    zone: ZoneInfo  # the practice's
    rules: Rules
    now: datetime  # only a stay that is still open reads it
    policy: Policy


def facts_of_month(rows: PatientRows, frame: Frame) -> Facts:
    month, zone = frame.month, ZoneInfo(rows.patient["zone"])
    enrolments = [_enrolment(spell, rows, frame) for spell in _spells(rows.enrolments)]
    monitored = next((e for e in enrolments if e.program is Programme.RPM), None)
    ccm = next((e for e in enrolments if e.program is Programme.CCM), None)
    stays = stated.stays(rows.stated, month, frame.now.astimezone(zone).date())
    return Facts(
        month=month,
        practice_tz=frame.zone,
        patient_tz=zone,
        billing_practitioner=_billing_practitioner(enrolments),
        policy=frame.policy,
        enrollments=enrolments,
        time_entries=[_entry(row) for row in rows.entries if _counts(row)],
        inpatient_stays=stays,
        other_claims=stated.other_claims(rows.stated, month),
        apcm=stated.apcm(rows.stated, month),
        g0506=stated.planning(rows.stated, month, ccm),
        rpm=_rpm(monitored, rows, frame, stays) if monitored else None,
    )


def _billing_practitioner(enrolments: Sequence[Enrollment]) -> str:
    """CCM's, else the only one there is."""
    first = min(enrolments, key=lambda e: (e.program is not Programme.CCM, e.practitioner))
    return first.practitioner


def _spells(rows: Sequence[Row]) -> list[Row]:
    """Leaving and coming back to the same practitioner in a month is one spell."""
    spells: dict[tuple[str, UUID], Row] = {}
    for row in rows:  # ordered by their beginning
        key = row["programme"], row["practitioner"]
        since = spells[key]["since"] if key in spells else row["since"]
        spells[key] = {**row, "since": since}
    return list(spells.values())


def _enrolment(row: Row, rows: PatientRows, frame: Frame) -> Enrollment:
    programme, practitioner = Programme(row["programme"]), str(row["practitioner"])
    month, needed = frame.month, frame.rules.gates[programme].consent_elements
    planned = row["care_plan_on"]
    complex_care = programme is Programme.CCM
    return Enrollment(
        program=programme,
        practitioner=practitioner,
        qualifying_conditions=len(row["qualifying_conditions"]),
        high_risk_condition=row["high_risk_condition"],
        care_plan=planned is not None and planned <= month.last,
        access_24_7=row["access_24_7"],
        new_or_not_seen_12m=row["new_or_not_seen_12m"],
        initiating_visit=row["initiating_visit_on"],
        complex_mdm=stated.complex_decision(rows.stated, month, practitioner)
        if complex_care
        else None,
        consent=_consent(row, rows.consents, needed, month, frame.zone),
        since=row["since"],
        until=None if row["until"] is None or row["until"] > month.last else row["until"],
    )


def _consent(
    enrolment: Row, consents: Sequence[Row], needed: frozenset[str], month: Month, zone: ZoneInfo
) -> Consent | None:
    """The first that holds all that is needed and still stands; else the last, to say what lacks.

    A stopped consent stands until its calendar month ends; another practitioner needs their own.
    """
    key = enrolment["programme"], enrolment["practitioner"]
    standing = [
        row
        for row in consents
        if (row["programme"], row["practitioner"]) == key and _stands(row, month, zone)
    ]
    complete = (row for row in standing if needed <= set(row["elements"]))
    row = next(complete, standing[-1] if standing else None)
    if row is None:
        return None
    return Consent(at=row["given_at"], method=row["method"], elements=list(row["elements"]))


def _stands(row: Row, month: Month, zone: ZoneInfo) -> bool:
    stopped = row["stopped_at"]
    return stopped is None or Month.of(stopped.astimezone(zone).date()) >= month


def _counts(row: Row) -> bool:
    return bool(row["status"] == "active" and row["state"] == "confirmed")


def _entry(row: Row) -> TimeEntry:
    return TimeEntry(
        id=str(row["id"]),
        program=Programme(row["programme"]),
        staff=str(row["staff_id"]),
        role=Role(row["role"]),
        activity=row["activity"],
        start=row["starts_at"],
        end=row["ends_at"],
    )


def _rpm(enrolment: Enrollment, rows: PatientRows, frame: Frame, stays: Sequence[Stay]) -> Rpm:
    month, length = frame.month, frame.rules.device.period_days
    stored = next(row for row in rows.enrolments if row["programme"] == Programme.RPM)
    return Rpm(
        established_patient=stored["established_patient"],
        fda_device=stated.fda_device(rows.stated, month, enrolment, length),
        period_starts=list(_period_starts(_anchor(stored, length), month, length)),
        reading_days=[
            day for day in rows.days if enrolment.since is None or day >= enrolment.since
        ],
        setup=stated.setup(rows.stated, month, enrolment, length),
        interactive=[
            row["starts_at"]
            for row in rows.entries
            if row["interactive"] and row["programme"] == Programme.RPM and _counts(row)
        ],
        qhp_interpretation_seconds=_own_review_s(enrolment, rows, frame, stays),
    )


def _own_review_s(
    enrolment: Enrollment, rows: PatientRows, frame: Frame, stays: Sequence[Stay]
) -> int:
    """The billing practitioner's own look through the readings, from the time ledger (99091).

    The same minutes are management time too; the rules let only one of the two bill.
    """
    if enrolment.consent is None:
        return 0
    begins, ends = days(frame.month.first, frame.month.last, frame.zone)
    open_from = max(begins, micros(enrolment.consent.at))
    patient_zone = ZoneInfo(rows.patient["zone"])
    away = union(days(stay.from_, stay.to, patient_zone) for stay in stays)
    reviewed = union(_reviews(enrolment, rows.entries, frame.zone))
    inside: Pieces = ((open_from, ends),) if open_from < ends else ()
    return total(subtract(intersect(reviewed, inside), away)) // SECOND


def _reviews(enrolment: Enrollment, entries: Iterable[Row], zone: ZoneInfo) -> Iterator[Interval]:
    for row in entries:
        own = str(row["staff_id"]) == enrolment.practitioner and row["role"] == Role.QHP
        kind = row["programme"] == Programme.RPM and row["activity"] == Activity.DATA_REVIEW
        if own and kind and _counts(row) and _while_enrolled(row, enrolment, zone):
            yield micros(row["starts_at"]), micros(row["ends_at"])


def _while_enrolled(row: Row, enrolment: Enrollment, zone: ZoneInfo) -> bool:
    day = row["starts_at"].astimezone(zone).date()
    begun = enrolment.since is None or enrolment.since <= day
    return begun and (enrolment.until is None or day <= enrolment.until)


def _anchor(spell: Row, length: int) -> date:
    """The day from which periods are counted: no day lies in two of them (once per 30 days).

    Whoever left and comes back, to whichever practitioner, while a period still runs goes on in it.
    """
    since: date = spell["since"]
    anchor = since
    left: date | None = None
    for begun, until in [*spell["before"], (since, None)]:
        if left is None or begun > _end_of_period(anchor, left, length):
            anchor = begun
        left = until
    return anchor


def _end_of_period(anchor: date, day: date, length: int) -> date:
    """The last day of the period that `day` lies in."""
    return anchor + timedelta(days=((day - anchor).days // length + 1) * length - 1)


def _period_starts(since: date, month: Month, length: int) -> Iterator[date]:
    """Periods follow each other from the first day of enrolment: late readings never move them."""
    before = max(0, (month.first - since).days // length)
    start = since + timedelta(days=before * length)
    while start <= month.last:
        yield start
        start += timedelta(days=length)


def waiting(rows: PatientRows, month: Month, zone: ZoneInfo) -> Waiting:
    begins, ends = days(month.first, month.last, zone)
    unconfirmed = held = running = 0
    for row in rows.entries:
        if row["state"] == "running":
            running += 1
            continue
        inside = min(micros(row["ends_at"]), ends) - max(micros(row["starts_at"]), begins)
        if row["status"] == "held":
            held += inside
        elif row["state"] == "stopped":
            unconfirmed += inside
    return Waiting(unconfirmed=unconfirmed, held=held, running=running)
