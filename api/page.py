"""A page in the making: who looks, when, and how it is answered."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any
from urllib.parse import quote, unquote
from uuid import UUID

from fastapi import Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from api.auth.guard import SignedIn, permit
from api.auth.viewer import Role, Viewer
from api.deps import Db, Now
from api.navigation import entries
from api.render import render
from store import audit
from store.tenancy import Connection, clinic_session
from store.timer_bar import timer_shown

FLASH = "hl_flash"


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Handed to every route of the console."""

    request: Request
    viewer: Viewer
    conn: Connection
    now: datetime

    @property
    def clinic(self) -> str:
        return self.viewer.clinic

    @property
    def is_fragment(self) -> bool:
        """Whether htmx asks for a part of a page."""
        return "hx-request" in self.request.headers

    async def html(self, template: str, *, status: int = 200, **context: Any) -> HTMLResponse:
        """The template with what every page shows: navigation, running timer, last notice."""
        timer = await timer_shown(self.conn, self.clinic, self.viewer.staff_id, now=self.now)
        flash = _unpack(self.request.cookies.get(FLASH, ""))
        common = {
            "viewer": self.viewer,
            "zone": self.viewer.zone,
            "now": self.now,
            "nav": entries(self.viewer.role, self.request.url.path),
            "running_timer": timer,
            "flash": flash,
            "csrf": self.viewer.csrf,
        }
        answer = HTMLResponse(render(template, common | context), status_code=status)
        if flash:
            answer.delete_cookie(FLASH)
        return answer

    def fragment(self, template: str, **context: Any) -> HTMLResponse:
        """A part of a page, for htmx and the live queue."""
        common = {"viewer": self.viewer, "zone": self.viewer.zone, "now": self.now}
        return HTMLResponse(render(template, common | {"csrf": self.viewer.csrf} | context))

    def to(self, path: str, *, flash: str = "", kind: str = "success") -> Response:
        """Go there after a form; `flash` says what happened (never a name or a value)."""
        answer: Response
        if self.is_fragment:
            answer = Response(status_code=204, headers={"HX-Redirect": path})
        else:
            answer = RedirectResponse(path, status_code=303)
        if flash:
            packed = quote(json.dumps({"kind": kind, "text": flash}))
            answer.set_cookie(FLASH, packed, max_age=60, httponly=True, samesite="lax")
        return answer

    async def audit(self, action: str, subject: UUID | str, **detail: Any) -> None:
        """Into the trail, in a transaction of its own: for reading a chart."""
        async with clinic_session(self.conn, self.clinic, staff=self.viewer.staff_id):
            await audit.record(
                self.conn,
                actor=self.viewer.staff_id,
                action=action,
                subject=subject,
                now=self.now,
                detail=detail,
            )


def _unpack(cookie: str) -> dict[str, str] | None:
    try:
        found = json.loads(unquote(cookie)) if cookie else None
        json.dumps(found, ensure_ascii=False).encode()  # half a surrogate pair cannot be shown
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, dict):
        return None
    return {"kind": str(found.get("kind", "")), "text": str(found.get("text", ""))}


class PageFor:
    """The dependency that lets these roles in; `.roles` is what the permission test reads."""

    def __init__(self, *roles: Role) -> None:
        self.roles = frozenset(roles)

    async def __call__(self, request: Request, row: SignedIn, conn: Db, now: Now) -> Page:
        return Page(request=request, viewer=permit(row, self.roles), conn=conn, now=now)


CARE = (Role.NURSE, Role.PROVIDER)
AnyPage = Annotated[Page, Depends(PageFor(*Role))]
CarePage = Annotated[Page, Depends(PageFor(*CARE))]
ChartPage = Annotated[Page, Depends(PageFor(*CARE, Role.BILLER))]
#: Who registers patients; an admin sees who they are and nothing of the chart.
IdentityPage = Annotated[Page, Depends(PageFor(*CARE, Role.ADMIN))]
#: Who signs a month sees what it rests on: the one part of a chart that is an admin's too.
MonthPage = Annotated[Page, Depends(PageFor(*CARE, Role.BILLER, Role.ADMIN))]
SigningPage = Annotated[Page, Depends(PageFor(Role.BILLER, Role.ADMIN))]
HomesPage = Annotated[Page, Depends(PageFor(*CARE, Role.ADMIN))]
#: Who corrects time: one's own, an admin anybody's.
LedgerPage = Annotated[Page, Depends(PageFor(*CARE, Role.ADMIN))]
LimitsPage = Annotated[Page, Depends(PageFor(Role.PROVIDER, Role.ADMIN))]
ProviderPage = Annotated[Page, Depends(PageFor(Role.PROVIDER))]
AdminPage = Annotated[Page, Depends(PageFor(Role.ADMIN))]
