"""The console inside this process, with a clock that can be put forward: an hour takes no hour."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

import uvicorn

from api.service import create_app
from api.settings import Settings
from vitals.clock import utc_now

START_TIMEOUT_S = 20.0


class Clock:
    """The real present, and by how much it has been put forward."""

    def __init__(self) -> None:
        self._ahead = timedelta()

    def __call__(self) -> datetime:
        return utc_now() + self._ahead

    def advance(self, by: timedelta) -> None:
        self._ahead += by


@contextmanager
def served(database_url: str, *, port: int, clock: Clock) -> Iterator[str]:
    """Serve the console on loopback; gives its address."""
    settings = Settings.model_validate(
        {"HEARTHLINE_DATABASE_URL": database_url, "secure_cookies": False, "port": port}
    )
    server = uvicorn.Server(
        uvicorn.Config(
            create_app(settings, clock=clock),
            host="127.0.0.1",
            port=port,
            access_log=False,
            log_level="warning",
            timeout_graceful_shutdown=2,
        )
    )
    thread = threading.Thread(target=server.run, name="console")
    thread.start()
    try:
        _await_start(server, thread)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join()


def _await_start(server: uvicorn.Server, thread: threading.Thread) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while not server.started:
        if not thread.is_alive() or time.monotonic() > deadline:
            raise RuntimeError("the console did not start")
        time.sleep(0.05)
