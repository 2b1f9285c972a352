"""What charts.js is given to draw, and the same as a table: units, limits, events, odd values."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from api.charts import chart, daily, further_columns
from api.frames import Bound
from api.story import Reader
from ccm_link.local_time import NoSuchTime, TwoSuchTimes, instant_of, wall_of
from tests.api.patient.test_story import NOW, SI, US, bp, kg, sugar, taken

WINDOW: dict[str, Any] = {"since": NOW - timedelta(days=30), "until": NOW}
NEW_YORK = ZoneInfo("America/New_York")


def panel(drawn: dict[str, Any], title: str) -> dict[str, Any]:
    return next(p for p in drawn["panels"] if p["title"] == title)


def test_panels_are_only_what_was_measured_and_times_are_the_patients():
    drawn = chart([bp(NOW - timedelta(hours=1), 131, 82)], reader=US, **WINDOW)

    assert [p["title"] for p in drawn["panels"]] == ["Blood pressure"]
    assert drawn["panels"][0]["series"][0]["points"] == [["2026-11-20T14:00:00-05:00", 131]]
    assert drawn["to"] == "2026-11-20T15:00:00-05:00"


def test_values_and_limits_are_in_the_readers_units():
    band = [
        Bound(measure="glucose_mg_dl", comparator="<", value=70),
        Bound(measure="glucose_mg_dl", comparator=">", value=180, own=True),
    ]
    readings = [sugar(NOW - timedelta(hours=1), 126), kg(NOW - timedelta(hours=1), 80.04)]

    drawn = chart(readings, reader=SI, bounds=band, **WINDOW)

    glucose = panel(drawn, "Glucose")
    assert glucose["unit"] == "mmol/L"
    assert glucose["series"][0]["points"][0][1] == 7.0
    assert glucose["bands"] == [{"from": 3.9, "to": 10.0, "label": ""}]
    assert [limit["label"] for limit in glucose["limits"]] == ["Limit 3.9", "Limit 10 (own)"]
    assert panel(drawn, "Weight")["series"][0]["points"][0][1] == 80.0


def test_the_inner_limits_are_drawn_and_equal_ones_share_a_line():
    bounds = [
        Bound(measure="systolic_mmhg", comparator=">=", value=140),
        Bound(measure="systolic_mmhg", comparator=">", value=180, severity="critical"),
        Bound(measure="systolic_mmhg", comparator="<", value=90),
        Bound(measure="diastolic_mmhg", comparator=">=", value=90),
    ]

    drawn = chart([bp(NOW - timedelta(hours=1), 131, 82)], reader=US, bounds=bounds, **WINDOW)

    assert panel(drawn, "Blood pressure")["limits"] == [
        {"value": 90, "label": "Systolic 90, Diastolic 90"},
        {"value": 140, "label": "Systolic 140"},
    ]


def test_beyond_the_scale_is_an_event_and_never_a_height():
    at = NOW - timedelta(hours=2)
    readings = [sugar(at, 600, comparator=">"), sugar(NOW - timedelta(hours=1), 120)]
    alert = {"starts_at": at, "last_at": at, "lineage": "glucose.high"}

    drawn = chart(readings, reader=US, **WINDOW)
    told = chart(readings, reader=US, alerts=[alert], **WINDOW)

    assert [value for _, value in panel(drawn, "Glucose")["series"][0]["points"]] == [120]
    assert [event["label"] for event in drawn["events"]] == ["Device says HI"]
    # The alert at that instant says it already.
    assert [event["label"] for event in told["events"]] == ["High glucose"]


def test_an_alert_that_began_before_the_chart_is_shown_where_it_was_seen_last():
    began, last = NOW - timedelta(days=40), NOW - timedelta(hours=3)
    alert = {"starts_at": began, "last_at": last, "lineage": "blood_pressure.high"}
    over = {"starts_at": began, "last_at": began, "lineage": "glucose.high"}

    drawn = chart([bp(last, 181, 102)], reader=US, alerts=[alert, over], **WINDOW)

    assert [event["label"] for event in drawn["events"]] == ["High blood pressure, going on"]


def test_failed_readings_and_those_outside_of_the_window_are_not_drawn():
    readings = [
        bp(NOW - timedelta(hours=1), 131, 82, failed=True),
        bp(NOW - timedelta(days=31), 131, 82),
    ]

    drawn = chart(readings, reader=US, **WINDOW)

    assert drawn["panels"] == []
    assert drawn["summary"] == "No readings in this time."


def test_contacts_are_events_and_say_when_nobody_answered():
    contacts = [
        {"at": NOW - timedelta(days=1), "channel": "phone", "reached": False},
        {"at": NOW - timedelta(days=2), "channel": "video", "reached": True},
    ]

    drawn = chart([], reader=US, contacts=contacts, **WINDOW)

    assert [e["label"] for e in drawn["events"]] == ["Video call", "Call, no answer"]


def test_the_table_has_the_charts_numbers_a_row_a_day():
    readings = [
        bp(NOW - timedelta(hours=1), 131, 82, pulse_per_min=70),
        bp(NOW - timedelta(hours=3), 141, 90, pulse_per_min=74),
        sugar(NOW - timedelta(hours=2), None, comparator="<"),
        kg(NOW - timedelta(days=1), 80.0),
    ]

    today, yesterday = daily(readings, reader=US, **WINDOW)

    assert (today.day, yesterday.day) == (date(2026, 11, 20), date(2026, 11, 19))
    assert (today.pressure, today.pulse) == ("141/90, 131/82", "74, 70")
    assert (today.glucose, today.weight) == ("LO", "")
    assert yesterday.weight == "176.4"


def test_a_day_ends_where_the_patient_lives():
    west = Reader(zone=ZoneInfo("America/Los_Angeles"), glucose_unit="mg/dL", weight_unit="lb")
    at = datetime(2026, 11, 20, 7, 30, tzinfo=UTC)  # 23:30 the evening before in Los Angeles

    (row,) = daily([bp(at, 131, 82)], reader=west, **WINDOW)

    assert row.day == date(2026, 11, 19)


def test_wall_clock_times_become_instants():
    at = instant_of("2026-11-24T09:05", NEW_YORK)

    assert at == datetime(2026, 11, 24, 14, 5, tzinfo=UTC)
    assert wall_of(at, NEW_YORK) == "2026-11-24T09:05"


@pytest.mark.parametrize(
    ("typed", "refusal"),
    [
        ("2026-03-08T02:30", NoSuchTime),
        ("2026-11-01T01:30", TwoSuchTimes),
        ("2026-11-01T01:30-04:00", ValueError),
        ("", ValueError),
    ],
)
def test_a_wall_clock_time_that_is_none_is_refused(typed: str, refusal: type[Exception]):
    with pytest.raises(refusal):
        instant_of(typed, NEW_YORK)


def test_of_two_such_times_the_one_that_was_meant():
    first = instant_of("2026-11-01T01:30", NEW_YORK, second=False)
    second = instant_of("2026-11-01T01:30", NEW_YORK, second=True)

    assert (first.hour, second.hour) == (5, 6)


FURTHER = [
    taken("pulse_oximetry", NOW - timedelta(hours=3), spo2_pct=97, pulse_per_min=61),
    taken("temperature", NOW - timedelta(hours=3), temperature_c=36.44),
    taken("heart_rate", NOW - timedelta(hours=2), heart_rate_per_min=118),
    taken("continuous_glucose", NOW - timedelta(hours=2), sensor_glucose_mg_dl=126),
    taken("continuous_glucose", NOW - timedelta(hours=1), comparator="<"),
    taken("weight", NOW - timedelta(hours=1), weight_kg=80, body_fat_pct=21.5),
    taken("body_composition", NOW - timedelta(minutes=30), body_fat_pct=22),
]


def test_each_further_measurement_has_a_panel_of_its_own():
    drawn = chart(FURTHER, reader=SI, **WINDOW)
    found = {
        p["title"]: (p["unit"], [value for _, value in p["series"][0]["points"]])
        for p in drawn["panels"]
    }
    assert found == {
        "Pulse": ("per min", [61]),
        "Weight": ("kg", [80.0]),
        "Oxygen saturation": ("%", [97]),
        "Temperature": ("°C", [36.4]),
        "Heart rate": ("per min", [118]),
        "Sensor glucose": ("mmol/L", [7.0]),
        "Body fat": ("%", [21.5, 22]),
    }
    assert [event["label"] for event in drawn["events"]] == ["Device says LO"]


def test_the_table_has_a_column_only_for_what_was_measured():
    days = daily(FURTHER, reader=SI, **WINDOW)
    columns = further_columns(days, SI)
    assert [heading for _, heading in columns] == [
        "Oxygen saturation, %",
        "Temperature, °C",
        "Heart rate, per min",
        "Sensor glucose, mmol/L",
        "Body fat, %",
    ]
    assert [days[0].further[place] for place, _ in columns] == [
        "97",
        "36.4",
        "118",
        "7, LO",
        "21.5, 22",
    ]
    assert days[0].pulse == "61"
    assert further_columns(daily([kg(NOW - timedelta(hours=1), 80)], reader=SI, **WINDOW), SI) == []
