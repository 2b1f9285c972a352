"""Numbers in the reader's units. The store holds one UCUM unit per measurement: mg/dL and kg."""

from __future__ import annotations

import re

NONE = "\N{EN DASH}"  # where there is no number

MG_DL_PER_MMOL_L = 18.016  # molar mass of glucose, 180.16 g/mol
KG_PER_LB = 0.45359237  # exact: the international pound
_MEASURED = re.compile(r"(?<=\d) (?=(?:(?:mg/dL|mmol/L|mmHg|lb|kg|h|min|days)\b|°[CF]))")


def number(value: float | None, digits: int = 0) -> str:
    return NONE if value is None else f"{value:.{digits}f}"


def glucose_in(mg_dl: float, unit: str) -> float:
    return mg_dl if unit == "mg/dL" else mg_dl / MG_DL_PER_MMOL_L


def weight_in(kg: float, unit: str) -> float:
    return kg if unit == "kg" else kg / KG_PER_LB


def glucose(mg_dl: float | None, unit: str) -> str:
    """'112 mg/dL' or '6.2 mmol/L'."""
    if mg_dl is None:
        return NONE
    return f"{glucose_in(mg_dl, unit):.{0 if unit == 'mg/dL' else 1}f} {unit}"


def weight(kg: float | None, unit: str) -> str:
    return NONE if kg is None else f"{weight_in(kg, unit):.1f} {unit}"


def percent(value: float | None, digits: int = 0) -> str:
    return NONE if value is None else f"{value:.{digits}f} %"


def temperature(celsius: float | None) -> str:
    """'36.4 °C (97.5 °F)': clinics read one, thermometers show the other."""
    if celsius is None:
        return NONE
    return f"{celsius:.1f} °C ({celsius * 1.8 + 32:.1f} °F)"


def per_min(value: float | None) -> str:
    return NONE if value is None else f"{value:.0f} per min"


def together(text: str) -> str:
    """The same words, whose numbers stay on one line with their units."""
    return _MEASURED.sub("\N{NO-BREAK SPACE}", text)
