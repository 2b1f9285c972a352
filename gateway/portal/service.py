"""The portal beside the gateway: one small web server in the same process, on the same loop."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from datetime import datetime

import structlog
import uvicorn

from gateway.desk import PairingDesk
from gateway.portal.app import Helpline, Portal
from gateway.portal.door import Door
from gateway.portal.render import Renderer
from gateway.settings import Settings

log = structlog.get_logger(__name__)

MOST_CONNECTIONS = 40


class _Server(uvicorn.Server):
    """Signals are the gateway's: it ends the server when it ends itself."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def serve(
    settings: Settings, desk: PairingDesk, door: Door, clock: Callable[[], datetime]
) -> AsyncIterator[str]:
    """Serve the pages at `portal_host:portal_port`; gives the address that was really taken."""
    portal = Portal(
        desk=desk,
        door=door,
        helpline=Helpline(emergency=settings.emergency_number, clinic=settings.clinic_phone),
        names=host_names(settings),
        clock=clock,
        renderer=Renderer(),
    )
    _hush()
    listener = socket.create_server((settings.portal_host, settings.portal_port or 0))
    config = uvicorn.Config(
        portal.app(),
        http="h11",
        ws="none",
        lifespan="off",
        loop="none",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=True,
        proxy_headers=False,
        limit_concurrency=MOST_CONNECTIONS,
        timeout_keep_alive=15,
        timeout_graceful_shutdown=1,
    )
    server = _Server(config)
    running = asyncio.create_task(server.serve(sockets=[listener]), name="portal")
    host, port = listener.getsockname()[:2]
    log.info("portal_open", port=port)
    try:
        yield f"{host}:{port}"
    finally:
        server.should_exit = True
        with suppress(asyncio.CancelledError):
            await running


def _hush() -> None:
    """What goes wrong is said by `gateway.portal.app`, in the gateway's own log."""
    logger = logging.getLogger("uvicorn")
    logger.propagate = False
    if not logger.handlers:
        logger.addHandler(logging.NullHandler())


def host_names(settings: Settings) -> frozenset[str]:
    """By which a browser may call this box."""
    own = socket.gethostname().lower()
    return frozenset({"localhost", own, f"{own}.local", *settings.portal_names})
