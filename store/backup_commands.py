"""`python -m store backup | restore`: what the runbook copies, and what the test runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, NoReturn

import typer

from store import backup as backups
from store.errors import StoreError
from store.settings import Settings
from vitals.clock import utc_now

File = Annotated[Path, typer.Argument(help="the dump; FILE.json beside it says what it holds")]


def backup(file: File) -> None:
    """Save the whole database to FILE. Logins, the audit key and broker passwords are not in it."""
    settings = Settings()
    url = settings.database_url.get_secret_value()
    try:
        made = backups.backup(url, file, tools=settings.pg_tools, now=utc_now())
    except (StoreError, OSError) as exc:
        _failed(exc)
    rows = sum(table.rows for table in made.tables.values())
    typer.echo(f"{file}: {len(made.tables)} tables, {rows} rows, TimescaleDB {made.timescaledb}")


def restore(
    file: File,
    database: Annotated[str, typer.Option(help="a new database on the same server")],
    unproven: Annotated[  # noqa: FBT002 -- a flag of the command line
        bool, typer.Option("--unproven", help="FILE.json is lost: restore without comparing")
    ] = False,
) -> None:
    """Restore FILE into a new database and hold every table against FILE.json."""
    settings = Settings()
    url = settings.database_url.get_secret_value()
    try:
        made = backups.restore(url, file, database, tools=settings.pg_tools, unproven=unproven)
    except (StoreError, OSError) as exc:
        _failed(exc)
    proof = f"{len(made.tables)} tables, each equal to the backup" if made else "not compared"
    typer.echo(f"{database}: {proof}")
    typer.echo("next: migrate and provision with the address of this database")


def _failed(exc: Exception) -> NoReturn:
    typer.echo(str(exc), err=True)
    raise typer.Exit(1)
