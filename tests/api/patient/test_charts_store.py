"""Charts read in sets, on a real database: the right rows, the right order, fast enough."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from store import charts
from store.queries import load
from store.tenancy import clinic_session
from tests.api.conftest import NOW, Clinic
from tests.api.patient.seed import Home, crowd
from vitals.reading import Comparator, Kind, Measure, Origin


async def everybody(conn: Any, clinic: str = "north", now: datetime = NOW) -> charts.Population:
    month = (
        datetime(2026, 11, 1, 4, tzinfo=NOW.tzinfo),
        datetime(2026, 12, 1, 5, tzinfo=NOW.tzinfo),
    )
    return await charts.population(
        conn, clinic, now=now, since=now - timedelta(days=30), month=month, limit=500
    )


async def test_series_holds_one_patients_readings_of_the_window_in_order(home: Home, conn: Any):
    rosa = await home.patient()
    inside = [home.pressure(NOW - timedelta(days=n), 130 + n, 80) for n in (1, 2, 3)]
    await home.write([*inside, home.pressure(NOW - timedelta(days=9), 200, 100)])
    await home.patient(family="Other")
    await home.write([home.pressure(NOW - timedelta(days=1), 99, 60)])

    rows = await charts.series(conn, "north", rosa, since=NOW - timedelta(days=7), until=NOW)

    assert [row["systolic_mmhg"] for row in rows] == [133, 132, 131]


async def test_readings_come_in_pages_newest_first_with_their_assignment(home: Home, conn: Any):
    rosa = await home.patient()
    await home.write([home.pressure(NOW - timedelta(hours=n), 120 + n, 80) for n in range(7)])
    await home.write([home.weight(NOW, 80)])

    page = await charts.readings_page(conn, "north", rosa, kind="blood_pressure", limit=3, offset=3)

    assert [row["systolic_mmhg"] for row in page.rows] == [123, 124, 125]
    assert page.counts == {"blood_pressure": 7, "weight": 1}
    assert page.rows[0]["assigned_since"].year == 2026
    assert page.rows[0]["raw"][0]["characteristic"] == "2A35"


async def test_an_oximeter_alone_breaks_the_silence(home: Home, conn: Any):
    await home.patient()
    measured = NOW - timedelta(hours=2)
    await home.write(
        [
            home.weight(NOW - timedelta(days=20), 80),
            home.of_kind(Kind.PULSE_OXIMETRY, measured, {Measure.SPO2: 97}),
            home.of_kind(Kind.HEART_RATE, NOW - timedelta(hours=1), {Measure.HEART_RATE: 88}),
        ]
    )
    await home.judge(now=NOW)
    (found,) = (await everybody(conn)).rows
    assert (found["spo2_pct"], found["spo2_at"]) == (97, measured)
    assert (found["temperature_c"], found["weight_kg"]) == (None, 80)
    assert found["last_at"] == NOW - timedelta(hours=1)


async def test_population_has_a_row_for_everybody_the_silent_too(home: Home, conn: Any):
    rosa = await home.patient()
    await home.write(
        [
            home.pressure(NOW - timedelta(days=2), 130, 80),
            home.pressure(NOW - timedelta(days=1), 140, 90),
            home.glucose(NOW - timedelta(days=1), None, Comparator.ABOVE),
            home.weight(NOW - timedelta(days=3), 80),
        ]
    )
    silent = await home.patient(family="Zilent")
    await home.judge(now=NOW)

    found = await everybody(conn)

    first, second = found.rows
    assert (first["id"], second["id"]) == (rosa, silent)
    assert (first["systolic_mmhg"], first["glucose_comparator"], first["weight_kg"]) == (
        140,
        ">",
        80,
    )
    assert first["last_at"] == NOW - timedelta(days=1)
    assert second["last_at"] is None
    assert (len(first["days"]), second["days"]) == (3, [])


async def test_reading_days_are_the_patients_and_automatic(home: Home, conn: Any, admin: Any):
    rosa = await home.patient()
    await admin.execute("UPDATE patient SET zone = 'Pacific/Honolulu'")
    at = datetime(2026, 11, 18, 9, tzinfo=NOW.tzinfo)  # Nov 17, 23:00 in Honolulu
    await home.write(
        [
            home.pressure(at, 130, 80),
            home.pressure(at + timedelta(hours=30), 130, 80, origin=Origin.MANUAL),
            home.undecoded(at - timedelta(days=5)),
        ]
    )
    await home.judge(now=NOW)

    (row,) = (await everybody(conn)).rows

    assert (row["id"], row["days"]) == (rosa, [date(2026, 11, 17)])


async def test_another_clinics_charts_are_empty(
    home: Home,
    conn: Any,
    south: Clinic,
):
    rosa = await home.patient()
    await home.write([home.pressure(NOW - timedelta(days=1), 130, 80)])
    window = {"since": NOW - timedelta(days=7), "until": NOW}

    assert await charts.series(conn, "south", rosa, **window) == []
    assert (await charts.overview(conn, "south", rosa, **window)).series == []
    page = await charts.readings_page(conn, "south", rosa, kind=None, limit=5, offset=0)
    assert (page.rows, page.counts) == ([], {})
    assert await charts.devices_of_patient(conn, "south", rosa) == []
    assert (await everybody(conn, "south")).rows == []


@pytest.fixture
async def full(home: Home) -> list[UUID]:
    """25 patients with 90 days each: 13,500 readings."""
    return await crowd(home)


async def test_charts_are_read_by_the_patients_index(full: list[UUID], conn: Any):
    window = {"since": NOW - timedelta(days=90), "until": NOW}
    assert len(await charts.series(conn, "north", full[7], **window)) > 530
    plan = await plan_of(
        conn, {"patient": full[7], "since": NOW - timedelta(days=30), "until": NOW}
    )
    assert "reading_patient_idx" in plan
    # Chunks outside of the window are not opened: 30 days touch 5 or 6 weeks.
    assert plan.count("_chunk") - plan.count("_chunk_reading_patient_idx") <= 6, plan


async def plan_of(conn: Any, values: dict[str, Any]) -> str:
    async with clinic_session(conn, "north"):
        cur = await conn.execute(f"EXPLAIN {load('charts')['series']}", values)
        return "\n".join(row[0] for row in await cur.fetchall())
