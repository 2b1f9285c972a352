"""One receipt per gateway and batch: what is durable, and what was refused and why. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ingest.decide import Decision
from ingest.writer import Written
from vitals import topics, wire
from vitals.errors import QuarantineReason


def build(decisions: Iterable[Decision], written: Written) -> Iterator[tuple[str, bytes]]:
    """(topic, payload) of each receipt."""
    by_gateway: dict[tuple[str, str], list[Decision]] = {}
    for decision in decisions:
        if decision.gateway is not None:
            by_gateway.setdefault(decision.gateway, []).append(decision)
    for (clinic, gateway), theirs in by_gateway.items():
        receipt = _receipt(theirs, written)
        yield topics.build(clinic, gateway, topics.Branch.RECEIPTS), wire.encode(receipt)


def _receipt(decisions: list[Decision], written: Written) -> wire.Receipt:
    keys = dict.fromkeys(row.key for d in decisions for row in d.accepted)
    full = {row.key for d in decisions for row in d.accepted if row.reading.has_additions}
    refused = {row.key for row in written.refused}
    by_store = [
        wire.Rejection(id=key[1], reason=str(QuarantineReason.WRONG_SCHEMA))
        for key in keys
        if key in refused
    ]
    return wire.Receipt(
        stored=[key[1] for key in keys if key in written.stored],
        duplicate=[k[1] for k in keys if k in written.duplicate and k not in written.stored],
        amended=[k[1] for k in keys if k in full and k in written.stored | written.duplicate],
        rejected=[r for d in decisions for r in d.rejected] + by_store,
        envelopes=[r for d in decisions for r in d.envelopes],
    )
