"""The limits of a patient as a table, and a limit as a person types it. Pure; the reader's units.

The store holds UCUM units; what is typed in mmol/L or lb is converted once, here.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from alerts.effective import LimitRefused, check
from alerts.rulebook import Basis, Limit, load
from api.auth.viewer import Viewer
from api.units import KG_PER_LB, MG_DL_PER_MMOL_L, glucose_in, weight_in
from api.words import MEASURES
from store.limits import LimitRow

Row = dict[str, Any]

OFF = "Off"
_BEYOND = {">": "above", ">=": "at or above", "<": "below"}
_LEVELS = {"notice": "notice", "warning": "warning", "critical": "act now"}


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitLine:
    """A rule, what stands for this patient, and where that comes from."""

    rule: str
    label: str
    level: str
    value: str
    unit: str
    source: str
    own: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryLine:
    """Who set what, when, why."""

    label: str
    value: str
    valid_from: datetime
    withdrawn_at: datetime | None
    by: str
    reason: str


def limits_of(
    rows: Mapping[str, LimitRow], patient: UUID | None, viewer: Viewer, now: datetime
) -> list[LimitLine]:
    """Every rule that can be changed, in the order of the rule data."""
    return [_line(limit, rows.get(limit.rule), patient, viewer) for limit in changeable(now)]


def changeable(now: datetime) -> list[Limit]:
    """What a device cannot show is always critical, and stands in no list."""
    return [limit for limit in load().limits_on(now.date()) if limit.basis is not Basis.BEYOND]


def _line(limit: Limit, row: LimitRow | None, patient: UUID | None, viewer: Viewer) -> LimitLine:
    value = limit.value if row is None else row.value
    own = row is not None and row.patient_id == patient
    source = "Own" if own else ("Default" if row is None else "Clinic")
    return LimitLine(
        rule=limit.rule,
        label=label_of(limit),
        level=_LEVELS[limit.severity],
        value=_shown(value, limit, viewer),
        unit=unit_of(limit, viewer),
        source=source,
        own=own,
    )


def label_of(limit: Limit) -> str:
    measure = MEASURES[limit.measure]
    if limit.basis is Basis.GAIN:
        return f"{measure}: gain above, in {_window(limit)}"
    if limit.basis is Basis.JUMP:
        return f"{measure}: differs by more than, in {_window(limit)}"
    return f"{measure} {_BEYOND[limit.comparator]}"


def _window(limit: Limit) -> str:
    hours = limit.window_h or 0
    return f"{hours} h" if hours <= 48 else f"{hours // 24} days"  # noqa: PLR2004 -- two days


def unit_of(limit: Limit, viewer: Viewer) -> str:
    if limit.basis is Basis.JUMP:
        return "%"
    units = {"glucose_mg_dl": viewer.glucose_unit, "weight_kg": viewer.weight_unit}
    return units.get(limit.measure, "per min" if limit.measure == "pulse_per_min" else "mmHg")


def _shown(value: float | None, limit: Limit, viewer: Viewer) -> str:
    if value is None:
        return OFF
    if limit.basis is not Basis.JUMP and limit.measure == "glucose_mg_dl":
        return f"{glucose_in(value, viewer.glucose_unit):.{_digits(viewer)}f}"
    if limit.basis is not Basis.JUMP and limit.measure == "weight_kg":
        return f"{weight_in(value, viewer.weight_unit):.1f}"
    return f"{value:g}"


def _digits(viewer: Viewer) -> int:
    return 0 if viewer.glucose_unit == "mg/dL" else 1


def entered(
    rule: str, typed: str, act: str, viewer: Viewer, now: datetime
) -> tuple[str, float | None, str]:
    """Rule, value and unit as the store keeps them; None: switched off.

    Raises:
        LimitRefused: the message is for the person who typed.
    """
    limit = next((limit for limit in changeable(now) if limit.rule == rule), None)
    if limit is None:
        raise LimitRefused("Choose a limit")
    value = _stored(_number(typed), limit, viewer) if act == "set" else None
    check(load(), rule=rule, value=value, ucum=limit.ucum, on=now.date())
    return rule, value, limit.ucum


def _number(typed: str) -> float:
    try:
        value = float(typed.replace(",", "."))
    except ValueError:
        raise LimitRefused("Enter a number") from None
    if not (math.isfinite(value) and value > 0):
        raise LimitRefused("Enter a number above zero")
    return value


def _stored(value: float, limit: Limit, viewer: Viewer) -> float:
    if limit.basis is Basis.JUMP:
        return value
    if limit.measure == "glucose_mg_dl" and viewer.glucose_unit != "mg/dL":
        return value * MG_DL_PER_MMOL_L
    if limit.measure == "weight_kg" and viewer.weight_unit == "lb":
        return value * KG_PER_LB
    return value


def history_of(rows: Sequence[Row], viewer: Viewer, now: datetime) -> list[HistoryLine]:
    known = {limit.rule: limit for limit in changeable(now)}
    return [_history(row, known[row["rule"]], viewer) for row in rows if row["rule"] in known]


def _history(row: Row, limit: Limit, viewer: Viewer) -> HistoryLine:
    value = _shown(row["value"], limit, viewer)
    return HistoryLine(
        label=label_of(limit),
        value=value if value == OFF else f"{value} {unit_of(limit, viewer)}",
        valid_from=row["valid_from"],
        withdrawn_at=row["withdrawn_at"],
        by=row["set_by_name"] or "the system",
        reason=row["reason"],
    )
