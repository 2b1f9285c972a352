from __future__ import annotations

import asyncio
import os
import signal
import socket
import ssl
import sys
import uuid
from pathlib import Path

import aiomqtt
import pytest

from gateway.settings import Broker
from ingest.retire import retire
from store.fixtures import counts, register_clinic, register_gateway, register_home
from tests.store.make import reading
from vitals import wire
from vitals.clock import utc_now
from vitals.reading import Measure, coded

pytestmark = pytest.mark.services


class Site:
    """A clinic with a name of its own: the broker is shared by all tests."""

    def __init__(self, services, database):
        self.services, self.database = services, database
        self.clinic = f"c-{uuid.uuid4().hex[:8]}"
        # One name for all tests: a session left behind would go on taking its share of messages.
        self.client_id = "hl-ingest-1"
        self.processes = []

    async def register(self, admin):
        await register_clinic(admin, self.clinic, name="C", zone="America/New_York")
        home = await register_home(admin, self.clinic, zone="America/New_York")
        await register_gateway(admin, self.clinic, "gw-1", home=home)
        self.gateway_url = self.services.add_gateway(self.clinic, "gw-1")

    async def forget_session(self):
        """What one test left in the broker's queue never reaches the next."""
        ca = Path(self.services.mqtt_ca)
        await retire(self.services.mqtt_url, ca=ca, client_id=self.client_id)

    def gateway(self):
        broker = Broker(self.gateway_url, Path(self.services.mqtt_ca))
        return aiomqtt.Client(
            broker.host,
            broker.port,
            username=broker.username,
            password=broker.password,
            identifier=f"{self.clinic}-gw-1",
            protocol=aiomqtt.ProtocolVersion.V5,
            tls_context=ssl.create_default_context(cafile=broker.ca),
        )

    def topic(self, branch):
        return f"hl/v1/{self.clinic}/gw-1/{branch}"

    async def start(self):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        env = {k: v for k, v in os.environ.items() if not k.startswith("HEARTHLINE_")} | {
            "HEARTHLINE_DATABASE_URL": self.database.urls["hl_ingest"],
            "HEARTHLINE_MQTT_URL": self.services.mqtt_url,
            "HEARTHLINE_MQTT_CA": self.services.mqtt_ca,
            "HEARTHLINE_METRICS_PORT": str(self.port),
            "HEARTHLINE_CLIENT_ID": self.client_id,
        }
        process = await asyncio.create_subprocess_exec(sys.executable, "-m", "ingest", env=env)
        self.processes.append(process)
        async with asyncio.timeout(20):
            while b" 200 " not in await self.get("/readyz"):
                await asyncio.sleep(0.05)
        return process

    async def get(self, path):
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        except OSError:
            return b""
        writer.write(f"GET {path} HTTP/1.1\r\n\r\n".encode())
        answer = await reader.read()
        writer.close()
        await writer.wait_closed()
        return answer


@pytest.fixture
async def site(services, database, admin):
    site = Site(services, database)
    await site.forget_session()
    await site.register(admin)
    yield site
    for process in site.processes:
        if process.returncode is None:
            await _stop(process, signal.SIGKILL)
    await site.forget_session()


def sealed(*readings, name="e-1"):
    encoded = [wire.encode_reading(r) for r in readings]
    return wire.seal(envelope_id=name, gateway="gw-1", sent_at=utc_now(), readings=encoded)


async def _stop(process, number=signal.SIGTERM):
    process.send_signal(number)
    async with asyncio.timeout(15):
        return await process.wait()


async def test_stored_duplicate_and_rejected_are_receipted(site, admin):
    good, bad = reading(1), reading(2, values=[coded(Measure.SYSTOLIC, 999)])
    process = await site.start()
    async with site.gateway() as gateway, asyncio.timeout(20):
        await gateway.subscribe(site.topic("receipts"), qos=1)
        await gateway.publish(site.topic("readings"), sealed(good, bad), qos=1)
        first = wire.decode_receipt((await anext(gateway.messages)).payload)
        stored_when_receipted = (await counts(admin, site.clinic))["readings"]
        await gateway.publish(site.topic("readings"), sealed(good), qos=1)
        second = wire.decode_receipt((await anext(gateway.messages)).payload)
    assert (first.stored, [r.id for r in first.rejected]) == ([good.id], [bad.id])
    assert (second.stored, second.duplicate, stored_when_receipted) == ([], [good.id], 1)
    assert b"hearthline_ingest_readings_stored_total 1.0" in await site.get("/metrics")
    assert await _stop(process) == 0


async def test_an_end_while_the_database_answers_nobody_comes_soon_and_loses_nothing(site, admin):
    process = await site.start()
    async with site.gateway() as gateway, asyncio.timeout(40):
        await admin.execute("BEGIN")
        await admin.execute("LOCK TABLE reading_key IN ACCESS EXCLUSIVE MODE")
        for number in (1, 2):  # a batch each: the second comes while the first one waits
            body = sealed(reading(number), name=f"e-{number}")
            await gateway.publish(site.topic("readings"), body, qos=1)
            await asyncio.sleep(0.5)
        assert await _stop(process) == 0
        await admin.execute("ROLLBACK")
        await site.start()
        while (await counts(admin, site.clinic))["readings"] < 2:
            await asyncio.sleep(0.1)


async def test_sigkill_amid_many_readings_loses_and_doubles_nothing(site, admin):
    total = 1000
    process = await site.start()
    async with site.gateway() as gateway:
        for number in range(total):
            body = sealed(reading(number), name=f"e-{number}")
            await gateway.publish(site.topic("readings"), body, qos=1)
            if number in {200, 500, 800}:
                await _stop(process, signal.SIGKILL)
                process = await site.start()
    async with asyncio.timeout(40):
        while (await counts(admin, site.clinic))["readings"] < total:
            await asyncio.sleep(0.2)
    assert await _stop(process) == 0
    found = await counts(admin, site.clinic)
    assert (found["readings"], found["quarantined"]) == (total, 0)
