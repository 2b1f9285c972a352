"""The console over a real database: one clinic with a member of every role, and a clock to turn."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any
from uuid import UUID

import httpx
import pytest
from pydantic import SecretStr

from api.auth.passwords import hash_password
from api.service import create_app
from api.settings import Settings
from store import fixtures, staff

ROLES = ("nurse", "provider", "biller", "admin")
PASSWORD = "correct horse battery"
NOW = datetime(2026, 11, 20, 15, tzinfo=UTC)


@cache
def password_hash() -> str:
    return hash_password(PASSWORD)


@dataclass(kw_only=True)
class Clock:
    """The application's present, in the test's hand."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **parts: float) -> None:
        self.now += timedelta(**parts)


@dataclass(kw_only=True)
class Clinic:
    """A clinic and its people: email by role."""

    name: str
    staff: dict[str, UUID] = field(default_factory=dict)

    def email(self, role: str) -> str:
        return f"{role}@{self.name}.example"


async def make_clinic(admin: Any, name: str) -> Clinic:
    await fixtures.register_clinic(
        admin, name, name=f"{name.title()} Clinic", zone="America/New_York"
    )
    clinic = Clinic(name=name)
    for role in ROLES:
        who = staff.NewStaff(
            email=clinic.email(role), name=f"Demo {role.title()}", credential="", role=role
        )
        clinic.staff[role] = await staff.create_member(
            admin, name, who, password_hash=password_hash(), now=NOW
        )
    return clinic


class Browser:
    """A person at the console: keeps cookies, fills in the form's token."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client = client
        self.csrf = ""

    async def get(self, path: str, **kwargs: Any) -> httpx.Response:
        answer = await self.client.get(path, **kwargs)
        if found := re.search(r'name="csrf"[^>]*(?:value|content)="([^"]+)"', answer.text):
            self.csrf = found[1]
        return answer

    async def post(self, path: str, **fields: Any) -> httpx.Response:
        return await self.client.post(path, data={"csrf": self.csrf, **fields})

    async def sign_in(self, email: str, password: str = PASSWORD) -> httpx.Response:
        await self.get("/sign-in")
        answer = await self.post("/sign-in", email=email, password=password, target="/account")
        if answer.status_code == 303:
            await self.get("/account")
        return answer


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def north(admin: Any) -> Clinic:
    return await make_clinic(admin, "north")


@pytest.fixture
async def south(admin: Any) -> Clinic:
    return await make_clinic(admin, "south")


@pytest.fixture
async def app(database: Any, clock: Clock) -> AsyncIterator[Any]:
    settings = Settings.model_validate(
        {
            "HEARTHLINE_DATABASE_URL": SecretStr(database.urls["hl_api"]),
            "secure_cookies": False,
            "pool_size": 4,
        }
    )
    application = create_app(settings, clock=clock)
    async with application.router.lifespan_context(application):
        yield application


@pytest.fixture
async def browser(app: Any) -> AsyncIterator[Browser]:
    async with open_browser(app) as opened:
        yield opened


@asynccontextmanager
async def open_browser(app: Any) -> AsyncIterator[Browser]:
    """`async with open_browser(app) as nurse:` one more person at another screen."""
    transport = httpx.ASGITransport(app=app, client=("127.0.0.1", 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://console.test") as client:
        yield Browser(client)


def found(pattern: str, text: str) -> str:
    """The first group of the pattern, which has to be there."""
    match = re.search(pattern, text)
    assert match is not None, f"no {pattern} in the page"
    return match[1]
