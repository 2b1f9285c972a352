"""The limits in force for a patient, as the story and the charts draw them."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from alerts.effective import EffectiveLimits
from alerts.rulebook import Basis, Limit, load
from api.frames import WEIGHT_GAIN, Bound
from store.limits import effective_limits
from store.tenancy import Connection

_WEEK_H = 168


async def bounds_of(conn: Connection, clinic: str, patient: UUID, now: datetime) -> list[Bound]:
    """The patient's own over the clinic's over the shipped defaults."""
    rows = await effective_limits(conn, clinic, patient, now)
    rules = EffectiveLimits(load(), list(rows.values())).at(patient, now)
    own = {rule for rule, row in rows.items() if row.patient_id == patient}
    made = [_bound(limit, own=limit.rule in own) for limit in rules.limits]
    return [bound for bound in made if bound is not None]


def _bound(limit: Limit, *, own: bool) -> Bound | None:
    if limit.value is None:
        return None
    if limit.basis is Basis.VALUE:
        measure = str(limit.measure)
    elif limit.basis is Basis.GAIN and limit.window_h == _WEEK_H:
        measure = WEIGHT_GAIN
    else:
        return None
    return Bound(
        measure=measure,
        comparator=limit.comparator,
        value=limit.value,
        severity=str(limit.severity),
        own=own,
    )
