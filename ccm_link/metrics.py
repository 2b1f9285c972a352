"""What the time ledger's sweep counts. No label: never a patient, a person or a clinic."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge

REGISTRY = CollectorRegistry()
_P = "hearthline_ccm_link"
SWEEPS = Counter(f"{_P}_sweeps", "sweeps over all clinics", registry=REGISTRY)
ABANDONED = Counter(f"{_P}_timers_abandoned", "timers ended by their lease", registry=REGISTRY)
FAILED = Counter(f"{_P}_sweeps_failed", "sweeps that the database refused", registry=REGISTRY)
LAST_SWEEP = Gauge(f"{_P}_last_sweep_seconds", "instant of the last whole sweep", registry=REGISTRY)
