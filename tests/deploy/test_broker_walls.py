"""The broker's walls: a gateway's credentials reach its own branch and nothing else."""

from __future__ import annotations

import asyncio
import ssl
import uuid
from urllib.parse import unquote, urlsplit

import aiomqtt
import pytest

from ingest.settings import MAX_PACKET
from vitals import wire

pytestmark = pytest.mark.services
BRANCHES = ("readings", "status", "receipts", "desired")


def client(url, ca, *, user=None, password=None):
    parts = urlsplit(url)
    return aiomqtt.Client(
        parts.hostname,
        parts.port,
        username=user or unquote(parts.username),
        password=password or unquote(parts.password),
        identifier=f"t-{uuid.uuid4().hex}",
        protocol=aiomqtt.ProtocolVersion.V5,
        tls_context=ssl.create_default_context(cafile=ca),
    )


@pytest.fixture
def clinic():
    return f"c-{uuid.uuid4().hex[:8]}"


@pytest.mark.parametrize("branch", BRANCHES)
async def test_what_a_gateway_publishes_elsewhere_reaches_nobody(services, clinic, branch):
    """Everything that its neighbour could hear, or ingest on its behalf, stays silent."""
    mine = services.add_gateway(clinic, "gw-1")
    theirs = services.add_gateway(clinic, "gw-2")
    foreign = f"hl/v1/{clinic}/gw-2/{branch}"
    async with client(theirs, services.mqtt_ca) as neighbour:
        await neighbour.subscribe(f"hl/v1/{clinic}/gw-2/#", qos=1)
        async with client(services.mqtt_url, services.mqtt_ca) as ingest:
            await ingest.subscribe(f"hl/v1/{clinic}/+/{branch}", qos=1)
            async with client(mine, services.mqtt_ca) as intruder:
                await intruder.publish(foreign, b"forged", qos=1)
            await ingest.publish(f"hl/v1/{clinic}/gw-2/receipts", b"real", qos=1)
            async with asyncio.timeout(5):
                first = await anext(neighbour.messages)
            assert first.payload == b"real"
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.3):
                    await anext(ingest.messages)


async def test_what_is_sent_to_a_neighbour_is_not_heard(services, clinic):
    mine = services.add_gateway(clinic, "gw-1")
    services.add_gateway(clinic, "gw-2")
    async with client(mine, services.mqtt_ca) as listener:
        for pattern in ("#", "hl/v1/#", f"hl/v1/{clinic}/+/receipts", f"hl/v1/{clinic}/gw-2/#"):
            await listener.subscribe(pattern, qos=1)
        async with client(services.mqtt_url, services.mqtt_ca) as ingest:
            for gateway, text in (("gw-2", b"private"), ("gw-1", b"mine")):
                for branch in ("receipts", "desired"):
                    await ingest.publish(f"hl/v1/{clinic}/{gateway}/{branch}", text, qos=1)
        heard: set[tuple[str, bytes]] = set()
        async with asyncio.timeout(5):
            while len(heard) < 2:
                message = await anext(listener.messages)
                heard.add((str(message.topic), message.payload))
    assert heard == {
        (f"hl/v1/{clinic}/gw-1/receipts", b"mine"),
        (f"hl/v1/{clinic}/gw-1/desired", b"mine"),
    }


@pytest.mark.parametrize(("user", "password"), [("nobody", "x"), ("hl-ingest", "wrong")])
async def test_strangers_are_turned_away(services, user, password):
    with pytest.raises(aiomqtt.MqttError):
        async with client(services.mqtt_url, services.mqtt_ca, user=user, password=password):
            pass


async def test_no_one_speaks_without_tls(services):
    parts = urlsplit(services.mqtt_url)
    with pytest.raises(aiomqtt.MqttError):
        async with aiomqtt.Client(
            parts.hostname,
            parts.port,
            username=unquote(parts.username),
            password=unquote(parts.password),
            timeout=3,
        ):
            pass


async def test_what_ingest_could_not_receive_is_refused_to_its_sender(services, clinic):
    """What is larger than a subscriber takes, a broker drops without a word: it never gets in."""
    mine = services.add_gateway(clinic, "gw-1")
    with pytest.raises(aiomqtt.MqttError):
        async with client(mine, services.mqtt_ca) as gateway:
            await gateway.publish(f"hl/v1/{clinic}/gw-1/readings", bytes(MAX_PACKET + 1), qos=1)


async def test_the_largest_envelope_still_passes(services, clinic):
    mine = services.add_gateway(clinic, "gw-1")
    async with client(mine, services.mqtt_ca) as gateway:
        await gateway.publish(f"hl/v1/{clinic}/gw-1/status", bytes(wire.MAX_BYTES), qos=1)
