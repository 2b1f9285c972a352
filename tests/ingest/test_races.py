"""What goes wrong beside ingest costs time and nothing else: nothing lost, nothing doubled (I1-I3).

Everything here is provoked in the real database or the real broker: a deadlock, a full disk, a
server that is killed. The writer's own answer is the same to all of it: again, until it is durable.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import secrets
import subprocess
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from pydantic import SecretStr

from gateway.metrics import Metrics
from gateway.outbox import Outbox
from gateway.publisher import Publisher
from gateway.settings import Broker
from gateway.spool import open_spool
from ingest.decide import decide, decide_reading
from ingest.metrics import REGISTRY
from ingest.service import Service
from ingest.settings import Settings
from ingest.subscriber import connect
from ingest.writer import Writer
from store.batch import write_batch
from store.fixtures import counts
from store.pool import connection, open_pool
from tests.ingest.test_decide import KNOWN, TOPIC, sealed
from tests.ingest.test_service import sealed as envelope_of
from tests.ingest.test_service import site
from tests.store.make import NOW, reading, row
from vitals.clock import utc_now

__all__ = ["site"]
pytestmark = pytest.mark.services

WEEK = timedelta(days=7)


def dated(number, at):
    return row(number, measured_at=at, received_at=at, device_time=at.replace(tzinfo=None))


@pytest.fixture
async def pools(database, home):
    """Two workers' pools."""
    async with AsyncExitStack() as opened:
        url = database.urls["hl_ingest"]
        yield [await opened.enter_async_context(open_pool(url)) for _ in range(2)]


def retries():
    return REGISTRY.get_sample_value("hearthline_ingest_store_retries_total")


async def until(condition, seconds=60):
    async with asyncio.timeout(seconds):
        while not await condition():
            await asyncio.sleep(0.05)


@contextlib.asynccontextmanager
async def in_trouble(pool, rows):
    """The rows are on their way and do not get through: the block ends what holds them up."""
    before = retries()

    async def tried_again():
        return retries() > before

    writing = asyncio.create_task(Writer(pool).write(rows, []))
    await until(tried_again)
    assert not writing.done()
    yield
    async with asyncio.timeout(60):
        written = await writing
    assert written.stored == {r.key for r in rows}


async def each_once(admin, rows):
    ids = await (await admin.execute("SELECT reading_id::text FROM reading")).fetchall()
    assert sorted(found for (found,) in ids) == sorted({r.reading.id for r in rows})


async def role_setting(admin, database, setting, value):
    role = sql.Identifier(f"hl_ingest_{database.name}")
    change = sql.SQL("ALTER ROLE {} SET {} = {}") if value else sql.SQL("ALTER ROLE {} RESET {}")
    values = [role, sql.Identifier(setting)] + ([sql.Literal(value)] if value else [])
    await admin.execute(change.format(*values))


async def end_sessions(admin, database):
    ended = await admin.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = %s",
        [f"hl_ingest_{database.name}"],
    )
    return ended.rowcount


# Two workers ------------------------------------------------------------------------------------


async def _race(pools, batches, others):
    """Each worker writes its batches one after the other, both at once."""

    async def work(pool, mine):
        return [await Writer(pool).write(batch, []) for batch in mine]

    done = await asyncio.gather(work(pools[0], batches), work(pools[1], others))
    return [[key for written in one for key in written.stored] for one in done]


async def test_two_workers_and_the_same_ids_in_opposite_orders(pools, admin):
    rows = [dated(n, NOW - n * WEEK / 50) for n in range(600)]
    batches = [rows[start : start + 30] for start in range(0, 600, 30)]
    backwards = [batch[::-1] for batch in batches[::-1]]
    one, other = await _race(pools, batches, backwards)
    assert len(one) + len(other) == 600
    assert set(one) | set(other) == {r.key for r in rows}
    assert min(len(one), len(other)) > 0
    await each_once(admin, rows)


async def test_two_workers_and_weeks_that_nobody_has_had_a_reading_of(pools, admin):
    """Late data of years: each batch makes chunks, and so does the other worker's."""
    rows = [dated(n, NOW - (n % 60) * 8 * WEEK) for n in range(240)]
    batches = [rows[start : start + 20] for start in range(0, 240, 20)]
    await _race(pools, batches, [batch[::-1] for batch in batches[::-1]])
    await each_once(admin, rows)


async def test_serialization_failures_are_tried_again(pools, admin, database):
    await role_setting(admin, database, "default_transaction_isolation", "serializable")
    await end_sessions(admin, database)
    rows = [row(n) for n in range(400)]
    before = retries()
    for start in range(0, 400, 40):  # both at the same rows, until they have met
        some = rows[start : start + 40]
        await asyncio.gather(*(Writer(pool).write(some, []) for pool in pools))
    assert retries() > before
    await each_once(admin, rows)


# Locks ------------------------------------------------------------------------------------------


async def test_a_deadlock_is_tried_again(pools, admin, database):
    """Somebody holds the last of our keys and asks for the first."""
    rows = sorted((row(n) for n in range(20)), key=lambda r: r.reading.id)
    key = "INSERT INTO reading_key VALUES ('north', %s, now())"
    options = "-c deadlock_timeout=60s"  # the other one finds the circle first: ingest
    async with await psycopg.AsyncConnection.connect(database.admin, options=options) as rival:
        await rival.execute(key, [rows[-1].reading.id])
        before = retries()
        writing = asyncio.create_task(Writer(pools[0]).write(rows, []))

        async def waits():
            cur = await admin.execute("SELECT 1 FROM pg_locks WHERE NOT granted")
            return await cur.fetchone()

        async def tried_again():
            return retries() > before

        await until(waits)
        crossing = asyncio.create_task(rival.execute(key, [rows[0].reading.id]))
        await until(tried_again)
        await crossing
        await rival.rollback()
    assert len((await writing).stored) == 20
    await each_once(admin, rows)


async def test_a_lock_that_is_held_for_long_is_waited_for(pools, admin, database):
    rows = [row(n) for n in range(20)]
    async with await psycopg.AsyncConnection.connect(database.admin) as holder:
        await holder.execute("LOCK TABLE reading_key IN ACCESS EXCLUSIVE MODE")
        async with in_trouble(pools[0], rows):
            await holder.rollback()
    await each_once(admin, rows)


# The database goes away -------------------------------------------------------------------------


async def test_sessions_ended_in_the_middle_of_batches(pools, admin, database):
    rows = [row(n) for n in range(6000)]
    batches = [rows[start : start + 50] for start in range(0, 6000, 50)]
    before = retries()
    racing = asyncio.create_task(_race(pools, batches, batches))
    while retries() < before + 5 and not racing.done():
        await end_sessions(admin, database)
        await asyncio.sleep(0.05)
    await racing
    assert retries() > before
    await each_once(admin, rows)


async def test_a_server_that_only_reads_is_left_for_one_that_writes(pools, admin, database):
    """As a standby answers after a failover; the sessions that met it do not come back to it."""
    await role_setting(admin, database, "default_transaction_read_only", "on")
    await end_sessions(admin, database)
    rows = [row(n) for n in range(20)]
    async with in_trouble(pools[0], rows):
        await role_setting(admin, database, "default_transaction_read_only", None)
    await each_once(admin, rows)


#: paho leaves a socket that was refused to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("what", ["postgres", "mosquitto"])
async def test_a_kill_and_restart_while_messages_flow(site, admin, tmp_path, what):
    """From a gateway's spool, through broker and process, to the database."""
    await site.start()
    readings = [reading(n) for n in range(1500)]
    broker = Broker(site.gateway_url, Path(site.services.mqtt_ca))
    async with asyncio.timeout(150), open_spool(tmp_path / "spool.sqlite3", NOW) as spool:
        outbox = Outbox(spool=spool, metrics=Metrics(), gateway="gw-1", clock=utc_now)
        publisher = Publisher(
            broker=broker,
            clinic=site.clinic,
            gateway="gw-1",
            version="test",
            outbox=outbox,
            clock=utc_now,
        )
        publishing = asyncio.create_task(publisher.run())
        for start in range(0, 1500, 500):
            for each in readings[start : start + 500]:
                await spool.add(each, utc_now())
            if start:
                await asyncio.to_thread(site.services.run, "kill", what)
                await asyncio.to_thread(site.services.run, "start", what)
        while await spool.depth():
            await asyncio.sleep(0.1)
        publishing.cancel()
        await asyncio.gather(publishing, return_exceptions=True)
    assert all(process.returncode is None for process in site.processes)
    async with await psycopg.AsyncConnection.connect(site.database.admin, autocommit=True) as look:
        found = await (await look.execute("SELECT reading_id::text FROM reading")).fetchall()
        assert sorted(i for (i,) in found) == sorted(r.id for r in readings)
        assert (await counts(look, site.clinic))["quarantined"] == 0


# A full disk ------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Disk:
    """A file system of a few megabytes of memory that nobody sees but the server."""

    name: str  # of the tablespace
    server: str  # its pid
    folder: Path  # as the server's own mount namespace names it

    def mount(self, owner):
        self.inside("mkdir", "-p", str(self.folder))
        options = f"size=3m,mode=700,uid={owner.st_uid},gid={owner.st_gid}"
        self.inside("mount", "-t", "tmpfs", "-o", options, "tmpfs", str(self.folder))

    def grow(self):
        self.inside("mount", "-o", "remount,size=300m", str(self.folder))

    def unmount(self):
        self.inside("umount", str(self.folder))
        self.inside("rmdir", str(self.folder))

    def inside(self, *command):
        enter = ["nsenter", "-t", self.server, "-m", *command]
        subprocess.run(enter, check=True, capture_output=True)


@pytest.fixture
def disk(services):
    """Before the database, so that it goes after it."""
    found = re.search(r"postgres: running, pid (\d+)", services.run("status"))
    if os.geteuid() != 0 or not found:
        pytest.skip("a disk for the server alone can be mounted by root, for a server of our own")
    server = found[1]
    root = Path(f"/proc/{server}/root").readlink()
    disk = Disk(name=f"small_{secrets.token_hex(4)}", server=server, folder=root / "srv" / "disk")
    disk.mount(Path(f"/proc/{server}").stat())
    try:
        with psycopg.connect(services.admin_url, autocommit=True) as conn:
            name = sql.Identifier(disk.name)
            conn.execute(sql.SQL("CREATE TABLESPACE {} LOCATION '/srv/disk'").format(name))
            conn.execute(sql.SQL("GRANT CREATE ON TABLESPACE {} TO hl_owner").format(name))
            yield disk
            conn.execute(sql.SQL("DROP TABLESPACE {}").format(name))
    finally:
        disk.unmount()


async def test_a_full_disk_is_waited_for(disk, pools, admin):
    await admin.execute("SELECT attach_tablespace(%s, 'reading')", [disk.name])
    rows = [row(n) for n in range(6000)]
    async with in_trouble(pools[0], rows):
        disk.grow()
    await each_once(admin, rows)
    cur = await admin.execute("SELECT pg_tablespace_size(%s)", [disk.name])
    (used,) = await cur.fetchone()
    assert used > 3 * 2**20


# Times ------------------------------------------------------------------------------------------


async def test_readings_of_months_ago_arrive_among_those_of_today(pools, admin):
    """A box that was found in a drawer: a thousand readings of two years, in no order."""
    old = [dated(n, NOW - timedelta(days=(n * 37) % 700, minutes=n)) for n in range(1000)]
    new = [dated(n, NOW - timedelta(minutes=n)) for n in range(1000, 1100)]
    mixed = [row for pair in zip(old[::10], new, strict=True) for row in pair] + old
    batches = [mixed[start : start + 200] for start in range(0, len(mixed), 200)]
    await _race(pools, batches, batches[::-1])
    await each_once(admin, [*old, *new])


async def test_a_reading_of_the_future_waits_until_its_time_has_come(pools, admin):
    ahead = reading(1, measured_at=NOW + timedelta(days=2), received_at=NOW)
    decision = decide(TOPIC, sealed(ahead), known=KNOWN, now=NOW)
    await Writer(pools[0]).write(decision.accepted, decision.quarantined)
    assert [(q.reason, q.reading_id) for q in decision.quarantined] == [("bad_time", ahead.id)]
    (kept,) = await (await admin.execute("SELECT topic, payload FROM quarantine")).fetchall()
    for days, stored in ((1, 0), (3, 1), (4, 0)):
        now = NOW + timedelta(days=days)
        again = decide_reading(kept[0], bytes(kept[1]), known=KNOWN, now=now)
        written = await Writer(pools[0]).write(again.accepted, again.quarantined)
        assert len(written.stored) == stored
    await each_once(admin, [row(1, measured_at=ahead.measured_at)])


async def test_a_write_goes_on_when_the_broker_is_lost(site, admin):
    """Cancelled at the wrong moment it could leave the pool without a connection, for ever."""
    ca, url = Path(site.services.mqtt_ca), site.database.urls["hl_ingest"]
    settings = Settings(
        database_url=SecretStr(url), mqtt_url=SecretStr(site.services.mqtt_url), mqtt_ca=ca,
        client_id=site.client_id,
    )  # fmt: skip
    stop = asyncio.Event()
    async with (
        open_pool(url, checked=False) as pool,
        await psycopg.AsyncConnection.connect(site.database.admin, autocommit=True) as watching,
        asyncio.timeout(20),
    ):
        service = Service(settings, pool)
        running = asyncio.create_task(service.run(stop))
        while not service.connected:
            await asyncio.sleep(0.02)
        async with site.gateway() as gateway, admin.transaction():
            await admin.execute("LOCK TABLE reading_key IN ACCESS EXCLUSIVE MODE")
            await gateway.publish(site.topic("readings"), envelope_of(reading(1)), qos=1)
            while not (begun := await waiting_since(watching)):
                await asyncio.sleep(0.02)
            # Whoever takes the session over ends the worker's connection.
            async with connect(site.services.mqtt_url, ca=ca, client_id=site.client_id):
                await asyncio.sleep(0.5)
            assert begun <= await waiting_since(watching)
        while (await counts(admin, site.clinic))["readings"] < 1:
            await asyncio.sleep(0.05)
        stop.set()
        await running


async def waiting_since(conn):
    """When the transactions began in which a worker waits for a lock."""
    found = await conn.execute(
        "SELECT xact_start FROM pg_stat_activity"
        " WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    return {since for (since,) in await found.fetchall()}


async def test_a_connection_left_in_a_pipeline_is_not_given_to_the_next(database, home):
    """A cancellation inside of a pipeline's end leaves it so; the next one's COPY is refused."""
    async with open_pool(database.urls["hl_ingest"], max_size=1, checked=False) as pool:
        async with connection(pool) as conn:
            conn.pgconn.enter_pipeline_mode()
        async with connection(pool) as conn:
            assert (await write_batch(conn, readings=[row(1)], quarantined=[])).stored
