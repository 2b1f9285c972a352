"""From a code to the first status, all of it real: HTTPS, database, broker, its lists, the box.

The server's side runs as its own processes would: the console's application behind TLS, ingest's
broker-users beside the broker. The box is the gateway's own enrolment, publisher and renewal.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiomqtt
import psycopg
import pytest
import uvicorn

from api import boxes
from api.service import create_app
from api.settings import Settings as ApiSettings
from gateway import checks, enrol, identity
from gateway.metrics import Metrics
from gateway.outbox import Outbox
from gateway.publisher import Publisher, try_credentials
from gateway.renewal import Renewal
from gateway.settings import Broker, Settings
from gateway.spool import open_spool
from gateway.wishes import Wishes
from store import gateway_credentials as credentials
from store import homes
from store.homes import HomeWords
from tests.api.conftest import make_clinic
from tests.conftest import ROOT
from vitals import enrolment, topics, wire
from vitals.clock import utc_now
from vitals.topics import Branch

pytestmark = pytest.mark.services

STATE = ROOT / ".local" / "services"
BROKER_HOME = ROOT / ".local" / "mosquitto"


@pytest.fixture(scope="module")
def ours(services) -> None:
    if not (STATE / "mosquitto.pid").exists():
        pytest.skip("the broker's lists are written where scripts/services started it")


@pytest.fixture
async def clinic(admin):
    return await make_clinic(admin, f"c-{os.urandom(4).hex()}")


@pytest.fixture
async def code(admin, clinic) -> str:
    by = {"staff": clinic.staff["admin"], "now": utc_now()}
    words = HomeWords(label="12 Elm Street", zone="America/New_York")
    home = await homes.register_home(admin, clinic.name, words, **by)
    await homes.register_gateway(admin, clinic.name, home, "gw-1", **by)
    text = enrolment.new_code()
    hashed = boxes.code_hash(enrolment.typed(text) or "")
    await credentials.issue_code(admin, clinic.name, "gw-1", hashed, **by)
    return text


@asynccontextmanager
async def console(database: Any, services: Any, work: Path) -> AsyncIterator[str]:
    """The server that boxes ask, over TLS with a certificate of the local CA; its address."""
    certificate = certified(work)
    broker = urlsplit(services.mqtt_url)
    settings = ApiSettings.model_validate(
        {
            "HEARTHLINE_DATABASE_URL": database.urls["hl_api"],
            "gateway_broker": f"mqtts://{broker.hostname}:{broker.port}",
            "gateway_broker_ca": services.mqtt_ca,
            "pool_size": 2,
        }
    )
    server = uvicorn.Server(
        uvicorn.Config(
            create_app(settings),
            host="127.0.0.1",
            port=0,
            log_level="error",
            ssl_certfile=certificate[0],
            ssl_keyfile=certificate[1],
        )
    )
    serving = asyncio.create_task(server.serve())
    async with asyncio.timeout(20):
        while not server.started:
            await asyncio.sleep(0.02)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"https://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        await serving


def certified(work: Path) -> tuple[Path, Path]:
    """The broker's own certificate is for 127.0.0.1 as well."""
    for name in ("server.crt", "server.key"):
        shutil.copy(BROKER_HOME / name, work / name)
    return work / "server.crt", work / "server.key"


@asynccontextmanager
async def broker_users(database: Any) -> AsyncIterator[None]:
    """`python -m ingest broker-users`, beside the broker of this clone."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "ingest", "broker-users"),
        *("--passwords", str(BROKER_HOME / "passwords"), "--acl", str(BROKER_HOME / "acl")),
        *("--pid-file", str(STATE / "mosquitto.pid")),
        cwd=ROOT,
        env={**os.environ, "HEARTHLINE_DATABASE_URL": database.urls["hl_ingest"]},
        stdout=asyncio.subprocess.DEVNULL,
    )
    try:
        yield
    finally:
        process.terminate()
        assert await process.wait() == 0


@asynccontextmanager
async def box(path: Path, work: Path) -> AsyncIterator[tuple[Publisher, Renewal]]:
    """The gateway without its radio, as `identity.json` makes it."""
    settings = Settings(identity=path, spool=work / "spool.sqlite3")
    async with open_spool(settings.spool, utc_now()) as spool:
        outbox = Outbox(spool=spool, metrics=Metrics(), gateway=settings.name, clock=utc_now)
        publisher = Publisher(
            broker=settings.broker,
            clinic=settings.clinic,
            gateway=settings.name,
            version="test",
            outbox=outbox,
            clock=utc_now,
        )
        wishes = Wishes(own=settings, spool=spool, clock=utc_now)
        publisher.on_desired = wishes.apply  # type: ignore[assignment]
        renewal = Renewal(path=path, publisher=publisher, wishes=wishes, clock=utc_now, look_s=0.2)
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(publisher.run()), group.create_task(renewal.run())]
            yield publisher, renewal
            for task in tasks:
                task.cancel()


async def seen(publisher: Publisher) -> None:
    while not publisher.connected:
        await asyncio.sleep(0.05)


async def test_a_blank_box_becomes_a_gateway_and_renews_its_credential(  # noqa: PLR0915 -- a story
    ours, services, database, admin, clinic, code, tmp_path
):
    path = tmp_path / "identity.json"
    async with asyncio.timeout(90), console(database, services, tmp_path) as server:
        command = [sys.executable, "-m", "gateway", "enrol", "--server", server]
        command += ["--ca", services.mqtt_ca, code]
        environment = {**os.environ, "HEARTHLINE_GATEWAY_IDENTITY": str(path)}
        told = await asyncio.to_thread(
            subprocess.run, command, env=environment, cwd=ROOT, capture_output=True, text=True
        )
        assert told.returncode == 0, told.stderr
        first = f"{clinic.name}/gw-1/1"
        assert json.loads(told.stdout)["user"] == first
        known = identity.load(path)
        assert known is not None
        assert known.credentials[0].password not in told.stdout

        async with broker_users(database):
            async with box(path, tmp_path) as (publisher, _):
                await seen(publisher)
                status = await retained(services, clinic.name)
                assert (status.state, status.credential) == ("online", first)
                assert await doctor_says(path, tmp_path) == "good"

                order = utc_now().isoformat()
                await tell(services, clinic.name, {"version": 2, "renew_before": order})
                second = f"{clinic.name}/gw-1/2"
                while publisher.broker.username != second or not publisher.connected:
                    await asyncio.sleep(0.05)
                while len((identity.load(path) or known).credentials) > 1:
                    await asyncio.sleep(0.05)
                while (await retained(services, clinic.name)).credential != second:
                    await asyncio.sleep(0.1)
            async with await psycopg.AsyncConnection.connect(
                database.urls["hl_ingest"], autocommit=True
            ) as ingest:
                await credentials.used(ingest, clinic.name, "gw-1", 2, now=utc_now())
            old = Broker(known.urls()[0], Path(services.mqtt_ca))
            while await can_connect(old):
                await asyncio.sleep(0.1)
            assert await doctor_says(path, tmp_path) == "good"

            await credentials.withdraw(
                admin, clinic.name, "gw-1", staff=clinic.staff["admin"], now=utc_now()
            )
            async with box(path, tmp_path) as (publisher, _):
                while await doctor_says(path, tmp_path) == "good":
                    await asyncio.sleep(0.1)


async def doctor_says(path: Path, work: Path) -> str:
    settings = Settings(identity=path, spool=work / "spool.sqlite3")
    found = {f.check: f.verdict.value for f in await checks.broker(settings)}
    return found["credentials"]


async def can_connect(broker: Broker) -> bool:
    return await try_credentials(broker) is None


def listener(services: Any) -> aiomqtt.Client:
    broker = Broker(services.mqtt_url, Path(services.mqtt_ca))
    return aiomqtt.Client(
        broker.host,
        broker.port,
        username=broker.username,
        password=broker.password,
        protocol=aiomqtt.ProtocolVersion.V5,
        tls_context=ssl.create_default_context(cafile=services.mqtt_ca),
    )


async def retained(services: Any, clinic: str) -> wire.GatewayStatus:
    async with listener(services) as client:
        await client.subscribe(topics.build(clinic, "gw-1", Branch.STATUS), qos=1)
        async for message in client.messages:
            status = wire.decode_status(bytes(message.payload))
            if status.state == "online":
                return status
    raise AssertionError


async def tell(services: Any, clinic: str, desired: dict[str, Any]) -> None:
    async with listener(services) as client:
        topic = topics.build(clinic, "gw-1", Branch.DESIRED)
        await client.publish(topic, json.dumps(desired).encode(), qos=1, retain=True)


async def test_a_wrong_code_says_so_and_leaves_nothing_in_force(
    ours, services, database, clinic, code, tmp_path
):
    path = tmp_path / "identity.json"
    async with asyncio.timeout(60), console(database, services, tmp_path) as server:
        with pytest.raises(enrol.Unreachable, match="not to be trusted"):
            await asyncio.to_thread(enrol.enrol, path, server, code)
        ca = Path(services.mqtt_ca)
        with pytest.raises(enrol.EnrolRefused, match="not valid"):
            await asyncio.to_thread(enrol.enrol, path, server, enrolment.new_code(), ca=ca)
        known = identity.load(path)
        assert known is not None
        assert (known.is_enrolled, known.pending) == (False, None)
        enrolled = await asyncio.to_thread(enrol.enrol, path, server, code, ca=ca)
        assert enrolled.is_enrolled
        assert not (tmp_path / "identity.json.new").exists()
