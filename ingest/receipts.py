"""Receipts per gateway and batch: what is durable, and what was refused and why. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ingest.decide import Decision
from ingest.writer import Written
from vitals import topics, wire
from vitals.errors import QuarantineReason

#: Names in one receipt. A batch may hold tens of thousands of one gateway, and a broker ends the
#: connection of whoever sends it a larger packet than it takes: the batch would come for ever.
MOST_NAMES = 500


def build(decisions: Iterable[Decision], written: Written) -> Iterator[tuple[str, bytes]]:
    """(topic, payload) of each receipt; what is too much for one goes into several."""
    by_gateway: dict[tuple[str, str], list[Decision]] = {}
    for decision in decisions:
        if decision.gateway is not None:
            by_gateway.setdefault(decision.gateway, []).append(decision)
    for (clinic, gateway), theirs in by_gateway.items():
        topic = topics.build(clinic, gateway, topics.Branch.RECEIPTS)
        for receipt in _receipts(theirs, written):
            yield topic, wire.encode(receipt)


def _receipts(decisions: list[Decision], written: Written) -> Iterator[wire.Receipt]:
    keys = list(dict.fromkeys(row.key for d in decisions for row in d.accepted))
    full = {row.key for d in decisions for row in d.accepted if row.reading.has_additions}
    refused = {row.key for row in written.refused}
    by_store = [
        wire.Rejection(id=key[1], reason=str(QuarantineReason.WRONG_SCHEMA))
        for key in keys
        if key in refused
    ]
    rejected = list(dict.fromkeys([r for d in decisions for r in d.rejected] + by_store))
    envelopes = list(dict.fromkeys(r for d in decisions for r in d.envelopes))
    longest = max(len(keys), len(rejected), len(envelopes), 1)
    for part in (slice(n, n + MOST_NAMES) for n in range(0, longest, MOST_NAMES)):
        some = keys[part]
        yield wire.Receipt(
            stored=[key[1] for key in some if key in written.stored],
            duplicate=[k[1] for k in some if k in written.duplicate and k not in written.stored],
            amended=[
                k[1] for k in some if k in full and (k in written.stored or k in written.duplicate)
            ],
            rejected=rejected[part],
            envelopes=envelopes[part],
        )
