"""What every request passes on its way in and every answer on its way out. Pure ASGI.

A page of the home network is open to any web page that a browser there shows: a name that was
rebound to this box's address is refused by the Host header, a form that another site sends by its
Origin, and no answer may be framed, sniffed or kept.
"""

from __future__ import annotations

import ipaddress
import time
from collections import OrderedDict
from collections.abc import Callable, Collection
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LARGEST_BODY: Final = 4096  # bytes: the largest form has three short fields
BURST: Final = 80.0  # requests of one caller
PER_SECOND: Final = 8.0
MOST_CALLERS: Final = 64

_HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",  # with none, browsers send forms with the origin "null"
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), bluetooth=()",
}


class Guard:
    """`names`: by which browsers may call the box; an IP address cannot be rebound."""

    def __init__(
        self,
        app: ASGIApp,
        names: Collection[str],
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._app = app
        self._names = frozenset(name.lower().rstrip(".") for name in names)
        self._clock_s = clock_s
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        headers = Headers(scope=scope)

        async def dressed(message: Message) -> None:
            if message["type"] == "http.response.start":
                out = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    out.setdefault(name, value)
                out.setdefault("Cache-Control", "no-store")
            await send(message)

        refusal = self._refusal(scope, headers)
        await (refusal or self._app)(scope, _bounded(receive), dressed)

    def _refusal(self, scope: Scope, headers: Headers) -> PlainTextResponse | None:
        if not self._is_ours(headers.get("host", "")):
            return PlainTextResponse("Use the address on the label of the box.", 421)
        if scope["method"] not in {"GET", "HEAD"} and not _same_site(headers):
            return PlainTextResponse("This form came from another page.", 403)
        length = headers.get("content-length", "0")
        if not length.isdigit() or int(length) > LARGEST_BODY:
            return PlainTextResponse("The form is too large.", 413)
        if not self._has_token(str((scope.get("client") or ("",))[0])):
            return PlainTextResponse("Too many requests. Wait a minute.", 429)
        return None

    def _is_ours(self, host: str) -> bool:
        try:
            name = urlsplit(f"//{host}").hostname or ""
            ipaddress.ip_address(name)
        except ValueError:
            return host.rpartition(":")[0].lower() in self._names or host.lower() in self._names
        return True

    def _has_token(self, caller: str) -> bool:
        """A bucket for each caller, so that one tab gone wild does not starve the radio."""
        now = self._clock_s()
        tokens, at = self._buckets.pop(caller, (BURST, now))
        tokens = min(BURST, tokens + (now - at) * PER_SECOND)
        allowed = tokens >= 1
        self._buckets[caller] = (tokens - 1 if allowed else tokens, now)
        while len(self._buckets) > MOST_CALLERS:
            self._buckets.popitem(last=False)
        return allowed


def _same_site(headers: Headers) -> bool:
    """What browsers say of where a form comes from; old ones say nothing, so forms have a key."""
    origin = headers.get("origin")
    if origin is not None and urlsplit(origin).netloc != headers.get("host"):
        return False
    return headers.get("sec-fetch-site", "same-origin") in {"same-origin", "none"}


def _bounded(receive: Receive) -> Receive:
    """A body that comes in pieces says no length beforehand: it is cut off where it is too long."""
    seen = 0

    async def counted() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        return {"type": "http.disconnect"} if seen > LARGEST_BODY else message

    return counted
