"""The console's main flow: a request comes in at the door, a page goes out.

    Envelope (headers, bounds, figures) → session and role (auth/guard) → page (pages/*)
      → store and ccm_link in one transaction per act → template → answer

Everything that knows a rule is elsewhere: alerts/ judges, ccm_link/ counts, store/ keeps.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime

import structlog
from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles

from api import boxes, live, problems
from api.middleware import Envelope
from api.pages import ROUTERS
from api.render import STATIC
from api.settings import Settings
from ccm_link.press import Press
from store.pool import open_pool
from vitals.clock import utc_now

log = structlog.get_logger()


def create_app(settings: Settings, *, clock: Callable[[], datetime] = utc_now) -> FastAPI:
    """The application. `clock` is the present for everything that it does."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        url = settings.database_url.get_secret_value()
        async with open_pool(url, max_size=settings.pool_size, fresh_plans=True) as pool:
            app.state.pool = pool
            listening = asyncio.create_task(app.state.hub.run(url), name="live updates")
            listening.add_done_callback(_told)
            yield
            listening.cancel()

    app = FastAPI(
        title="Hearthline", lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None
    )
    app.state.settings, app.state.clock, app.state.hub = settings, clock, live.Hub()
    app.state.press = Press()
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    for router in ROUTERS:
        app.include_router(router)
    app.include_router(live.router)
    app.include_router(boxes.router)
    problems.install(app)
    app.add_middleware(Envelope)
    return app


def _told(listening: asyncio.Task[None]) -> None:
    """Pages without live updates look like a quiet day: that they ended is never silent."""
    if not listening.cancelled() and (failure := listening.exception()):
        log.error("live updates ended: start the console again", cause=type(failure).__name__)
