"""The worker as a service: woken, and told to leave."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from datetime import datetime

import psycopg
import pytest
from prometheus_client import CollectorRegistry, Counter

from alerts import metrics
from alerts.rulebook import load
from alerts.service import Service
from alerts.settings import Settings
from ingest.decide import decide
from store import health, quarantine
from store.batch import write_batch
from store.errors import Unavailable
from store.listen import listen
from store.pool import open_pool
from store.tenancy import clinic_session
from tests.alerts.clinics import Clinic, bp, weight
from tests.alerts.make import NOW
from tests.store.make import reading
from vitals import wire

pytestmark = pytest.mark.services


@pytest.fixture
def settings(database) -> Settings:
    # A poll would come too late for these tests: what they see, a notice has caused.
    return Settings(database_url=database.urls["hl_worker"], poll_s=600)


async def _until(condition) -> None:
    async with asyncio.timeout(10):
        while not await condition():
            await asyncio.sleep(0.02)


async def test_a_stored_reading_wakes_the_worker(clinic, settings):
    stop = asyncio.Event()
    opened = metrics.OPENED.labels(lineage="blood_pressure.low")
    before = opened._value.get()
    async with open_pool(settings.database_url.get_secret_value()) as pool:
        service = Service(settings, pool, load(), lambda: NOW)
        running = asyncio.create_task(service.run(stop))
        await clinic.send(bp(150, 95, ago_h=1))
        await _until(clinic.alerts)
        await clinic.send(bp(80, 50))

        async def both():
            return len(await clinic.alerts()) == 2

        await _until(both)
        stop.set()
        await asyncio.wait_for(running, 5)
    assert opened._value.get() == before + 1


async def test_every_clinic_is_drained(clinic, database, admin, settings):
    south = await Clinic("south", database, admin).open(people=1)
    await clinic.send(*(bp(150, 95, ago_h=24 * day) for day in range(5)))
    await south.send(bp(150, 95))
    async with open_pool(settings.database_url.get_secret_value()) as pool:
        small = settings.model_copy(update={"set_size": 1})
        await Service(small, pool, load(), lambda: NOW).drain(asyncio.Event())
    assert [(await one.dump())["waiting"] for one in (clinic, south)] == [[(0,)]] * 2
    assert [len(await one.alerts()) for one in (clinic, south)] == [1, 1]


async def test_who_cannot_be_judged_holds_nobody_back(clinic, database, admin, settings):
    """A weight of zero: nothing that ingest lets in today, and no rule can divide by it."""
    south = await Clinic("south", database, admin).open(people=1)
    await clinic.send(weight(80, ago_h=2), weight(90, ago_h=1))
    await admin.execute("UPDATE reading SET weight_kg = 0 WHERE weight_kg = 80")
    await clinic.send(bp(150, 95, person=1))
    await south.send(bp(150, 95))
    passed_over = metrics.PASSED_OVER._value.get()
    async with open_pool(settings.database_url.get_secret_value()) as pool:
        service = Service(settings, pool, load(), lambda: NOW)
        await service.drain(asyncio.Event())
        assert (await clinic.alert())["patient_id"] == clinic.people[1].id
        assert (await south.alert())["patient_id"] == south.people[0].id
        waiting = await clinic.rows("SELECT DISTINCT patient_id FROM evaluation_mark")
        assert waiting == [{"patient_id": clinic.people[0].id}]
        assert metrics.PASSED_OVER._value.get() > passed_over
        await admin.execute("UPDATE reading SET weight_kg = 80 WHERE weight_kg = 0")
        await service.drain(asyncio.Event())
    assert (await clinic.dump())["waiting"] == [(0,)]


async def test_a_lock_that_is_held_in_one_clinic_holds_no_other_back(
    clinic, database, admin, settings
):
    """A console that froze in the middle of an act keeps its task locked."""
    south = await Clinic("south", database, admin).open(people=1)
    await clinic.send(bp(150, 95, ago_h=1))
    await clinic.judge()
    await clinic.send(bp(185, 125))
    await south.send(bp(150, 95))
    async with (
        await psycopg.AsyncConnection.connect(database.admin) as frozen,
        open_pool(settings.database_url.get_secret_value()) as pool,
    ):
        await frozen.execute("SELECT FROM care_task FOR UPDATE")
        service = Service(settings, pool, load(), lambda: NOW)
        with pytest.raises(Unavailable):
            await service.drain(asyncio.Event())
        assert (await south.alert())["lineage"] == "blood_pressure.high"
        await frozen.rollback()
        await service.drain(asyncio.Event())
    assert (await clinic.alert())["severity"] == "critical"


async def test_nobody_keeps_locks_for_ever(settings):
    async with open_pool(settings.database_url.get_secret_value()) as pool, pool.connection() as c:
        row = await (await c.execute("SHOW idle_in_transaction_session_timeout")).fetchone()
    assert row == ("1min",)


@pytest.mark.parametrize("said", ["9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00"])
async def test_bytes_from_beyond_every_calendar_are_judged(clinic, database, settings, said):
    """A clock that says the year 9999 west of Greenwich: no datetime of ours holds that in UTC."""
    made = reading(1, device=clinic.people[0].device, measured_at=datetime.fromisoformat(said))
    decision = decide(
        "hl/v1/north/gw-1/readings",
        wire.seal(
            envelope_id="e", gateway="gw-1", sent_at=NOW, readings=[wire.encode_reading(made)]
        ),
        known={("north", "gw-1")},
        now=NOW,
    )
    async with await psycopg.AsyncConnection.connect(
        database.urls["hl_ingest"], autocommit=True
    ) as conn:
        await write_batch(conn, readings=[], quarantined=decision.quarantined)
    await clinic.send(bp(150, 95))
    async with open_pool(settings.database_url.get_secret_value()) as pool:
        await Service(settings, pool, load(), lambda: NOW).drain(asyncio.Event())
    assert [a["lineage"] for a in await clinic.alerts()] == ["blood_pressure.high"]
    async with clinic_session(clinic.admin, "north"):
        (row,) = await quarantine.rows(
            clinic.admin, "north", quarantine.Filter(states=[quarantine.State.OPEN])
        )
    assert row["reason"] == "bad_time"


async def test_a_database_that_comes_back_is_worked_with_again(clinic, settings, admin):
    stop = asyncio.Event()
    async with open_pool(settings.database_url.get_secret_value()) as pool:
        service = Service(settings, pool, load(), lambda: NOW)
        running = asyncio.create_task(service.run(stop))
        await clinic.send(bp(150, 95, ago_h=1))
        await _until(clinic.alerts)
        await admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND usename LIKE 'hl_worker%'"
        )
        await clinic.send(bp(80, 50))

        async def both():
            return len(await clinic.alerts()) == 2

        await _until(both)
        stop.set()
        await asyncio.wait_for(running, 5)


async def test_listening_begins_with_an_empty_payload_and_again_after_a_loss(database, admin):
    async with aclosing(listen(database.urls["hl_api"], "console")) as payloads:
        assert await anext(payloads) == ""
        await admin.execute("SELECT pg_notify('console', 'north alert 1')")
        assert await asyncio.wait_for(anext(payloads), 5) == "north alert 1"
        await admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND query LIKE 'LISTEN%'"
        )
        assert await asyncio.wait_for(anext(payloads), 5) == ""
        await admin.execute("SELECT pg_notify('console', 'north alert 2')")
        assert await asyncio.wait_for(anext(payloads), 5) == "north alert 2"


@pytest.mark.parametrize(
    ("path", "ready", "status", "body"),
    [
        ("/healthz", False, 200, "alive"),
        ("/readyz", True, 200, "ready"),
        ("/readyz", False, 503, "not ready"),
        ("/metrics", True, 200, "things_total 2.0"),
        ("/", True, 404, ""),
    ],
)
async def test_health(unused_tcp_port, path, ready, status, body):
    registry = CollectorRegistry()
    Counter("things", "counted", registry=registry).inc(2)

    async def is_ready():
        return ready

    async with health.serve("127.0.0.1", unused_tcp_port, is_ready, registry):
        reader, writer = await asyncio.open_connection("127.0.0.1", unused_tcp_port)
        writer.write(f"GET {path} HTTP/1.1\r\n\r\n".encode())
        answer = (await reader.read()).decode()
        writer.close()
        await writer.wait_closed()
    assert answer.startswith(f"HTTP/1.1 {status} ")
    assert body in answer


async def test_full_sets_of_some_clinics_are_judged_side_by_side(database, admin, settings):
    """Every patient of each, and nobody twice; then their summaries."""
    clinics = [await Clinic(name, database, admin).open(people=9) for name in ("east", "west")]
    for clinic in clinics:
        await clinic.send(*(bp(150, 95, person=n) for n in range(9)))
    small = settings.model_copy(update={"set_size": 2})
    before = metrics.JUDGED._value.get()
    async with open_pool(settings.database_url.get_secret_value(), max_size=3) as pool:
        await Service(small, pool, load(), lambda: NOW).drain(asyncio.Event())
    assert metrics.JUDGED._value.get() - before == 18
    for clinic in clinics:
        assert len(await clinic.alerts()) == 9
        assert await clinic.rows("SELECT FROM summary_rebuild WHERE clinic_id = %(clinic)s") == []
    cur = await admin.execute("SELECT count(*), sum(readings) FROM daily_summary")
    assert await cur.fetchone() == (36, 36)


async def test_a_changed_limit_wakes_the_worker_for_the_summaries(clinic, settings):
    await clinic.send(bp(135, 80, ago_h=1))
    await clinic.judge()
    stop = asyncio.Event()
    async with open_pool(settings.database_url.get_secret_value()) as pool:
        running = asyncio.create_task(Service(settings, pool, load(), lambda: NOW).run(stop))
        await clinic.admin.execute(
            "INSERT INTO clinical_limit (clinic_id, rule, value, ucum, valid_from, set_at)"
            " VALUES ('north', 'systolic.high', 130, 'mm[Hg]', '2026-01-01', now())"
        )

        async def beyond():
            return await clinic.rows(
                "SELECT FROM daily_summary WHERE measure = 'systolic_mmhg' AND in_range = 0"
            )

        await _until(beyond)
        stop.set()
        await asyncio.wait_for(running, 5)
