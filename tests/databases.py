"""A real database for each test: cloned from a template that is migrated once per run."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg import sql

from store.fixtures import register_clinic, register_gateway, register_home
from store.provision import ROLES, in_database, migrate, provision


@dataclass(frozen=True, kw_only=True)
class Database:
    """A database of one test's own. `admin` and one URL per role."""

    name: str
    admin: str
    urls: dict[str, str]


def _admin(url: str) -> psycopg.Connection[Any]:
    return psycopg.connect(url, autocommit=True)


def _drop(conn: psycopg.Connection[Any], name: str) -> None:
    conn.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
    for role in ROLES:
        login = sql.Identifier(f"{role}_{name}")
        conn.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(login))


@pytest.fixture(scope="session")
def template(services: Any) -> Iterator[str]:
    name = f"hl_template_{secrets.token_hex(4)}"
    with _admin(services.admin_url) as conn:
        conn.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        migrate(services.admin_url, name)
        # TimescaleDB's scheduler holds a connection, and a template must have none.
        conn.execute(
            sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false").format(sql.Identifier(name))
        )
        conn.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name]
        )
    yield name
    with _admin(services.admin_url) as conn:  # a test may have restarted the server
        _drop(conn, name)


@pytest.fixture
def database(services: Any, template: str) -> Iterator[Database]:
    name = f"hl_test_{secrets.token_hex(4)}"
    with _admin(services.admin_url) as conn:
        conn.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
                sql.Identifier(name), sql.Identifier(template)
            )
        )
        urls = provision(services.admin_url, name)
    yield Database(name=name, admin=in_database(services.admin_url, name), urls=urls)
    with _admin(services.admin_url) as conn:
        _drop(conn, name)


@pytest.fixture
async def admin(database: Database) -> AsyncIterator[psycopg.AsyncConnection[Any]]:
    async with await psycopg.AsyncConnection.connect(database.admin, autocommit=True) as conn:
        yield conn


@pytest.fixture
async def home(admin: psycopg.AsyncConnection[Any]) -> UUID:
    await register_clinic(admin, "north", name="North", zone="America/New_York")
    home = await register_home(admin, "north", zone="America/New_York")
    await register_gateway(admin, "north", "gw-1", home=home)
    return home
