"""One patient: what changed, the charts, the readings, the alerts, the devices.

Every page here is a chart that somebody read, and says so in the audit trail.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from fastapi import APIRouter
from fastapi.responses import Response

from alerts.outcomes import ALL_LABELS
from api import words
from api.bounds import bounds_of
from api.charts import chart, daily, further_columns
from api.errors import NotFound
from api.frames import frame
from api.page import ChartPage
from api.patient_view import PatientHeader, header_of
from api.reading_view import readings_of
from api.story import Reader, Sentence, Topic, tell
from api.vocabulary import KINDS
from store import charts
from store.charts import Header

router = APIRouter()

RANGES = (7, 30, 90)  # days that a chart can show
SHORT, LONG = 7, 30  # days that the story tells of
HISTORY = timedelta(days=91)  # of readings that the first page reads
READINGS_A_PAGE, MOST_ALERTS = 50, 200

_AROUND = (Topic.ALERTS, Topic.SILENCE, Topic.CONTACT)
#: Named by a window of its own, so it is told once.
_ONCE = (Topic.GLUCOSE_RANGE,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """A patient whose chart is open, and what the header was made of."""

    header: PatientHeader
    found: Header
    reader: Reader


async def opened(page: ChartPage, patient_id: UUID, tab: str) -> Chart:
    """The header; opening it is audited. Another clinic's patient is not there."""
    found = await charts.header(page.conn, page.clinic, patient_id, now=page.now)
    if found is None:
        raise NotFound
    await page.audit("chart.read", patient_id, tab=tab)
    header = header_of(found, page.now, page.viewer.zone)
    reader = Reader(
        zone=header.zone,
        glucose_unit=page.viewer.glucose_unit,
        weight_unit=page.viewer.weight_unit,
    )
    return Chart(header=header, found=found, reader=reader)


_TABS = (
    ("Overview", ""),
    ("Readings", "/readings"),
    ("Alerts", "/alerts"),
    ("Time", "/time"),
    ("Plan", "/plan"),
    ("Billing facts", "/billing"),
    ("Devices", "/devices"),
)


def framed(page: ChartPage, opened_chart: Chart, tab: str) -> dict[str, Any]:
    """What every page of a chart shows around its own part."""
    base = f"/patients/{opened_chart.header.id}"
    current = "" if tab == "overview" else f"/{tab}"
    return {
        "patient": opened_chart.header,
        "base": base,
        "tabs": [
            {"label": label, "href": f"{base}{path}", "current": path == current}
            for label, path in _TABS
        ],
        "may_act": page.viewer.role in {"nurse", "provider"},
    }


@router.get("/patients/{patient_id}")
async def overview(page: ChartPage, patient_id: UUID, days: int = LONG) -> Response:
    days = days if days in RANGES else LONG
    own = await opened(page, patient_id, "overview")
    bounds = await bounds_of(page.conn, page.clinic, patient_id, page.now)
    found = await charts.overview(
        page.conn, page.clinic, patient_id, since=page.now - HISTORY, until=page.now
    )
    told: dict[str, Any] = {"now": page.now, "reader": own.reader, "bounds": bounds}
    told |= {"alerts": found.alerts, "contacts": found.contacts}
    readings_frame = frame(found.series, own.reader.zone)
    short, long = (tell(readings_frame, days=n, **told) for n in (SHORT, LONG))
    window: dict[str, Any] = {
        "since": page.now - timedelta(days=days),
        "until": page.now,
        "reader": own.reader,
    }
    by_day = daily(found.series, **window)
    return await page.html(
        "patient/overview.html",
        **framed(page, own, "overview"),
        around=[s for s in short if s.topic in _AROUND],
        stories=[
            (SHORT, _measured(short, without=_ONCE)),
            (LONG, _measured(long)),
        ],
        chart=chart(
            found.series, bounds=bounds, alerts=found.alerts, contacts=found.contacts, **window
        ),
        daily=by_day,
        further=further_columns(by_day, own.reader),
        days=days,
        ranges=RANGES,
    )


def _measured(told: list[Sentence], *, without: tuple[Topic, ...] = ()) -> list[Sentence]:
    return [s for s in told if s.topic not in {*_AROUND, *without}]


@router.get("/patients/{patient_id}/readings")
async def readings(page: ChartPage, patient_id: UUID, kind: str = "", part: int = 1) -> Response:
    own = await opened(page, patient_id, "readings")
    chosen = kind if kind in KINDS else None
    part = max(part, 1)
    found = await charts.readings_page(
        page.conn,
        page.clinic,
        patient_id,
        kind=chosen,
        limit=READINGS_A_PAGE,
        offset=(part - 1) * READINGS_A_PAGE,
    )
    total = found.counts.get(chosen, 0) if chosen else sum(found.counts.values())
    return await page.html(
        "patient/readings.html",
        **framed(page, own, "readings"),
        rows=readings_of(found.rows, own.reader),
        kinds=_kinds(found.counts, chosen, patient_id),
        kind=chosen or "",
        part=part,
        first=(part - 1) * READINGS_A_PAGE + 1,
        total=total,
        more=part * READINGS_A_PAGE < total,
        reading_zone=own.reader.zone,
    )


def _kinds(counts: dict[str, int], chosen: str | None, patient: UUID) -> list[dict[str, Any]]:
    base = f"/patients/{patient}/readings"
    every = {"label": "All", "href": base, "current": chosen is None, "count": sum(counts.values())}
    return [every] + [
        {
            "label": label,
            "href": f"{base}?kind={name}",
            "current": name == chosen,
            "count": counts[name],
        }
        for name, label in KINDS.items()
        if name in counts
    ]


@router.get("/patients/{patient_id}/alerts")
async def alerts(page: ChartPage, patient_id: UUID) -> Response:
    own = await opened(page, patient_id, "alerts")
    rows, total = await charts.alerts_of_patient(
        page.conn, page.clinic, patient_id, limit=MOST_ALERTS
    )
    for row in rows:
        row["words"] = words.kind_of(row["lineage"])
        row["what"] = (
            words.headline(row["lineage"], row["observed"], page.viewer) if row["observed"] else ""
        )
    return await page.html(
        "patient/alerts.html",
        **framed(page, own, "alerts"),
        rows=rows,
        total=total,
        outcomes=ALL_LABELS,
    )


@router.get("/patients/{patient_id}/devices")
async def devices(page: ChartPage, patient_id: UUID) -> Response:
    own = await opened(page, patient_id, "devices")
    rows = await charts.devices_of_patient(page.conn, page.clinic, patient_id)
    return await page.html(
        "patient/devices.html",
        **framed(page, own, "devices"),
        rows=rows,
        kinds=KINDS,
        reading_zone=own.reader.zone,
    )
