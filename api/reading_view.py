"""A row of the readings table, as it is read: pure, from `store.charts.readings_page`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from api.charts import pressure_words
from api.context_words import context_lines
from api.kind_words import number_words
from api.story import Reader
from api.units import glucose, number, percent, weight
from api.vocabulary import CERTAINTIES, KINDS, flag_words

Row = dict[str, Any]
_NO_SLOT = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingRow:
    """What was measured, when, by which device for whom, and how sure that is."""

    at: datetime
    kind: str
    value: str
    more: str
    severity: str | None
    task_id: UUID | None
    flags: list[str]
    device: str
    slot: str
    assigned_since: datetime | None
    details: list[tuple[str, str]]


def readings_of(rows: Sequence[Row], reader: Reader) -> list[ReadingRow]:
    return [_row(row, reader) for row in rows]


def _row(row: Row, reader: Reader) -> ReadingRow:
    value, more = value_words(row, reader)
    return ReadingRow(
        at=row["measured_at"],
        kind=str(KINDS.get(row["kind"], row["kind"])),
        value=value,
        more=more,
        severity=row["severity"],
        task_id=row["task_id"],
        flags=_flags(row),
        device=row["device"],
        slot="" if row["user_slot"] == _NO_SLOT else f"user {row['user_slot']}",
        assigned_since=row["assigned_since"],
        details=_details(row, reader),
    )


def value_words(row: Row, reader: Reader) -> tuple[str, str]:
    """What was measured, and what belongs to it: `191/124 mmHg`, `pulse 82`."""
    if row["failed"]:
        return "Failed", "the device could not measure"
    if row["kind"] == "blood_pressure":
        pulse = f"pulse {number(row['pulse_per_min'])}" if row["pulse_per_min"] else ""
        unit = "" if row["comparator"] else " mmHg"
        return f"{pressure_words(row)}{unit}", pulse
    if row["kind"] == "glucose":
        bound = {">": "HI", "<": "LO"}.get(row["comparator"])
        meal = str(row["context"].get("meal", ""))
        beyond = {"HI": "above what the meter shows", "LO": "below what the meter shows"}
        if bound:
            return bound, ", ".join(filter(None, [beyond[bound], meal]))
        return glucose(row["glucose_mg_dl"], reader.glucose_unit), meal
    if row["kind"] == "weight":
        return weight(row["weight_kg"], reader.weight_unit), _beside(row)
    words = number_words(row, reader.glucose_unit)
    return (words, _beside(row)) if words else ("Not decoded", "its bytes are kept")


def _beside(row: Row) -> str:
    """What else a reading says: 'pulse 61', 'body fat 21.5 %', where a temperature was taken."""
    if row["kind"] == "pulse_oximetry" and row["pulse_per_min"]:
        return f"pulse {number(row['pulse_per_min'])}"
    if row["kind"] == "weight" and row["body_fat_pct"]:
        return f"body fat {percent(row['body_fat_pct'], 1)}"
    if row["kind"] == "body_composition":
        return "body fat"
    return flag_words(str(row["context"].get("site", "")))


def _flags(row: Row) -> list[str]:
    typed = ["typed in by hand"] if row["origin"] == "manual" else []
    return typed + [flag_words(flag) for flag in row["flags"]]


def _details(row: Row, reader: Reader) -> list[tuple[str, str]]:
    """What came with it, and where value and instant came from, down to the bytes."""
    found = [
        *context_lines(row["context"], reader.weight_unit),
        ("Device showed", f"{row['device_time']:%Y-%m-%d %H:%M:%S}" if row["device_time"] else ""),
        ("Instant from", CERTAINTIES.get(row["clock_certainty"], row["clock_certainty"])),
        ("Clock offset", _seconds(row["clock_offset_s"])),
        ("Uncertainty", f"\N{PLUS-MINUS SIGN}{row['clock_uncertainty_s']:g} s"),
        ("Sequence", "" if row["sequence"] is None else str(row["sequence"])),
        ("Gateway", row["gateway"]),
        ("Battery", "" if row["battery_pct"] is None else f"{row['battery_pct']}%"),
    ]
    found += [(f"Bytes {raw['characteristic']}", raw["hex"]) for raw in row["raw"]]
    return [(term, text) for term, text in found if text]


def _seconds(offset: float | None) -> str:
    return "" if offset is None else f"{offset:+g} s"
