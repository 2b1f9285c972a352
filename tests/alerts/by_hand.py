"""What the summaries must say: computed from the rows of a real database, one reading at a time.

Shares nothing with `alerts.summaries`: limits are looked up rule by rule in the file and the table.
"""

from __future__ import annotations

import tomllib
from collections import defaultdict
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from tests.conftest import ROOT

COLUMNS = {
    "blood_pressure": ["systolic_mmhg", "diastolic_mmhg", "pulse_per_min"],
    "glucose": ["glucose_mg_dl"],
    "weight": ["weight_kg", "body_fat_pct"],
    "body_composition": ["body_fat_pct"],
    "pulse_oximetry": ["spo2_pct"],
    "temperature": ["temperature_c"],
    "heart_rate": ["heart_rate_per_min"],
    "continuous_glucose": ["sensor_glucose_mg_dl"],
}
_FILE = tomllib.loads((ROOT / "alerts/data/limits.toml").read_text("utf-8"))["limit"]
DEFAULTS = [row for row in _FILE if row.get("basis", "value") == "value"]

Summary = tuple[Any, ...]


async def summaries(clinic: Any) -> tuple[dict[Any, Summary], set[Any]]:
    """Rows by (patient, day, measure), and the reading days."""
    zones = {
        row["id"]: ZoneInfo(row["zone"])
        for row in await clinic.rows(
            "SELECT p.id, coalesce(p.zone, c.zone) AS zone FROM patient p"
            " JOIN clinic c ON c.id = p.clinic_id WHERE p.clinic_id = %(clinic)s"
        )
    }
    limits = await clinic.rows("SELECT * FROM clinical_limit WHERE clinic_id = %(clinic)s")
    readings = await clinic.rows(
        "SELECT * FROM reading WHERE clinic_id = %(clinic)s AND patient_id IS NOT NULL"
        " ORDER BY measured_at, reading_id"
    )
    found: dict[Any, list[tuple[Any, ...]]] = defaultdict(list)
    days = set()
    for row in readings:
        if row["failed"] or row["kind"] not in COLUMNS or "control_solution" in row["flags"]:
            continue
        zone = zones[row["patient_id"]]
        local = row["measured_at"].astimezone(zone)
        if _counts(row, zone):
            days.add((row["patient_id"], local.date()))
        for column in COLUMNS[row["kind"]]:
            shown = _shown(row, column)
            if shown is not None:
                rated, fits = _fits(row, column, shown, limits)
                key = (row["patient_id"], local.date(), column)
                found[key].append((local.hour, *shown, rated, fits, row["measured_at"]))
    return {key: _sum(rows) for key, rows in found.items()}, days


def _counts(row: dict[str, Any], zone: ZoneInfo) -> bool:
    slack = timedelta(seconds=row["clock_uncertainty_s"])
    sides = {(row["measured_at"] + way * slack).astimezone(zone).date() for way in (-1, 0, 1)}
    return row["origin"] == "automatic" and len(sides) == 1


def _shown(row: dict[str, Any], column: str) -> tuple[float | None, str | None] | None:
    """(number, comparator)."""
    number, sign = row[column], row["comparator"]
    if sign and column != "pulse_per_min" and (number is None or column.endswith("glucose_mg_dl")):
        return None, sign
    return None if number is None else (number, None)


def _fits(
    row: dict[str, Any],
    column: str,
    shown: tuple[float | None, str | None],
    limits: list[dict[str, Any]],
) -> tuple[int, int]:
    rated, crossed = False, shown[1] is not None
    for default in DEFAULTS:
        if default["measure"] != column:
            continue
        value = default["value"]
        for owner in (None, row["patient_id"]):
            standing = [
                x
                for x in limits
                if x["rule"] == default["rule"]
                and x["patient_id"] == owner
                and x["valid_from"] <= row["measured_at"]
                and not (x["withdrawn_at"] and x["withdrawn_at"] <= row["measured_at"])
            ]
            if standing:
                value = max(standing, key=lambda x: (x["valid_from"], x["set_at"]))["value"]
        if value is None:
            continue
        rated = True
        if shown[0] is not None:
            sign = default["comparator"]
            crossed |= sign == "<" and shown[0] < value
            crossed |= sign == ">" and shown[0] > value
            crossed |= sign == ">=" and shown[0] >= value
    return int(rated), int(rated and not crossed)


def _sum(rows: list[tuple[Any, ...]]) -> Summary:
    numbers = [row[1] for row in rows if row[1] is not None]
    _, value, sign, _, _, at = rows[-1]
    return (
        len(rows),
        sum(row[2] == "<" for row in rows),
        sum(row[2] == ">" for row in rows),
        min(numbers, default=None),
        max(numbers, default=None),
        _mean(numbers),
        _mean([row[1] for row in rows if row[1] is not None and 4 <= row[0] < 12]),
        _mean([row[1] for row in rows if row[1] is not None and row[0] >= 16]),
        sum(row[3] for row in rows),
        sum(row[4] for row in rows),
        at,
        value,
        sign,
    )


def _mean(numbers: list[float]) -> float | None:
    return round(sum(numbers) / len(numbers), 9) if numbers else None
