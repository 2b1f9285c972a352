"""The pages: the door, the one page that shows the step, its live form, and the act.

A form posts and the answer leads back to the page, so that going back or reloading sends nothing
twice. Without scripts the page asks again by itself every few seconds; with them it waits on
`/live` until what it shows has changed.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from time import monotonic
from typing import Any
from urllib.parse import parse_qs

import structlog
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from gateway import acts, language
from gateway.desk import PairingDesk
from gateway.pairing_state import NotNow, Step
from gateway.portal import static
from gateway.portal.door import Door, Session, TooManyTries
from gateway.portal.guard import Guard
from gateway.portal.render import Renderer
from gateway.screens import Screen, screen

log = structlog.get_logger(__name__)

SESSION = "hl-pairing"
LANGUAGE = "hl-language"
LIVE_S = 10.0  # longest wait for a change: advice opens with time alone
LOOK_S = 2.0  # without a change
PAUSE_S = 0.2  # between two changes: a device that advertises fast redraws nothing faster
MOST_WAITING = 12  # pages at once; a phone that reloads leaves the old wait behind for a while
LANGUAGE_DAYS = 365


@dataclass(frozen=True, slots=True, kw_only=True)
class Helpline:
    """The numbers that stand on every page."""

    emergency: str
    clinic: str | None = None


@dataclass(slots=True, kw_only=True)
class Portal:
    """The application's parts; `app()` puts them together."""

    desk: PairingDesk
    door: Door
    helpline: Helpline
    names: frozenset[str]
    clock: Callable[[], datetime]
    renderer: Renderer
    _waiting: int = 0

    def app(self) -> ASGIApp:
        routes = [
            Route("/", self._inside(self.page)),
            Route("/live", self._inside(self.live)),
            Route("/act", self._inside(self.act), methods=["POST"]),
            Route("/pin", self.pin),
            Route("/pin", self.enter, methods=["POST"]),
            Route("/open/{token}", self.invited),
            Route("/open", self.use_link, methods=["POST"]),
            Route("/language/{code}", self.switch_language),
            Route("/static/{name}", static.serve),
        ]
        handlers: dict[Any, Any] = {404: self._missing, 405: self._missing, 500: self._broken}
        # Outside of all of Starlette, so that the page of a fault is dressed too.
        return Guard(Starlette(routes=routes, exception_handlers=handlers), self.names)

    # Inside.

    def _inside(
        self, page: Callable[[Request, Session], Awaitable[Response]]
    ) -> Callable[[Request], Awaitable[Response]]:
        async def checked(request: Request) -> Response:
            waits = request.url.path == "/live"  # a page left open is nobody's act
            key = request.cookies.get(SESSION)
            session = self.door.session(key, self.clock(), renew=not waits)
            if session is not None:
                return await page(request, session)
            if waits:
                return Response(status_code=401)
            return RedirectResponse("/pin", 303)

        return checked

    async def page(self, request: Request, session: Session) -> Response:
        return self._shown(request, session)

    async def live(self, request: Request, session: Session) -> Response:
        """What the page would show now, once that is another than what it shows."""
        seen = request.query_params.get("seen", "")
        if self._waiting >= MOST_WAITING:
            return Response(status_code=503, headers={"Retry-After": "5"})
        self._waiting += 1
        try:
            return await self._changed(request, session, seen)
        finally:
            self._waiting -= 1

    async def _changed(self, request: Request, session: Session, seen: str) -> Response:
        gone = asyncio.create_task(_gone(request), name="gone")
        until_s = monotonic() + LIVE_S
        try:
            while True:
                html = self._drawn(request, session)
                if seal(html) != seen:
                    return self._html(request, html)
                if gone.done() or monotonic() >= until_s:
                    return Response(status_code=204)
                change = asyncio.create_task(self.desk.wait(self.desk.revision, LOOK_S))
                await asyncio.wait({change, gone}, return_when=asyncio.FIRST_COMPLETED)
                change.cancel()
                await asyncio.sleep(PAUSE_S)
        finally:
            gone.cancel()

    async def act(self, request: Request, session: Session) -> Response:
        form = await _form(request)
        if not hmac.compare_digest(form.get("csrf", "").encode(), session.csrf.encode()):
            return self._problem(request, 403)
        name, _, value = form.get("do", "").partition(":")
        try:
            await self.desk.act(acts.read(name, form.get("passkey", "") or value))
        except NotNow:
            pass  # the page was an old one; the answer shows how it is now
        except acts.NotUnderstood as wrong:
            if wrong.field != "passkey" or self.desk.look().step is not Step.PASSKEY:
                return self._problem(request, 400)
            return self._shown(request, session, typed_wrongly=True)
        return RedirectResponse("/", 303)

    def _shown(
        self, request: Request, session: Session, *, typed_wrongly: bool = False
    ) -> Response:
        html = self._drawn(request, session, typed_wrongly=typed_wrongly)
        return self._html(request, html, 400 if typed_wrongly else 200)

    def _drawn(self, request: Request, session: Session, *, typed_wrongly: bool = False) -> str:
        code = self._language(request)
        told = self._screen(code)
        return self.renderer.page(
            "step.html",
            code,
            screen=told,
            csrf=session.csrf,
            typed_wrongly=typed_wrongly,
            helpline=self.helpline,
        )

    def _screen(self, code: str) -> Screen:
        words = language.words(code)
        desk = self.desk
        return screen(desk.look(), self.clock(), words, online=desk.online, lost=desk.lost)

    # The door.

    async def pin(self, request: Request) -> Response:
        if self.door.session(request.cookies.get(SESSION), self.clock()) is not None:
            return RedirectResponse("/", 303)
        return self._at_the_door(request, "pin.html", 200)

    async def enter(self, request: Request) -> Response:
        form = await _form(request)
        caller = request.client.host if request.client else ""
        try:
            key = self.door.by_pin(form.get("pin", ""), caller, self.clock())
        except TooManyTries:
            return self._at_the_door(request, "pin.html", 429, error="too many")
        if key is None:
            return self._at_the_door(request, "pin.html", 401, error="wrong")
        return self._let_in(key)

    async def invited(self, request: Request) -> Response:
        """A link is used by the button, not by opening it: a preview in a chat opens it too."""
        token = request.path_params["token"]
        return self._at_the_door(request, "invited.html", 200, token=token)

    async def use_link(self, request: Request) -> Response:
        form = await _form(request)
        key = self.door.by_link(form.get("token", ""), self.clock())
        if key is None:
            return self._at_the_door(request, "pin.html", 401, error="old link")
        return self._let_in(key)

    def _let_in(self, key: str) -> Response:
        answer = RedirectResponse("/", 303)
        answer.set_cookie(SESSION, key, httponly=True, samesite="strict", path="/")
        return answer

    def _at_the_door(
        self, request: Request, name: str, status: int, *, error: str = "", token: str = ""
    ) -> Response:
        code = self._language(request)
        html = self.renderer.page(name, code, helpline=self.helpline, error=error, token=token)
        return self._html(request, html, status)

    # Language, and what goes wrong.

    async def switch_language(self, request: Request) -> Response:
        code = request.path_params["code"]
        answer = RedirectResponse("/", 303)
        if code in language.LANGUAGES:
            answer.set_cookie(
                LANGUAGE, code, max_age=LANGUAGE_DAYS * 86_400, samesite="strict", httponly=True
            )
        return answer

    def _language(self, request: Request) -> str:
        chosen = request.cookies.get(LANGUAGE, "")
        if chosen in language.LANGUAGES:
            return chosen
        return language.best(request.headers.get("accept-language", ""))

    async def _missing(self, request: Request, _: Exception) -> Response:
        return self._problem(request, 404)

    async def _broken(self, request: Request, error: Exception) -> Response:
        log.error("portal_failed", error=type(error).__name__)
        return self._problem(request, 500)

    def _problem(self, request: Request, status: int) -> Response:
        code = self._language(request)
        html = self.renderer.page("problem.html", code, helpline=self.helpline, status=status)
        return self._html(request, html, status)

    def _html(self, request: Request, html: str, status: int = 200) -> Response:
        marked = html.replace("{seal}", seal(html), 1)
        return HTMLResponse(
            marked, status, headers={"Content-Language": self._language(request), "Vary": "Cookie"}
        )


def seal(html: str) -> str:
    """By which a page is known to have changed."""
    return hashlib.sha256(html.encode()).hexdigest()[:16]


async def _gone(request: Request) -> None:
    """Until the browser has hung up."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def _form(request: Request) -> dict[str, str]:
    """The fields of a small form. One that was cut off or is no form has none."""
    try:
        body = await request.body()
    except ClientDisconnect:
        return {}
    fields = parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=8)
    return {name: values[-1] for name, values in fields.items()}
