"""`python -m store retain`: what the clinics' settings say, carried out."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Annotated

import typer

from store import retain as retaining
from store.errors import Unavailable
from store.pool import open_pool
from store.settings import Settings
from vitals.clock import utc_now


def retain(
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="count, and remove nothing")] = False,
) -> None:
    """Remove readings that their clinic keeps no longer. Safe to stop and to run again."""
    try:
        asyncio.run(_retain(Settings().database_url.get_secret_value(), dry_run=dry_run))
    except Unavailable as away:
        typer.echo(f"stopped: {away}. What was removed stays removed; run it again", err=True)
        raise typer.Exit(1) from away


async def _retain(url: str, *, dry_run: bool) -> None:
    now = utc_now()
    before: list[datetime] = []
    async with open_pool(url, max_size=1) as pool:
        async for found in retaining.retain(pool, now=now, dry_run=dry_run):
            typer.echo(_told(found, dry_run=dry_run))
            before += [] if found.cutoff is None else [found.cutoff]
        if before and not dry_run:
            dropped = await retaining.drop_empty_chunks(pool, before=max(before))
            typer.echo(f"empty chunks dropped: {dropped}")


def _told(found: retaining.Retained, *, dry_run: bool) -> str:
    if found.cutoff is None:
        return f"{found.clinic}: keeps everything"
    verb = "would be removed" if dry_run else "removed"
    return (
        f"{found.clinic}: before {found.cutoff:%Y-%m-%d} {found.removed} readings {verb}, kept"
        f" {found.on_hold} on hold, {found.cited} cited, {found.at_work} at work,"
        f" {found.came_late} that came late"
    )
