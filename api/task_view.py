"""The page of a task as it is read: pure, from `store.worklist.task_detail`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from alerts import rulebook
from alerts.lineage import Lineage
from api import words
from api.auth.viewer import Viewer
from api.units import glucose_in, weight_in
from api.words import Numbers

Row = dict[str, Any]

_EVENTS = {
    "fired": "Opened by the rules",
    "recurred": "Another reading of the same kind",
    "worsened": "It got worse",
    "joined": "A late reading of the same time came in",
    "confirmed": "Confirmed as this patient's",
    "dismissed": "Not this patient's",
    "acknowledged": "Claimed",
    "released": "Given back to the queue",
    "resolved": "Resolved",
    "reopened": "Resolution undone",
    "superseded": "Late data changed what was found",
    "not_needed": "Closed: late data left nothing of it",
    "returned": "Needed after all, after more late data",
    "asked_again": "Asked again, after more late data",
    "reviewed": "Looked at again after a re-assignment",
}
CHANNELS = {
    "phone": "Phone call",
    "video": "Video call",
    "message": "Message",
    "in_person": "In person",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One reading of the alert, from its words down to its bytes."""

    at: datetime
    what: str
    limits: list[str]
    source: str
    severity: str
    late: bool
    withdrawn: str | None
    flags: list[str]
    device: str
    clock: str
    raw: str
    reading_id: str | None
    quarantine_id: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of the protocol, ticked or not."""

    id: str
    text: str
    done: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """One line of the alert's story."""

    at: datetime
    what: str
    who: str


def evidence(findings: list[Row], lineage: str, viewer: Viewer) -> list[Evidence]:
    return [_evidence(row, lineage, viewer) for row in findings]


def _evidence(row: Row, lineage: str, viewer: Viewer) -> Evidence:
    raw = " · ".join(f"{part['characteristic']} {part['hex']}" for part in row["raw"] or [])
    return Evidence(
        at=row["measured_at"],
        what=words.headline(lineage, row["observed"], viewer),
        limits=limit_words(row["limits"], viewer),
        source="; ".join(sorted({bound["source"] for bound in row["limits"]})),
        severity=row["severity"],
        late=row["late"],
        withdrawn=row["withdrawn_reason"] if row["withdrawn_at"] else None,
        flags=[flag.replace("_", " ") for flag in row["flags"] or []],
        device=" ".join(filter(None, [row["model"], row["device"]])) or "not known",
        clock=_clock(row),
        raw=raw,
        reading_id=str(row["reading_id"]) if row["reading_id"] else None,
        quarantine_id=row["quarantine_id"],
    )


def limit_words(limits: Sequence[Numbers], viewer: Viewer) -> list[str]:
    """The worst limit of each measure that a reading met."""
    return [_limit(bound, viewer) for bound in _worst(limits)]


def _limit(bound: Numbers, viewer: Viewer) -> str:
    """Of blood pressure with the measure's name: a cuff has two of them."""
    shown = words.limit(bound, viewer)
    name = words.MEASURES[bound["measure"]]
    return f"{name} {shown}" if bound["measure"].endswith("_mmhg") else shown


def _worst(limits: Sequence[Numbers]) -> list[Numbers]:
    """One per measure: they come with the worst first."""
    first: dict[str, Numbers] = {}
    for bound in limits:
        first.setdefault(bound["measure"], bound)
    return list(first.values())


_CLOCKS = {
    "device_clock": "by the device's clock, corrected by {offset:+.0f} s",
    "home_zone": "by the device's clock in the home's zone; it may be off by an hour",
    "received": "when it arrived: the device had no usable clock",
}


def _clock(row: Row) -> str:
    if row["clock_certainty"] is None:
        return "not known"
    return _CLOCKS[row["clock_certainty"]].format(offset=-(row["clock_offset_s"] or 0.0))


def steps(task: Row, now: datetime) -> list[Step]:
    """The protocol in force, as far as it is ticked; a follow-up has none."""
    if not task["lineage"]:
        return []
    protocol = rulebook.load().protocol(Lineage(task["lineage"]), on=now.date())
    ticked = task["checklist"]
    return [Step(id=s.id, text=s.text, done=s.id in ticked) for s in protocol.steps]


def happenings(events: list[Row]) -> list[Happening]:
    return [
        Happening(
            at=row["at"],
            what=_happened(row),
            who=row["staff_name"] or "",
        )
        for row in events
    ]


def _happened(row: Row) -> str:
    """Who takes a task over says why: the colleague reads it here."""
    detail = row["detail"] or {}
    if row["event"] == "released" and detail.get("taken_from"):
        return f"Taken over: {detail['reason']}"
    return _EVENTS.get(row["event"]) or str(row["event"])


def chart(detail: Row, viewer: Viewer, now: datetime) -> Row | None:
    """For charts.js: the readings of the alert's kind around it, with the limits it crossed."""
    task = detail["task"]
    if not task["lineage"]:
        return None
    subject = task["lineage"].partition(".")[0]
    kind = {"glucose": "glucose", "weight": "weight"}.get(subject, "blood_pressure")
    rows = [row for row in detail["readings"] if row["kind"] == kind]
    if not rows:
        return None
    bounds = _worst(detail["findings"][0]["limits"]) if detail["findings"] else []
    panel = {
        "title": _SUBJECTS.get(subject, "Blood pressure"),
        "unit": _unit(subject, viewer),
        "series": _series(subject, rows, viewer),
        "limits": [_line(x, subject, viewer) for x in bounds if _is_drawn(x, subject)],
        "bands": [],
    }
    return {
        "from": _local(rows[0]["measured_at"], viewer),
        "to": _local(now, viewer),
        "summary": f"{words.kind_of(task['lineage'])}: {len(rows)} readings around the alert",
        "panels": [panel],
        "events": [{"at": _local(task["opened_at"], viewer), "label": "Alert"}],
    }


_SUBJECTS = {"pulse": "Pulse", "glucose": "Glucose", "weight": "Weight"}
_MEASURES = {
    "blood_pressure": ("systolic_mmhg", "diastolic_mmhg"),
    "pulse": ("pulse_per_min",),
    "glucose": ("glucose_mg_dl",),
    "weight": ("weight_kg",),
}


def _series(subject: str, rows: list[Row], viewer: Viewer) -> list[Row]:
    return [
        {
            "name": words.MEASURES[measure],
            "points": [
                [_local(row["measured_at"], viewer), _shown(row[measure], subject, viewer)]
                for row in rows
                if row[measure] is not None
            ],
            "dots": True,
        }
        for measure in _MEASURES[subject if subject in _MEASURES else "blood_pressure"]
    ]


def _is_drawn(bound: Numbers, subject: str) -> bool:
    return bound.get("value") is not None and subject != "weight"


def _line(bound: Numbers, subject: str, viewer: Viewer) -> Row:
    return {
        "value": _shown(bound["value"], subject, viewer),
        "label": f"{words.MEASURES[bound['measure']]} {words.limit(bound, viewer)}",
    }


def _shown(number: float, subject: str, viewer: Viewer) -> float:
    if subject == "glucose":
        return round(glucose_in(number, viewer.glucose_unit), 1)
    if subject == "weight":
        return round(weight_in(number, viewer.weight_unit), 1)
    return round(number, 1)


def _unit(subject: str, viewer: Viewer) -> str:
    return {
        "glucose": viewer.glucose_unit,
        "weight": viewer.weight_unit,
        "pulse": "per min",
    }.get(subject, "mmHg")


def _local(instant: datetime, viewer: Viewer) -> str:
    return instant.astimezone(viewer.zone).isoformat()
