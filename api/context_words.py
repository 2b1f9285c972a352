"""What came with a reading (a meal, a composition), line by line and in the reader's units."""

from __future__ import annotations

from collections.abc import Mapping

from api.units import weight
from api.vocabulary import flag_words

#: Keys of `Reading.context`, what each is called, and its unit.
_LABELS = {
    "meal": ("Meal", ""),
    "carbohydrate": ("Carbohydrate of", ""),
    "carbohydrate_kg": ("Carbohydrate", "g"),
    "exercise_s": ("Exercise", "s"),
    "exercise_pct": ("Intensity of exercise", "%"),
    "medication": ("Medication", ""),
    "medication_kg": ("Medication taken", "mg"),
    "medication_L": ("Medication taken", "mL"),
    "hba1c_pct": ("HbA1c", "%"),
    "tester": ("Tested by", ""),
    "health": ("Health", ""),
    "sample_type": ("Sample", ""),
    "sample_location": ("Taken from", ""),
    "body_fat_pct": ("Body fat", "%"),
    "muscle_pct": ("Muscle", "%"),
    "muscle_kg": ("Muscle mass", "kg"),
    "fat_free_kg": ("Fat-free mass", "kg"),
    "soft_lean_kg": ("Soft lean mass", "kg"),
    "body_water_kg": ("Body water", "kg"),
    "impedance_ohm": ("Impedance", "Ω"),
    "basal_metabolism_kj": ("Basal metabolism", "kJ"),
    "site": ("Measured at", ""),
    "amplitude_pct": ("Pulse amplitude", "%"),
    "energy_kj": ("Energy expended", "kJ"),
    "session_min": ("Minute of the sensor's session", ""),
    "trend_mg_dl_min": ("Trend", "mg/dL per min"),
    "quality_pct": ("Quality", "%"),
}
_SCALED = {"g": 1000, "mg": 1_000_000, "mL": 1000}  # what travels in kg or L


def context_lines(context: Mapping[str, str | float], weight_unit: str) -> list[tuple[str, str]]:
    """Known keys in the order above, others after them under their own name."""
    known = [key for key in _LABELS if key in context]
    other = [key for key in context if key not in _LABELS]
    return [_line(key, context[key], weight_unit) for key in (*known, *other)]


def _line(key: str, value: str | float, weight_unit: str) -> tuple[str, str]:
    label, unit = _LABELS.get(key, (flag_words(key).capitalize(), ""))
    if isinstance(value, str):
        return label, flag_words(value)
    if unit == "kg":
        return label, weight(value, weight_unit)
    return label, f"{value * _SCALED.get(unit, 1):g} {unit}".strip()
