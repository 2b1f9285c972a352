"""Poison that only the database notices, and statuses that no page could show again (I4)."""

from __future__ import annotations

import asyncio
import random
import string
from datetime import UTC, datetime, timedelta

import msgspec
import psycopg
import pytest

from ingest.decide import decide
from ingest.status import status_row
from ingest.writer import Writer
from store.fixtures import register_gateway
from store.gateways import send_desired, store_status
from store.pool import open_pool
from tests.store.make import NOW, reading, row
from vitals import wire
from vitals.errors import EnvelopeError
from vitals.reading import Certainty, ClockCorrection


async def test_a_key_that_no_index_holds_is_refused_and_not_tried_for_ever(database, home, admin):
    noise = "".join(random.Random(1).choices(string.printable, k=9000))  # noqa: S311 -- it shall not compress
    async with open_pool(database.urls["hl_ingest"]) as pool:
        written = await asyncio.wait_for(Writer(pool).write([row(1), row(2, device=noise)], []), 20)
    assert (len(written.stored), len(written.refused)) == (1, 1)
    kept = await (await admin.execute("SELECT reason FROM quarantine")).fetchall()
    assert kept == [("wrong_schema",)]


async def test_a_flood_of_the_same_few_bytes_is_one_row_that_says_how_often(database, home, admin):
    body = wire.seal(envelope_id="e", gateway="gw-1", sent_at=NOW, readings=[b"{}"] * 200)
    topic, known = "hl/v1/north/gw-1/readings", {("north", "gw-1")}
    aside = [
        one for _ in range(120) for one in decide(topic, body, known=known, now=NOW).quarantined
    ]
    async with open_pool(database.urls["hl_ingest"]) as pool:
        for _ in range(2):
            await asyncio.wait_for(Writer(pool).write([row(1)], aside), 20)
    kept = await (await admin.execute("SELECT reason, times FROM quarantine")).fetchall()
    assert kept == [("wrong_schema", 48_000)]


async def test_a_desired_state_that_the_broker_refuses_holds_up_no_other(database, home, admin):
    await register_gateway(admin, "north", "gw-2", home=home)
    for name in ("gw-1", "gw-2"):
        await admin.execute(
            "INSERT INTO desired_outbox (clinic_id, gateway, payload) VALUES ('north', %s, '{}')",
            [name],
        )

    async def send(_clinic, gateway, _payload):
        return gateway == "gw-2"

    url = database.urls["hl_ingest"]
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as conn:
        assert [await send_desired(conn, send), await send_desired(conn, send)] == [1, 0]
    rows = await admin.execute("SELECT gateway FROM desired_outbox WHERE sent_at IS NULL")
    assert await rows.fetchall() == [("gw-1",)]


@pytest.mark.parametrize("seconds", [-1.0, 1e308])
def test_an_uncertainty_that_is_none(seconds):
    clock = ClockCorrection(certainty=Certainty.RECEIVED, uncertainty_s=seconds)
    envelope = wire.seal(
        envelope_id="e",
        gateway="gw-1",
        sent_at=NOW,
        readings=[wire.encode_reading(reading(1, clock=clock))],
    )
    decision = decide("hl/v1/north/gw-1/readings", envelope, known={("north", "gw-1")}, now=NOW)
    assert [refused.reason for refused in decision.quarantined] == ["bad_time"]


@pytest.mark.parametrize("text", [r"\u0000", r"\\u0000", r"a\u0000\\b"])
async def test_a_status_with_what_no_document_holds_is_kept_without_it(database, home, text):
    """It is retained: what crashed ingest once would meet it again with every start."""
    payload = f'{{"state": "{text}", "version": "{text}"}}'.encode()
    kept = status_row(payload, now=NOW)
    async with await psycopg.AsyncConnection.connect(
        database.urls["hl_ingest"], autocommit=True
    ) as conn:
        await store_status(
            conn,
            clinic="north",
            gateway="gw-1",
            state=kept.state,
            at=kept.at,
            payload_json=kept.payload_json,
        )
    assert "\x00" not in kept.payload_json


@pytest.mark.parametrize(
    "said",
    ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2026-11-20T12:00:00"],
)
def test_a_clock_that_cannot_be_so_is_not_believed(said):
    device = {"device": "C0:FF:EE:00:00:01", "last_seen": said, "clock_offset_s": 1e308}
    payload = msgspec.json.encode({"state": "online", "at": said, "devices": [device]})
    kept = status_row(payload, now=NOW)
    (shown,) = wire.decode_status(kept.payload_json.encode()).devices
    assert (kept.at, shown.last_seen, shown.clock_offset_s) == (NOW, None, None)


def test_a_fast_clock_does_not_keep_a_silent_home_alive():
    ahead = (NOW + timedelta(minutes=5)).isoformat()
    kept = status_row(msgspec.json.encode({"state": "online", "at": ahead}), now=NOW)
    assert kept.at == NOW


def test_what_is_said_of_a_usual_time_is_kept():
    at = datetime(NOW.year, NOW.month, NOW.day, tzinfo=UTC)
    device = wire.DeviceStatus(device="C0:FF:EE:00:00:01", last_seen=at, clock_offset_s=-18000)
    status = wire.GatewayStatus(state="online", at=at, version="1", devices=[device])
    kept = status_row(wire.encode(status), now=NOW)
    assert wire.decode_status(kept.payload_json.encode()) == status
    assert kept.at == at


def test_what_is_no_status():
    with pytest.raises(EnvelopeError):
        status_row(b"{", now=NOW)
