"""What the console counts. Labels are route templates and closed sets: never a patient."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

REGISTRY = CollectorRegistry()
_P = "hearthline_api"
REQUESTS = Counter(f"{_P}_requests", "answers", ["route", "status"], registry=REGISTRY)
SECONDS = Histogram(
    f"{_P}_request_seconds",
    "time to the last byte",
    ["route"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.25, 0.5, 1, 2.5),
    registry=REGISTRY,
)
SIGN_INS = Counter(f"{_P}_sign_ins", "attempts", ["outcome"], registry=REGISTRY)
ENROLMENTS = Counter(
    f"{_P}_gateway_enrolments", "requests of boxes", ["outcome"], registry=REGISTRY
)
STREAMS = Gauge(f"{_P}_event_streams", "open live views", registry=REGISTRY)
