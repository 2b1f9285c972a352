"""What the alert worker counts. Labels are closed sets: never a patient, a device or a clinic."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

REGISTRY = CollectorRegistry()
_P = "hearthline_alerts"
JUDGED = Counter(f"{_P}_readings_judged", "readings judged", registry=REGISTRY)
FINDINGS = Counter(f"{_P}_findings", "findings", ["severity"], registry=REGISTRY)
OPENED = Counter(f"{_P}_opened", "alerts opened", ["lineage"], registry=REGISTRY)
RETRIES = Counter(f"{_P}_set_retries", "sets tried again", registry=REGISTRY)
PASSED_OVER = Counter(
    f"{_P}_patients_passed_over", "times that a patient could not be judged", registry=REGISTRY
)
SET_SECONDS = Histogram(f"{_P}_set_seconds", "time of one set", registry=REGISTRY)
DRAIN_SECONDS = Histogram(f"{_P}_drain_seconds", "time until nothing waited", registry=REGISTRY)
QUEUE_AGE = Gauge(
    f"{_P}_queue_age_seconds", "how long the oldest claimed day waited", registry=REGISTRY
)
