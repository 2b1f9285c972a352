"""What a rule finds in a reading. Pure; how a finding is stored and shown is others' business."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from alerts.lineage import Lineage, Severity, worst
from alerts.rulebook import Limit

#: What is older than this when it arrives is for review and not for escalation (I11).
BACKLOG = timedelta(hours=24)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """A limit that was crossed; `facts` is what was held against it."""

    limit: Limit
    facts: dict[str, Any]

    def as_row(self) -> dict[str, Any]:
        limit = self.limit
        return {
            "rule": limit.rule,
            "measure": str(limit.measure),
            "comparator": limit.comparator,
            "value": limit.value,
            "ucum": limit.ucum,
            "source": limit.source,
            **self.facts,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One lineage found in one reading, or in one value that was set aside."""

    patient_id: UUID
    lineage: Lineage
    reading_id: UUID | None = None
    quarantine_id: int | None = None
    rule: str
    found: Severity  # what the rule says
    late: bool
    measured_at: datetime
    observed: dict[str, Any]
    limits: tuple[Hit, ...] = ()
    rules_version: str

    @property
    def severity(self) -> Severity:
        """What it counts for: from a backlog never more than a notice."""
        return Severity.NOTICE if self.late else self.found

    @property
    def repeat_within(self) -> timedelta | None:
        """How soon the measurement should be repeated, if it should."""
        asked = [hit.limit.repeat_min for hit in self.limits if hit.limit.repeat_min is not None]
        return timedelta(minutes=min(asked)) if asked and not self.late else None


def is_late(measured_at: datetime, known_at: datetime) -> bool:
    return known_at - measured_at > BACKLOG


def by_lineage(hits: Iterable[Hit]) -> dict[Lineage, tuple[Hit, ...]]:
    """The worst first."""
    grouped: dict[Lineage, list[Hit]] = {}
    for hit in hits:
        grouped.setdefault(hit.limit.lineage, []).append(hit)
    return {
        lineage: tuple(sorted(found, key=lambda hit: -hit.limit.severity.rank))
        for lineage, found in grouped.items()
    }


def severity_of(hits: Iterable[Hit]) -> Severity:
    return worst(*(hit.limit.severity for hit in hits))
