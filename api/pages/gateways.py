"""One gateway: how its box is, what it shall do, and the code that makes a blank box be it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from fastapi import APIRouter
from fastapi.responses import Response

from api import boxes, gateway_view, home_view
from api.errors import NotFound
from api.page import HomesPage
from api.pages.homes import find_home
from api.settings import Settings
from store import gateway_credentials as credentials
from store import gateway_wishes as wishes
from store.gateway_wishes import Wish
from store.homes import Gateway, Home, forget_device
from vitals import enrolment

router = APIRouter()

LEAST_REST_S, MOST_REST_S = 1, 3600  # as the gateway's own bounds
USUAL_REST_S = 30
_LONGEST = 60  # characters of a name, as a gateway keeps it


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A gateway of the clinic, its home, and what is asked of it."""

    home: Home
    gateway: Gateway
    wish: dict[str, Any]

    @property
    def path(self) -> str:
        return f"/homes/{self.home.id}/gateways/{self.gateway.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """Shown once: only its hash is kept."""

    text: str
    ends: datetime


@router.get("/homes/{home_id}/gateways/{gateway_name}")
async def gateway(page: HomesPage, home_id: UUID, gateway_name: str) -> Response:
    found = await _find(page, home_id, gateway_name)
    await page.audit("gateway.read", gateway_name)
    return await _page(page, found)


@router.post("/homes/{home_id}/gateways/{gateway_name}/code")
async def issue_code(page: HomesPage, home_id: UUID, gateway_name: str) -> Response:
    """A new one takes the place of an earlier one that nobody used."""
    found = await _find(page, home_id, gateway_name)
    text = enrolment.new_code()
    letters = enrolment.typed(text) or ""
    ends = await credentials.issue_code(
        page.conn,
        page.clinic,
        gateway_name,
        await asyncio.to_thread(boxes.code_hash, letters),
        staff=page.viewer.staff_id,
        now=page.now,
    )
    return await _page(page, found, code=Code(text=text, ends=ends))


@router.post("/homes/{home_id}/gateways/{gateway_name}/withdraw")
async def withdraw(page: HomesPage, home_id: UUID, gateway_name: str) -> Response:
    found = await _find(page, home_id, gateway_name)
    ended = await credentials.withdraw(
        page.conn, page.clinic, gateway_name, staff=page.viewer.staff_id, now=page.now
    )
    done = "The box is locked out. Make a code to let one in again."
    none = "No box had come in with a code. What was made by hand, the operator removes."
    return page.to(found.path, flash=done if ended else none)


@router.post("/homes/{home_id}/gateways/{gateway_name}/renew")
async def renew(page: HomesPage, home_id: UUID, gateway_name: str) -> Response:
    found = await _find(page, home_id, gateway_name)
    await wishes.order_renewal(
        page.conn, page.clinic, gateway_name, staff=page.viewer.staff_id, now=page.now
    )
    return page.to(found.path, flash="The box is asked for a new password. It makes its own.")


@router.post("/homes/{home_id}/gateways/{gateway_name}/forget")
async def forget(page: HomesPage, home_id: UUID, gateway_name: str) -> Response:
    found = await _find(page, home_id, gateway_name)
    key = (await page.request.form()).get("device")
    device = next((d for d in found.home.devices if str(d.key) == key), None)
    if device is None:
        raise NotFound
    await forget_device(
        page.conn,
        page.clinic,
        home_id,
        device.address,
        staff=page.viewer.staff_id,
        now=page.now,
    )
    flash = "The gateway will forget this device and pair with it anew when it hears it."
    return page.to(found.path, flash=flash)


@router.post("/homes/{home_id}/gateways/{gateway_name}/wish")
async def set_wish(page: HomesPage, home_id: UUID, gateway_name: str) -> Response:
    found = await _find(page, home_id, gateway_name)
    form = await page.request.form()
    typed = {name: str(value).strip() for name, value in form.items()}
    chosen = {str(value) for value in form.getlist("accept")}
    problems = _problems(typed, found.home)
    if problems:
        return await _page(page, found, problems=problems, typed=typed | {"chosen": chosen})
    devices = found.home.devices
    only = typed.get("mode") == "list"
    names = {d.address: typed.get(f"name-{d.key}", d.label) for d in devices}
    wish = Wish(
        accept=tuple(d.address for d in devices if str(d.key) in chosen) if only else None,
        settings={"revisit_s": float(typed["revisit_s"])},
        names={d.address: names[d.address] for d in devices if names[d.address] != d.label},
    )
    await wishes.set_wish(
        page.conn, page.clinic, gateway_name, wish, staff=page.viewer.staff_id, now=page.now
    )
    return page.to(found.path, flash="Saved. The box is told as soon as it is online.")


def _problems(typed: dict[str, str], home: Home) -> dict[str, str]:
    problems = {}
    if typed.get("mode") not in {"any", "list"}:
        problems["mode"] = "Choose which devices it accepts"
    rest = typed.get("revisit_s", "")
    if not rest.isdecimal() or not LEAST_REST_S <= int(rest) <= MOST_REST_S:
        problems["revisit_s"] = f"Enter {LEAST_REST_S} to {MOST_REST_S} seconds"
    for device in home.devices:
        if len(typed.get(f"name-{device.key}", "")) > _LONGEST:
            problems[f"name-{device.key}"] = f"Enter {_LONGEST} letters at most"
    return problems


async def _find(page: HomesPage, home_id: UUID, name: str) -> Found:
    view = await find_home(page, home_id)
    gateway = next((g for g in view.home.gateways if g.name == name), None)
    wish = await wishes.detail(page.conn, page.clinic, home_id, name)
    if gateway is None or wish is None:
        raise NotFound
    return Found(home=view.home, gateway=gateway, wish=wish)


async def _page(
    page: HomesPage,
    found: Found,
    *,
    code: Code | None = None,
    problems: dict[str, str] | None = None,
    typed: dict[str, Any] | None = None,
) -> Response:
    waiting, granted = await credentials.standing(
        page.conn, page.clinic, found.gateway.name, now=page.now
    )
    settings: Settings = page.request.app.state.settings
    return await page.html(
        "homes/gateway.html",
        status=422 if problems else 200,
        found=found,
        view=gateway_view.look(found.gateway, found.wish, now=page.now),
        look=home_view,
        code=code,
        waiting=waiting,
        credentials=granted,
        enrols=bool(settings.gateway_broker),
        server=settings.public_url.rstrip("/") or str(page.request.base_url).rstrip("/"),
        form=_form(found, typed),
        problems=problems or {},
    )


def _form(found: Found, typed: dict[str, Any] | None) -> dict[str, Any]:
    """What was typed, or what is asked of the box now."""
    devices = found.home.devices
    if typed is not None:
        names = {str(d.key): typed.get(f"name-{d.key}", d.label) for d in devices}
        return {**typed, "names": names}
    accept = found.wish["accept"]
    rest = (found.wish["settings"] or {}).get("revisit_s", USUAL_REST_S)
    return {
        "mode": "any" if accept is None else "list",
        "chosen": {str(d.key) for d in devices if d.address in (accept or ())},
        "revisit_s": f"{rest:g}",
        "names": {str(d.key): d.label for d in devices},
    }
