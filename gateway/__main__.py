"""Composition root: `python -m gateway run [--once]`."""

from __future__ import annotations

import asyncio
import signal
from importlib.metadata import PackageNotFoundError, version
from typing import Annotated

import structlog
import typer

from gateway.metrics import Metrics, serve
from gateway.outbox import Backoff, Outbox
from gateway.publisher import Publisher
from gateway.radio import open_radio
from gateway.service import Gateway
from gateway.settings import Settings
from gateway.spool import Spool, open_spool
from vitals.clock import utc_now

ONCE_QUIET_S = 10.0

app = typer.Typer(add_completion=False, no_args_is_help=True)


@app.callback()
def main() -> None:
    """The box in the home."""


@app.command()
def run(
    *, once: Annotated[bool, typer.Option(help="Exit when all is read and receipted.")] = False
) -> None:
    """Read devices, keep what they say, publish it."""
    _log_json()
    settings = Settings()
    if once and settings.quiet_exit_s is None:
        settings = settings.model_copy(update={"quiet_exit_s": ONCE_QUIET_S})
    asyncio.run(_serve(settings))


async def _serve(settings: Settings) -> None:
    metrics = Metrics()
    task = asyncio.current_task()
    if task is not None:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    try:
        async with open_spool(
            settings.spool, utc_now(), max_bytes=settings.spool_max_bytes
        ) as spool:
            publisher = _publisher(settings, spool, metrics)
            async with (
                serve(
                    metrics,
                    settings.metrics_host,
                    settings.metrics_port,
                    lambda: publisher.connected,
                ),
                open_radio(settings.radio, key_store=settings.keys) as radio,
            ):
                gateway = Gateway(
                    settings=settings,
                    radio=radio,
                    spool=spool,
                    publisher=publisher,
                    metrics=metrics,
                    clock=utc_now,
                )
                await gateway.run()
    except asyncio.CancelledError:
        structlog.get_logger(__name__).info("stopped")


def _publisher(settings: Settings, spool: Spool, metrics: Metrics) -> Publisher:
    outbox = Outbox(
        spool=spool,
        metrics=metrics,
        gateway=settings.name,
        clock=utc_now,
        backoff=Backoff.of_seconds(settings.resend_s, settings.resend_max_s),
    )
    return Publisher(
        broker=settings.broker,
        clinic=settings.clinic,
        gateway=settings.name,
        version=_version(),
        outbox=outbox,
        clock=utc_now,
    )


def _version() -> str:
    try:
        return version("hearthline")
    except PackageNotFoundError:
        return "unknown"


def _log_json() -> None:
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(),
        ]
    )


if __name__ == "__main__":
    app()
