"""What the console asks for through the database: replay of quarantine, and desired states."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from ingest import outbox
from ingest.subscriber import connect
from ingest.writer import Writer
from store.fixtures import counts, register_gateway, register_home
from store.pool import open_pool
from tests.ingest.test_ends import reasons, send
from tests.ingest.test_service import sealed, site
from tests.store.make import reading
from vitals import wire
from vitals.reading import Measure, coded

__all__ = ["site"]
pytestmark = pytest.mark.services


async def states(admin):
    rows = await (await admin.execute("SELECT state FROM quarantine ORDER BY id")).fetchall()
    return [state for (state,) in rows]


async def until(check):
    async with asyncio.timeout(15):
        while not await check():
            await asyncio.sleep(0.1)


async def test_a_mended_cause_is_replayed_once(site, admin):
    """A gateway registered too late is judged again; a second replay changes nothing."""
    good = reading(1)
    await admin.execute("DELETE FROM gateway WHERE clinic_id = %s", [site.clinic])
    await send(site, sealed(good))
    assert await reasons(admin) == ["unknown_gateway"]
    home = await register_home(admin, site.clinic, zone="America/New_York")
    await register_gateway(admin, site.clinic, "gw-1", home=home)
    for _ in range(2):
        await admin.execute("UPDATE quarantine SET state = 'replay_requested'")
        await until(lambda: replayed(admin))
    assert (await counts(admin, site.clinic))["readings"] == 1


async def replayed(admin):
    return await states(admin) == ["replayed"]


async def test_what_is_still_wrong_stays_open(site, admin):
    await send(site, b"never json")
    await admin.execute("UPDATE quarantine SET state = 'replay_requested'")

    async def is_open():
        return await states(admin) == ["open"]

    await until(is_open)
    assert (await counts(admin, site.clinic))["readings"] == 0


async def test_a_reason_that_comes_back_opens_its_row_again(site, admin):
    """Implausible, then of a gateway that is gone, then implausible again: it stays in the list."""
    wild = reading(1, values=[coded(Measure.SYSTOLIC, 900)])
    await send(site, sealed(wild))

    async def replay():
        await admin.execute("UPDATE quarantine SET state = 'replay_requested' WHERE state = 'open'")
        await until(lambda: nothing_asked(admin))

    await admin.execute("UPDATE gateway SET name = 'gw-away' WHERE clinic_id = %s", [site.clinic])
    await replay()
    assert await states(admin) == ["replayed", "open"]
    await admin.execute("UPDATE gateway SET name = 'gw-1' WHERE clinic_id = %s", [site.clinic])
    await replay()
    assert await states(admin) == ["open", "replayed"]


async def nothing_asked(admin):
    return "replay_requested" not in await states(admin)


async def test_a_desired_state_reaches_its_gateway_and_stays(site, admin):
    await admin.execute(
        "INSERT INTO desired_outbox (clinic_id, gateway, payload) VALUES (%s, 'gw-1', %s)",
        [site.clinic, '{"accept": ["C0:FF:EE:00:00:01"]}'],
    )
    await site.start()

    async def is_sent():
        cursor = await admin.execute("SELECT sent_at IS NOT NULL FROM desired_outbox")
        return await cursor.fetchall() == [(True,)]

    await until(is_sent)
    async with site.gateway() as gateway, asyncio.timeout(10):
        await gateway.subscribe(site.topic("desired"), qos=1)
        message = await anext(gateway.messages)
    assert message.retain
    assert b"C0:FF:EE:00:00:01" in message.payload


async def test_a_status_is_kept_and_a_last_will_changes_only_the_state(site, admin):
    online = wire.GatewayStatus(state="online", version="1", spool_depth=3)
    await site.start()
    async with site.gateway() as gateway:
        for status in (online, wire.GatewayStatus(state="offline")):
            await gateway.publish(site.topic("status"), wire.encode(status), qos=1)

    async def is_offline():
        cursor = await admin.execute("SELECT state, payload->'spool_depth' FROM gateway_status")
        return await cursor.fetchall() == [("offline", 3)]

    await until(is_offline)


async def test_it_ends_with_its_connection_where_nobody_cancels_it(site):
    """A cancellation can get lost while the database comes back: no worker waits for it."""
    over = asyncio.Event()
    services, url = site.services, site.database.urls["hl_ingest"]
    ca = Path(services.mqtt_ca)
    async with (
        open_pool(url) as pool,
        connect(services.mqtt_url, ca=ca, client_id=site.client_id, forget=True) as broker,
    ):
        running = asyncio.create_task(outbox.run(broker, Writer(pool), pool, over))
        await asyncio.sleep(0.2)
        assert not running.done()
        over.set()
        async with asyncio.timeout(10):
            await running
