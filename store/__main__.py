"""`python -m store …`: what an operator does to the database.

migrate, provision, backup, restore, retain, columnstore, audit-key, audit-seal, audit-verify.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from store import audit_commands, backup_commands, columnstore, retention_commands
from store import provision as provisioning
from store.errors import Unavailable
from store.settings import Settings

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False)
app.command()(backup_commands.backup)
app.command()(backup_commands.restore)
app.command()(audit_commands.audit_key)
app.command()(audit_commands.audit_seal)
app.command()(audit_commands.audit_verify)
app.command()(retention_commands.retain)
app.command()(columnstore.columnstore)


@app.command()
def migrate() -> None:
    """Bring the database to this release's schema. Safe to run again, and beside another run."""
    url = Settings().database_url.get_secret_value()
    try:
        ran = provisioning.migrate(url, tell=lambda line: typer.echo(line, err=True))
    except Unavailable as exc:
        typer.echo(f"not migrated, the database is busy or away ({exc}): run it again", err=True)
        raise typer.Exit(1) from exc
    for name in ran:
        typer.echo(f"applied {name}")
    typer.echo(f"migrations applied: {len(ran)}")


@app.command()
def provision(
    out: Annotated[Path, typer.Option(help="folder for ROLE.env files")],
    role: Annotated[
        list[str] | None, typer.Option(help="only this one; the others keep their passwords")
    ] = None,
) -> None:
    """Make a login per role, with a new password, and write its address to OUT/ROLE.env (0600)."""
    if unknown := set(role or []) - set(provisioning.ROLES):
        raise typer.BadParameter(f"no such role: {', '.join(sorted(unknown))}")
    out.mkdir(mode=0o700, parents=True, exist_ok=True)
    url = Settings().database_url.get_secret_value()
    for name, address in provisioning.provision(url, roles=role or provisioning.ROLES).items():
        target = out / f"{name}.env"
        with os.fdopen(os.open(target, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w") as file:
            file.write(f"HEARTHLINE_DATABASE_URL={address}\n")
        typer.echo(str(target))


if __name__ == "__main__":
    app()
