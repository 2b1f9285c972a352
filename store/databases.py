"""A database of its own for a run or a test: made, migrated, and removed again."""

from __future__ import annotations

import psycopg
from psycopg import sql

from store.errors import translated
from store.provision import ROLES, migrate, provision


def create(admin_url: str, name: str) -> dict[str, str]:
    """Returns the services' addresses in the new database: {role: url}."""
    with translated(), psycopg.connect(admin_url, autocommit=True) as conn:
        conn.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    migrate(admin_url, name)
    return provision(admin_url, name)


def drop(admin_url: str, name: str) -> None:
    """Remove the database and its logins; whoever is connected is put out."""
    with translated(), psycopg.connect(admin_url, autocommit=True) as conn:
        conn.execute(
            sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
        )
        for role in ROLES:
            login = sql.Identifier(f"{role}_{name}")
            conn.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(login))
