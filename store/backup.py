"""A backup that proves itself: pg_dump, and beside it what the database held at that instant.

`FILE` is pg_dump's custom format, `FILE.json` the rows and checksums of every table in the same
snapshot. A restore goes into a new database, with TimescaleDB's steps before and after, and is held
against that file. PostgreSQL's own programs do the work; `tools` is what to put before their names
where they are not on the PATH (`scripts/services run`, `docker compose … exec -T …`).
"""

from __future__ import annotations

import hashlib
import os
import shlex
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import IO
from urllib.parse import unquote, urlsplit, urlunsplit

import msgspec
import psycopg
from psycopg import sql

from store.errors import StoreError, translated
from store.fingerprint import TEXT_SETTINGS, Table, differences, fingerprint
from store.provision import in_database
from store.queries import load, script
from store.settings import inherited

_MODE = 0o600  # a backup holds everything that the database holds
_CHUNK = 1 << 20


class BackupError(StoreError):
    """The backup or the restore did not come about; the message says why."""


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """`FILE.json`. No name and no value of a patient is in it."""

    taken_at: datetime
    server: str
    timescaledb: str
    sha256: str  # of the dump
    tables: dict[str, Table]


def manifest_path(file: Path) -> Path:
    return file.with_name(file.name + ".json")


def backup(url: str, file: Path, *, tools: str, now: datetime) -> Manifest:
    """Both files, whole or not at all. Readers and writers go on meanwhile."""
    new = file.with_name(file.name + ".new")
    try:
        with translated(), _connected(url) as conn:
            conn.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            conn.read_only = True
            snapshot = _one(conn, "snapshot")[0]
            server, timescaledb = _one(conn, "versions")
            with _private(new) as out:
                wanted = ["--format=custom", f"--snapshot={snapshot}"]
                _run(tools, "pg_dump", url, wanted, stdout=out)
                os.fsync(out.fileno())
            made = Manifest(
                taken_at=now,
                server=server,
                timescaledb=timescaledb,
                sha256=_sha256(new),
                tables=fingerprint(conn),
            )
        with _private(manifest_path(file)) as out:
            out.write(msgspec.json.format(msgspec.json.encode(made)) + b"\n")
        new.replace(file)
    finally:
        new.unlink(missing_ok=True)
    return made


def restore(
    admin_url: str, file: Path, database: str, *, tools: str, unproven: bool = False
) -> Manifest | None:
    """Into `database`, which must not exist; a restore that fails leaves none behind.

    Logins are not in a backup: `provision` makes new ones afterwards, `migrate` what is newer.
    `unproven`: without FILE.json, by the server's own version of TimescaleDB; None is returned.
    """
    manifest = None if unproven else _manifest(file)
    url = in_database(admin_url, database)
    with translated(), _connected(admin_url, autocommit=True) as conn:
        if manifest is not None:
            _check_version(conn, manifest.timescaledb)
        try:
            conn.execute(
                sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(database))
            )
        except psycopg.errors.DuplicateDatabase as exc:
            raise BackupError(f"there is a database {database}: name another") from exc
        try:
            _fill(url, file, manifest, tools)
        except BaseException:
            conn.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(database)))
            raise
    return manifest


def _manifest(file: Path) -> Manifest:
    path = manifest_path(file)
    try:
        manifest = msgspec.json.decode(path.read_bytes(), type=Manifest)
        if _sha256(file) != manifest.sha256:
            raise BackupError(f"{file} is not the file that {path} describes")
    except (OSError, msgspec.DecodeError) as exc:
        raise BackupError(f"{path} cannot be used: {exc}") from exc
    return manifest


def _check_version(conn: psycopg.Connection, wanted: str) -> None:
    there = {row[0] for row in conn.execute(load("backup")["extension_versions"]).fetchall()}
    if wanted not in there:
        raise BackupError(
            f"the backup is of TimescaleDB {wanted}, this server has {', '.join(sorted(there))}:"
            " restore with the same version, then ALTER EXTENSION timescaledb UPDATE"
        )


def _fill(url: str, file: Path, manifest: Manifest | None, tools: str) -> None:
    extension = sql.SQL("CREATE EXTENSION timescaledb VERSION {}")
    with _connected(url, autocommit=True) as conn:
        if manifest is not None:
            conn.execute(extension.format(sql.Literal(manifest.timescaledb)))
        conn.execute(script("bootstrap"))  # the roles: what is restored belongs to them
        conn.execute(load("backup")["pre_restore"])
    with file.open("rb") as dump:
        _run(tools, "pg_restore", url, ["--exit-on-error"], stdin=dump)
    with _connected(url, autocommit=True) as conn:
        conn.execute(load("backup")["post_restore"])
        conn.execute("ANALYZE")
    if manifest is None:
        return
    with _connected(url) as conn:
        if lines := differences(manifest.tables, fingerprint(conn)):
            raise BackupError("what was restored is not what was saved: " + "; ".join(lines))


def _run(
    tools: str,
    program: str,
    url: str,
    arguments: list[str],
    *,
    stdin: IO[bytes] | int = subprocess.DEVNULL,
    stdout: IO[bytes] | int = subprocess.DEVNULL,
) -> None:
    """The password goes by the environment: a command line is for everybody to read."""
    parts = urlsplit(url)
    user, _, host = parts.netloc.rpartition("@")
    name, _, password = user.partition(":")
    plain = urlunsplit(parts._replace(netloc=f"{name}@{host}" if name else host))
    command = [*shlex.split(tools), program, "--no-password", *arguments, f"--dbname={plain}"]
    try:
        done = subprocess.run(  # noqa: S603 -- the operator's own setting
            command,
            check=False,
            stdin=stdin,
            stdout=stdout,
            stderr=subprocess.PIPE,
            env=inherited(PGPASSWORD=unquote(password)),
        )
    except OSError as exc:
        raise BackupError(f"{command[0]}: {exc.strerror}; see HEARTHLINE_PG_TOOLS") from exc
    if done.returncode != 0:
        tail = done.stderr.decode(errors="replace").strip().splitlines()[-3:]
        raise BackupError(f"{program} failed: {' / '.join(tail)}")


@contextmanager
def _connected(url: str, *, autocommit: bool = False) -> Iterator[psycopg.Connection]:
    with psycopg.connect(url, autocommit=autocommit, options=TEXT_SETTINGS) as conn:
        yield conn


def _one(conn: psycopg.Connection, name: str) -> tuple[str, ...]:
    row = conn.execute(load("backup")[name]).fetchone()
    return tuple(row) if row else ()


def _private(path: Path) -> IO[bytes]:
    return os.fdopen(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, _MODE), "wb")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
