"""Composition root: `python -m gateway run [--once]`, `pair [--link]`; the rest: `box_commands`."""

from __future__ import annotations

import asyncio
import locale
import signal
import sys
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Annotated

import structlog
import typer

from gateway import box_commands, language, pair_command
from gateway.desk import PairingDesk
from gateway.front import open_front
from gateway.metrics import Metrics, serve
from gateway.notify import Notifier
from gateway.outbox import Backoff, Outbox
from gateway.pair_memory import BoxMemory
from gateway.publisher import Publisher
from gateway.radio import open_radio
from gateway.renewal import Renewal
from gateway.service import Gateway
from gateway.settings import Settings
from gateway.spool import Spool, open_spool
from gateway.unenrolled import settings_when_enrolled
from vitals.clock import utc_now

ONCE_QUIET_S = 10.0

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)
box_commands.register(app)


@app.callback()
def main() -> None:
    """The box in the home."""


@app.command()
def run(
    *, once: Annotated[bool, typer.Option(help="Exit when all is read and receipted.")] = False
) -> None:
    """Read devices, keep what they say, publish it."""
    _log_json()
    settings = Settings() if once else settings_when_enrolled()
    if once and settings.quiet_exit_s is None:
        settings = settings.model_copy(update={"quiet_exit_s": ONCE_QUIET_S})
    asyncio.run(_serve(settings))


@app.command()
def pair(
    *,
    lang: Annotated[str, typer.Option(help="en or es; else the terminal's own.")] = "",
    link: Annotated[bool, typer.Option(help="Only print where the pairing pages are.")] = False,
    socket: Annotated[
        Path | None, typer.Option(help="The running agent's, where it is not by the settings.")
    ] = None,
) -> None:
    """Connect a device, step by step. Asks the agent that runs, or is it as long as it lasts."""
    path = socket or Settings().pair_socket_file
    spoken = language.best(lang or locale.getlocale()[0] or "")
    with suppress(KeyboardInterrupt):
        if link:
            sys.exit(asyncio.run(pair_command.print_link(path)))
        sys.exit(asyncio.run(pair_command.pair(path, spoken, _serve_quietly)))


async def _serve_quietly() -> None:
    _log_json(quiet=True)
    await _serve(Settings())


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
            desk = PairingDesk(utc_now, lambda: publisher.connected)
            async with (
                serve(
                    metrics,
                    settings.metrics_host,
                    settings.metrics_port,
                    lambda: publisher.connected,
                ),
                open_radio(
                    settings.radio, settings.keys, agent=desk, on_reset=metrics.radio_was_reset
                ) as radio,
                open_front(settings, desk, utc_now),
            ):
                gateway = Gateway(
                    settings=settings,
                    radio=radio,
                    spool=spool,
                    publisher=publisher,
                    metrics=metrics,
                    clock=utc_now,
                    watcher=desk,
                )
                memory = BoxMemory(radio=radio, spool=spool, ruled=gateway.wishes.ruled_at)
                await desk.remember(memory)
                notifier = publisher.reporter.notifier = Notifier(settings.notify_socket)
                notifier.ready()
                try:
                    await _run(gateway, settings)
                finally:
                    notifier.leaving()
    except asyncio.CancelledError:
        structlog.get_logger(__name__).info("stopped")


async def _run(gateway: Gateway, settings: Settings) -> None:
    renewal = Renewal(
        path=settings.identity,
        publisher=gateway.publisher,
        wishes=gateway.wishes,
        clock=utc_now,
    )
    async with asyncio.TaskGroup() as group:
        renewing = group.create_task(renewal.run(), name="credential")
        await gateway.run()
        renewing.cancel()


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


def _log_json(*, quiet: bool = False) -> None:
    """Quiet: a terminal is talked in, so only what is wrong is said, and beside it."""
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger("ERROR" if quiet else "NOTSET"),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr if quiet else None),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(),
        ],
    )


if __name__ == "__main__":
    app()
