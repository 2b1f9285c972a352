"""Live updates: one LISTEN for the process, one bounded queue per open page.

    alert or task changes ─trigger─ NOTIFY console ─ Hub ─ event stream ─ the page asks for the row

A notice carries a kind and a key, never a value: a page asks for what it shows with its own rights.
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
from api.page import AnyPage
from store.listen import listen

CHANNEL = "console"
BACKLOG = 256  # notices a slow page may lag behind before it is told to read everything again
PING_S = 15

router = APIRouter()
_AGAIN = ("refresh", "")


class Hub:
    """Hands each clinic's notices to the pages of that clinic."""

    def __init__(self) -> None:
        self._pages: dict[str, set[asyncio.Queue[tuple[str, str]]]] = defaultdict(set)

    async def run(self, url: str) -> None:
        """Until cancelled. An empty payload says: connected anew, something may be missed."""
        async with aclosing(listen(url, CHANNEL)) as payloads:
            async for payload in payloads:
                self._hear(payload)

    def _hear(self, payload: str) -> None:
        if payload:
            clinic, kind, key = payload.split(" ", 2)
            self._tell(clinic, (kind, key))
            return
        for clinic in list(self._pages):
            self._tell(clinic, _AGAIN)

    def _tell(self, clinic: str, notice: tuple[str, str]) -> None:
        for queue in self._pages.get(clinic, ()):
            if queue.full():
                while not queue.empty():
                    queue.get_nowait()
                notice = _AGAIN
            queue.put_nowait(notice)

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
    return EventSourceResponse(_stream(hub, page.clinic), ping=PING_S)


async def _stream(hub: Hub, clinic: str) -> AsyncIterator[ServerSentEvent]:
    async with hub.watching(clinic) as queue:
        yield ServerSentEvent(event="hello", data="{}", retry=2000)
        while True:
            kind, key = await queue.get()
            yield ServerSentEvent(event=kind, data=json.dumps({"id": key}))
