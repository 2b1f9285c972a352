"""I10: whatever somebody with every right in the database does to the audit trail is detected."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
import structlog
from typer.testing import CliRunner

from store import audit
from store.__main__ import app
from store.audit_chain import START, Event, seal
from store.audit_heads import HeadFileError, read
from store.audit_keys import KeyFileError, add_key, load_keys
from store.fixtures import register_clinic
from store.tenancy import clinic_session
from tests.conftest import ROOT
from tests.databases import Database
from vitals.clock import utc_now


@dataclass(kw_only=True)
class Trail:
    """A database with two clinics' audit trails, a key file and a file of heads."""

    database: Database
    conn: psycopg.AsyncConnection
    keys: Path
    heads: Path

    async def act(self, clinic="north", number=1, **detail):
        for _ in range(number):
            async with clinic_session(self.conn, clinic):
                await audit.record(
                    self.conn, actor="test", action="chart.read", subject=clinic, now=utc_now(),
                    detail=detail,
                )  # fmt: skip

    async def attack(self, statement):
        """With the administrator's rights, and no trigger or foreign key in the way."""
        async with self.conn.transaction():
            await self.conn.execute("SET LOCAL session_replication_role = replica")
            return await self.conn.execute(statement)

    def environment(self, role=None, **more):
        plain = {k: v for k, v in os.environ.items() if not k.startswith("HEARTHLINE_")}
        url = self.database.urls[role] if role else self.database.admin
        return {
            **plain, "HEARTHLINE_DATABASE_URL": url, "HEARTHLINE_AUDIT_KEYS_FILE": str(self.keys),
            **more,
        }  # fmt: skip

    async def store(self, *arguments, role=None):
        """`python -m store …`, in a thread of this process."""
        called = [str(one) for one in arguments]
        return await asyncio.to_thread(CliRunner().invoke, app, called, env=self.environment(role))

    def spawn(self, *arguments, role, **more):
        return subprocess.Popen(
            [sys.executable, "-m", "store", *map(str, arguments)],
            cwd=ROOT, env=self.environment(role, **more), stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    async def seal(self, code=0):
        done = await self.store("audit-seal", "--head", self.heads, role="hl_sealer")
        assert done.exit_code == code, done.output
        return done

    async def verify(self, *arguments, role=None):
        done = await self.store("audit-verify", *arguments, role=role)
        return done.exit_code, done.stdout

    async def verify_against_heads(self):
        return await self.verify("--head", self.heads)


@pytest.fixture
async def trail(database, admin, home, tmp_path):
    await register_clinic(admin, "south", name="South", zone="America/New_York")
    keys = tmp_path / "audit.keys"
    add_key(keys)
    made = Trail(database=database, conn=admin, keys=keys, heads=tmp_path / "heads.jsonl")
    await made.act("north", 5, tab="readings")
    await made.act("south", 3)
    yield made
    structlog.reset_defaults()


async def test_an_untouched_trail_holds_and_its_heads_come_out(trail):
    assert "events sealed: 8" in (await trail.seal()).stdout
    code, told = await trail.verify_against_heads()
    assert (code, told) == (0, trail.heads.read_text("utf-8"))
    assert [(h.clinic, h.position) for h in read(trail.heads)] == [("north", 5), ("south", 3)]
    await trail.act("north", 2)
    assert "events sealed: 2" in (await trail.seal()).stdout
    assert "events sealed: 0" in (await trail.seal()).stdout
    assert (await trail.verify_against_heads())[0] == 0
    assert (await trail.verify(role="hl_sealer"))[0] == 0, "the sealer's own login may check too"


EDITS = {
    "who": ("UPDATE audit_event SET actor = 'somebody else' WHERE {seq}", 3),
    "when, by a microsecond": (
        "UPDATE audit_event SET at = at - interval '1 microsecond' WHERE {seq}", 3),
    "detail": ("UPDATE audit_event SET detail = detail || '{{\"x\": 1}}' WHERE {seq}", 3),
    "an event is deleted": ("DELETE FROM audit_event WHERE {seq}", 3),
    "an event and its link are deleted": (
        ("WITH gone AS (DELETE FROM audit_event WHERE {seq} RETURNING seq)"
        " DELETE FROM audit_link WHERE seq IN (SELECT seq FROM gone)"), 4),
    "and the rest moves up": (
        ("DELETE FROM audit_event WHERE {seq}; DELETE FROM audit_link WHERE {seq};"
        " UPDATE audit_link SET position = position + 99"
        " WHERE clinic_id = 'north' AND position > 3;"
        " UPDATE audit_link SET position = position - 100 WHERE position > 99"),
        3),
    "two events change places": (
        ("UPDATE audit_event e SET subject = 'swapped', at = o.at FROM audit_event o"
        " WHERE e.{seq} AND o.clinic_id = e.clinic_id AND o.seq > e.seq"), 3),
    "two links change places": (
        ("UPDATE audit_link SET position = 99 WHERE {seq};"
        " UPDATE audit_link SET position = 3 WHERE clinic_id = 'north' AND position = 4;"
        " UPDATE audit_link SET position = 4 WHERE position = 99"), 3),
    "when it was sealed": (
        ("UPDATE audit_link SET sealed_at = sealed_at - interval '1 day'"
        " WHERE clinic_id = 'north' AND position = 3"), 3),
    "a mac": (
        ("UPDATE audit_link SET mac = decode(repeat('00', 32), 'hex')"
        " WHERE clinic_id = 'north' AND position = 3"), 3),
}  # fmt: skip


@pytest.mark.parametrize("kind", EDITS)
async def test_a_change_is_found_at_its_place(trail, kind):
    await trail.seal()
    statement, position = EDITS[kind]
    found = await trail.conn.execute(
        "SELECT seq FROM audit_link WHERE clinic_id = 'north' AND position = 3"
    )
    (third,) = await found.fetchone()
    changed = await trail.attack(statement.format(seq=f"seq = {third}"))
    assert changed.rowcount > 0
    code, told = await trail.verify()
    assert code == 1
    assert told.startswith(f"north: position {position}: ")
    assert len(told.splitlines()) == 1, "south's chain holds"
    assert "readings" not in told


async def test_an_event_cannot_be_put_in_afterwards(trail):
    await trail.seal()
    inserted = (
        "INSERT INTO audit_event (clinic_id, seq, at, actor, action, subject)"
        " OVERRIDING SYSTEM VALUE VALUES ('north', -1, now() - interval '1 day', 'x', 'x', 'x')"
    )
    await trail.attack(inserted)
    assert (await trail.verify()) == (
        1,
        "north: event -1: an event that was put there past the queue: no link holds it\n",
    )
    assert "events sealed: 0" in (await trail.seal()).stdout, "and nobody launders it"
    await trail.attack("DELETE FROM audit_event WHERE seq = -1")
    await trail.conn.execute(inserted)  # the front door: it is sealed last, and counted as late
    await trail.seal()
    done = await trail.store("audit-verify", "--head", trail.heads)
    assert done.exit_code == 0
    assert "1 sealed over 15 minutes late" in done.stderr


async def test_a_cut_tail_needs_the_exported_head(trail):
    await trail.seal()
    await trail.attack(
        "WITH cut AS (DELETE FROM audit_link WHERE clinic_id = 'north' AND position > 3"
        " RETURNING seq) DELETE FROM audit_event WHERE seq IN (SELECT seq FROM cut)"
    )
    assert (await trail.verify())[0] == 0, "what is left is a whole chain: hence the export"
    code, told = await trail.verify_against_heads()
    assert code == 1
    assert told.startswith("north: position 5: the exported head")
    # The sealer does not build on it either, though south goes on.
    await trail.act("north")
    await trail.act("south")
    assert "north: position 5" in (await trail.seal(code=1)).stderr
    assert {h.clinic: h.position for h in read(trail.heads)} == {"north": 5, "south": 4}
    # One that has forgotten the head would; the head, kept elsewhere, tells.
    kept = trail.heads.rename(trail.heads.with_name("kept.jsonl"))
    await trail.act("north", 3)
    await trail.seal()
    assert (await trail.verify())[0] == 0
    code, told = await trail.verify("--head", kept)
    assert code == 1
    assert told.startswith("north: position 5: not the link")


async def test_a_clinic_that_vanished_whole_is_missed(trail):
    await trail.seal()
    await trail.attack("DELETE FROM audit_link WHERE clinic_id = 'south'")
    await trail.attack("DELETE FROM audit_event WHERE clinic_id = 'south'")
    assert (await trail.verify())[0] == 0
    code, told = await trail.verify_against_heads()
    assert code == 1
    assert told.startswith("south: position 3: the exported head")


async def test_what_waits_too_long_and_what_vanished_unsealed(trail):
    await trail.seal()
    await trail.act("north")
    assert (await trail.verify())[0] == 0
    code, told = await trail.verify("--backlog", "0")
    assert code == 1
    assert "waits for its seal" in told
    await trail.attack("DELETE FROM audit_event e USING audit_unsealed u WHERE e.seq = u.seq")
    code, told = await trail.verify()
    assert code == 1
    assert "deleted before it was sealed" in told


async def test_an_event_that_commits_late_with_a_lower_number_is_sealed_too(trail, database):
    await trail.seal()
    async with await psycopg.AsyncConnection.connect(database.admin, autocommit=True) as slow:
        async with clinic_session(slow, "north"):
            await audit.record(slow, actor="test", action="slow", subject="north", now=utc_now())
            await trail.act("north", 2)
            assert "events sealed: 2" in (await trail.seal()).stdout, (
                "nobody waits for the slow one"
            )
            assert (await trail.verify("--backlog", "0"))[0] == 0
        assert "events sealed: 1" in (await trail.seal()).stdout
    assert (await trail.verify_against_heads())[0] == 0
    order = await trail.conn.execute(
        "SELECT action FROM audit_link JOIN audit_event USING (clinic_id, seq)"
        " WHERE clinic_id = 'north' ORDER BY position DESC LIMIT 1"
    )
    assert await order.fetchone() == ("slow",)


async def test_writers_and_two_sealers_at_once(trail, database):
    async def write():
        async with await psycopg.AsyncConnection.connect(database.admin, autocommit=True) as conn:
            for _ in range(40):
                async with clinic_session(conn, "north"):
                    await audit.record(
                        conn, actor="test", action="a", subject="north", now=utc_now()
                    )

    sealers = [trail.spawn("audit-seal", role="hl_sealer") for _ in range(2)]
    await asyncio.gather(*(write() for _ in range(4)))
    for sealer in sealers:
        await asyncio.to_thread(sealer.communicate)
    assert [sealer.returncode for sealer in sealers] == [0, 0]
    await trail.seal()
    assert (await trail.verify("--backlog", "0"))[0] == 0
    count = await trail.conn.execute(
        "SELECT count(*), max(position) FROM audit_link WHERE clinic_id = 'north'"
    )
    assert await count.fetchone() == (165, 165)


async def test_odd_events_are_sealed_like_any(trail):
    """Nothing that a writer can store stops the sealer."""
    for at, detail in (
        ("infinity", "{}"),
        ("-infinity", '{"n": 1e400}'),
        (
            "0044-03-15 BC",
            '{"n": 123456789012345678901234567890.100, "t": "\\u00e9 \\ud83d\\ude00"}',
        ),
    ):
        await trail.conn.execute(
            "INSERT INTO audit_event (clinic_id, at, actor, action, subject, detail)"
            " VALUES ('north', %s, E'\\n\"', '', 'ü', %s)", [at, detail],
        )  # fmt: skip
    await trail.seal()
    assert (await trail.verify_against_heads())[0] == 0


async def test_a_new_key_seals_and_the_old_one_still_proves(trail):
    await trail.seal()
    assert (await trail.store("audit-key", trail.keys)).stdout.endswith("k2\n")
    await trail.act("north")
    await trail.seal()
    assert [h.key for h in read(trail.heads)] == ["k2", "k1"]
    assert (await trail.verify_against_heads())[0] == 0
    trail.keys.write_text(trail.keys.read_text("ascii").splitlines()[1] + "\n", "ascii")
    code, told = await trail.verify()
    assert code == 1
    assert "north: position 1: sealed with a key" in told
    trail.keys.unlink()
    add_key(trail.keys)
    assert (await trail.verify())[1].startswith("north: position 1: the event, the link")


@pytest.mark.parametrize("role", ["hl_api", "hl_worker", "hl_ingest"])
async def test_nobody_but_the_sealer_touches_the_chain(trail, database, role):
    await trail.seal()
    async with await psycopg.AsyncConnection.connect(database.urls[role], autocommit=True) as conn:
        await conn.execute("SELECT set_config('hearthline.clinic', 'north', false)")
        for statement in (
            "SELECT * FROM audit_link", "SELECT * FROM audit_unsealed",
            "INSERT INTO audit_link SELECT * FROM audit_link", "DELETE FROM audit_unsealed",
        ):  # fmt: skip
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                await conn.execute(statement)


async def test_the_sealer_reads_the_trail_and_nothing_else(trail, database):
    relations = await (
        await trail.conn.execute(
            "SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n"
            " ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'v', 'm', 'p')"
            " AND n.nspname = 'public'"
        )
    ).fetchall()
    readable = []
    url = database.urls["hl_sealer"]
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as conn:
        for (name,) in relations:
            try:
                await conn.execute(f"SELECT * FROM {name} LIMIT 1")  # noqa: S608
            except psycopg.errors.InsufficientPrivilege:
                continue
            readable.append(name)
        for statement in (
            "DELETE FROM audit_event", "UPDATE audit_link SET position = 1",
            "DELETE FROM audit_link",
            "INSERT INTO audit_event (clinic_id, actor, action, subject) VALUES ('a', '', '', '')",
        ):  # fmt: skip
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                await conn.execute(statement)
    assert sorted(readable) == ["public.audit_event", "public.audit_link", "public.audit_unsealed"]


async def test_the_service_seals_until_it_is_told_to_stop(trail, tmp_path):
    child = trail.spawn(
        "audit-seal", "--every", "0.1", "--head", trail.heads,
        role="hl_sealer", HEARTHLINE_METRICS_PORT="0",
    )  # fmt: skip
    try:
        for wanted in (8, 10):
            await _until_sealed(trail, wanted)
            await trail.act("south", 2)
    finally:
        child.send_signal(signal.SIGTERM)
        log, _ = await asyncio.to_thread(child.communicate)
    assert child.returncode == 0
    (tmp_path / "collected.log").write_text(log, "utf-8")
    assert (await trail.verify("--head", tmp_path / "collected.log"))[0] == 0, (
        "its log is an export too"
    )
    assert len(read(tmp_path / "collected.log")) >= 3


async def test_a_disk_that_takes_no_head_is_waited_out(trail, tmp_path):
    """The events are sealed all the same, and the head is written as soon as it can be."""
    folder = tmp_path / "mounted"
    child = trail.spawn(
        "audit-seal", "--every", "0.1", "--head", folder / "heads.jsonl",
        role="hl_sealer", HEARTHLINE_METRICS_PORT="0",
    )  # fmt: skip
    try:
        async with asyncio.timeout(60):
            while "heads not exported" not in await asyncio.to_thread(child.stdout.readline):
                pass
        await _until_sealed(trail, 8)
        folder.mkdir()
        async with asyncio.timeout(60):
            while not (folder / "heads.jsonl").exists():
                await asyncio.sleep(0.05)
    finally:
        child.send_signal(signal.SIGTERM)
        await asyncio.to_thread(child.communicate)
    assert (await trail.verify("--head", folder / "heads.jsonl"))[0] == 0


async def _until_sealed(trail, wanted):
    async with asyncio.timeout(60):
        while True:
            row = await (await trail.conn.execute("SELECT count(*) FROM audit_link")).fetchone()
            if row[0] >= wanted:
                return
            await asyncio.sleep(0.05)


async def test_without_keys_or_schema_nothing_is_claimed(trail, services, tmp_path):
    trail.keys.chmod(0o644)
    done = await trail.store("audit-verify")
    assert done.exit_code == 2
    assert "chmod 600" in done.stderr
    trail.keys.chmod(0o600)
    (tmp_path / "wrong").write_text("no head\n", "utf-8")
    assert (await trail.verify("--head", tmp_path / "wrong"))[0] == 2
    environment = trail.environment() | {"HEARTHLINE_DATABASE_URL": services.admin_url}
    bare = await asyncio.to_thread(CliRunner().invoke, app, ["audit-verify"], env=environment)
    assert bare.exit_code == 2
    assert "python -m store migrate" in bare.stderr


def test_key_files_that_are_no_key_files(tmp_path):
    path = tmp_path / "keys"
    for text in ("", "k1\n", "k1 short\n", "k1 c2hvcnQ=\n", "k 1 " + "A" * 44 + "\n"):
        path.write_text(text, "ascii")
        path.chmod(0o600)
        with pytest.raises(KeyFileError):
            load_keys(path)
    path.unlink()
    with pytest.raises(KeyFileError):
        load_keys(path)
    add_key(path)
    assert path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(HeadFileError):
        read(path)


def test_every_field_is_under_the_seal():
    event = Event(clinic="north", seq=7, at_us="1", actor="a", action="b", subject="c", detail="{}")
    place: dict[str, Any] = {
        "position": 1,
        "previous": START,
        "sealed_at_us": "4",
    }
    key = ("k1", b"k" * 32)
    plain = seal(event, key=key, **place)
    fields: dict[str, Any] = {
        "clinic": "south",
        "seq": 8,
        "at_us": "2",
        "actor": "ab",
        "action": "",
        "subject": "b",
        "detail": "{ }",
    }
    changed = [replace(event, **{field: value}) for field, value in fields.items()]
    others = {seal(one, key=key, **place) for one in changed}
    others |= {seal(event, key=key, **place | {"position": 2})}
    others |= {seal(event, key=key, **place | {"previous": b"x"})}
    others |= {seal(event, key=key, **place | {"sealed_at_us": "5"})}
    others |= {
        seal(event, key=("k2", key[1]), **place),
        seal(event, key=("k1", b"l" * 32), **place),
    }
    assert len(others | {plain}) == len(changed) + 6
