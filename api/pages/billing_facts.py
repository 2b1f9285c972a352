"""What billing rests on and nobody measures: stays, other claims, decisions, set-up, planning.

Stated here, taken back here, never edited. What is a clinician's own act is stated by clinicians.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Form
from fastapi.responses import Response

from api.care import actor_of
from api.errors import NotFound
from api.facts_view import (
    ABOUT,
    APCM,
    LEVELS,
    OUTSIDE,
    FactForm,
    by_kind,
    own_errors,
    refusal,
    statement_of,
)
from api.page import CarePage, ChartPage, ProviderPage
from api.pages.patient import framed, opened
from api.signed_months import signed_note
from ccm_link import statements
from ccm_link.errors import CareError
from ccm_link.errors import NotFound as NoSuchThing
from ccm_link.stated import Kind
from ccm_link.statements import MAY_STATE, Statement
from store import billing_facts, patients
from store.named import Row

router = APIRouter()
_OF_CLINICIANS = frozenset({Kind.COMPLEX_DECISION, Kind.CARE_PLANNING})


@router.get("/patients/{patient_id}/billing")
async def facts(page: ChartPage, patient_id: UUID) -> Response:
    return await _facts(page, patient_id)


@router.post("/patients/{patient_id}/billing")
async def state(page: ChartPage, patient_id: UUID, form: Annotated[FactForm, Form()]) -> Response:
    """A stay, a claim elsewhere, APCM."""
    kinds = {Kind.INPATIENT_STAY, Kind.OTHER_CLAIM, Kind.APCM}
    return await _state(page, patient_id, form, kinds)


@router.post("/patients/{patient_id}/billing/set-up")
async def state_setup(
    page: CarePage, patient_id: UUID, form: Annotated[FactForm, Form()]
) -> Response:
    return await _state(page, patient_id, form, {Kind.DEVICE_SETUP})


@router.post("/patients/{patient_id}/billing/decisions")
async def state_decision(
    page: ProviderPage, patient_id: UUID, form: Annotated[FactForm, Form()]
) -> Response:
    return await _state(page, patient_id, form, {*_OF_CLINICIANS})


async def _state(page: ChartPage, patient_id: UUID, form: FactForm, kinds: set[Kind]) -> Response:
    if form.kind not in kinds:
        raise NotFound
    kind = Kind(form.kind)
    said, problems = statement_of(kind, form)
    if said is not None:
        problems = await _stated(page, patient_id, said)
    if problems or said is None:
        return await _facts(page, patient_id, form=form, problems=problems)
    signed = await signed_note(page, patient_id, *_days(said))
    where = f"/patients/{patient_id}/billing"
    return page.to(where, flash=f"It is on record.{signed}", kind=_tone(signed))


async def _stated(page: ChartPage, patient_id: UUID, said: Statement) -> dict[str, str]:
    """What stands against it; nothing: it is done."""
    try:
        await statements.state(
            page.conn, page.clinic, actor_of(page), patient_id, said, now=page.now
        )
    except NoSuchThing as missing:
        raise NotFound from missing
    except CareError as refused:
        return refusal(said.kind, refused)
    return {}


def _days(said: Statement) -> list[date]:
    return [said.first_day, *([said.last_day] if said.last_day else [])]


def _tone(signed: str) -> str:
    return "warning" if signed else "success"


@router.post("/billing-facts/{fact_id}/end")
async def end_stay(
    page: ChartPage, fact_id: UUID, last_day: Annotated[str, Form()] = ""
) -> Response:
    patient = await _patient_of(page, fact_id)
    where = f"/patients/{patient}/billing"
    try:
        day = date.fromisoformat(last_day)
    except ValueError:
        return page.to(where, flash="Enter the last day of the stay.", kind="error")
    try:
        await statements.end_stay(
            page.conn, page.clinic, actor_of(page), fact_id, day, now=page.now
        )
    except CareError as refused:
        return page.to(where, flash=str(refused), kind="error")
    signed = await signed_note(page, patient, day)
    return page.to(where, flash=f"The stay has ended.{signed}", kind=_tone(signed))


@router.post("/billing-facts/{fact_id}/reverse")
async def take_back(
    page: ChartPage, fact_id: UUID, reason: Annotated[str, Form()] = ""
) -> Response:
    patient = await _patient_of(page, fact_id)
    where = f"/patients/{patient}/billing"
    try:
        day = await statements.take_back(
            page.conn, page.clinic, actor_of(page), fact_id, reason, now=page.now
        )
    except CareError as refused:
        return page.to(where, flash=str(refused), kind="error")
    signed = await signed_note(page, patient, day)
    said = "It is taken back, and counts no more. It stays on record with the reason."
    return page.to(where, flash=said + signed, kind=_tone(signed))


async def _patient_of(page: ChartPage, fact_id: UUID) -> UUID:
    patient = await billing_facts.patient_of(page.conn, page.clinic, fact_id)
    if patient is None:
        raise NotFound
    return patient


async def _facts(
    page: ChartPage,
    patient_id: UUID,
    *,
    form: FactForm | None = None,
    problems: dict[str, str] | None = None,
) -> Response:
    own = await opened(page, patient_id, "billing")
    rows = await billing_facts.of_patient(page.conn, page.clinic, patient_id)
    doctors = _named(await patients.practitioners(page.conn, page.clinic))
    clinicians = _named(await billing_facts.clinicians(page.conn, page.clinic))
    today = page.now.astimezone(own.header.zone).date()
    return await page.html(
        "patient/billing.html",
        status=422 if problems else 200,
        **framed(page, own, "billing"),
        about={kind: ABOUT[kind] for kind in Kind},
        facts=by_kind(rows),
        may_state={kind for kind in Kind if page.viewer.role in MAY_STATE[kind]},
        forms={kind: form if form and form.kind == kind else FactForm() for kind in Kind},
        errors_of={kind: own_errors(kind, problems or {}) for kind in Kind},
        practitioners=doctors,
        billers=[(OUTSIDE, "Another practice"), *doctors],
        clinicians=clinicians,
        apcm=APCM,
        levels=LEVELS,
        today=today,
        this_month=f"{page.now.astimezone(page.viewer.zone):%Y-%m}",
        enrolments=own.found.enrolments,
        consents=own.found.consents,
        problems=problems or {},
    )


def _named(rows: list[Row]) -> list[tuple[str, str]]:
    return [
        (str(r["id"]), f"{r['name']}, {r['credential']}" if r["credential"] else r["name"])
        for r in rows
    ]
