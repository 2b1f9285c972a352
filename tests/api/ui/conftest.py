"""A small application that shows every shared part on one page, moved by the test."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response
from fastapi.staticfiles import StaticFiles
from jinja2 import ChoiceLoader, Environment, FileSystemLoader
from sse_starlette import EventSourceResponse, ServerSentEvent

from api.middleware import Envelope
from api.navigation import Entry
from api.render import STATIC, environment
from tests.browser import serving

HERE = Path(__file__).parent
NOW = datetime(2026, 11, 24, 14, 5, tzinfo=UTC)
ZONE = ZoneInfo("America/New_York")
NAV = (
    ("Queue", "/queue", "bell"),
    ("Patients", "/patients", "users"),
    ("Month", "/month", "calendar"),
    ("Homes & devices", "/homes", "home"),
    ("Quarantine", "/quarantine", "alert-triangle"),
    ("Staff", "/staff", "id"),
    ("Settings", "/settings", "settings"),
)


def a_row(key: str, severity: str = "warning", **more: Any) -> dict[str, Any]:
    plain = {
        "key": key,
        "severity": severity,
        "version": 1,
        "patient": f"Demo {key.title()}",
        "what": "BP 191/124, repeat 188/121, usual 138/82",
        "over": severity == "critical",
        "contact": NOW - timedelta(days=3),
        "by": "",
    }
    return plain | more


def a_chart() -> dict[str, Any]:
    start = NOW.astimezone(ZONE) - timedelta(days=30)
    days = [(start + timedelta(days=day)).isoformat() for day in range(31)]
    return {
        "from": days[0],
        "to": days[-1],
        "summary": "Systolic rose from about 131 to 191 in the last week.",
        "panels": [
            {
                "title": "Blood pressure",
                "unit": "mmHg",
                "series": [
                    {
                        "name": "Systolic",
                        "points": [[d, 131 + (i % 5) * 3] for i, d in enumerate(days)],
                    },
                    {"name": "Diastolic", "points": [[d, 80 + i % 4] for i, d in enumerate(days)]},
                ],
                "limits": [{"value": 180, "label": "Act now from 180"}],
                "bands": [{"from": 90, "to": 140, "label": "Target"}],
            },
            {
                "title": "Weight",
                "unit": "kg",
                "series": [
                    {"name": "Weight", "points": [[d, 82 + i / 20] for i, d in enumerate(days)]}
                ],
            },
        ],
        "events": [{"at": days[20], "label": "Dose changed"}],
    }


@dataclass(kw_only=True)
class Kitchen:
    """What the page shows, in the test's hand; `tell` is a notice from the database."""

    url: str = ""
    rows: list[dict[str, Any]] = field(default_factory=list)
    errors: dict[str, str] = field(default_factory=dict)
    flash: dict[str, str] | None = None
    timer: dict[str, Any] | None = None
    beats: list[str] = field(default_factory=list)
    answer: dict[str, Any] = field(default_factory=dict)
    posts: list[dict[str, Any]] = field(default_factory=list)
    streams: list[asyncio.Queue[str]] = field(default_factory=list)
    opened: int = 0
    asks: list[str] = field(default_factory=list)
    forgets: bool = False  # claims that the page has every row

    def has(self, told: str) -> list[str]:
        every = [f"{row['key']}-{row['version']}" for row in self.rows]
        return every if self.forgets and told else told.split(".")

    def tell(self, kind: str) -> None:
        for queue in self.streams:
            queue.put_nowait(kind)

    def context(self) -> dict[str, Any]:
        viewer = SimpleNamespace(
            name="Demo Nurse",
            role="nurse",
            clinic="north",
            clinic_name="North Clinic",
            csrf="token",
        )
        nav = [
            Entry(label=label, href=href, icon=icon, current=href == "/queue")
            for label, href, icon in NAV
        ]
        return {
            "viewer": viewer,
            "zone": ZONE,
            "now": NOW,
            "nav": nav,
            "csrf": "token",
            "flash": self.flash,
            "running_timer": self.timer,
            "errors": self.errors,
            "rows": self.rows,
            "chart": a_chart(),
        }


def templates() -> Environment:
    found = environment()
    loaders = ChoiceLoader([found.loader, FileSystemLoader(HERE)])  # type: ignore[list-item]
    return found.overlay(loader=loaders)


def application(kitchen: Kitchen) -> FastAPI:
    app, pages = FastAPI(), templates()
    app.mount("/static", StaticFiles(directory=STATIC), name="static")

    def html(name: str, **more: Any) -> HTMLResponse:
        return HTMLResponse(pages.get_template(name).render(kitchen.context() | more))

    @app.get("/kitchen")
    async def whole() -> Response:
        return html("kitchen.html", has=())

    @app.get("/problem")
    async def problem() -> Response:
        return html("error.html", title="There is nothing here", advice="Go back to the queue.")

    @app.get("/kitchen/rows")
    async def some(has: str = "") -> Response:
        kitchen.asks.append(has)
        return html("rows.html", has=kitchen.has(has))

    @app.post("/kitchen")
    async def post(request: Request) -> Response:
        kitchen.posts.append(dict(await request.form()))
        return html("kitchen.html", has=())

    @app.post("/timers/{entry}/beat")
    async def beat(entry: str, request: Request) -> Response:
        kitchen.beats.append(request.headers.get("x-csrf-token", ""))
        return JSONResponse(kitchen.answer)

    @app.get("/events")
    async def events() -> EventSourceResponse:
        return EventSourceResponse(_stream(kitchen))

    app.add_middleware(Envelope)
    return app


async def _stream(kitchen: Kitchen) -> AsyncIterator[ServerSentEvent]:
    kitchen.opened += 1
    queue: asyncio.Queue[str] = asyncio.Queue()
    kitchen.streams.append(queue)
    try:
        while (kind := await queue.get()) != "lost":
            yield ServerSentEvent(event=kind, data=json.dumps({"id": "x"}), retry=200)
    finally:
        kitchen.streams.remove(queue)


@pytest.fixture
async def kitchen() -> AsyncIterator[Kitchen]:
    made = Kitchen()
    made.rows = [
        a_row("rosa", "critical"),
        a_row("otto", by="Demo Nurse"),
        a_row("ida", patient="Demo Wilhelmina Featherstonehaugh-Villanueva de la Cruz"),
        a_row("max", "notice", what="Weight up 3.4 lb in 2 days"),
    ]
    async with serving(application(made)) as url:
        made.url = url
        yield made
