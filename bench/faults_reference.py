"""What the same readings come to where nothing is killed: a second database, the same rules.

The journal's readings go through ingest's own decisions and batches and through the alert worker's
sets, one after the other, without broker and gateways.
"""

from __future__ import annotations

import asyncio
import uuid
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from alerts.evaluation import evaluate_set
from alerts.rulebook import load
from bench.faults_plan import as_spooled
from ingest import decide
from ingest.writer import Writer
from scripts.database import Database
from simulator.journal import Entry
from store.pool import connection, open_pool
from vitals import topics, wire
from vitals.clock import utc_now

_PATIENTS_AT_ONCE = 250


def judge(database: Database, clinic: str, memory: Mapping[str, Sequence[Entry]]) -> None:
    """Store and judge what each gateway (the keys) brought."""
    asyncio.run(_judge(database, clinic, memory))


async def _judge(database: Database, clinic: str, memory: Mapping[str, Sequence[Entry]]) -> None:
    async with open_pool(database.ingest_url, max_size=1) as pool:
        writer = Writer(pool)
        for topic, payload in _envelopes(clinic, memory):
            known = frozenset((clinic, gateway) for gateway in memory)
            found = decide.decide(topic, payload, known=known, now=utc_now())
            await writer.write(found.accepted, found.quarantined)
    book = load()
    async with open_pool(database.urls["hl_worker"], max_size=1) as pool, connection(pool) as conn:
        done = True
        while done:
            now = utc_now()
            found_set = await evaluate_set(conn, clinic, book=book, now=now, size=_PATIENTS_AT_ONCE)
            done = bool(found_set.claimed)


def _envelopes(clinic: str, memory: Mapping[str, Sequence[Entry]]) -> Iterator[tuple[str, bytes]]:
    for gateway, entries in memory.items():
        topic = topics.build(clinic, gateway, topics.Branch.READINGS)
        for start in range(0, len(entries), wire.MAX_READINGS):
            some = entries[start : start + wire.MAX_READINGS]
            yield (
                topic,
                wire.seal(
                    envelope_id=str(uuid.uuid4()),
                    gateway=gateway,
                    sent_at=utc_now(),
                    readings=[wire.encode_reading(as_spooled(found)) for found in some],
                ),
            )


def outcome(rows: Sequence[dict[str, Any]]) -> Counter[tuple[Any, ...]]:
    """What of alerts does not hang on when they were made; with each, whether it has its task."""
    names = ("patient", "lineage", "episode", "severity", "late", "state", "findings")
    return Counter((*(row[name] for name in names), row["task"] is not None) for row in rows)
