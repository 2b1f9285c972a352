"""`python -m store …`: what an operator does to the database.

migrate, provision, backup, restore, retain, audit-key, audit-seal, audit-verify.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from store import audit_commands, backup_commands, retention_commands
from store import provision as provisioning
from store.settings import Settings

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False)
app.command()(backup_commands.backup)
app.command()(backup_commands.restore)
app.command()(audit_commands.audit_key)
app.command()(audit_commands.audit_seal)
app.command()(audit_commands.audit_verify)
app.command()(retention_commands.retain)


@app.command()
def migrate() -> None:
    """Bring the database to this release's schema. Safe to run again."""
    url = Settings().database_url.get_secret_value()
    typer.echo(f"migrations applied: {provisioning.migrate(url)}")


@app.command()
def provision(out: Annotated[Path, typer.Option(help="folder for ROLE.env files")]) -> None:
    """Make a login per service, and write each one's address to OUT/ROLE.env (0600)."""
    out.mkdir(mode=0o700, parents=True, exist_ok=True)
    for role, url in provisioning.provision(Settings().database_url.get_secret_value()).items():
        target = out / f"{role}.env"
        with os.fdopen(os.open(target, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w") as file:
            file.write(f"HEARTHLINE_DATABASE_URL={url}\n")
        typer.echo(str(target))


if __name__ == "__main__":
    app()
