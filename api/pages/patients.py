"""All patients, and registering one. Names are searched by a form, never by an address.

Nurses, providers and billers see how everybody is; an admin sees who is registered.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Annotated, Any
from uuid import UUID
from zoneinfo import available_timezones

from fastapi import APIRouter, Form
from fastapi.responses import Response

from api.auth.viewer import Role
from api.errors import NotFound
from api.page import AnyPage, IdentityPage
from api.pages.settings import ZONES
from api.patient_form import SEXES, PatientForm, form_of, problems_of, record_of
from api.population import STRIP_DAYS, PatientRow, Sort, ordered, rows_of
from ccm_link.programmes import month_bounds, month_of
from store import charts, patients
from store.patients import NoSuchPatient, PatientRecord, RecordNumberTaken

router = APIRouter()

MOST_SHOWN, MOST_SORTED = 200, 2000

_SORTS = {
    Sort.ATTENTION: "What needs attention",
    Sort.NAME: "Name",
    Sort.SILENT: "Longest silent",
    Sort.DAYS: "Fewest reading days",
    Sort.MINUTES: "Fewest minutes",
}


@router.get("/patients")
async def everybody(page: AnyPage, sort: str = Sort.ATTENTION) -> Response:
    return await _list(page, _sort(sort), "")


@router.post("/patients/search")
async def search(
    page: AnyPage, q: Annotated[str, Form()] = "", sort: Annotated[str, Form()] = Sort.ATTENTION
) -> Response:
    """A form and not an address, so that a name is in no history and no log."""
    return await _list(page, _sort(sort), q.strip()[:100])


async def _list(page: AnyPage, sort: Sort, q: str) -> Response:
    if page.viewer.role is Role.ADMIN:
        return await _identities(page, q)
    rows = ordered(await _population(page, q), sort)
    shown = rows[:MOST_SHOWN]
    await page.audit("patients.read", page.clinic, patients=[str(row.id) for row in shown])
    return await page.html(
        "patients/list.html",
        rows=shown,
        total=len(rows),
        q=q,
        sort=str(sort),
        sorts=list(_SORTS.items()),
        strip_days=STRIP_DAYS,
        may_register=page.viewer.role is not Role.BILLER,
    )


async def _population(page: AnyPage, q: str) -> list[PatientRow]:
    zone = str(page.viewer.zone)
    month = month_of(page.now, zone)
    window = month_bounds(month, zone)
    found = await charts.population(
        page.conn,
        page.clinic,
        now=page.now,
        since=page.now - timedelta(days=STRIP_DAYS),
        month=window,
        search=q,
        limit=MOST_SORTED,
    )
    return rows_of(found, page.viewer, page.now, month=month, window=window)


async def _identities(page: AnyPage, q: str) -> Response:
    rows = await patients.identities(page.conn, page.clinic, search=q, limit=MOST_SHOWN + 1)
    total = await patients.count_patients(page.conn, page.clinic)
    return await page.html(
        "patients/identities.html", rows=rows[:MOST_SHOWN], cut=len(rows) > MOST_SHOWN,
        total=total, q=q,
    )  # fmt: skip


def _sort(asked: str) -> Sort:
    return Sort(asked) if asked in set(Sort) else Sort.ATTENTION


@router.get("/patients/new")
async def new(page: IdentityPage) -> Response:
    return await _form(page, PatientForm())


@router.post("/patients")
async def register(page: IdentityPage, form: Annotated[PatientForm, Form()]) -> Response:
    if problems := problems_of(form, _today(page)):
        return await _form(page, form, problems=problems)
    by = page.viewer.staff_id
    try:
        patient = await patients.register_patient(
            page.conn, page.clinic, _allowed(page, record_of(form), None), by=by, now=page.now
        )
    except RecordNumberTaken:
        return await _form(page, form, problems=_TAKEN)
    flash = "The patient is registered. Next: a device, a programme and the consent."
    return page.to(_home_of(page, patient), flash=flash)


@router.get("/patients/{patient_id}/edit")
async def edit(page: IdentityPage, patient_id: UUID) -> Response:
    record = await _record(page, patient_id)
    await page.audit("patient.read", patient_id, tab="edit")
    return await _form(page, form_of(record), patient=patient_id)


@router.post("/patients/{patient_id}/edit")
async def change(
    page: IdentityPage, patient_id: UUID, form: Annotated[PatientForm, Form()]
) -> Response:
    before = await _record(page, patient_id)
    if problems := problems_of(form, _today(page)):
        return await _form(page, form, patient=patient_id, problems=problems)
    wanted = _allowed(page, record_of(form), before)
    try:
        await patients.update_patient(
            page.conn, page.clinic, patient_id, wanted, by=page.viewer.staff_id, now=page.now
        )
    except NoSuchPatient as missing:
        raise NotFound from missing
    except RecordNumberTaken:
        return await _form(page, form, patient=patient_id, problems=_TAKEN)
    return page.to(_home_of(page, patient_id), flash="The changes are saved.")


_TAKEN = {"record_number": "Another patient has this record number"}


def _allowed(
    page: IdentityPage, wanted: PatientRecord, before: PatientRecord | None
) -> PatientRecord:
    """An admin keeps who people are; what they have is not theirs to see or change."""
    if page.viewer.role is not Role.ADMIN:
        return wanted
    conditions = before.conditions if before else ()
    return replace(wanted, conditions=conditions, care_note=before.care_note if before else "")


async def _record(page: IdentityPage, patient: UUID) -> PatientRecord:
    row = await patients.read_patient(page.conn, page.clinic, patient)
    if row is None:
        raise NotFound
    fields = PatientRecord.__dataclass_fields__
    values: dict[str, Any] = {name: row[name] for name in fields if name in row}
    return PatientRecord(
        **values | {"zone": row["own_zone"], "conditions": tuple(row["conditions"])}
    )


async def _form(
    page: IdentityPage,
    form: PatientForm,
    *,
    patient: UUID | None = None,
    problems: dict[str, str] | None = None,
) -> Response:
    return await page.html(
        "patients/form.html",
        status=422 if problems else 200,
        form=form,
        patient=patient,
        problems=problems or {},
        sexes=SEXES,
        zones=[(name, name.replace("_", " ")) for name in _zones(form.zone)],
        clinical=page.viewer.role is not Role.ADMIN,
        back=_home_of(page, patient),
    )


def _zones(own: str) -> list[str]:
    """What most clinics choose from, and the one that is there already."""
    return sorted({*ZONES, *([own] if own in available_timezones() else [])})


def _home_of(page: IdentityPage, patient: UUID | None) -> str:
    if patient is None or page.viewer.role is Role.ADMIN:
        return "/patients"
    return f"/patients/{patient}"


def _today(page: IdentityPage) -> date:
    return page.now.astimezone(page.viewer.zone).date()
