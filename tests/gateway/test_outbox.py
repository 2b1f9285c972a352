from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from gateway.metrics import Metrics
from gateway.outbox import MAX_IN_FLIGHT, Backoff, Outbox, Outgoing
from gateway.spool import Spool, open_spool
from tests.gateway.test_spool import NOW, record
from vitals import wire
from vitals.wire import Receipt, Rejection


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def spool(tmp_path: Path) -> AsyncIterator[Spool]:
    async with open_spool(tmp_path / "spool.sqlite3", NOW) as opened:
        yield opened


@pytest.fixture
def outbox(spool: Spool, clock: Clock) -> Outbox:
    return Outbox(spool=spool, metrics=Metrics(), gateway="home-1", clock=clock)


async def fill(spool: Spool, count: int) -> list[str]:
    readings = [record(n) for n in range(1, count + 1)]
    for n, reading in enumerate(readings):
        await spool.add(reading, NOW - timedelta(hours=1) + timedelta(seconds=n))
    return [reading.id for reading in readings]


async def take(outbox: Outbox) -> Outgoing:
    out = await outbox.next()
    assert out is not None
    return out


async def test_envelopes_are_full_in_order_of_age_and_open_again(
    spool: Spool, outbox: Outbox
) -> None:
    ids = await fill(spool, 205)
    first, second = await take(outbox), await take(outbox)
    assert first.reading_ids + second.reading_ids == ids
    envelope = wire.open_envelope(first.payload)
    assert (envelope.id, envelope.gateway) == (first.id, "home-1")
    assert [wire.open_reading(raw).id for raw in envelope.readings] == ids[:200]
    assert await outbox.next() is None


async def test_only_a_receipt_removes_and_without_one_it_goes_again_ever_later(
    spool: Spool, outbox: Outbox, clock: Clock
) -> None:
    (wanted,) = await fill(spool, 1)
    waits = []
    for _ in range(6):
        assert (await take(outbox)).reading_ids == [wanted]
        sent = clock.now
        while not await spool.due(clock.now, 1):
            clock.now += timedelta(seconds=1)
        waits.append((clock.now - sent).total_seconds())
    assert waits == [5, 10, 20, 40, 60, 60]
    await outbox.receipt(Receipt(duplicate=[wanted]))
    assert await spool.depth() == 0


async def test_a_rejected_reading_goes_into_quarantine_its_neighbour_leaves(
    spool: Spool, outbox: Outbox
) -> None:
    good, bad = await fill(spool, 2)
    await take(outbox)
    await outbox.receipt(Receipt(stored=[good], rejected=[Rejection(id=bad, reason="bad_time")]))
    assert await spool.depth() == 0
    assert await spool.rejected() == [(bad, "bad_time")]
    assert not outbox.in_flight


async def test_a_refused_envelope_is_halved_down_to_the_one_that_is_bad(
    spool: Spool, outbox: Outbox
) -> None:
    ids = await fill(spool, 7)
    bad = ids[4]
    while (out := await outbox.next()) is not None:
        if bad in out.reading_ids:
            await outbox.receipt(Receipt(envelopes=[Rejection(id=out.id, reason="not_json")]))
        else:
            await outbox.receipt(Receipt(stored=out.reading_ids))
    assert await spool.rejected() == [(bad, "not_json")]
    assert await spool.depth() == 0


async def test_an_envelope_refused_for_its_sender_keeps_its_readings(
    spool: Spool, outbox: Outbox
) -> None:
    await fill(spool, 1)
    out = await take(outbox)
    await outbox.receipt(Receipt(envelopes=[Rejection(id=out.id, reason="unknown_gateway")]))
    assert await spool.depth() == 1
    assert await spool.rejected() == []


async def test_what_is_out_is_limited_and_receipts_of_strangers_are_harmless(
    spool: Spool, outbox: Outbox
) -> None:
    await fill(spool, MAX_IN_FLIGHT)
    for n in range(MAX_IN_FLIGHT):
        outbox.in_flight.clear()
        outbox.halves.append([record(n + 1).id])
        await take(outbox)
    await outbox.receipt(Receipt(stored=["nobody"], envelopes=[Rejection(id="x", reason="y")]))
    assert await spool.depth() == MAX_IN_FLIGHT


def test_backoff_stops_growing() -> None:
    assert Backoff.of_seconds(5, 60).after(10_000) == timedelta(seconds=60)
