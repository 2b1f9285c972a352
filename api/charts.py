"""Charts and their tables from readings. Pure: rows in, what charts.js draws out.

Every panel shares one time axis, in the patient's zone. A value beyond what the device can show
has no height: it is an event on the axis, never a made-up number.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby
from typing import Any

from api.frames import Bound, usable
from api.story import Reader
from api.units import glucose_in, number, weight_in
from api.vocabulary import CHANNELS
from api.words import kind_of

Row = Mapping[str, Any]
_MMHG = "mmHg"
#: Measurements without limits, and what each is called, in the order in which they are drawn.
FURTHER = {
    "spo2_pct": "Oxygen saturation",
    "temperature_c": "Temperature",
    "heart_rate_per_min": "Heart rate",
    "sensor_glucose_mg_dl": "Sensor glucose",
    "body_fat_pct": "Body fat",
}
_UNITS = {
    "spo2_pct": "%",
    "temperature_c": "°C",
    "heart_rate_per_min": "per min",
    "body_fat_pct": "%",
}
_GLUCOSE = {"glucose_mg_dl", "sensor_glucose_mg_dl"}
_TENTHS = {"temperature_c", "body_fat_pct"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """One day's readings as words, a cell per measurement."""

    day: date
    pressure: str
    pulse: str
    glucose: str
    weight: str
    further: tuple[str, ...]  # of FURTHER, in its order


def chart(  # noqa: PLR0913 -- everything that is drawn
    readings: Sequence[Row],
    *,
    since: datetime,
    until: datetime,
    reader: Reader,
    bounds: Sequence[Bound] = (),
    alerts: Sequence[Row] = (),
    contacts: Sequence[Row] = (),
) -> dict[str, Any]:
    """Panels only for what was measured; none: an empty list."""
    drawn = [r for r in readings if usable(r) and since <= r["measured_at"] < until]
    panels = [
        _pressure(drawn, reader, bounds),
        _pulse(drawn, reader, bounds),
        _glucose(drawn, reader, bounds),
        _weight(drawn, reader),
        *(_plain(drawn, reader, measure) for measure in FURTHER),
    ]
    panels = [panel for panel in panels if any(series["points"] for series in panel["series"])]
    events = sorted(_events(drawn, alerts, contacts, reader, since, until), key=lambda e: e["at"])
    return {
        "from": _iso(since, reader),
        "to": _iso(until, reader),
        "summary": _summary(panels, len(events)),
        "panels": panels,
        "events": events,
    }


def _pressure(readings: Sequence[Row], reader: Reader, bounds: Sequence[Bound]) -> dict[str, Any]:
    own = [b for b in bounds if b.measure in {"systolic_mmhg", "diastolic_mmhg"}]
    return {
        "title": "Blood pressure",
        "unit": _MMHG,
        "series": [
            {"name": "Systolic", "points": _points(readings, "systolic_mmhg", reader)},
            {"name": "Diastolic", "points": _points(readings, "diastolic_mmhg", reader)},
        ],
        "limits": _merged(
            [
                *_limits([b for b in own if b.measure == "systolic_mmhg"], "Systolic"),
                *_limits([b for b in own if b.measure == "diastolic_mmhg"], "Diastolic"),
            ]
        ),
        "bands": [
            *_band([b for b in own if b.measure == "systolic_mmhg"]),
            *_band([b for b in own if b.measure == "diastolic_mmhg"]),
        ],
    }


def _pulse(readings: Sequence[Row], reader: Reader, bounds: Sequence[Bound]) -> dict[str, Any]:
    own = [b for b in bounds if b.measure == "pulse_per_min"]
    return {
        "title": "Pulse",
        "unit": "per min",
        "series": [{"name": "Pulse", "points": _points(readings, "pulse_per_min", reader)}],
        "limits": _limits(own, "Limit"),
        "bands": _band(own),
    }


def _glucose(readings: Sequence[Row], reader: Reader, bounds: Sequence[Bound]) -> dict[str, Any]:
    own = [_in_units(b, reader) for b in bounds if b.measure == "glucose_mg_dl"]
    return {
        "title": "Glucose",
        "unit": reader.glucose_unit,
        "series": [
            {"name": "Glucose", "points": _points(readings, "glucose_mg_dl", reader), "dots": True}
        ],
        "limits": _limits(own, "Limit"),
        "bands": _band(own),
    }


def _weight(readings: Sequence[Row], reader: Reader) -> dict[str, Any]:
    return {
        "title": "Weight",
        "unit": reader.weight_unit,
        "series": [{"name": "Weight", "points": _points(readings, "weight_kg", reader)}],
    }


def _plain(readings: Sequence[Row], reader: Reader, measure: str) -> dict[str, Any]:
    """A panel of one measurement that no limit is set on."""
    title = FURTHER[measure]
    return {
        "title": title,
        "unit": unit_of(measure, reader),
        "series": [{"name": title, "points": _points(readings, measure, reader)}],
    }


def unit_of(measure: str, reader: Reader) -> str:
    return reader.glucose_unit if measure in _GLUCOSE else _UNITS[measure]


def _points(readings: Sequence[Row], measure: str, reader: Reader) -> list[list[Any]]:
    return [
        [_iso(r["measured_at"], reader), shown(measure, r[measure], reader)]
        for r in readings
        if r[measure] is not None and not r["comparator"]
    ]


def shown(measure: str, value: float, reader: Reader) -> float:
    """A stored number in the reader's unit, as exact as the unit is read."""
    if measure in _GLUCOSE:
        in_unit = glucose_in(value, reader.glucose_unit)
        return round(in_unit) if reader.glucose_unit == "mg/dL" else round(in_unit, 1)
    if measure == "weight_kg":
        return round(weight_in(value, reader.weight_unit), 1)
    return round(value, 1) if measure in _TENTHS else round(value)


def _in_units(bound: Bound, reader: Reader) -> Bound:
    return Bound(
        measure=bound.measure,
        comparator=bound.comparator,
        value=shown(bound.measure, bound.value, reader),
        severity=bound.severity,
        own=bound.own,
    )


def _limits(bounds: Iterable[Bound], name: str) -> list[dict[str, Any]]:
    """Both ends of what is unremarkable; the severe ones would only flatten the curve."""
    return [
        {"value": bound.value, "label": f"{name} {bound.value:g}{' (own)' if bound.own else ''}"}
        for bound in _ends(list(bounds))
    ]


def _merged(limits: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """One line where two limits have the same height, with both labels."""
    labels: dict[float, list[str]] = {}
    for limit in limits:
        labels.setdefault(limit["value"], []).append(limit["label"])
    return [{"value": value, "label": ", ".join(names)} for value, names in labels.items()]


def _ends(bounds: Sequence[Bound]) -> list[Bound]:
    lower = [b for b in bounds if b.is_lower]
    upper = [b for b in bounds if not b.is_lower]
    ends = [max(lower, key=lambda b: b.value)] if lower else []
    return ends + ([min(upper, key=lambda b: b.value)] if upper else [])


def _band(bounds: Sequence[Bound]) -> list[dict[str, Any]]:
    ends = _ends(bounds)
    if len(ends) != 2:  # noqa: PLR2004 -- a band has two ends
        return []
    return [{"from": ends[0].value, "to": ends[1].value, "label": ""}]


def _events(
    readings: Sequence[Row],
    alerts: Sequence[Row],
    contacts: Sequence[Row],
    reader: Reader,
    since: datetime,
    until: datetime,
) -> list[dict[str, str]]:
    told = {a["starts_at"] for a in alerts}
    found = [
        (r["measured_at"], beyond(r))
        for r in readings
        if r["comparator"] and r["measured_at"] not in told
    ]
    found += [_seen(alert, since) for alert in alerts]
    found += [
        (c["at"], CHANNELS[c["channel"]] + ("" if c["reached"] else ", no answer"))
        for c in contacts
    ]
    return [{"at": _iso(at, reader), "label": label} for at, label in found if since <= at < until]


def _seen(alert: Row, since: datetime) -> tuple[datetime, str]:
    """Where it began; what began before the chart and went on in it, where it was seen last."""
    kind = kind_of(alert["lineage"])
    if alert["starts_at"] < since <= alert["last_at"]:
        return alert["last_at"], f"{kind}, going on"
    return alert["starts_at"], kind


def beyond(reading: Row) -> str:
    """'HI' or 'LO', as the device said it."""
    return "Device says HI" if reading["comparator"] == ">" else "Device says LO"


def _summary(panels: Sequence[dict[str, Any]], events: int) -> str:
    counts = [f"{len(p['series'][0]['points'])} of {p['title'].lower()}" for p in panels]
    if not counts:
        return "No readings in this time."
    return f"Readings over time: {', '.join(counts)}; {events} events. The table has the numbers."


def _iso(at: datetime, reader: Reader) -> str:
    return at.astimezone(reader.zone).isoformat(timespec="seconds")


def daily(
    readings: Sequence[Row], *, since: datetime, until: datetime, reader: Reader
) -> list[Day]:
    """The chart's numbers as a table: a row a day, the newest first."""
    own = [r for r in readings if usable(r) and since <= r["measured_at"] < until]

    def of(reading: Row) -> date:
        return _instant(reading).astimezone(reader.zone).date()

    days = [(day, list(rows)) for day, rows in groupby(sorted(own, key=_instant), key=of)]
    return [_day(day, rows, reader) for day, rows in reversed(days)]


def further_columns(days: Sequence[Day], reader: Reader) -> list[tuple[int, str]]:
    """The place in `Day.further` and the heading of each that any of these days has."""
    return [
        (place, f"{title}, {unit_of(measure, reader)}")
        for place, (measure, title) in enumerate(FURTHER.items())
        if any(day.further[place] for day in days)
    ]


def _instant(reading: Row) -> datetime:
    at: datetime = reading["measured_at"]
    return at


def _day(day: date, rows: Sequence[Row], reader: Reader) -> Day:
    pressures = [r for r in rows if r["kind"] == "blood_pressure"]
    return Day(
        day=day,
        pressure=", ".join(pressure_words(r) for r in pressures),
        pulse=_cell(rows, "pulse_per_min", reader),
        glucose=_cell(rows, "glucose_mg_dl", reader),
        weight=_cell(rows, "weight_kg", reader),
        further=tuple(_cell(rows, measure, reader) for measure in FURTHER),
    )


def pressure_words(reading: Row) -> str:
    if reading["comparator"]:
        return beyond(reading)
    parts = (reading["systolic_mmhg"], reading["diastolic_mmhg"])
    return "/".join(number(part) for part in parts)


_KINDS = {
    "pulse_per_min": ("blood_pressure", "pulse_oximetry"),
    "glucose_mg_dl": ("glucose",),
    "weight_kg": ("weight",),
    "spo2_pct": ("pulse_oximetry",),
    "temperature_c": ("temperature",),
    "heart_rate_per_min": ("heart_rate",),
    "sensor_glucose_mg_dl": ("continuous_glucose",),
    "body_fat_pct": ("weight", "body_composition"),
}


def _cell(rows: Sequence[Row], measure: str, reader: Reader) -> str:
    words = []
    for row in rows:
        if row["kind"] not in _KINDS[measure]:
            continue
        if row["comparator"] and measure in _GLUCOSE:
            words.append("HI" if row["comparator"] == ">" else "LO")
        elif row[measure] is not None:
            words.append(f"{shown(measure, row[measure], reader):g}")
    return ", ".join(words)
