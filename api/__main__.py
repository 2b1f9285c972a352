"""`python -m api`: serve the console; `python -m api openapi`: its description."""

from __future__ import annotations

import asyncio
import json

import typer
import uvicorn

from api import metrics
from api.service import create_app
from api.settings import Settings
from store import health
from store.errors import Unavailable
from store.pool import is_ready
from store.process import configure_logging

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
        try:
            return await is_ready(console.state.pool)
        except (Unavailable, AttributeError):  # the database, or the pool, is not there yet
            return False

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
    async with health.serve(settings.host, settings.metrics_port, ready, metrics.REGISTRY):
        await server.serve()


@app.command()
def openapi() -> None:
    """Print the OpenAPI document."""
    settings = Settings.model_validate({"HEARTHLINE_DATABASE_URL": "postgresql://unused"})
    typer.echo(json.dumps(create_app(settings).openapi(), indent=1))


if __name__ == "__main__":
    app()
