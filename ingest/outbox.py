"""What the console asked for: desired states go out, quarantined bytes are judged again."""

from __future__ import annotations

import asyncio

import structlog

from ingest import decide, receipts
from ingest.subscriber import Subscriber
from ingest.writer import write
from store.errors import Unavailable
from store.gateways import claim_replays, known_gateways, send_desired, set_quarantine_state
from store.pool import Pool, connection
from vitals import topics
from vitals.clock import utc_now

POLL_INTERVAL = 1.0  # seconds
log = structlog.get_logger()


async def run(broker: Subscriber, pool: Pool) -> None:
    async def send(clinic: str, gateway: str, payload: bytes) -> None:
        topic = topics.build(clinic, gateway, topics.Branch.DESIRED)
        await broker.publish(topic, payload, retain=True)

    while True:
        try:
            async with connection(pool) as conn:
                await send_desired(conn, send)
            await replay(broker, pool)
        except Unavailable as exc:
            log.warning("store unavailable", cause=str(exc))
        await asyncio.sleep(POLL_INTERVAL)


async def replay(broker: Subscriber, pool: Pool) -> None:
    """Judge each requested row again; storing twice is harmless, so a crash repeats it (I2)."""
    async with connection(pool) as conn:
        claimed = await claim_replays(conn)
    for row_id, topic, scope, payload in claimed:
        state, answers = await _again(pool, topic, scope, bytes(payload))
        async with connection(pool) as conn:
            await set_quarantine_state(conn, row_id, state)
        for answer in answers:
            await broker.publish(*answer)


async def _again(
    pool: Pool, topic: str, scope: str, payload: bytes
) -> tuple[str, list[tuple[str, bytes]]]:
    gateway = decide.gateway_of(topic)
    async with connection(pool) as conn:
        known = await known_gateways(conn, [gateway] if gateway else [])
    judge = decide.decide if scope == decide.ENVELOPE else decide.decide_reading
    decision = judge(topic, payload, known=known, now=utc_now())
    written = await write(pool, decision.accepted, decision.quarantined)
    state = "replayed" if decision.accepted and not written.refused else "open"
    return state, list(receipts.build([decision], written))
