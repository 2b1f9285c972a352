"""Whatever a message is: the valid are stored with equal values, the rest is set aside (I4).

Drawn from the published JSON Schema, mutated, and mixed with every poison we know. The first test
sends them through the door and the database, the second through the broker to a running process.
"""

from __future__ import annotations

import asyncio
import itertools
import random
import re
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta

import jsonschema
import psycopg
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from psycopg.rows import dict_row

from ingest import receipts
from ingest.decide import decide
from ingest.writer import Writer
from store.fixtures import assign, register_device, register_patient
from store.pool import open_pool
from tests.ingest import messages
from tests.ingest.from_schema import SCHEMA
from tests.ingest.messages import BORDER, DEVICES, Message, expected, finished
from tests.ingest.poison import POISON, one_bad_among, poison
from tests.ingest.test_service import site
from tests.store.make import NOW
from vitals import wire
from vitals.clock import utc_now

__all__ = ["site"]
pytestmark = pytest.mark.services

KNOWN = frozenset({("north", "gw-1")})
PER_EXAMPLE = 50
#: Messages that no gateway of ours would send on a topic of ours: only the door ever sees them.
STRAYS = (
    "hl/v1/south/gw-1/readings",
    "hl/v1/north/gw-2/readings",
    "hl/v1/north/gw-1/status",
    "hl/v1/NORTH/gw-1/readings",
    "hl/v2/north/gw-1/readings",
    "$SYS/broker/uptime",
    "",
)


def of_number(number):
    """What a run draws beside Hypothesis, the same for the same number."""
    return random.Random(number)  # noqa: S311 -- tests keep no secrets


def drawn(examples, slow=False):
    """The same messages in every run; the longer runs draw anew."""
    everything = settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=not slow,
        phases=[Phase.generate] if not slow else list(Phase),
        suppress_health_check=list(HealthCheck),
    )
    inputs = given(
        messages.envelopes(), messages.strangers(), st.integers(0, 2**32 - 1).map(of_number)
    )
    return lambda test: everything(inputs(test))


def mixed(drawn, stranger, dice, number):
    """`number` messages out of what Hypothesis drew: not quite half of them are valid."""
    sent: list[Message] = []
    for _ in range(number):
        chance = dice.random()
        if chance < 0.40 or not sent:
            message = messages.valid(drawn, dice)
            sent.append(message)
        elif chance < 0.48:
            message = messages.again(dice.choice(sent), dice)
        elif chance < 0.74:
            message = poison(drawn, dice)
        else:
            message = messages.mutated(drawn, stranger, dice)
        yield message


@dataclass(kw_only=True)
class Tally:
    """What was sent and what became of it, in parts: a reading, or bytes that hold none."""

    sent: Counter[str] = field(default_factory=Counter)  # messages, by what they are
    valid: int = 0
    parts: int = 0
    stored: int = 0
    duplicate: int = 0
    quarantined: int = 0

    @property
    def messages(self):
        return self.sent.total()


async def _judge(pool, batch, tally):
    """One batch as the service handles it; each message's parts are what must be."""
    decisions = [decide(m.topic, m.payload, known=KNOWN, now=NOW) for m in batch]
    accepted = [row for d in decisions for row in d.accepted]
    aside = [row for d in decisions for row in d.quarantined]
    written = await Writer(pool).write(accepted, aside)
    assert not written.refused  # the door refuses all that the database would
    for message, decision in zip(batch, decisions, strict=True):
        _fits(message, decision)
        tally.sent[message.what] += 1
        tally.valid += message.valid
        tally.parts += len(decision.accepted) + len(decision.quarantined)
    tally.stored += len(written.stored)
    tally.duplicate += len(accepted) - len(written.stored)
    tally.quarantined += len(aside)
    _receipts_name_all(decisions, written)


def _fits(message, decision):
    aside = decision.quarantined
    assert all(row.payload in message.payload for row in aside), message
    if message.bad is None:
        assert decision.accepted or aside
        return
    taken = [row.reading.id for row in decision.accepted]
    assert sorted(taken) == sorted(r["id"] for r in message.good), (message, aside)
    assert len(aside) == message.bad, (message, aside)


def _receipts_name_all(decisions, written):
    said = [wire.decode_receipt(body) for _, body in receipts.build(decisions, written)]
    ours = [d for d in decisions if d.gateway]
    keys = {row.reading.id for d in ours for row in d.accepted}
    assert {i for r in said for i in (*r.stored, *r.duplicate)} == keys
    refused = {refusal for d in ours for refusal in (*d.rejected, *d.envelopes)}
    assert {refusal for r in said for refusal in (*r.rejected, *r.envelopes)} == refused


async def _house(admin, clinic):
    """One device has a patient only from the border on; the others have none or one for ever."""
    ann = await register_patient(admin, clinic, family_name="Roe", given_name="Ann")
    for device in DEVICES[:3]:
        await register_device(admin, clinic, device)
    await assign(admin, clinic, device=DEVICES[0], patient=ann, starts_at=BORDER)
    since = NOW - timedelta(days=6000)
    await assign(admin, clinic, device=DEVICES[1], patient=ann, starts_at=since)


def _rows(database, query, *values):
    with psycopg.connect(database.admin, row_factory=dict_row) as conn:
        return conn.execute(query, values).fetchall()


def _compare(database, clinic, good):
    """Every valid reading is there once, with the values that its message says."""
    rows = _rows(database, "SELECT * FROM reading WHERE clinic_id = %s", clinic)
    stored = {str(row["reading_id"]): row for row in rows}
    assert len(stored) == len(rows)
    for reading in good:
        row, wanted = stored[reading["id"]], expected(reading)
        raw = wanted.pop("raw")  # a mangled twin of the reading may have amended it
        assert row["raw"][0] == raw[0]
        assert all(value in row["raw"] for value in raw)
        assert {name: row[name] for name in wanted} == wanted
    return rows


def _counts_add_up(database, tally, rows):
    (aside,) = _rows(database, "SELECT sum(times)::int AS n FROM quarantine")
    held = sum(row["held"] for row in rows)
    assert held > 0
    assert tally.stored == len(rows)
    assert tally.quarantined == aside["n"]
    stored = tally.stored - held
    assert tally.parts == stored + tally.duplicate + held + tally.quarantined


def _run(database, examples, slow):
    tally, good = Tally(), {}
    with asyncio.Runner() as runner:

        @drawn(examples, slow)
        def one(envelope, stranger, dice):
            made = list(mixed(envelope, stranger, dice, PER_EXAMPLE - 1))
            stray = Message(what="stray", topic=dice.choice(STRAYS), payload=made[0].payload, bad=1)
            made.append(stray)
            good.update({r["id"]: r for m in made for r in m.good})
            runner.run(_judge(pool, made, tally))

        opened = open_pool(database.urls["hl_ingest"])
        pool = runner.run(opened.__aenter__())
        try:
            one()
            dice = of_number(1)
            many = [one_bad_among(PLAIN_ENVELOPE, dice) for _ in range(10)]
            good.update({r["id"]: r for m in many for r in m.good})
            every = [poison(PLAIN_ENVELOPE, dice, p) for p in POISON]
            runner.run(_judge(pool, [*many, *every], tally))
        finally:
            runner.run(opened.__aexit__(None, None, None))
    _counts_add_up(database, tally, _compare(database, "north", good.values()))
    return tally


PLAIN_ENVELOPE = {
    "schema": wire.SCHEMA,
    "id": "e-1",
    "gateway": "gw-1",
    "sent_at": NOW.isoformat(),
    "readings": [],
}


@pytest.fixture
async def house(admin, home):
    await _house(admin, "north")


def test_twenty_thousand_messages_through_door_and_database(database, house):
    tally = _run(database, 400, slow=False)
    assert tally.messages >= 20_000
    assert tally.valid >= 0.3 * tally.messages
    assert set(POISON) <= set(tally.sent)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_a_hundred_thousand_drawn_anew(database, house):
    tally = _run(database, 2000, slow=True)
    assert tally.messages >= 100_000
    assert tally.valid >= 0.3 * tally.messages


@settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
@given(messages.envelopes(), st.integers(0, 2**32 - 1))
def test_what_is_meant_to_be_valid_is_so_by_the_published_schema(envelope, number):
    dice = of_number(number)
    made = envelope | {"readings": [finished(r, dice) for r in envelope["readings"]]}
    jsonschema.validate(made, SCHEMA)


# Through the broker ------------------------------------------------------------------------------

#: What a gateway may say of itself, and what no status is. None of it stops the readings.
STATUSES = [
    b"",
    b"\xff\xfe",
    b"[]",
    b'{"state": 5}',
    b'{"state": "\\u0000"}',
    b'{"state": "\\ud800"}',
    b'{"state": "online", "at": "0001-01-01T00:00:00+14:00"}',
    b'{"state": "online", "at": "2020-01-01T00:00:00+23:59"}',
    b'{"state": "online", "spool_depth": ' + b"9" * 5000 + b"}",
    b'{"state": "online", "spool_depth": 1e400}',
    b'{"state": "' + b"x" * 200_000 + b'"}',
    b'{"state": "online", "devices": ' + b"[" * 5000 + b"]" * 5000 + b"}",
    b'{"state": "online", "devices": [{"device": "\\u0000", "clock_offset_s": 1e308}]}',
]


def _collected(examples):
    """Messages as above, without doing anything with them."""
    found: list[Message] = []

    @drawn(examples)
    def one(envelope, stranger, dice):
        found.extend(mixed(envelope, stranger, dice, PER_EXAMPLE))

    one()
    return found


def _decided(site, made):
    """What the door alone says of each message, named as it is sent."""
    known, now = {(site.clinic, "gw-1")}, utc_now()
    return [
        decide(site.topic("readings"), m.payload, known=known, now=now, correlation=b"m-%d" % n)
        for n, m in enumerate(made)
    ]


async def _send(site, made, decisions):
    """Everything at once; until the receipts have named every outcome."""
    stored = {row.reading.id for d in decisions for row in d.accepted}
    refused = {(r.id, r.reason) for d in decisions for r in (*d.rejected, *d.envelopes)}
    seen, told = set(), set()
    async with site.gateway() as gateway, asyncio.timeout(120):
        await gateway.subscribe(site.topic("receipts"), qos=1)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(_publish(gateway, site, made))
            async for message in gateway.messages:
                receipt = wire.decode_receipt(message.payload)
                seen |= {*receipt.stored, *receipt.duplicate}
                told |= {(r.id, r.reason) for r in (*receipt.rejected, *receipt.envelopes)}
                if seen >= stored and told >= refused:
                    break
    assert (seen, told) == (stored, refused)


async def _publish(gateway, site, made):
    statuses = itertools.cycle(STATUSES)
    for number, message in enumerate(made):
        named = Properties(PacketTypes.PUBLISH)
        named.CorrelationData = b"m-%d" % number
        await gateway.publish(site.topic("readings"), message.payload, qos=1, properties=named)
        if number % 50 == 0:
            await gateway.publish(site.topic("status"), next(statuses), qos=1)
    status = wire.GatewayStatus(state="online", version="after all")
    await gateway.publish(site.topic("status"), wire.encode(status), qos=1)


async def test_two_thousand_messages_through_the_broker_to_a_process(site, database, admin):
    await _house(admin, site.clinic)
    made = await asyncio.to_thread(_collected, 41)
    dice = of_number(1)
    made += [poison(PLAIN_ENVELOPE, dice, what) for what in POISON]
    made += [poison(PLAIN_ENVELOPE, dice, "an id as long as a book") for _ in range(8)]
    made += [one_bad_among(PLAIN_ENVELOPE, dice)]
    assert len(made) >= 2000
    assert sum(m.valid for m in made) >= 0.3 * len(made)
    decisions = _decided(site, made)
    process = await site.start()
    await _send(site, made, decisions)
    assert process.returncode is None

    rows = _compare(database, site.clinic, {r["id"]: r for m in made for r in m.good}.values())
    accepted = [row.reading.id for d in decisions for row in d.accepted]
    aside = [row for d in decisions for row in d.quarantined]
    (kept,) = _rows(database, "SELECT sum(times)::int AS n FROM quarantine")
    assert (len(rows), kept["n"]) == (len(set(accepted)), len(aside))
    async with asyncio.timeout(30):
        while b"after all" not in await _status(admin, site.clinic):
            await asyncio.sleep(0.05)
    assert await _metrics(site) == {
        "readings_received": len(accepted) + sum(row.scope == "reading" for row in aside),
        "readings_stored": len(rows),
        "readings_duplicates": len(accepted) - len(rows),
        "readings_held": sum(row["held"] for row in rows),
        "quarantined": len(aside),
    }


async def _metrics(site):
    """The counters of readings and quarantine, over all labels."""
    counted: Counter[str] = Counter()
    for line in (await site.get("/metrics")).decode().splitlines():
        found = re.match(r"hearthline_ingest_(readings_.*|quarantined)_total(?:{.*})? (.+)", line)
        if found and found[1] != "readings_amended":
            counted[found[1]] += int(float(found[2]))
    return counted


async def _status(admin, clinic):
    cur = await admin.execute(
        "SELECT payload::text FROM gateway_status WHERE clinic_id = %s", [clinic]
    )
    return "".join(text for (text,) in await cur.fetchall()).encode()
