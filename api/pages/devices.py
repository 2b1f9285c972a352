"""Devices: what each one last said, who has it, and whose its readings are.

Giving a device to somebody is one form for every case: a first assignment, a correction, an end,
an undo. Its effect is shown first; only what was shown is done.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Form
from fastapi.responses import RedirectResponse, Response

from api import assigning, home_view
from api.assigning import NOBODY, AssignForm
from api.errors import NotFound
from api.page import HomesPage
from api.vocabulary import KINDS
from store import homes as store
from store import reassign
from store.errors import DataRefused

router = APIRouter()

Text = Annotated[str, Form()]
_ADDRESS = re.compile(r"(?:[0-9A-F]{2}:){5}[0-9A-F]{2}")
_CHOICES = (
    "blood_pressure",
    "glucose",
    "weight",
    "pulse_oximetry",
    "temperature",
    "heart_rate",
    "continuous_glucose",
)


@router.get("/devices/new")
async def new_device(page: HomesPage, home: str = "") -> Response:
    return await _form(page, {"address": "", "kind": "", "label": "", "home": home}, {})


@router.post("/devices")
async def register(
    page: HomesPage, address: Text = "", kind: Text = "", label: Text = "", home: Text = ""
) -> Response:
    typed = {"address": address, "kind": kind, "label": label, "home": home}
    device, problems = await _device(page, typed)
    if device is None or problems:
        return await _form(page, typed, problems)
    added = await store.register_device(
        page.conn, page.clinic, device, staff=page.viewer.staff_id, now=page.now
    )
    key = await store.key_of_device(page.conn, page.clinic, device.address)
    if not added:
        return page.to(f"/devices/{key}", flash="This device is known already.")
    flash = "The device is registered. Say who uses it."
    return page.to(f"/devices/{key}/assign", flash=flash)


async def _form(page: HomesPage, form: dict[str, str], problems: dict[str, str]) -> Response:
    return await page.html(
        "devices/new.html",
        status=422 if problems else 200,
        form=form,
        problems=problems,
        kinds=[(kind, KINDS[kind]) for kind in _CHOICES],
        homes=await _homes(page),
    )


async def _homes(page: HomesPage) -> list[tuple[str, str]]:
    estate = await store.estate(page.conn, page.clinic, now=page.now)
    return [(str(h.id), h.label or "Home without a label") for h in estate.homes]


async def _device(
    page: HomesPage, typed: Mapping[str, str]
) -> tuple[store.NewDevice | None, dict[str, str]]:
    address = typed["address"].strip().upper().replace("-", ":")
    problems = {}
    if not _ADDRESS.fullmatch(address):
        problems["address"] = "Enter the address as it is on the label: C0:FF:EE:12:34:56"
    if typed["kind"] not in _CHOICES:
        problems["kind"] = "Choose what it measures"
    if typed["home"] and typed["home"] not in dict(await _homes(page)):
        problems["home"] = "Choose one of the homes"
    if problems:
        return None, problems
    home = UUID(typed["home"]) if typed["home"] else None
    label = typed["label"].strip()[:100]
    device = store.NewDevice(address=address, kind=typed["kind"], label=label, home=home)
    return device, {}


@router.get("/devices/{device_key}")
async def device(page: HomesPage, device_key: UUID) -> Response:
    found = await _detail(page, device_key)
    estate = await store.estate(page.conn, page.clinic, now=page.now)
    known = [d for home in estate.homes for d in home.devices] + list(estate.homeless)
    shown = next(d for d in known if d.address == found["row"]["address"])
    await page.audit("device.read", shown.key)
    return await page.html(
        "devices/device.html",
        device=shown,
        home=next((h for h in estate.homes if h.id == shown.home), None),
        look=home_view,
        homes=[(str(h.id), h.label or "Home without a label") for h in estate.homes],
        **found,
    )


@router.post("/devices/{device_key}/edit")
async def change(page: HomesPage, device_key: UUID, label: Text = "", home: Text = "") -> Response:
    found = await _detail(page, device_key)
    if home and home not in dict(await _homes(page)):
        raise NotFound
    wanted = store.NewDevice(
        address=found["row"]["address"],
        kind=None,
        label=label.strip()[:100],
        home=UUID(home) if home else None,
    )
    await store.change_device(
        page.conn, page.clinic, wanted, staff=page.viewer.staff_id, now=page.now
    )
    return page.to(f"/devices/{device_key}", flash="The device is saved.")


@router.post("/devices/{device_key}/forget")
async def forget(page: HomesPage, device_key: UUID, home: Text = "") -> Response:
    found = await _detail(page, device_key)
    if home not in dict(await _homes(page)):
        raise NotFound
    asked = await store.forget_device(
        page.conn,
        page.clinic,
        UUID(home),
        found["row"]["address"],
        staff=page.viewer.staff_id,
        now=page.now,
    )
    done = "The gateway will forget this device and pair with it anew when it hears it."
    none = "There is no gateway in that home yet."
    return page.to(f"/devices/{device_key}", flash=done if asked else none)


@router.get("/devices/{device_key}/assign")
async def assign_form(  # noqa: PLR0913, PLR0917 -- the form's fields
    page: HomesPage,
    device_key: UUID,
    slot: str = "",
    patient: str = "",
    starts: str = "",
    ends: str = "",
    undecided: str = "",
    check: str = "",
) -> Response:
    """The form; with `check` also what it would do."""
    form = AssignForm(
        slot=slot, patient=patient, starts=starts, ends=ends, undecided=bool(undecided)
    )
    return await _assign(page, device_key, form, check=bool(check))


@router.post("/devices/{device_key}/assign")
async def assign(  # noqa: PLR0913, PLR0917 -- the form's fields
    page: HomesPage,
    device_key: UUID,
    slot: Text = "",
    patient: Text = "",
    starts: Text = "",
    ends: Text = "",
    undecided: Text = "",
    seen: Text = "",
) -> Response:
    """Do what was shown; what was not shown yet, or has changed since, is shown first."""
    found = await _detail(page, device_key)
    form = AssignForm(
        slot=slot, patient=patient, starts=starts, ends=ends, undecided=bool(undecided)
    )
    checked = assigning.check(
        form, device=found["row"]["address"], zone=page.viewer.zone, now=page.now
    )
    if checked.period is None:
        return await _assign(page, device_key, form, check=True)
    if not seen:
        return page.to(f"/devices/{device_key}/assign?{form.query()}")
    try:
        done = await reassign.reassign(
            page.conn,
            page.clinic,
            checked.period,
            staff=page.viewer.staff_id,
            now=page.now,
            seen=seen,
        )
    except reassign.EffectChanged:
        flash = "Something arrived meanwhile. Nothing was done: look at the effect again."
        return page.to(f"/devices/{device_key}/assign?{form.query()}", flash=flash, kind="error")
    except DataRefused as refused:
        raise NotFound from refused
    return page.to(f"/devices/{device_key}", flash=_done(done))


def _done(done: reassign.Effect) -> str:
    moved = done.total("readings")
    alerts = done.total("open_alerts") + done.total("closed_alerts")
    words = ["The assignment is saved."]
    if moved:
        words.append(f"{moved} reading{'s' if moved != 1 else ''} moved and will be judged anew.")
    if alerts:
        words.append(f"{alerts} alert{'s' if alerts != 1 else ''} marked for review.")
    return " ".join(words)


async def _assign(page: HomesPage, device_key: UUID, form: AssignForm, *, check: bool) -> Response:
    found = await _detail(page, device_key)
    checked = assigning.check(
        form, device=found["row"]["address"], zone=page.viewer.zone, now=page.now
    )
    effect = None
    if check and checked.period:
        effect = await reassign.effect(page.conn, page.clinic, checked.period)
        await page.audit("device.assign.preview", device_key)
    people = {str(p["id"]): p for p in await store.patients(page.conn, page.clinic)}
    chosen = people.get(form.patient)
    patients = [
        (key, f"{p['family_name']}, {p['given_name']}{_born(p['birth_date'])}")
        for key, p in people.items()
    ]
    return await page.html(
        "devices/assign.html",
        status=422 if check and checked.problems else 200,
        form=form,
        problems=checked.problems if check else {},
        period=checked.period,
        effect=effect,
        name=f"{chosen['given_name']} {chosen['family_name']}" if chosen else "",
        patients=[*patients, (NOBODY, "Nobody: keep its readings without a patient")],
        look=home_view,
        **found,
    )


def _born(day: Any) -> str:
    return f" (born {day:%b} {day.day}, {day.year})" if day else ""


async def _detail(page: HomesPage, device_key: UUID) -> dict[str, Any]:
    address = await store.device_of_key(page.conn, page.clinic, device_key)
    found = await store.device_detail(page.conn, page.clinic, address or "", now=page.now)
    if found is None:
        raise NotFound
    return found


# An assignment by its key -------------------------------------------------------------------------


@router.get("/assignments/{assignment_id}/reassign")
async def reassign_form(page: HomesPage, assignment_id: UUID) -> Response:
    """The device's form, filled with this assignment's slot and period."""
    row = await _assignment(page, assignment_id)
    form = _filled(page, row)
    return RedirectResponse(f"/devices/{row['device_key']}/assign?{_unchecked(form)}", 303)


@router.post("/assignments/{assignment_id}/reassign")
async def reassign_to(
    page: HomesPage, assignment_id: UUID, patient: Text = "", seen: Text = ""
) -> Response:
    """All of its period to somebody else; as every change, its effect is shown first."""
    row = await _assignment(page, assignment_id)
    form = _filled(page, row, patient=patient)
    fields = {"slot": form.slot, "patient": patient, "starts": form.starts, "ends": form.ends}
    return await assign(page, row["device_key"], **fields, seen=seen)


@router.post("/assignments/{assignment_id}/end")
async def end(page: HomesPage, assignment_id: UUID, at: Text = "") -> Response:
    """From then on it is nobody's. Where readings would be taken away, that is shown first."""
    row = await _assignment(page, assignment_id)
    starts = at or assigning.local(page.now, page.viewer.zone)
    form = AssignForm(
        slot=assigning.slot_text(row["user_slot"]),
        patient=NOBODY,
        starts=starts,
        ends=assigning.local(row["ends_at"], page.viewer.zone),
    )
    return page.to(f"/devices/{row['device_key']}/assign?{form.query()}")


def _filled(page: HomesPage, row: Mapping[str, Any], *, patient: str = "") -> AssignForm:
    zone = page.viewer.zone
    return AssignForm(
        slot=assigning.slot_text(row["user_slot"]),
        patient=patient,
        starts=assigning.local(row["starts_at"], zone),
        ends=assigning.local(row["ends_at"], zone),
    )


def _unchecked(form: AssignForm) -> str:
    return form.query().replace("&check=yes", "")


async def _assignment(page: HomesPage, assignment_id: UUID) -> dict[str, Any]:
    row = await store.assignment(page.conn, page.clinic, assignment_id)
    if row is None:
        raise NotFound
    return row
