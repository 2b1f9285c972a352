"""How long the console takes for each of its pages: every page that a person can reach by links.

The templates come from the application itself. Somebody of the staff follows the links of the demo
clinic; of each template some addresses are kept, and asked for in turn on a connection that stays
open. The time is from the request's first byte to the answer's last, so it errs to the slow side.
"""

from __future__ import annotations

import html
import re
import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import httpx
from fastapi.routing import APIRoute

from api.pages import ROUTERS
from bench.spread import Spread, spread

SUBJECTS = 12  # addresses of one template: twelve patients, twelve homes
WARM_UP = 2  # requests of each that are not counted
_LINK = re.compile(r'(?:href|hx-get|data-live-url)="(/[^"#]*)')
_OK = 200


@dataclass(slots=True, kw_only=True)
class Found:
    """Addresses by template."""

    routes: list[APIRoute]
    lengths: dict[str, dict[str, int]] = field(default_factory=dict)  # of each answer, in bytes

    def template(self, address: str) -> str | None:
        path = urlsplit(address).path
        return next((r.path for r in self.routes if r.path_regex.match(path)), None)

    def wants(self, address: str) -> bool:
        template = self.template(address)
        return template is not None and len(self.lengths.get(template, {})) < SUBJECTS

    def keep(self, address: str, length: int) -> None:
        if template := self.template(address):
            self.lengths.setdefault(template, {})[address] = length

    def addresses(self) -> dict[str, list[str]]:
        """By template those with something on them: an empty month is quickly made."""
        return {
            template: [a for a, length in lengths.items() if 2 * length >= max(lengths.values())]
            for template, lengths in self.lengths.items()
        }


def get_routes() -> list[APIRoute]:
    """What can be asked for with GET, in the order in which the application matches."""
    routes = [r for router in ROUTERS for r in router.routes if isinstance(r, APIRoute)]
    return [route for route in routes if "GET" in (route.methods or ())]


async def follow(client: httpx.AsyncClient, start: str, known: Iterable[str]) -> Found:
    """By links from `start`, what is not `known` yet; only what answers with a page of its own."""
    done = set(known)
    found = Found(routes=[r for r in get_routes() if r.path not in done])
    waiting, seen = deque([start]), {start}
    while waiting:
        address = waiting.popleft()
        if address != start and not found.wants(address):
            continue
        answer = await client.get(address)
        if answer.status_code != _OK or "text/html" not in answer.headers["content-type"]:
            continue
        found.keep(address, len(answer.content))
        fresh = [link for link in links(answer.text) if link not in seen]
        seen.update(fresh)
        waiting.extend(fresh)
    return found


def links(text: str) -> list[str]:
    """Local addresses that a page leads to, in order, each once."""
    return list(dict.fromkeys(html.unescape(link) for link in _LINK.findall(text)))


async def timed(client: httpx.AsyncClient, addresses: list[str], requests: int) -> Spread:
    """So many requests, the addresses in turn."""
    taken = []
    for number in range(-WARM_UP, requests):
        started = time.perf_counter()
        answer = await client.get(addresses[number % len(addresses)])
        seconds = time.perf_counter() - started
        if answer.status_code != _OK:
            raise RuntimeError(f"{urlsplit(str(answer.url)).path} answered {answer.status_code}")
        if number >= 0:
            taken.append(seconds)
    found = spread(taken)
    if found is None:
        raise ValueError("at least one request")
    return found
