"""Migrations and logins: everything that needs the administrator's address."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Sequence
from importlib.resources import as_file, files
from urllib.parse import quote, urlsplit, urlunsplit

import psycopg
from psycopg import sql
from yoyo import get_backend, read_migrations

from store.errors import translated
from store.queries import load, script

ROLES = ("hl_ingest", "hl_worker", "hl_api", "hl_sealer")
_LOGIN_EXISTS = "SELECT 1 FROM pg_roles WHERE rolname = %(login)s"


def in_database(url: str, database: str | None) -> str:
    """The same server, another database."""
    return url if database is None else urlunsplit(urlsplit(url)._replace(path=f"/{database}"))


def migrate(
    admin_url: str,
    database: str | None = None,
    *,
    through: str | None = None,
    tell: Callable[[str], None] = lambda _: None,
) -> list[str]:
    """Bring the database to this release's schema; returns the ids of the migrations that ran.

    Each is one transaction. A run beside another one waits for it, and a lock that a killed run
    left behind is none. `through`: none after this id. `tell`: hears why it waits.

    Raises:
        Unavailable: a table is in use for longer than a migration may wait. What had run stays;
            the rest is run by calling again.
    """
    url = in_database(admin_url, database)
    with translated(), psycopg.connect(url, autocommit=True) as conn:
        if not _locked(conn, "try_migration_lock"):
            tell("another migration runs: waiting for its end")
            _locked(conn, "migration_lock")
        conn.execute(script("bootstrap"))
        return _apply(url, through, tell)


def _locked(conn: psycopg.Connection, how: str) -> bool:
    """A lock of the session: it ends with this process, however that ends."""
    row = conn.execute(load("migrate")[how]).fetchone()
    return bool(row and row[0])


def _apply(url: str, through: str | None, tell: Callable[[str], None]) -> list[str]:
    backend = get_backend(re.sub(r"^postgres(ql)?://", "postgresql+psycopg://", url))
    with as_file(files("store") / "migrations") as folder:
        try:
            if backend.execute(load("migrate")["left_lock"]).fetchone():
                tell("a lock that a killed run left behind is removed")
                backend.break_lock()
            with backend.lock():
                waiting = backend.to_apply(read_migrations(str(folder)))
                if through is not None:
                    waiting = waiting.filter(lambda migration: migration.id <= through)
                backend.apply_migrations(waiting)
        finally:
            backend.connection.close()
    return [migration.id for migration in waiting]


def provision(
    admin_url: str, database: str | None = None, *, roles: Sequence[str] = ROLES
) -> dict[str, str]:
    """A login per service and database, with a new password each time: {role: url}.

    The caller keeps the answer in files that only the service can read (0600).
    """
    url = in_database(admin_url, database)
    name = urlsplit(url).path.lstrip("/")
    logins = {}
    with translated(), psycopg.connect(url, autocommit=True) as conn:
        for role in roles:
            login, password = f"{role}_{name}", secrets.token_urlsafe(24)
            _set_login(conn, login=login, role=role, password=password)
            logins[role] = _with_user(url, login, password)
    return logins


def _set_login(conn: psycopg.Connection, *, login: str, role: str, password: str) -> None:
    exists = conn.execute(_LOGIN_EXISTS, {"login": login}).fetchone()
    verb = sql.SQL("ALTER ROLE" if exists else "CREATE ROLE")
    conn.execute(
        sql.SQL("{} {} LOGIN PASSWORD {}").format(
            verb, sql.Identifier(login), sql.Literal(password)
        )
    )
    conn.execute(sql.SQL("GRANT {} TO {}").format(sql.Identifier(role), sql.Identifier(login)))


def _with_user(url: str, user: str, password: str) -> str:
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{quote(user)}:{quote(password)}@{host}"))
