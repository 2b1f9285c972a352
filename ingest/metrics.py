"""What ingest counts. Labels are closed sets: never a patient, a device or a gateway."""

from __future__ import annotations

from collections.abc import Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from vitals.errors import QuarantineReason

REGISTRY = CollectorRegistry()
_P = "hearthline_ingest"
RECEIVED = Counter(f"{_P}_readings_received", "readings in opened envelopes", registry=REGISTRY)
STORED = Counter(f"{_P}_readings_stored", "readings stored", registry=REGISTRY)
DUPLICATES = Counter(f"{_P}_readings_duplicates", "readings known already", registry=REGISTRY)
AMENDED = Counter(f"{_P}_readings_amended", "context added later", registry=REGISTRY)
HELD = Counter(f"{_P}_readings_held", "readings held for a person", registry=REGISTRY)
QUARANTINED = Counter(f"{_P}_quarantined", "set aside", ["reason"], registry=REGISTRY)
#: From the database and of every clinic, so each worker shows the same: take the greatest.
OPEN = Gauge("hearthline_quarantine_open", "rows that wait", ["reason"], registry=REGISTRY)
ODD = Counter(f"{_P}_odd_messages", "refused receipts, and QoS 0", ["what"], registry=REGISTRY)
DESIRED_REFUSED = Counter(f"{_P}_desired_refused", "by the broker", registry=REGISTRY)
RETRIES = Counter(f"{_P}_store_retries", "batches tried again", registry=REGISTRY)
BATCH_SIZE = Histogram(
    f"{_P}_batch_messages",
    "messages per batch",
    buckets=(1, 5, 10, 25, 50, 100, 250),
    registry=REGISTRY,
)
COMMIT_SECONDS = Histogram(f"{_P}_commit_seconds", "time of a commit", registry=REGISTRY)


def show_open(number: Mapping[str, int]) -> None:
    """Every reason of the closed set, those that nothing waits for as well; no other."""
    for reason in QuarantineReason:
        OPEN.labels(reason=reason.value).set(number.get(reason.value, 0))


for _reason in QuarantineReason:  # a counter that is not there cannot be seen to grow
    QUARANTINED.labels(reason=_reason.value)
