"""What the sealer of the audit trail counts. No label: a clinic is none."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge

REGISTRY = CollectorRegistry()
_P = "hearthline_audit"
SEALED = Counter(f"{_P}_events_sealed", "audit events sealed", registry=REGISTRY)
FAILED = Counter(
    f"{_P}_rounds_failed", "rounds that the database or the disk refused", registry=REGISTRY
)
BROKEN = Gauge(
    f"{_P}_chains_broken", "clinics whose chain lost what was exported of it", registry=REGISTRY
)
BACKLOG_AGE = Gauge(
    f"{_P}_backlog_age_seconds", "how long the oldest unsealed event waits", registry=REGISTRY
)
