"""A colleague's browser without a window: signed in, on one connection that stays open."""

from __future__ import annotations

import json
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx

from scripts.clinic import PASSWORD, Member

_TIMEOUT_S = 60.0
_HIDDEN = re.compile(r'name="csrf" value="([^"]+)"')
_SEE_OTHER = 303


@dataclass(frozen=True, slots=True, kw_only=True)
class Colleague:
    """`client` keeps the session; `csrf` goes with what changes something."""

    client: httpx.AsyncClient
    csrf: str

    async def snooze(self, task: str) -> None:
        form = {"csrf": self.csrf, "minutes": "4320", "reason": "benchmark"}
        answer = await self.client.post(f"/tasks/{task}/snooze", data=form)
        if answer.status_code != _SEE_OTHER:
            raise RuntimeError(f"snooze answered {answer.status_code}")

    async def notices(self, heard: dict[str, float]) -> None:
        """The event stream: the stopwatch at the first notice of each alert. Until cancelled."""
        async with self.client.stream("GET", "/events", timeout=None) as stream:
            kind = ""
            async for line in stream.aiter_lines():
                name, _, value = line.partition(": ")
                if name == "event":
                    kind = value
                elif name == "data" and kind == "alert":
                    heard.setdefault(json.loads(value)["id"], time.perf_counter())


@asynccontextmanager
async def signed_in(address: str, member: Member) -> AsyncIterator[Colleague]:
    async with httpx.AsyncClient(
        base_url=address, headers={"Origin": address}, timeout=_TIMEOUT_S
    ) as client:
        form = {"email": member.email, "password": PASSWORD, "target": ""}
        form["csrf"] = _csrf((await client.get("/sign-in")).text)
        answer = await client.post("/sign-in", data=form)
        if answer.status_code != _SEE_OTHER:
            raise RuntimeError(f"signing in answered {answer.status_code}")
        yield Colleague(client=client, csrf=_csrf((await client.get("/account")).text))


def _csrf(text: str) -> str:
    found = _HIDDEN.search(text)
    if found is None:
        raise RuntimeError("the page has no form")
    return found[1]
