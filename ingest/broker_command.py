"""`python -m ingest broker-users`: keep the broker's lists as the database says, on its machine.

Not an MQTT client: it writes two files and signals the broker. It runs where these are, with a
login of `hl_ingest`, and looks every second; without a database the lists stay as they are.
"""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path
from typing import Annotated

import structlog
import typer

from ingest.broker_users import bring_up_to_date
from ingest.settings import ReplaySettings
from store import gateway_credentials as credentials
from store.errors import Unavailable
from store.pool import Pool, connection, open_pool
from store.process import configure_logging, stop_at_signal
from vitals.clock import utc_now

LOOK_S = 1.0

log = structlog.get_logger()
app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def broker_users(
    *,
    passwords: Annotated[Path, typer.Option(help="Mosquitto's password_file")],
    acl: Annotated[Path, typer.Option(help="Mosquitto's acl_file")],
    pid_file: Annotated[Path, typer.Option(help="holds the broker's process id")],
    once: Annotated[bool, typer.Option(help="look once and leave")] = False,
) -> None:
    """Let in whoever enrolled, and nobody whose credential ended."""
    configure_logging()
    asyncio.run(_keep(passwords, acl, pid_file, once=once))


async def _keep(passwords: Path, acl: Path, pid_file: Path, *, once: bool) -> None:
    stop = stop_at_signal()
    url = ReplaySettings().database_url.get_secret_value()
    async with open_pool(url, max_size=1, checked=False) as pool:
        while not stop.is_set():
            await _look(pool, passwords, acl, pid_file)
            if once:
                return
            try:
                async with asyncio.timeout(LOOK_S):
                    await stop.wait()
            except TimeoutError:
                continue


async def _look(pool: Pool, passwords: Path, acl: Path, pid_file: Path) -> None:
    try:
        async with connection(pool) as conn:
            wanted = await credentials.broker_users(conn, now=utc_now())
    except Unavailable as exc:
        log.warning("store unavailable", cause=str(exc))
        return
    try:
        if await asyncio.to_thread(bring_up_to_date, passwords, acl, wanted):
            _reload(pid_file)
            log.info("broker's lists changed", credentials=len(wanted))
    except OSError as exc:
        log.warning("broker's lists not written", cause=type(exc).__name__)


def _reload(pid_file: Path) -> None:
    """A broker that is not running reads its lists when it starts."""
    try:
        os.kill(int(pid_file.read_text().split()[0]), signal.SIGHUP)
    except (OSError, ValueError, IndexError) as exc:
        log.warning("broker not signalled", cause=type(exc).__name__)
