"""What every answer carries: security headers, and the figures that operators watch.

Pure ASGI, so that event streams pass through unbuffered. Labels are route templates, never paths.
"""

from __future__ import annotations

import time
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api import metrics

LARGEST_BODY = 262_144  # bytes: no form of ours comes near it
LARGEST_FILE = 8_388_608  # bytes: where a file is uploaded
_FILES = frozenset({"/rates", "/rates/preview"})
_POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}
_FOR_EVER = "public, max-age=31536000, immutable"


class Envelope:
    """Headers on the way out, a bound on the way in, one observation per request."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        most = LARGEST_FILE if scope["path"] in _FILES else LARGEST_BODY
        if int(Headers(scope=scope).get("content-length", "0") or 0) > most:
            await PlainTextResponse("The form is too large.", 413)(scope, receive, send)
            return
        await self._serve(scope, _bounded(receive, most), send)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        started, status = time.perf_counter(), 500

        async def dressed(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                _dress(scope, MutableHeaders(scope=message))
            await send(message)

        try:
            await self._app(scope, receive, dressed)
        finally:
            _observe(scope, status, time.perf_counter() - started)


def _bounded(receive: Receive, most: int) -> Receive:
    """A body that comes in pieces says no length beforehand: it ends where it is too long."""
    seen = 0

    async def counted() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > most:
            raise HTTPException(413)
        return message

    return counted


def _dress(scope: Scope, headers: MutableHeaders) -> None:
    for name, value in _HEADERS.items():
        headers.setdefault(name, value)
    versioned = scope["path"].startswith("/static/") and b"v=" in scope.get("query_string", b"")
    headers.setdefault("Cache-Control", _FOR_EVER if versioned else "no-store")


def _observe(scope: Scope, status: int, seconds: float) -> None:
    route: Any = scope.get("route")
    name = getattr(route, "path", "unmatched")
    metrics.REQUESTS.labels(route=name, status=f"{status // 100}xx").inc()
    if name != "/events":
        metrics.SECONDS.labels(route=name).observe(seconds)
