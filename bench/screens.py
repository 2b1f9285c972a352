"""Nurses' open queues without a browser: each holds an event stream and asks as `live.js` does.

    notice ─ 15 ms to gather ─ GET /queue/rows?has=… ─ a pause that grows with the answer's time

A stream is read from a bare connection: twenty of them must cost this machine next to nothing.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from bench.staff import Colleague, signed_in
from scripts.clinic import Member

#: As in api/static/js/live.js.
GATHER_S, REST, LONGEST_REST_S, RETRY_S = 0.015, 1, 1.0, 5.0
_VERSION = re.compile(r'data-version="([0-9a-f]+)"')
_OK = 200


@dataclass(slots=True, kw_only=True)
class Screen:
    """One signed-in nurse. `heard`: alert id → the stopwatch at its first notice."""

    colleague: Colleague
    heard: dict[str, float] = field(default_factory=dict)
    answers: list[float] = field(default_factory=list)  # seconds of each ask
    refused: int = 0  # asks that the console was too busy for
    received: int = 0  # bytes of the answers
    ready: bool = False  # the stream said hello
    _due: asyncio.Event = field(default_factory=asyncio.Event)

    async def live(self, *, asks: bool) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._listen(), name="event stream")
            if asks:
                group.create_task(self._keep_up(), name="queue")

    async def _listen(self) -> None:
        async for kind, key in notices(self.colleague):
            self.ready = True
            if kind == "alert":
                self.heard.setdefault(key, time.perf_counter())
            self._due.set()

    async def _keep_up(self) -> None:
        had = _VERSION.findall(await self._ask({"tab": "medical"}))
        self.answers.clear()
        while True:
            await self._due.wait()
            await asyncio.sleep(GATHER_S)
            self._due.clear()
            had = _VERSION.findall(await self._ask({"tab": "medical", "has": ".".join(had)}))
            await asyncio.sleep(min(REST * self.answers[-1], LONGEST_REST_S))

    async def _ask(self, query: dict[str, str]) -> str:
        """What the console is too busy for is counted, and asked for again."""
        while True:
            started = time.perf_counter()
            answer = await self.colleague.client.get("/queue/rows", params=query)
            if answer.status_code == _OK:
                break
            self.refused += 1
            await asyncio.sleep(RETRY_S)
        self.answers.append(time.perf_counter() - started)
        self.received += len(answer.content)
        return answer.text


async def notices(colleague: Colleague) -> AsyncIterator[tuple[str, str]]:
    """(kind, key) of each notice on an event stream of this session."""
    place = urlsplit(str(colleague.client.base_url))
    reader, writer = await asyncio.open_connection(place.hostname, place.port)
    cookies = "; ".join(f"{c.name}={c.value}" for c in colleague.client.cookies.jar)
    writer.write(
        f"GET /events HTTP/1.0\r\nHost: {place.netloc}\r\nCookie: {cookies}\r\n\r\n".encode()
    )
    try:
        kind = ""
        while line := await reader.readline():
            name, _, value = line.decode().strip().partition(": ")
            if name == "event":
                kind = value
            elif name == "data":
                yield kind, json.loads(value).get("id", "")
    finally:
        writer.close()
    raise RuntimeError("the event stream ended")


@asynccontextmanager
async def screens(address: str, members: Iterable[Member]) -> AsyncIterator[list[Screen]]:
    """Each signed in through the form, nobody listening yet."""
    async with AsyncExitStack() as stack:
        entered = [await stack.enter_async_context(signed_in(address, who)) for who in members]
        yield [Screen(colleague=colleague) for colleague in entered]
