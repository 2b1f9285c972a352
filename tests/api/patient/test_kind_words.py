"""A reading in words: its own number, its unit, and what else it said."""

from __future__ import annotations

import pytest

from api import vocabulary
from api.context_words import context_lines
from api.reading_view import value_words
from api.units import together
from tests.api.patient.test_story import NOW, SI, US, taken
from vitals.reading import Kind


@pytest.mark.parametrize(
    ("kind", "row", "words"),
    [
        ("pulse_oximetry", {"spo2_pct": 97.0, "pulse_per_min": 61.0}, ("97 %", "pulse 61")),
        ("pulse_oximetry", {"spo2_pct": 97.0}, ("97 %", "")),
        ("temperature", {"temperature_c": 36.4}, ("36.4 °C (97.5 °F)", "")),
        (
            "temperature",
            {"temperature_c": 36.4, "context": {"site": "gastrointestinal_tract"}},
            ("36.4 °C (97.5 °F)", "gastrointestinal tract"),
        ),
        ("heart_rate", {"heart_rate_per_min": 118.0}, ("118 per min", "")),
        ("continuous_glucose", {"sensor_glucose_mg_dl": 126.0}, ("7.0 mmol/L", "")),
        ("continuous_glucose", {"comparator": ">"}, ("HI", "")),
        ("weight", {"weight_kg": 80.0, "body_fat_pct": 21.5}, ("80.0 kg", "body fat 21.5 %")),
        ("weight", {"weight_kg": 80.0}, ("80.0 kg", "")),
        ("body_composition", {"body_fat_pct": 21.5}, ("21.5 %", "body fat")),
        ("heart_rate", {"failed": True}, ("Failed", "the device could not measure")),
        ("undecoded", {}, ("Not decoded", "its bytes are kept")),
    ],
)
def test_a_reading_is_said_in_the_readers_units(kind, row, words):
    assert value_words(taken(kind, NOW, **{"context": {}, **row}), SI) == words


def test_a_sensors_glucose_is_in_the_unit_of_the_other_glucose():
    row = taken("continuous_glucose", NOW, sensor_glucose_mg_dl=126.0, context={})
    assert value_words(row, US)[0] == "126 mg/dL"


def test_what_came_with_a_reading_is_told_in_the_readers_units():
    context: dict[str, str | float] = {
        "soft_lean_kg": 60.46, "muscle_pct": 38.0, "meal": "preprandial", "carbohydrate_kg": 0.06,
        "medication_kg": 0.00001, "site": "ear", "something_new": 7,
    }  # fmt: skip
    assert context_lines(context, "lb") == [
        ("Meal", "preprandial"),
        ("Carbohydrate", "60 g"),
        ("Medication taken", "10 mg"),
        ("Muscle", "38 %"),
        ("Soft lean mass", "133.3 lb"),
        ("Measured at", "ear"),
        ("Something new", "7"),
    ]
    assert context_lines({}, "kg") == []


def test_every_kind_has_a_name():
    assert vocabulary.KINDS.keys() == {kind.value for kind in Kind}


def test_a_number_stays_on_one_line_with_its_unit():
    assert together("36.4 °C, 80.0 kg") == "36.4\N{NO-BREAK SPACE}°C, 80.0\N{NO-BREAK SPACE}kg"
