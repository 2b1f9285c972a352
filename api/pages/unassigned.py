"""Readings that nobody has: given to a patient one by one, with their device, or set aside."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Form, Query
from fastapi.responses import Response

from api import assigning, home_view
from api.assigning import NOBODY
from api.errors import Conflict, NotFound
from api.page import HomesPage
from store import homes as store
from store import reassign

router = APIRouter()

Text = Annotated[str, Form()]


@router.get("/unassigned")
async def unassigned(page: HomesPage, of: Annotated[UUID | None, Query()] = None) -> Response:
    """`of`: one device, its readings one by one."""
    device = await _address(page, of)
    estate = await store.estate(page.conn, page.clinic, now=page.now)
    held = await store.undecided(page.conn, page.clinic, held=True, device=device)
    single = (
        await store.undecided(page.conn, page.clinic, held=False, device=device) if device else []
    )
    groups = [row for row in estate.unassigned if device in (None, row["device"])]
    await page.audit("readings.unassigned", page.clinic, readings=len(held) + len(single))
    known = [d for home in estate.homes for d in home.devices] + list(estate.homeless)
    return await page.html(
        "devices/unassigned.html",
        held=held,
        held_total=sum(row["readings"] for row in groups if row["held"]),
        single=single,
        groups=[row for row in groups if not row["held"]],
        of=of,
        names={d.address: home_view.device_name(d) for d in known},
        keys={d.address: d.key for d in known},
        homes={home.id: home.label or "Home without a label" for home in estate.homes},
        patients=await store.patients(page.conn, page.clinic) if held or single else [],
        words=lambda row: home_view.reading_words(row, page.viewer),
        look=home_view,
        assigning=assigning,
    )


@router.post("/unassigned/decide")
async def decide(
    page: HomesPage,
    reading: Annotated[UUID, Form()],
    patient: Text = "",
    of: Annotated[UUID | None, Form()] = None,
) -> Response:
    """One reading is a patient's, or nobody's."""
    back = f"/unassigned?of={of}" if of else "/unassigned"
    known = {str(p["id"]) for p in await store.patients(page.conn, page.clinic)}
    if patient not in known and patient != NOBODY:
        return page.to(back, flash="Choose whose reading it is, or nobody.", kind="error")
    decided = await reassign.decide(
        page.conn,
        page.clinic,
        [reading],
        patient=None if patient == NOBODY else UUID(patient),
        staff=page.viewer.staff_id,
        now=page.now,
    )
    if not decided:
        raise Conflict("This reading has a patient already. Look at the device's page.")
    flash = "The reading is set aside." if patient == NOBODY else "The reading has its patient."
    return page.to(back, flash=flash)


@router.post("/unassigned/set-aside")
async def set_aside(
    page: HomesPage,
    device: Annotated[str, Form()],
    slot: Annotated[int, Form()],
    until: Annotated[datetime, Form()],
) -> Response:
    """All that the list showed of this device and slot: a visitor's, or a trial."""
    seen = reassign.Unassigned(device=device, user_slot=slot, until=until)
    count = await reassign.set_aside(
        page.conn, page.clinic, seen, staff=page.viewer.staff_id, now=page.now
    )
    noun = "reading is" if count == 1 else "readings are"
    return page.to("/unassigned", flash=f"{count} {noun} set aside as nobody's.")


async def _address(page: HomesPage, key: UUID | None) -> str | None:
    if key is None:
        return None
    address = await store.device_of_key(page.conn, page.clinic, key)
    if address is None:
        raise NotFound
    return address
