"""Readings as rules see them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID

from alerts.effective import EffectiveLimits
from alerts.findings import Finding
from alerts.rulebook import load
from alerts.rules import judge
from store.alert_rows import Sample
from store.limits import LimitRow

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
ANN = UUID(int=1)
_ids = count(1)


def sample(kind: str = "blood_pressure", *, ago_h: float = 0, late_h: float = 0, **values: Any):
    at = NOW - timedelta(hours=ago_h)
    return Sample(
        reading_id=UUID(int=next(_ids)),
        patient_id=ANN,
        kind=kind,
        measured_at=at,
        stored_at=at + timedelta(hours=late_h),
        **values,
    )


def bp(systolic: float | None, diastolic: float | None, **rest: Any):
    return sample(systolic_mmhg=systolic, diastolic_mmhg=diastolic, **rest)


def glucose(mg_dl: float | None, **rest: Any):
    return sample("glucose", glucose_mg_dl=mg_dl, **rest)


def weight(kg: float | None, **rest: Any):
    return sample("weight", weight_kg=kg, **rest)


def found(*samples: Sample, rows: list[LimitRow] | None = None) -> list[Finding]:
    return judge(samples, EffectiveLimits(load(), rows or [])).findings


def said(*samples: Sample, rows: list[LimitRow] | None = None) -> set[tuple[str, str]]:
    """(lineage, severity) of what is found."""
    return {(str(f.lineage), str(f.severity)) for f in found(*samples, rows=rows)}


def limit(rule: str, value: float | None, *, patient: UUID | None = None, **changes: Any):
    start = NOW - timedelta(days=1)
    row: dict[str, Any] = {"ucum": "mm[Hg]", "valid_from": start, "set_at": start}
    return LimitRow(patient_id=patient, rule=rule, value=value, **{**row, **changes})
