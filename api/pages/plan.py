"""What a patient agreed to and is enrolled in, what billing still asks for, and their own limits.

Every change is audited in the transaction that makes it. Limits are set by providers.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Form
from fastapi.responses import Response
from pydantic import BaseModel

from alerts.effective import LimitRefused
from api.auth.viewer import Role
from api.care import actor_of
from api.errors import NotFound
from api.gate_view import gates_of
from api.limit_view import entered, history_of, limits_of
from api.page import CarePage, ChartPage, ProviderPage
from api.pages.clinic_limits import LimitForm, write_limit
from api.pages.patient import framed, opened
from ccm_link import enrolments
from ccm_link.enrolments import NewConsent, NewEnrolment
from ccm_link.errors import AlreadyEnrolled, BadInterval, CareError
from ccm_link.errors import NotFound as NoSuchThing
from ccm_link.local_time import YEARS, instant_of, wall_of
from ccm_link.programmes import ENROLLABLE, ConsentElement, month_of
from store import charts, limits, patients

router = APIRouter()

_ELEMENTS = (
    (ConsentElement.AVAILABILITY, "The service is available, and what it is"),
    (ConsentElement.COST_SHARING, "What the patient may have to pay"),
    (ConsentElement.ONE_PRACTITIONER, "Only one practitioner can bill it in a month"),
    (ConsentElement.RIGHT_TO_STOP, "It can be stopped at any time, to the end of the month"),
)
_PROGRAMMES = (
    ("CCM", "CCM, chronic care management"),
    ("PCM", "PCM, principal care management"),
    ("RPM", "RPM, remote monitoring"),
)


class EnrolmentForm(BaseModel):
    """As it was typed."""

    programme: str = ""
    practitioner: str = ""
    starts_on: str = ""
    qualifying_conditions: list[str] = []
    care_plan_on: str = ""
    new_or_not_seen_12m: str = ""
    initiating_visit_on: str = ""
    high_risk_condition: str = ""
    access_24_7: str = ""
    established_patient: str = ""


class ConsentForm(BaseModel):
    """As it was typed; the time is the clinic's."""

    programme: str = ""
    practitioner: str = ""
    given_at: str = ""
    method: str = ""
    elements: list[str] = []


@router.get("/patients/{patient_id}/plan")
async def plan(page: ChartPage, patient_id: UUID) -> Response:
    return await _plan(page, patient_id)


async def _plan(
    page: ChartPage,
    patient_id: UUID,
    *,
    enrolment: EnrolmentForm | None = None,
    consent: ConsentForm | None = None,
    limit: LimitForm | None = None,
    problems: dict[str, str] | None = None,
) -> Response:
    own = await opened(page, patient_id, "plan")
    zone, now = page.viewer.zone, page.now
    today = now.astimezone(zone).date()
    rows = await limits.effective_limits(page.conn, page.clinic, patient_id, now)
    history = await limits.limit_history(page.conn, page.clinic, patient_id)
    doctors = await _practitioners(page)
    only = doctors[0][0] if len(doctors) == 1 else ""
    return await page.html(
        "patient/plan.html",
        status=422 if problems else 200,
        **framed(page, own, "plan"),
        enrolments=[_ending(row) for row in own.found.enrolments],
        consents=[_ending(row) for row in own.found.consents],
        gates=gates_of(
            own.found.enrolments, own.found.consents, month=month_of(now, str(zone)), zone=zone
        ),
        month_words=f"{today:%B %Y}",
        today=today,
        practitioners=doctors,
        programmes=_PROGRAMMES,
        elements=[(str(element), words) for element, words in _ELEMENTS],
        element_words={str(element): words for element, words in _ELEMENTS},
        enrolment_form=enrolment or _first_enrolment(today, only),
        consent_form=consent or ConsentForm(given_at=wall_of(now, zone), practitioner=only),
        limit_form=limit or LimitForm(),
        limits=limits_of(rows, patient_id, page.viewer, now),
        history=history_of(history, page.viewer, now),
        may_limit=page.viewer.role is Role.PROVIDER,
        problems=problems or {},
    )


def _first_enrolment(today: date, practitioner: str) -> EnrolmentForm:
    """What is so for most."""
    return EnrolmentForm(
        practitioner=practitioner,
        starts_on=today.isoformat(),
        access_24_7="yes",
        established_patient="yes",
    )


def _ending(row: dict[str, Any]) -> dict[str, Any]:
    """With the last day that is inside."""
    last = row["ends_on"] - timedelta(days=1) if row["ends_on"] else None
    return {**row, "last_day": last}


async def _practitioners(page: ChartPage) -> list[tuple[str, str]]:
    rows = await patients.practitioners(page.conn, page.clinic)
    return [
        (str(r["id"]), f"{r['name']}, {r['credential']}" if r["credential"] else r["name"])
        for r in rows
    ]


@router.post("/patients/{patient_id}/enrolments")
async def enrol(
    page: CarePage, patient_id: UUID, form: Annotated[EnrolmentForm, Form()]
) -> Response:
    problems: dict[str, str] = {}
    dates: dict[str, date | None] = {}
    for field in ("starts_on", "care_plan_on", "initiating_visit_on"):
        dates[field], problem = _date(getattr(form, field), needed=field == "starts_on")
        problems |= {field: problem} if problem else {}
    practitioner = _key(form.practitioner)
    if practitioner is None:
        problems["practitioner"] = "Choose the practitioner who bills"
    if form.programme not in set(ENROLLABLE):
        problems["programme"] = "Choose a programme"
    if not problems:
        new = _enrolment(form, dates, practitioner)
        problems = await _enrolled(page, patient_id, new)
    if problems:
        return await _plan(page, patient_id, enrolment=form, problems=problems)
    return page.to(f"/patients/{patient_id}/plan", flash="The patient is enrolled.")


def _enrolment(
    form: EnrolmentForm, dates: dict[str, date | None], practitioner: UUID | None
) -> NewEnrolment:
    starts_on = dates["starts_on"]
    assert starts_on is not None  # noqa: S101 -- checked by the form
    assert practitioner is not None  # noqa: S101
    return NewEnrolment(
        programme=form.programme,
        practitioner=practitioner,
        starts_on=starts_on,
        qualifying_conditions=tuple(c.strip() for c in form.qualifying_conditions if c.strip()),
        care_plan_on=dates["care_plan_on"],
        initiating_visit_on=dates["initiating_visit_on"],
        new_or_not_seen_12m=bool(form.new_or_not_seen_12m),
        high_risk_condition=bool(form.high_risk_condition),
        access_24_7=bool(form.access_24_7),
        established_patient=bool(form.established_patient),
    )


async def _enrolled(page: CarePage, patient_id: UUID, new: NewEnrolment) -> dict[str, str]:
    """What stands against it; nothing: it is done."""
    try:
        await enrolments.enrol(
            page.conn, page.clinic, actor_of(page), patient_id, new, now=page.now
        )
    except AlreadyEnrolled:
        return {"programme": "The patient is in this programme already during that time"}
    except NoSuchThing as missing:
        raise NotFound from missing
    return {}


@router.post("/enrolments/{enrolment_id}/end")
async def end(
    page: CarePage, enrolment_id: UUID, last_day: Annotated[str, Form()] = ""
) -> Response:
    """`last_day` is still inside."""
    patient = await charts.patient_of_enrolment(page.conn, page.clinic, enrolment_id)
    where = _plan_of(patient)
    day, problem = _date(last_day, needed=True)
    if day is None:
        return page.to(where, flash=problem, kind="error")
    try:
        await enrolments.end_enrolment(
            page.conn, page.clinic, actor_of(page), enrolment_id,
            ends_on=day + timedelta(days=1), now=page.now,
        )  # fmt: skip
    except BadInterval:
        said = "The last day must come after the start, and can only come nearer."
        return page.to(where, flash=said, kind="error")
    return page.to(where, flash="The programme ends with that day.")


@router.post("/enrolments/{enrolment_id}/care-plan")
async def care_plan(
    page: CarePage, enrolment_id: UUID, on: Annotated[str, Form()] = ""
) -> Response:
    patient = await charts.patient_of_enrolment(page.conn, page.clinic, enrolment_id)
    where = _plan_of(patient)
    day, problem = _date(on, needed=True)
    if day is None:
        return page.to(where, flash=problem, kind="error")
    await enrolments.set_care_plan(
        page.conn, page.clinic, actor_of(page), enrolment_id, on=day, now=page.now
    )
    return page.to(where, flash="The care plan is on record.")


@router.post("/patients/{patient_id}/consents")
async def consent(
    page: CarePage, patient_id: UUID, form: Annotated[ConsentForm, Form()]
) -> Response:
    problems = _consent_problems(form)
    practitioner = _key(form.practitioner)
    try:
        given_at = instant_of(form.given_at, page.viewer.zone)
    except ValueError:
        problems["given_at"] = "Enter the day and time at which the patient agreed"
    if problems or practitioner is None:
        return await _plan(page, patient_id, consent=form, problems=_consent_named(problems))
    new = NewConsent(
        programme=form.programme,
        practitioner=practitioner,
        given_at=given_at,
        method=form.method,
        elements=frozenset(form.elements),
    )
    try:
        await enrolments.record_consent(
            page.conn, page.clinic, actor_of(page), patient_id, new, now=page.now
        )
    except NoSuchThing as missing:
        raise NotFound from missing
    except CareError:
        problems["given_at"] = "Consent cannot lie in the future"
        return await _plan(page, patient_id, consent=form, problems=_consent_named(problems))
    return page.to(f"/patients/{patient_id}/plan", flash="The consent is on record.")


def _consent_problems(form: ConsentForm) -> dict[str, str]:
    problems = {}
    if form.programme not in set(ENROLLABLE):
        problems["programme"] = "Choose the programme that was agreed to"
    if _key(form.practitioner) is None:
        problems["practitioner"] = "Choose the practitioner who bills"
    if form.method not in enrolments.METHODS:
        problems["method"] = "Say whether it was given in words or in writing"
    if not set(form.elements) <= {str(element) for element, _ in _ELEMENTS}:
        problems["elements"] = "Choose from what was said"
    return problems


def _consent_named(problems: dict[str, str]) -> dict[str, str]:
    """The page has two forms with the same fields; the consent's ids say so."""
    twice = {"programme", "practitioner", "given_at"}
    return {f"consent_{k}" if k in twice else k: problem for k, problem in problems.items()}


@router.post("/consents/{consent_id}/stop")
async def stop(page: CarePage, consent_id: UUID) -> Response:
    where = _plan_of(await charts.patient_of_consent(page.conn, page.clinic, consent_id))
    try:
        outside = await enrolments.stop_consent(
            page.conn, page.clinic, actor_of(page), consent_id, now=page.now
        )
    except NoSuchThing:
        return page.to(where, flash="This consent was stopped before.", kind="error")
    last = outside - timedelta(days=1)
    return page.to(where, flash=f"The consent is stopped. It holds to {last:%B} {last.day}.")


@router.post("/patients/{patient_id}/limits")
async def set_limit(
    page: ProviderPage, patient_id: UUID, form: Annotated[LimitForm, Form()]
) -> Response:
    if await patients.read_patient(page.conn, page.clinic, patient_id) is None:
        raise NotFound
    where = f"/patients/{patient_id}/plan"
    try:
        rule, value, ucum = entered(form.rule, form.value, form.act, page.viewer, page.now)
    except LimitRefused as refused:
        return await _plan(page, patient_id, limit=form, problems={"value": str(refused)})
    if not form.reason.strip():
        problems = {"reason": "Say why this patient has a limit of their own"}
        return await _plan(page, patient_id, limit=form, problems=problems)
    await write_limit(page, patient_id, form, (rule, value, ucum))
    return page.to(where, flash="The limit is changed, for readings from now on.")


def _plan_of(patient: UUID | None) -> str:
    if patient is None:
        raise NotFound
    return f"/patients/{patient}/plan"


def _date(typed: str, *, needed: bool) -> tuple[date | None, str]:
    if not typed and not needed:
        return None, ""
    try:
        day = date.fromisoformat(typed)
    except ValueError:
        return None, "Enter a date"
    return (day, "") if day.year in YEARS else (None, "Enter a date with its right year")


def _key(typed: str) -> UUID | None:
    try:
        return UUID(typed)
    except ValueError:
        return None
