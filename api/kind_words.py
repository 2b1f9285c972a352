"""The one number of a reading whose kind has but one, in the reader's units."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from api.units import glucose, per_min, percent, temperature


def number_words(row: Mapping[str, Any], glucose_unit: str) -> str | None:
    """'97 %', '36.4 °C (97.5 °F)', 'LO'; None: the kind is none of these."""
    words = None
    match row["kind"]:
        case "body_composition":
            words = percent(row["body_fat_pct"], 1)
        case "pulse_oximetry":
            words = percent(row["spo2_pct"])
        case "temperature":
            words = temperature(row["temperature_c"])
        case "heart_rate":
            words = per_min(row["heart_rate_per_min"])
        case "continuous_glucose" if row["comparator"]:
            words = "HI" if row["comparator"] == ">" else "LO"
        case "continuous_glucose":
            words = glucose(row["sensor_glucose_mg_dl"], glucose_unit)
    return words
