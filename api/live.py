"""Live updates: one LISTEN for the process, one bounded queue per open page.

    alert or task changes ─trigger─ NOTIFY console ─ Hub ─ event stream ─ the page asks for the row

A notice carries a kind and a key, never a value: a page asks for what it shows with its own rights.
A stream looks again and again whether its session still stands in that clinic, and ends with it.
"""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager

from fastapi import APIRouter
from sse_starlette import EventSourceResponse, ServerSentEvent

from api import metrics
from api.auth.guard import still_stands
from api.page import AnyPage
from store.listen import listen

CHANNEL = "console"
BACKLOG = 256  # notices a slow page may lag behind before it is told to read everything again
PING_S = 15
LOOK_S = 15.0  # so long a stream may outlive its session

router = APIRouter()
_AGAIN = ("refresh", "")


class Hub:
    """Hands each clinic's notices to the pages of that clinic."""

    def __init__(self, look_s: float = LOOK_S) -> None:
        self.look_s = look_s
        self._pages: dict[str, set[asyncio.Queue[tuple[str, str]]]] = defaultdict(set)

    async def run(self, url: str) -> None:
        """Until cancelled. An empty payload says: connected anew, something may be missed."""
        async with aclosing(listen(url, CHANNEL)) as payloads:
            async for payload in payloads:
                self._hear(payload)

    def _hear(self, payload: str) -> None:
        if payload:
            clinic, _, notice = payload.partition(" ")  # whoever can connect can send one
            kind, _, key = notice.partition(" ")
            self._tell(clinic, (kind, key))
            return
        for clinic in list(self._pages):
            self._tell(clinic, _AGAIN)

    def _tell(self, clinic: str, notice: tuple[str, str]) -> None:
        for queue in self._pages.get(clinic, ()):
            lags = queue.full()
            while lags and not queue.empty():
                queue.get_nowait()
            queue.put_nowait(_AGAIN if lags else notice)

    @asynccontextmanager
    async def watching(self, clinic: str) -> AsyncIterator[asyncio.Queue[tuple[str, str]]]:
        queue: asyncio.Queue[tuple[str, str]] = asyncio.Queue(BACKLOG)
        self._pages[clinic].add(queue)
        metrics.STREAMS.inc()
        try:
            yield queue
        finally:
            metrics.STREAMS.dec()
            self._pages[clinic].discard(queue)


@router.get("/events")
async def events(page: AnyPage) -> EventSourceResponse:
    """`event: alert|task|refresh`, `data: {"id": …}`."""
    hub: Hub = page.request.app.state.hub
    return EventSourceResponse(_stream(hub, page), ping=PING_S)


async def _stream(hub: Hub, page: AnyPage) -> AsyncIterator[ServerSentEvent]:
    async with hub.watching(page.clinic) as queue:
        yield ServerSentEvent(event="hello", data="{}", retry=2000)
        while await still_stands(page.request.app.state, page.viewer):
            async for kind, key in _notices(queue, hub.look_s):
                yield ServerSentEvent(event=kind, data=json.dumps({"id": key}))


async def _notices(
    queue: asyncio.Queue[tuple[str, str]], seconds: float
) -> AsyncIterator[tuple[str, str]]:
    """What comes within so many seconds."""
    until = asyncio.get_running_loop().time() + seconds
    while True:
        try:
            async with asyncio.timeout_at(until):
                notice = await queue.get()
        except TimeoutError:
            return
        yield notice
