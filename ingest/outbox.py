"""What the console asked for: desired states go out, quarantined bytes are judged again."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Sequence
from contextlib import suppress

import structlog

from ingest import decide, metrics, receipts
from ingest.subscriber import Refused, Subscriber
from ingest.writer import Writer, Written
from store.errors import Unavailable
from store.gateways import (
    claimed_replays,
    open_by_reason,
    send_desired,
    set_quarantine_states,
)
from store.pool import Pool, connection
from vitals import topics
from vitals.clock import utc_now

POLL_INTERVAL = 1.0  # seconds
COUNT_INTERVAL = 15.0  # seconds, as often as figures are usually fetched
Claimed = tuple[int, str, str, bytes, str]  # id, topic, scope, payload, reason
log = structlog.get_logger()


async def run(broker: Subscriber, writer: Writer, pool: Pool, over: asyncio.Event) -> None:
    """Until `over`; being cancelled is not enough.

    A cancellation that meets a task in the pool's queue, while the database comes back, can get
    lost there (psycopg-pool 3.3.3, Python 3.11): whoever waited for the end of this would wait for
    ever.
    """

    async def send(clinic: str, gateway: str, payload: bytes) -> bool:
        topic = topics.build(clinic, gateway, topics.Branch.DESIRED)
        try:
            await broker.publish(topic, payload, retain=True)
        except Refused as exc:  # one gateway's rights are wrong: nobody else waits for that
            metrics.DESIRED_REFUSED.inc()
            log.warning("desired state refused", cause=str(exc))
            return False
        return True

    counted_at = -math.inf
    while not over.is_set():
        try:
            async with connection(pool) as conn:
                await send_desired(conn, send)
            while await replay(broker, writer, pool):
                pass
            counted_at = await _count_open(pool, counted_at)
        except Unavailable as exc:
            log.warning("store unavailable", cause=str(exc))
        await asyncio.sleep(POLL_INTERVAL)


async def _count_open(pool: Pool, counted_at: float) -> float:
    """What waits in quarantine, into the figures; returns when it was counted last."""
    now = time.monotonic()
    if now - counted_at < COUNT_INTERVAL:
        return counted_at
    async with connection(pool) as conn:
        metrics.show_open(await open_by_reason(conn))
    return now


async def replay(broker: Subscriber, writer: Writer, pool: Pool) -> int:
    """Judge requested rows again, a batch at once; storing twice is harmless (I2).

    Returns how many; a crash in between leaves them requested, and they are judged once more.
    """
    async with connection(pool) as conn, claimed_replays(conn) as claimed:
        if not claimed:
            return 0
        decisions = await _decide(writer, claimed)
        accepted = [row for decision in decisions for row in decision.accepted]
        refused = [row for decision in decisions for row in decision.quarantined]
        written = await writer.write(accepted, refused)
        states = {
            row_id: _state(bytes(payload), reason, decision, written)
            for (row_id, _, _, payload, reason), decision in zip(claimed, decisions, strict=True)
        }
        await set_quarantine_states(conn, states)
    for topic, payload in receipts.build(decisions, written):
        with suppress(Refused):  # its gateway asks again
            await broker.publish(topic, payload)
    return len(claimed)


async def _decide(writer: Writer, claimed: Sequence[Claimed]) -> list[decide.Decision]:
    senders = {gateway for _, topic, *_ in claimed if (gateway := decide.gateway_of(topic))}
    known = await writer.known(senders)
    now, decisions = utc_now(), []
    for _, topic, scope, payload, _ in claimed:
        judge = decide.decide if scope == decide.ENVELOPE else decide.decide_reading
        decisions.append(judge(topic, bytes(payload), known=known, now=now))
    return decisions


def _state(payload: bytes, reason: str, decision: decide.Decision, written: Written) -> str:
    """Open where the same bytes are refused for the same reason; under another they wait anew."""
    unstored = [decide.refused_by_store(row) for row in decision.accepted if row in written.refused]
    refused = {(row.payload, str(row.reason)) for row in [*decision.quarantined, *unstored]}
    judged = decision.accepted or refused
    return "replayed" if judged and (payload, reason) not in refused else "open"
