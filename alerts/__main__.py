"""`python -m alerts`: judge readings until SIGTERM, then finish the set in hand and leave.

`python -m alerts resummarise` makes every daily summary anew beside it, and says what differed:
nothing, unless somebody wrote past the workers. Exit 1: the database was away or busy; again.
"""

from __future__ import annotations

import asyncio
import sys
from functools import partial

import typer

from alerts.metrics import REGISTRY
from alerts.resummarise import resummarise as resummarise_clinic
from alerts.rulebook import load
from alerts.service import SETS_AT_ONCE, Service
from alerts.settings import Settings
from store import health
from store.errors import Unavailable
from store.pool import connection, is_ready, open_pool
from store.process import configure_logging, stop_at_signal
from store.summaries import every_clinic
from vitals.clock import utc_now

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


async def serve(settings: Settings) -> None:
    stop = stop_at_signal()
    url = settings.database_url.get_secret_value()
    async with open_pool(url, max_size=SETS_AT_ONCE + 1, fresh_plans=True) as pool:
        service = Service(settings, pool, load(), utc_now)
        ready = partial(is_ready, pool)
        async with health.serve(settings.metrics_host, settings.metrics_port, ready, REGISTRY):
            await service.run(stop)


@app.callback(invoke_without_command=True)
def main(context: typer.Context) -> None:
    """Judge readings until SIGTERM."""
    if context.invoked_subcommand is None:
        configure_logging()
        asyncio.run(serve(Settings()))


@app.command()
def resummarise() -> None:
    """Make every daily summary anew from the readings; the workers may run meanwhile."""
    try:
        asyncio.run(_resummarise(Settings()))
    except Unavailable as exc:
        sys.stderr.write(f"the database is away or busy ({exc}): call it again\n")
        raise typer.Exit(1) from exc


async def _resummarise(settings: Settings) -> None:
    url = settings.database_url.get_secret_value()
    async with open_pool(url, max_size=1, fresh_plans=True) as pool, connection(pool) as conn:
        for clinic in await every_clinic(conn):
            patients, found = await resummarise_clinic(conn, clinic, book=load())
            sys.stdout.write(
                f"{clinic}: {patients} patients, {found.written} rows written,"
                f" {found.removed} removed\n"
            )


if __name__ == "__main__":
    app()
