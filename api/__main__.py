"""`python -m api`: serve the console; `python -m api openapi`: its description."""

from __future__ import annotations

import asyncio
import gc
import json
import logging
from typing import Annotated

import typer
import uvicorn

from api import metrics, opening
from api.service import create_app
from api.settings import Settings
from store import health
from store.errors import Unavailable
from store.pool import is_ready
from store.process import configure_logging
from vitals.clock import utc_now

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.callback(invoke_without_command=True)
def main(context: typer.Context) -> None:
    """Serve until SIGTERM."""
    if context.invoked_subcommand is None:
        configure_logging()
        asyncio.run(serve(Settings()))


async def serve(settings: Settings) -> None:
    console = create_app(settings)

    async def ready() -> bool:
        pool = getattr(console.state, "pool", None)  # not there before the lifespan has begun
        return pool is not None and await is_ready(pool)

    server = uvicorn.Server(
        uvicorn.Config(
            console,
            host=settings.host,
            port=settings.port,
            access_log=False,  # paths hold keys of patients
            log_level="warning",
            server_header=False,
            forwarded_allow_ips=settings.trusted_proxies,
            timeout_graceful_shutdown=3,
        )
    )
    logging.getLogger("uvicorn.error").addFilter(_without_words)
    _settle_memory()
    async with health.serve(settings.host, settings.metrics_port, ready, metrics.REGISTRY):
        await server.serve()


def _without_words(record: logging.LogRecord) -> bool:
    """Of a bug `api/problems.py` logs kind and place: an error's own words may be a patient's."""
    record.exc_info = record.exc_text = None
    return True


def _settle_memory() -> None:
    """What is loaded stays: the collector need not look at it again, 0.1 s of a page each time."""
    gc.collect()
    gc.freeze()


@app.command()
def open_clinic(
    clinic: Annotated[str, typer.Argument(help="Its key, as in MQTT topics: north-side")],
    name: Annotated[str, typer.Option(help="As people call it.")],
    zone: Annotated[str, typer.Option(help="IANA: months are billed in it.")],
    admin_email: Annotated[str, typer.Option()],
    admin_name: Annotated[str, typer.Option()],
) -> None:
    """Make a clinic and print the link that its first admin opens. Administrator's database URL."""
    url = Settings().database_url.get_secret_value()
    try:
        path = asyncio.run(
            opening.open_clinic(
                url,
                clinic,
                name=name,
                zone=zone,
                email=admin_email,
                person=admin_name,
                now=utc_now(),
            )
        )
    except (opening.CannotOpen, Unavailable) as problem:
        typer.echo(f"open-clinic: {problem}", err=True)
        raise typer.Exit(2) from problem
    typer.echo(f"{path}   (once, within a week; put the console's address before it)")


@app.command()
def openapi() -> None:
    """Print the OpenAPI document."""
    settings = Settings.model_validate({"HEARTHLINE_DATABASE_URL": "postgresql://unused"})
    typer.echo(json.dumps(create_app(settings).openapi(), indent=1))


if __name__ == "__main__":
    app()
