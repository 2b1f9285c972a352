"""Backup, destroy, restore, by the runbook's commands: a dump on a new server, a point in time."""

from __future__ import annotations

import asyncio
import itertools
import json
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
import structlog
from typer.testing import CliRunner

from store import audit, databases
from store.__main__ import app
from store.audit_keys import add_key
from store.batch import write_batch
from store.errors import Unavailable
from store.fingerprint import fingerprint
from store.fixtures import assign, register_clinic, register_device, register_patient
from store.provision import in_database
from store.tenancy import clinic_session
from tests.store.cluster import CONFIG, TOOLS, Archive, Cluster, Folder, need_own_server
from tests.store.make import CUFF, NOW, row
from vitals.clock import utc_now

pytestmark = pytest.mark.services
RECEIVER = "SELECT bool_or({}) FROM pg_stat_replication WHERE application_name = 'pg_receivewal'"
CHUNKS = "SELECT count(*) FROM timescaledb_information.chunks"


async def store(url, *arguments, code=0, **settings):
    """`python -m store …`, in a thread of this process."""
    environment = {"HEARTHLINE_DATABASE_URL": url, "HEARTHLINE_PG_TOOLS": TOOLS, **settings}
    called = [str(one) for one in arguments]
    done = await asyncio.to_thread(CliRunner().invoke, app, called, env=environment)
    assert done.exit_code == code, done.output
    return done.output


def login(folder, role):
    return (Path(folder) / f"{role}.env").read_text("utf-8").strip().partition("=")[2]


async def live(url, admin):
    """Readings of ten weeks, somebody's and nobody's, two clinics, an audit trail."""
    await register_device(admin, "north", CUFF)
    patient = await register_patient(admin, "north", family_name="Roe", given_name="Ann")
    await assign(
        admin,
        "north",
        device=CUFF,
        patient=patient,
        starts_at=NOW - timedelta(days=40),
        actor="test",
    )
    await register_clinic(admin, "south", name="South", zone="UTC")
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as conn:
        readings = [row(n * 60) for n in range(24 * 70)]
        await write_batch(conn, readings=readings, quarantined=[])
    for clinic in ("north", "south"):
        async with clinic_session(admin, clinic):
            await audit.record(
                admin, actor="test", action="chart.read", subject=str(patient), now=utc_now(),
                detail={"tab": "überblick", "n": 1.50},
            )  # fmt: skip


@pytest.fixture
def keys(tmp_path):
    add_key(tmp_path / "audit.keys")
    yield {
        "HEARTHLINE_AUDIT_KEYS_FILE": str(tmp_path / "audit.keys"),
        "HEARTHLINE_AUDIT_HEAD_FILE": str(tmp_path / "heads.jsonl"),
    }
    structlog.reset_defaults()


@pytest.fixture
def new_server(services):
    need_own_server(services)
    folder = Folder("restore")
    cluster = Cluster(folder)
    cluster.make()
    cluster.configure(CONFIG)
    cluster.start()
    yield cluster
    if cluster.there:
        cluster.stop()
    folder.remove()


async def test_everything_is_there_again_on_a_new_server(
    database, admin, home, keys, new_server, tmp_path
):
    await live(database.urls["hl_ingest"], admin)
    await store(database.urls["hl_sealer"], "audit-seal", **keys)
    with psycopg.connect(database.admin) as conn:
        before = fingerprint(conn)
        (chunks,) = conn.execute(CHUNKS).fetchone() or (0,)
    file = tmp_path / "hearthline.dump"
    await store(database.admin, "backup", file)
    assert {p.name: p.stat().st_mode & 0o777 for p in tmp_path.glob("hearthline*")} == {
        "hearthline.dump": 0o600, "hearthline.dump.json": 0o600,
    }  # fmt: skip
    assert before["reading"].rows == 24 * 70
    assert chunks > 2

    with psycopg.connect(database.admin, autocommit=True) as conn:
        conn.execute("DROP SCHEMA public CASCADE")  # destroyed

    url = new_server.url.removesuffix("postgres") + "hearthline"
    await store(new_server.url, "restore", file, "--database", "hearthline")
    assert "0" in await store(url, "migrate")
    await store(url, "provision", "--out", tmp_path / "logins")

    with psycopg.connect(url) as conn:
        assert fingerprint(conn) == before
        assert conn.execute(CHUNKS).fetchone() == (chunks,)
    heads = keys["HEARTHLINE_AUDIT_HEAD_FILE"]
    await store(url, "audit-verify", "--head", heads, **keys)
    await _works_on(tmp_path / "logins", url, before)
    await store(login(tmp_path / "logins", "hl_sealer"), "audit-seal", **keys)
    await store(url, "audit-verify", "--head", heads, "--backlog", "0", **keys)


async def _works_on(logins, url, before):
    """Doubles are known, new readings find old and new chunks, walls stand."""
    async with await psycopg.AsyncConnection.connect(
        login(logins, "hl_ingest"), autocommit=True
    ) as conn:
        new = [row(1), row(60 * 24 * 69 + 7), row(-60 * 24 * 30)]
        done = await write_batch(conn, readings=[row(60), row(120), *new], quarantined=[])
        assert (len(done.stored), len(done.duplicate)) == (3, 2)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            await conn.execute("SELECT family_name FROM patient")
    async with await psycopg.AsyncConnection.connect(
        login(logins, "hl_api"), autocommit=True
    ) as conn:
        for relation in ("reading", "audit_link", "_timescaledb_internal._hyper_1_1_chunk"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                await conn.execute(f"SELECT 1 FROM {relation}")  # noqa: S608
        for clinic, readings, patients in (("north", 24 * 70 + 3, 1), ("south", 0, 0), ("", 0, 0)):
            await conn.execute("SELECT set_config('hearthline.clinic', %s, false)", [clinic])
            row_ = await conn.execute(
                "SELECT (SELECT count(*) FROM reading_view), (SELECT count(*) FROM patient)"
            )
            assert await row_.fetchone() == (readings, patients)
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as conn:
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="append-only"):
            await conn.execute("DELETE FROM audit_event")
        async with clinic_session(conn, "north"):
            await audit.record(conn, actor="t", action="a", subject="s", now=utc_now())
        rows = await conn.execute("SELECT count(*) FROM audit_event")
        assert await rows.fetchone() == (before["audit_event"].rows + 1,)


async def test_a_restore_that_is_not_the_backup_leaves_nothing(
    database, admin, home, services, tmp_path
):
    await live(database.urls["hl_ingest"], admin)
    file = tmp_path / "b.dump"
    await store(database.admin, "backup", file)
    name = f"{database.name}_again"
    manifest = file.with_name("b.dump.json")
    told = json.loads(manifest.read_text("utf-8"))
    told["tables"]["patient"]["rows"] += 1
    told["tables"]["reading"]["checksum"] = "1"
    manifest.write_text(json.dumps(told), "utf-8")
    said = await store(services.admin_url, "restore", file, "--database", name, code=1)
    assert "patient: 2 rows in the backup, 1 restored; reading: 1680 rows, but" in said
    whole = file.read_bytes()
    file.write_bytes(whole[:-1])
    said = await store(services.admin_url, "restore", file, "--database", name, code=1)
    assert "is not the file" in said
    said = await store(services.admin_url, "backup", tmp_path / "no" / "b.dump", code=1)
    assert "No such file" in said
    broken = {"HEARTHLINE_PG_TOOLS": "/no/such/tool"}
    said = await store(services.admin_url, "backup", tmp_path / "c.dump", code=1, **broken)
    assert "HEARTHLINE_PG_TOOLS" in said
    assert sorted(p.name for p in tmp_path.iterdir()) == ["b.dump", "b.dump.json"]
    for damaged in (whole[: len(whole) // 2], b"no dump"):
        file.write_bytes(damaged)
        said = await store(
            services.admin_url, "restore", file, "--database", name, "--unproven", code=1
        )
        assert "pg_restore failed" in said
    with psycopg.connect(services.admin_url) as conn:
        found = conn.execute("SELECT FROM pg_database WHERE datname = %s", [name]).fetchone()
    assert found is None


async def test_no_database_is_ever_restored_over(database, admin, home, services, tmp_path):
    await store(database.admin, "backup", tmp_path / "b.dump")
    said = await store(
        services.admin_url, "restore", tmp_path / "b.dump", "--database", database.name, code=1
    )
    assert "name another" in said
    rows = await admin.execute("SELECT count(*) FROM clinic")
    assert await rows.fetchone() == (1,)


async def test_a_dump_alone_is_restored_if_one_insists(database, admin, home, services, tmp_path):
    await store(database.admin, "backup", tmp_path / "b.dump")
    (tmp_path / "b.dump.json").unlink()
    name = f"{database.name}_again"
    wanted = ("restore", tmp_path / "b.dump", "--database", name)
    assert "cannot be used" in await store(services.admin_url, *wanted, code=1)
    assert "not compared" in await store(services.admin_url, *wanted, "--unproven")
    restored = in_database(services.admin_url, name)
    with psycopg.connect(database.admin) as old, psycopg.connect(restored) as new:
        assert fingerprint(new) == fingerprint(old)
    databases.drop(services.admin_url, name)


@pytest.fixture
def archive(services):
    need_own_server(services)
    folder = Folder("pitr")
    archive = Archive(services.admin_url, folder)
    archive.start()
    yield archive
    archive.stop()
    archive.drop_slot()
    folder.remove()


async def test_back_to_the_moment_before_a_mistake(database, admin, home, archive, keys):
    await live(database.urls["hl_ingest"], admin)
    await store(database.urls["hl_sealer"], "audit-seal", **keys)
    with psycopg.connect(database.admin, autocommit=True) as conn:
        before = fingerprint(conn)
        conn.execute("SELECT pg_create_restore_point('before-the-mistake')")
        conn.execute("TRUNCATE reading, reading_key CASCADE")
        conn.execute("DROP TABLE audit_link")
        await _received(conn)
    restored = archive.restored("recovery_target_name = 'before-the-mistake'")
    try:
        await _promoted(restored)
        with restored.connect(database.name) as conn:
            assert fingerprint(conn) == before
        heads = keys["HEARTHLINE_AUDIT_HEAD_FILE"]
        await store(_at(database.admin, restored), "audit-verify", "--head", heads, **keys)
        ingest = _at(database.urls["hl_ingest"], restored)
        async with await psycopg.AsyncConnection.connect(ingest, autocommit=True) as conn:
            done = await write_batch(conn, readings=[row(60), row(1)], quarantined=[])
            assert (len(done.stored), len(done.duplicate)) == (1, 1)
    finally:
        restored.stop()


@pytest.fixture
async def waited_for(new_server):
    """An archive that every commit of the new server waits for."""
    folder = Folder("sync")
    archive = Archive(new_server.url, folder)
    archive.start()
    with new_server.connect() as conn:
        conn.execute("ALTER SYSTEM SET synchronous_standby_names = 'pg_receivewal'")
        conn.execute("SELECT pg_reload_conf()")
        await _until(conn, RECEIVER.format("sync_state = 'sync'"))
    yield archive
    archive.stop()
    folder.remove()


async def test_with_a_synchronous_archive_a_lost_disk_loses_no_confirmed_reading(
    new_server, waited_for
):
    """Readings are written until the server is gone; each whose commit was answered is there."""
    urls = databases.create(new_server.url, "clinics")
    with new_server.connect("clinics") as conn:
        conn.execute("INSERT INTO clinic (id, name, zone) VALUES ('north', 'N', 'UTC')")
        writing = asyncio.create_task(_write_until_it_is_gone(urls["hl_ingest"]))
        await _until(conn, "SELECT count(*) > 20 FROM reading_key")
    await asyncio.to_thread(new_server.destroy)
    confirmed = await writing
    restored = waited_for.restored()
    try:
        await _promoted(restored)
        with restored.connect("clinics") as conn:
            found = {str(reading) for (reading,) in conn.execute("SELECT reading_id FROM reading")}
    finally:
        restored.stop()
    assert len(confirmed) > 20
    assert confirmed <= found
    assert len(found - confirmed) <= 1, "the one that was under way"


async def _write_until_it_is_gone(url):
    confirmed = set()
    with suppress(Unavailable):
        async with await psycopg.AsyncConnection.connect(url, autocommit=True) as conn:
            for number in itertools.count():
                done = await write_batch(conn, readings=[row(number)], quarantined=[])
                confirmed |= {str(stored) for _, stored in done.stored}
    return confirmed


def _at(url, cluster):
    return url.replace(f":{urlsplit(url).port}/", f":{cluster.port}/")


async def _received(conn):
    """Until the archive has, on its disk, all that is written so far."""
    (here,) = conn.execute("SELECT pg_current_wal_flush_lsn()").fetchone()
    await _until(conn, RECEIVER.format(f"flush_lsn >= '{here}'"))


async def _promoted(cluster):
    """It answers while it still follows the log, when databases made later are not there yet."""
    with cluster.connect() as conn:
        await _until(conn, "SELECT NOT pg_is_in_recovery()")


async def _until(conn, query):
    async with asyncio.timeout(60):
        while conn.execute(query).fetchone() != (True,):
            await asyncio.sleep(0.05)
