"""The door of every page: session, clinic, role, and for what changes something, the form's token.

Each route names its roles by a `PageFor` (`api/page.py`); the permission test reads them back from
the running application, so a route without them cannot go unnoticed.
"""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from typing import Annotated, Any
from urllib.parse import urlsplit

from fastapi import Depends, Request

from api.auth import tokens
from api.auth.viewer import Role, Viewer, viewer_of
from api.deps import Db, Now
from api.errors import BadForm, Forbidden, NoClinic, NotSignedIn
from api.settings import Settings
from store.errors import Unavailable
from store.pool import connection
from store.staff import end_session, read_session, touch_session

COOKIE = "hl_session"
CSRF_FIELD, CSRF_HEADER = "csrf", "X-CSRF-Token"
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_UNASKED = frozenset({"/events", "/queue/rows", "/queue/figures"})
_TOUCH_EVERY = timedelta(minutes=1)

Row = dict[str, Any]


async def signed_in(request: Request, conn: Db, now: Now) -> Row:
    """The session's row, or NotSignedIn. A form without the session's own token is refused."""
    token = request.cookies.get(COOKIE, "")
    row = await read_session(conn, tokens.hashed(token)) if token else None
    settings: Settings = request.app.state.settings
    if row is None:
        raise NotSignedIn
    if _has_ended(row, settings, now):
        await end_session(conn, tokens.hashed(token), now=now)
        raise NotSignedIn
    await _check_form(request, row["csrf"])
    if now - row["last_seen_at"] > _TOUCH_EVERY and not _asks_by_itself(request):
        await touch_session(conn, tokens.hashed(token), now=now)
    return {**row, "token_hash": tokens.hashed(token)}


SignedIn = Annotated[Row, Depends(signed_in)]


def _has_ended(row: Row, settings: Settings, now: datetime) -> bool:
    return bool(now >= row["expires_at"] or now - row["last_seen_at"] > settings.idle)


async def still_stands(state: Any, viewer: Viewer) -> bool:
    """Whether a viewer of a while ago could come in again: for what outlives its request."""
    try:
        async with connection(state.pool) as conn:
            row = await read_session(conn, viewer.token_hash)
    except Unavailable:
        return True  # nobody knows; the next look will
    if row is None or _has_ended(row, state.settings, state.clock()):
        return False
    return (row["clinic_id"], row["role"]) == (viewer.clinic, viewer.role)


def permit(row: Row, roles: frozenset[Role]) -> Viewer:
    if row["role"] is None:
        raise NoClinic
    viewer = viewer_of(row, row["token_hash"])
    if viewer.role not in roles:
        raise Forbidden
    return viewer


def check_origin(request: Request) -> None:
    """A browser says where a form comes from; another site's is refused."""
    origin = request.headers.get("origin")
    settings: Settings = request.app.state.settings
    here = urlsplit(settings.public_url).netloc or request.headers.get("host")
    strange = origin not in {None, "null"} and urlsplit(origin or "").netloc != here
    if strange or request.headers.get("sec-fetch-site") == "cross-site":
        raise BadForm


async def _check_form(request: Request, csrf: str) -> None:
    if request.method in _SAFE:
        return
    check_origin(request)
    given = request.headers.get(CSRF_HEADER) or (await request.form()).get(CSRF_FIELD)
    if not isinstance(given, str) or not secrets.compare_digest(given.encode(), csrf.encode()):
        raise BadForm


def _asks_by_itself(request: Request) -> bool:
    """An open page is not a person: what it asks for unasked does not keep a session alive."""
    path = request.url.path
    return path in _UNASKED or path.endswith("/progress")
