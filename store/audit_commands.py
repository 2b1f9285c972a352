"""`python -m store audit-key | audit-seal | audit-verify`."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from store import audit_heads, health
from store.audit_keys import KeyFileError, KeyRing, add_key, load_keys
from store.audit_seal import Sealed, Sealer
from store.audit_verify import LATE, verify
from store.errors import StoreError
from store.metrics import REGISTRY
from store.pool import is_ready, open_pool
from store.process import configure_logging, stop_at_signal
from store.settings import Settings
from vitals.clock import utc_now

_BROKEN, _CANNOT = 1, 2
_BACKLOG_S = 300.0


def audit_key(file: Annotated[Path, typer.Argument(help="made with mode 0600")]) -> None:
    """Make a key file for the audit chain, or add a key to it that seals from now on."""
    try:
        typer.echo(f"{file}: {add_key(file)}")
    except (KeyFileError, OSError) as exc:
        _cannot(str(exc))


def audit_seal(
    every: Annotated[
        float | None, typer.Option(min=0.1, help="seconds; serve until SIGTERM")
    ] = None,
    head: Annotated[
        Path | None, typer.Option(help="export here; else HEARTHLINE_AUDIT_HEAD_FILE")
    ] = None,
) -> None:
    """Chain the audit events that were committed since. Exit 1: a chain lost what was exported."""
    settings = Settings()
    try:
        sealed = asyncio.run(_seal(settings, _ring(settings), every, head))
    except (StoreError, audit_heads.HeadFileError) as exc:
        _cannot(str(exc))
    if sealed is None:
        return
    for broken in sealed.broken:
        typer.echo(str(broken), err=True)
    typer.echo(f"events sealed: {sealed.events}")
    raise typer.Exit(_BROKEN if sealed.broken else 0)


async def _seal(
    settings: Settings, ring: KeyRing, every: float | None, head: Path | None
) -> Sealed | None:
    configure_logging()
    async with open_pool(settings.database_url.get_secret_value(), max_size=2) as pool:
        file = head or settings.audit_head_file
        sealer = Sealer(pool, ring, clock=utc_now, head_file=file)
        if every is None:
            return await sealer.once()
        stop = stop_at_signal()
        ready = partial(is_ready, pool)
        async with health.serve(settings.metrics_host, settings.metrics_port, ready, REGISTRY):
            await sealer.run(stop, every_s=every)
    return None


def audit_verify(
    head: Annotated[
        list[Path] | None, typer.Option(help="exported heads, or logs with them; may be repeated")
    ] = None,
    backlog: Annotated[
        float, typer.Option(min=0, help="seconds that an event may wait for its seal")
    ] = _BACKLOG_S,
) -> None:
    """Check the audit chain. Exit 0 and the heads; 1 and the first broken link; 2: not checked."""
    settings = Settings()
    try:
        exported = [one for file in head or [] for one in audit_heads.read(file)]
        report = verify(
            settings.database_url.get_secret_value(),
            _ring(settings),
            now=utc_now(),
            backlog=timedelta(seconds=backlog),
            heads=exported,
        )
    except (StoreError, audit_heads.HeadFileError) as exc:
        _cannot(str(exc))
    for broken in report.broken:
        typer.echo(str(broken))
    if report.broken:
        raise typer.Exit(_BROKEN)
    for one in report.heads:
        typer.echo(audit_heads.line(one))
    minutes = int(LATE.total_seconds() // 60)
    typer.echo(
        f"{report.links} links hold; {report.late} sealed over {minutes} minutes late", err=True
    )


def _ring(settings: Settings) -> KeyRing:
    if settings.audit_keys_file is None:
        _cannot("HEARTHLINE_AUDIT_KEYS_FILE is not set; `python -m store audit-key FILE` makes one")
    try:
        return load_keys(settings.audit_keys_file)
    except KeyFileError as exc:
        _cannot(str(exc))


def _cannot(why: str) -> NoReturn:
    typer.echo(why, err=True)
    raise typer.Exit(_CANNOT)
