"""What happened, in one line and in the reader's units: the store keeps numbers, here are words.

`observed` and `limits` are those of `store.worklist`: UCUM units of the store.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from alerts.lineage import LABELS, Lineage
from api.auth.viewer import Viewer
from api.units import NONE, glucose_in, number, weight, weight_in

KINDS = LABELS
SET_ASIDE = {
    "implausible": "a value that no person can have",
    "undecoded": "bytes that could not be read",
    "bad_time": "a time that cannot be right",
    "id_mismatch": "contents that do not fit their own identity",
}
MEASURES = {
    "systolic_mmhg": "Systolic",
    "diastolic_mmhg": "Diastolic",
    "mean_arterial_mmhg": "Mean pressure",
    "pulse_per_min": "Pulse",
    "glucose_mg_dl": "Glucose",
    "weight_kg": "Weight",
}
_COMPARATORS = {">": "above", ">=": "at or above", "<": "below"}

Numbers = Mapping[str, Any]


def kind_of(lineage: str | None) -> str:
    """The alert's subject; a follow-up has none."""
    return KINDS[Lineage(lineage)] if lineage else "Follow-up"


def headline(lineage: str, observed: Numbers, viewer: Viewer) -> str:
    """'BP 191/124', 'Glucose LO', 'Weight 182.3 lb, up 3.4 lb in 24 h'."""
    subject, _, _ = lineage.partition(".")
    if lineage == Lineage.READING_QUARANTINED:
        reason = str(observed.get("reason"))
        return f"Set aside: {SET_ASIDE.get(reason, reason.replace('_', ' '))}"
    if subject == "weight":
        return f"Weight {_weight_words(lineage, observed, viewer)}"
    label = {"blood_pressure": "BP", "pulse": "Pulse", "glucose": "Glucose"}[subject]
    return f"{label} {value(lineage, observed, viewer, unit=subject == 'glucose')}"


def value(lineage: str, observed: Numbers, viewer: Viewer, *, unit: bool = False) -> str:
    """'188/121', '46', 'LO', '268'."""
    subject, _, _ = lineage.partition(".")
    if subject == "glucose":
        return _glucose(observed, viewer, unit=unit)
    if subject == "weight":
        return weight(observed.get("weight_kg"), viewer.weight_unit)
    if subject == "pulse":
        return number(observed.get("pulse_per_min"))
    if observed.get("systolic_mmhg") is None and observed.get("comparator"):
        return "beyond what the device can show"
    return f"{number(observed.get('systolic_mmhg'))}/{number(observed.get('diastolic_mmhg'))}"


def _glucose(observed: Numbers, viewer: Viewer, *, unit: bool) -> str:
    if comparator := observed.get("comparator"):
        return "HI" if comparator == ">" else "LO"
    mg_dl = observed.get("glucose_mg_dl")
    if mg_dl is None:
        return NONE
    digits = 0 if viewer.glucose_unit == "mg/dL" else 1
    shown = f"{glucose_in(mg_dl, viewer.glucose_unit):.{digits}f}"
    return f"{shown} {viewer.glucose_unit}" if unit else shown


def _weight_words(lineage: str, observed: Numbers, viewer: Viewer) -> str:
    shown = weight(observed.get("weight_kg"), viewer.weight_unit)
    gain = observed.get("gain_kg")
    if gain is None:
        return shown
    change = f"{abs(weight_in(gain, viewer.weight_unit)):.1f} {viewer.weight_unit}"
    direction = "up" if gain >= 0 else "down"
    asks = ": whose is it?" if lineage == Lineage.WEIGHT_WHOSE else ""
    return f"{shown}, {direction} {change} in {_window(observed.get('window_h', 24))}{asks}"


def _window(hours: float) -> str:
    return f"{hours:.0f} h" if hours <= 48 else f"{hours / 24:.0f} days"  # noqa: PLR2004 -- two days


def limit(row: Numbers, viewer: Viewer) -> str:
    """'at or above 140 mmHg', 'gain above 3.0 lb in 24 h'."""
    comparator, bound, measure = row["comparator"], row.get("value"), row["measure"]
    if bound is None:
        return f"{_COMPARATORS[comparator]} what the device can show"
    if row["ucum"] == "%":
        return f"{bound:g} % from every other weight in {_window(row.get('window_h', 24))}"
    shown = _bound(measure, bound, viewer)
    if "gain_kg" in row:
        return f"a gain above {shown} in {_window(row.get('window_h', 24))}"
    return f"{_COMPARATORS[comparator]} {shown}"


def _bound(measure: str, bound: float, viewer: Viewer) -> str:
    if measure == "glucose_mg_dl":
        return _glucose({measure: bound}, viewer, unit=True)
    if measure == "weight_kg":
        return weight(bound, viewer.weight_unit)
    return f"{bound:g} {'mmHg' if measure.endswith('mmhg') else 'per min'}"


def usual(lineage: str, row: Numbers, viewer: Viewer) -> str | None:
    """The median of the 30 days before: 'usual 138/82'."""
    numbers = {name.removeprefix("usual_"): row.get(name) for name in row if "usual_" in name}
    subject, _, _ = lineage.partition(".")
    needed = {"blood_pressure": "systolic_mmhg", "pulse": "pulse_per_min"}
    key = needed.get(subject, {"glucose": "glucose_mg_dl", "weight": "weight_kg"}.get(subject, ""))
    if numbers.get(key) is None:
        return None
    return f"usual {value(lineage, numbers, viewer, unit=True)}"


def story(lineage: str, findings: Sequence[Numbers], row: Numbers, viewer: Viewer) -> str:
    """'BP 191/124, then 188/121, usual 138/82': the newest last, as it happened."""
    if not findings:
        return f"{kind_of(lineage)}: its readings were moved to somebody else"
    newest, *before = findings
    parts = [headline(lineage, (before[0] if before else newest)["observed"], viewer)]
    if before and lineage != Lineage.READING_QUARANTINED:
        parts.append(f"then {value(lineage, newest['observed'], viewer)}")
    if (count := row.get("readings", len(findings))) > 2:  # noqa: PLR2004 -- those two are shown
        parts.append(f"{count} readings")
    parts += [words] if (words := usual(lineage, row, viewer)) else []
    return ", ".join(parts)


def age(birth_date: date | None, today: date) -> str:
    if birth_date is None:
        return "Age not known"
    had = (today.month, today.day) >= (birth_date.month, birth_date.day)
    return f"{today.year - birth_date.year - (0 if had else 1)} years"


def name_of(row: Numbers) -> str:
    return f"{row['given_name']} {row['family_name']}"
