"""The test reading as the device shows it, so that somebody can compare. Nothing is judged here."""

from __future__ import annotations

from dataclasses import dataclass
from gettext import NullTranslations

from vitals.reading import Measure, Reading, Value

_POUNDS_IN_KG = 2.204_622_621_8
_MG_DL_IN_MMOL_L = 18.015_6  # molar mass of glucose / 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One line: a name and a number with its unit."""

    label: str
    value: str


def shown_values(reading: Reading, words: NullTranslations) -> tuple[Shown, ...]:
    """The numbers that people know; what a device measures besides is left out."""
    _ = words.gettext
    by_measure = {value.measure: value for value in reading.values}
    shown = []
    systolic = by_measure.get(Measure.SYSTOLIC)
    diastolic = by_measure.get(Measure.DIASTOLIC)
    if systolic is not None and diastolic is not None:
        pressure = f"{_number(systolic, 0)}/{_number(diastolic, 0)} mmHg"
        shown.append(Shown(label=_("Blood pressure"), value=pressure))
    names = _names(words)
    for measure, value in by_measure.items():
        if measure in names and (value.value is not None or value.comparator is not None):
            shown.append(Shown(label=names[measure], value=_told(value)))
    return tuple(shown)


def _names(words: NullTranslations) -> dict[Measure, str]:
    _ = words.gettext
    return {
        Measure.PULSE: _("Pulse"),
        Measure.HEART_RATE: _("Pulse"),
        Measure.GLUCOSE: _("Blood sugar"),
        Measure.SENSOR_GLUCOSE: _("Sugar"),
        Measure.WEIGHT: _("Weight"),
        Measure.BODY_FAT: _("Body fat"),
        Measure.SPO2: _("Oxygen"),
        Measure.TEMPERATURE: _("Temperature"),
    }


def _told(value: Value) -> str:
    """With the unit, and with the other unit that devices of this kind may be set to."""
    if value.value is None:
        return value.comparator or ""
    number = value.value
    match value.measure:
        case Measure.GLUCOSE | Measure.SENSOR_GLUCOSE:
            return f"{_number(value, 0)} mg/dL ({number / _MG_DL_IN_MMOL_L:.1f} mmol/L)"
        case Measure.WEIGHT:
            return f"{_number(value, 1)} kg ({number * _POUNDS_IN_KG:.1f} lb)"
        case Measure.TEMPERATURE:
            return f"{_number(value, 1)} °C ({number * 9 / 5 + 32:.1f} °F)"
        case Measure.SPO2 | Measure.BODY_FAT:
            return f"{_number(value, 0)} %"
        case _:
            return f"{_number(value, 0)}/min"


def _number(value: Value, digits: int) -> str:
    if value.value is None:
        return value.comparator or "?"
    return f"{value.comparator or ''}{value.value:.{digits}f}"
