"""Homes and their gateways: how each one is, and registering them."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID
from zoneinfo import available_timezones

from fastapi import APIRouter, Form
from fastapi.responses import Response

from api import home_view
from api.errors import NotFound
from api.home_view import HomeView
from api.page import HomesPage
from api.pages.settings import ZONES
from store import homes as store
from vitals.topics import is_name

router = APIRouter()

Text = Annotated[str, Form()]
MOST = 60  # homes on one page
_LONGEST = 100  # characters of a label


@router.get("/homes")
async def homes(page: HomesPage, show: str = "all") -> Response:
    """The ones that need somebody come first."""
    return await _list(page, show, "")


@router.post("/homes/search")
async def search(page: HomesPage, show: Text = "all", q: Text = "") -> Response:
    """A form and not an address, so that no name and no device is in a history or a log."""
    return await _list(page, show, q.strip()[:_LONGEST])


async def _list(page: HomesPage, show: str, q: str) -> Response:
    estate = await store.estate(page.conn, page.clinic, now=page.now)
    views = sorted(
        (home_view.look(home, now=page.now) for home in estate.homes),
        key=lambda view: (not view.needs_attention, view.worst.tone == "notice", view.name),
    )
    wanted = [view for view in views if _matches(view, show, q.casefold())]
    await page.audit("homes.read", page.clinic, homes=len(wanted[:MOST]))
    return await page.html(
        "homes/homes.html",
        views=wanted[:MOST],
        total=len(wanted),
        every=len(views),
        attention=sum(view.needs_attention for view in views),
        show=show,
        q=q,
        homeless=estate.homeless,
        unassigned=_waiting(estate.unassigned),
        look=home_view,
    )


def _matches(view: HomeView, show: str, words: str) -> bool:
    if show == "attention" and not view.needs_attention:
        return False
    known = [view.name, *(g.name for g in view.home.gateways)]
    for device in view.home.devices:
        known += [device.address, device.label, *(holder.name for holder in device.holders)]
    return not words or any(words in word.casefold() for word in known)


def _waiting(rows: tuple[dict[str, Any], ...]) -> dict[str, int]:
    """How many readings nobody has: `held` by a doubtful clock, or simply `unassigned`."""
    held = sum(row["readings"] for row in rows if row["held"])
    return {"held": held, "unassigned": sum(row["readings"] for row in rows) - held}


@router.get("/homes/new")
async def new_home(page: HomesPage) -> Response:
    return await _form(page, {"label": "", "zone": page.viewer.zone.key}, {})


@router.post("/homes/new")
async def register(page: HomesPage, label: Text = "", zone: Text = "") -> Response:
    words, problems = _words(label, zone)
    if problems:
        return await _form(page, {"label": label, "zone": zone}, problems)
    home = await store.register_home(
        page.conn, page.clinic, words, staff=page.viewer.staff_id, now=page.now
    )
    return page.to(f"/homes/{home}", flash="The home is registered. Now add its gateway.")


async def _form(page: HomesPage, form: dict[str, str], problems: dict[str, str]) -> Response:
    status = 422 if problems else 200
    return await page.html(
        "homes/new.html", status=status, form=form, problems=problems, zones=ZONES
    )


@router.get("/homes/{home_id}")
async def home(page: HomesPage, home_id: UUID) -> Response:
    return await _home(page, home_id)


@router.post("/homes/{home_id}/edit")
async def change(page: HomesPage, home_id: UUID, label: Text = "", zone: Text = "") -> Response:
    await find_home(page, home_id)
    words, problems = _words(label, zone)
    if problems:
        return await _home(page, home_id, problems=problems, form={"label": label, "zone": zone})
    await store.change_home(
        page.conn, page.clinic, home_id, words, staff=page.viewer.staff_id, now=page.now
    )
    return page.to(f"/homes/{home_id}", flash="The home is saved.")


@router.get("/homes/{home_id}/gateways")
async def new_gateway(page: HomesPage, home_id: UUID, added: str = "") -> Response:
    """The form; and, after it, the command that gives the box its credentials."""
    return await _gateways(page, home_id, added=added)


@router.post("/homes/{home_id}/gateways")
async def add_gateway(page: HomesPage, home_id: UUID, name: Text = "") -> Response:
    await find_home(page, home_id)
    name = name.strip()
    if not is_name(name):
        problem = "Enter lower-case letters, digits and hyphens, 64 at most"
        return await _gateways(page, home_id, name=name, problems={"name": problem})
    added = await store.register_gateway(
        page.conn, page.clinic, home_id, name, staff=page.viewer.staff_id, now=page.now
    )
    if not added:
        problem = "This name is taken. Choose another one"
        return await _gateways(page, home_id, name=name, problems={"name": problem})
    return page.to(f"/homes/{home_id}/gateways?added={name}", flash="The gateway is registered.")


async def _gateways(
    page: HomesPage,
    home_id: UUID,
    *,
    name: str = "",
    added: str = "",
    problems: dict[str, str] | None = None,
) -> Response:
    view = await find_home(page, home_id)
    return await page.html(
        "homes/gateways.html",
        status=422 if problems else 200,
        view=view,
        look=home_view,
        name=name,
        added=next((g.name for g in view.home.gateways if g.name == added), ""),
        problems=problems or {},
    )


async def _home(
    page: HomesPage,
    home_id: UUID,
    *,
    problems: dict[str, str] | None = None,
    form: dict[str, str] | None = None,
) -> Response:
    view = await find_home(page, home_id)
    await page.audit("home.read", home_id)
    return await page.html(
        "homes/home.html",
        status=422 if problems else 200,
        view=view,
        look=home_view,
        form=form or {"label": view.home.label, "zone": view.home.zone},
        problems=problems or {},
        zones=ZONES,
    )


async def find_home(page: HomesPage, home_id: UUID) -> HomeView:
    estate = await store.estate(page.conn, page.clinic, now=page.now)
    for home in estate.homes:
        if home.id == home_id:
            return home_view.look(home, now=page.now)
    raise NotFound


def _words(label: str, zone: str) -> tuple[store.HomeWords, dict[str, str]]:
    words = store.HomeWords(label=label.strip(), zone=zone.strip())
    problems = {}
    if not words.label or len(words.label) > _LONGEST:
        problems["label"] = "Enter a label by which your staff know this home"
    if words.zone not in available_timezones():
        problems["zone"] = "Enter a time zone like America/New_York"
    return words, problems
