"""The ways in for people: the terminal's socket always, the pages where a port is set for them."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime

import structlog

from gateway import pair_socket
from gateway.desk import PairingDesk
from gateway.settings import Settings

log = structlog.get_logger(__name__)

_ELSEWHERE = ("192.0.2.1", 9)  # documentation address: only the route to it is looked up


@asynccontextmanager
async def open_front(
    settings: Settings, desk: PairingDesk, clock: Callable[[], datetime]
) -> AsyncIterator[None]:
    """What cannot be opened (a port that is taken) is told and done without: readings go on."""
    async with AsyncExitStack() as stack:
        invite = _no_pages
        if settings.portal_port is not None:
            try:
                invite = await _open_pages(stack, settings, desk, clock)
            except (OSError, ValueError) as exc:
                log.warning("portal_unavailable", error=str(exc))
        path = settings.pair_socket_file
        await stack.enter_async_context(pair_socket.serve(path, desk, clock, invite))
        yield


async def _open_pages(
    stack: AsyncExitStack, settings: Settings, desk: PairingDesk, clock: Callable[[], datetime]
) -> Callable[[], tuple[str, str]]:
    from gateway.portal.door import Door, kept_pin  # noqa: PLC0415 -- loads a web server
    from gateway.portal.service import serve  # noqa: PLC0415

    door = Door(pin=kept_pin(settings.portal_pin_file))
    taken = await stack.enter_async_context(serve(settings, desk, door, clock))

    def invite() -> tuple[str, str]:
        return f"http://{_reached_at(taken)}/open/{door.new_link(clock())}", door.pin

    return invite


def _no_pages() -> tuple[str, str]:
    return "", ""


def _reached_at(taken: str) -> str:
    """Host and port by which a phone of this home reaches the portal."""
    host, _, port = taken.rpartition(":")
    if host not in {"0.0.0.0", "::"}:  # noqa: S104 -- compared, not bound
        return taken
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(_ELSEWHERE)
            return f"{probe.getsockname()[0]}:{port}"
        except OSError:  # no network yet
            return f"{socket.gethostname()}.local:{port}"
