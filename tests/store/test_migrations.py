"""Migrations are additive, and safe on a database in use: from every earlier version, with data."""

from __future__ import annotations

import asyncio
import re
import secrets
import signal
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from typer.testing import CliRunner

from store import databases
from store.__main__ import app
from store.audit_keys import KeyRing
from store.audit_seal import seal_waiting
from store.audit_verify import verify
from store.batch import write_batch
from store.errors import Unavailable
from store.fingerprint import TEXT_SETTINGS
from store.provision import in_database, migrate, provision
from tests.conftest import ROOT
from tests.store.make import row
from vitals.clock import utc_now

FOLDER = Path(str(files("store") / "migrations"))
MIGRATIONS = sorted(path.stem for path in FOLDER.glob("*.sql"))
FILLED = Path(__file__).parent / "filled"
COLUMNS = (
    "SELECT table_name, array_agg(column_name::text ORDER BY ordinal_position)"
    " FROM information_schema.columns"
    " JOIN information_schema.tables USING (table_schema, table_name)"
    " WHERE table_schema = 'public' AND table_type = 'BASE TABLE' AND table_name !~ 'yoyo'"
    " GROUP BY table_name"
)
#: Rows come by a trigger, or from the sealer.
BY_ITSELF = {"audit_unsealed", "audit_link"}


def connect(url):
    return psycopg.connect(url, autocommit=True, options=TEXT_SETTINGS)


@pytest.fixture
def empty(services):
    """A database without any migration; its administrator's address."""
    name = f"hl_test_{secrets.token_hex(4)}"
    with connect(services.admin_url) as conn:
        conn.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    yield in_database(services.admin_url, name)
    databases.drop(services.admin_url, name)


def fill(conn, through, clinic):
    """As the services of that version wrote: the columns that they knew."""
    for path in sorted(FILLED.glob("*.sql")):
        if path.stem <= through:
            conn.execute(path.read_text("utf-8").format(clinic=clinic))


def content(conn, columns):
    """Rows and checksum of each table by the given columns."""
    found = {}
    for table, names in columns.items():
        query = sql.SQL("SELECT count(*), sum(hashtextextended(ROW({})::text, 0)) FROM {}").format(
            sql.SQL(", ").join(map(sql.Identifier, names)), sql.Identifier(table)
        )
        found[table] = conn.execute(query).fetchone()
    return found


@pytest.mark.parametrize("version", MIGRATIONS)
@pytest.mark.services
async def test_from_every_version_with_its_data(empty, version):
    assert migrate(empty, through=version)[-1] == version
    with connect(empty) as conn:
        fill(conn, version[:4], "before")
        columns = dict(conn.execute(COLUMNS).fetchall())
        before = content(conn, columns)
        waited = {table for table, (rows, _) in before.items() if not rows}
        assert waited <= BY_ITSELF, (
            f"nothing is in these: write tests/store/filled/{version[:4]}.sql"
        )

        assert migrate(empty) == [name for name in MIGRATIONS if name > version]
        assert content(conn, columns) == before, "nothing that was there has changed"
        fill(conn, version[:4], "after")  # the old version still writes what it wrote
    await _new_version_works(empty)


async def _new_version_works(url):
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as admin:
        ring = KeyRing(current="k1", keys={"k1": b"k" * 32})
        sealed = await seal_waiting(admin, ring, clock=utc_now)
        assert sealed.events >= 60
        assert verify(url, ring, now=utc_now(), backlog=_no_time(), heads=sealed.heads).broken == []
        name = url.rpartition("/")[2]
        ingest = provision(url)["hl_ingest"]
        assert name in ingest
    async with await psycopg.AsyncConnection.connect(ingest, autocommit=True) as conn:
        new = row(1)
        for _ in range(2):
            done = await write_batch(conn, readings=[_of(new, "before")], quarantined=[])
        assert len(done.duplicate) == 1


def _of(reading_row, clinic):
    return type(reading_row)(
        clinic=clinic, gateway="gw-1", envelope_id="e", reading=reading_row.reading
    )


def _no_time():
    return utc_now() - utc_now()


@pytest.mark.services
def test_a_table_in_use_stops_a_migration_cleanly(empty):
    """An old worker's transaction is open; the migration gives up, and is simply run again."""
    migrate(empty, through="0005_not_this_patient")
    with connect(empty) as conn, connect(empty) as old_version:
        fill(conn, "0005", "before")
        with old_version.transaction():
            old_version.execute(
                "INSERT INTO audit_event (clinic_id, actor, action, subject)"
                " VALUES ('before', 'old', 'version', 'writes')"
            )
            with pytest.raises(Unavailable, match="LockNotAvailable"):
                migrate(empty, through="0007_audit_chain")
            assert not conn.execute("SELECT to_regclass('audit_link')").fetchone()[0]
        assert migrate(empty, through="0007_audit_chain")[-1] == "0007_audit_chain"
        assert conn.execute("SELECT count(*) FROM audit_unsealed").fetchone() == (31,)


def _command(url):
    return subprocess.Popen(
        [sys.executable, "-m", "store", "migrate"],
        cwd=ROOT, env={"HEARTHLINE_DATABASE_URL": url, "PATH": "/usr/bin:/bin"},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


@pytest.mark.services
async def test_two_runs_at_once_and_one_that_was_killed(empty):
    """One applies, the other waits and finds nothing to do; a killed one locks nobody out."""
    migrate(empty, through="0001_readings")
    with connect(empty) as conn, connect(empty) as reader:
        with reader.transaction():
            reader.execute("SELECT 1 FROM patient")  # 0002 has to wait for this
            killed = _command(empty)
            await _until(conn, "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)")
            killed.send_signal(signal.SIGKILL)
            await asyncio.to_thread(killed.communicate)
            assert conn.execute("SELECT count(*) FROM yoyo_lock").fetchone() == (1,)
        runs = [_command(empty) for _ in range(2)]
        told = [await asyncio.to_thread(run.communicate) for run in runs]
    assert [run.returncode for run in runs] == [0, 0], told
    applied = sorted(out.splitlines()[-1] for out, _ in told)
    assert applied == ["migrations applied: 0", f"migrations applied: {len(MIGRATIONS) - 1}"]
    first = next(out for out, _ in told if "applied 0002_care" in out)
    assert first.splitlines()[:-1] == [f"applied {name}" for name in MIGRATIONS[1:]]
    assert any("killed run" in err for _, err in told)


@pytest.mark.services
async def test_the_command_says_that_it_could_not(empty):
    migrate(empty, through="0001_readings")
    with connect(empty) as reader, reader.transaction():
        reader.execute("SELECT 1 FROM patient")
        run = _command(empty)
        _, told = await asyncio.to_thread(run.communicate)
    assert run.returncode == 1
    assert "run it again" in told
    assert len(told.splitlines()) == 1


@pytest.mark.services
def test_a_new_role_leaves_the_others_their_passwords(empty, tmp_path):
    migrate(empty)
    out = ["provision", "--out", str(tmp_path)]
    url = {"HEARTHLINE_DATABASE_URL": empty}
    assert CliRunner().invoke(app, out, env=url).exit_code == 0
    before = {path.name: path.read_text("ascii") for path in tmp_path.iterdir()}
    assert CliRunner().invoke(app, [*out, "--role", "hl_sealer"], env=url).exit_code == 0
    after = {path.name: path.read_text("ascii") for path in tmp_path.iterdir()}
    assert [name for name in before if before[name] != after[name]] == ["hl_sealer.env"]
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}
    for text in after.values():
        connect(text.strip().partition("=")[2]).close()
    assert CliRunner().invoke(app, [*out, "--role", "postgres"], env=url).exit_code == 2


async def _until(conn, query):
    async with asyncio.timeout(60):
        while conn.execute(query).fetchone() != (True,):
            await asyncio.sleep(0.05)


# What the files may say ------------------------------------------------------------------------

FORBIDDEN = {
    r"\bDROP (TABLE|COLUMN|CONSTRAINT|SCHEMA|TYPE|VIEW|POLICY|TRIGGER|FUNCTION)\b":
        "the old version still uses it",
    r"\bALTER (COLUMN )?\w+ (SET DATA )?TYPE\b": "rewrites the table under a lock",
    r"\bSET NOT NULL\b": "the old version does not fill it",
    r"\bRENAME\b": "the old version knows the old name",
    r"\bADD COLUMN \w+ (?:(?!DEFAULT|,).)*NOT NULL(?:(?!DEFAULT|,).)*(,|$)":
        "NOT NULL without a default: the old version does not fill it",
    r"^(UPDATE|DELETE|TRUNCATE)\b": "changes what is there",
    r"^(COMMIT|BEGIN|ROLLBACK)\b": "a migration is one transaction",
    r"^CREATE (UNIQUE )?INDEX (?!CONCURRENTLY).* ON reading\b":
        "holds ingest up for as long as the largest table takes",
}  # fmt: skip
#: Laid before there was anything to hold up.
BEFORE_USE = {
    "0001_readings": ["reading_patient_idx", "reading_device_idx"],
    "0004_reassignment": ["reading_nobody_idx"],
}


def statements(text):
    """Top-level statements without comments; bodies of functions count as a word."""
    text = re.sub(r"(\$\w*\$).*?\1", "'body'", text, flags=re.DOTALL)
    text = re.sub(r"--[^\n]*", "", text)
    return [" ".join(part.split()) for part in text.split(";") if part.strip()]


def faults(name, text):
    parts = statements(text)
    found = [] if re.match(r"SET LOCAL lock_timeout = '\ds'$", parts[0]) else ["no lock_timeout"]
    found += [] if parts[1:2] == ["SET LOCAL ROLE hl_owner"] else ["not as hl_owner"]
    found += [] if parts[-1] == "RESET ROLE" else ["leaves as hl_owner"]
    for part in parts:
        if any(index in part for index in BEFORE_USE.get(name, [])):
            continue
        found += [
            f"{part[:60]}: {why}"
            for pattern, why in FORBIDDEN.items()
            if re.search(pattern, part, re.IGNORECASE)
        ]
        dropped = re.match(r"DROP INDEX (\w+)$", part)
        if dropped and not re.search(rf"CREATE (UNIQUE )?INDEX {dropped[1]}\b", text):
            found.append(f"{part}: an index goes and does not come back")
    return found


@pytest.mark.parametrize("name", MIGRATIONS)
def test_a_migration_takes_nothing_away(name):
    assert faults(name, (FOLDER / f"{name}.sql").read_text("utf-8")) == []


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE patient DROP COLUMN phone", "DROP TABLE contact",
        "ALTER TABLE patient ALTER COLUMN phone TYPE int", "ALTER TABLE a RENAME COLUMN b TO c",
        "ALTER TABLE patient ALTER phone SET DATA TYPE int",
        "ALTER TABLE patient ALTER COLUMN phone SET NOT NULL",
        "ALTER TABLE patient ADD COLUMN a int, ADD COLUMN b text NOT NULL",
        "ALTER TABLE patient ADD COLUMN b text NOT NULL, ADD COLUMN c int DEFAULT 1",
        "UPDATE patient SET phone = ''", "DELETE FROM patient", "TRUNCATE patient",
        "CREATE INDEX x ON reading (kind)", "DROP INDEX alert_patient_idx", "COMMIT",
        "DROP POLICY wall ON patient", "ALTER TABLE patient DROP CONSTRAINT patient_pkey",
    ],
)  # fmt: skip
def test_and_one_that_did_would_be_seen(statement):
    laid = "SET LOCAL lock_timeout = '4s';\nSET LOCAL ROLE hl_owner;\n{};\nRESET ROLE;\n"
    assert len(faults("0099_x", laid.format(statement))) == 1
    plain = "ALTER TABLE patient ADD COLUMN b text NOT NULL DEFAULT '', ADD COLUMN c int"
    assert faults("0099_x", laid.format(plain)) == []
    assert len(faults("0099_x", f"{plain};")) == 3
