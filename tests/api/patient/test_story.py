"""The story on tables of readings: numbers, units, zones, too few data, daylight saving."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from api.frames import Bound, frame
from api.story import Reader, Sentence, Tone, Topic, tell
from vitals.reading import Measure

NOW = datetime(2026, 11, 20, 20, tzinfo=UTC)  # 15:00 in New York
EAST = ZoneInfo("America/New_York")
US = Reader(zone=EAST, glucose_unit="mg/dL", weight_unit="lb")
SI = Reader(zone=EAST, glucose_unit="mmol/L", weight_unit="kg")
LIMITS = (
    Bound(measure="systolic_mmhg", comparator=">=", value=140),
    Bound(measure="diastolic_mmhg", comparator=">=", value=90),
    Bound(measure="systolic_mmhg", comparator="<", value=90),
)


def local(day: date, hour: int, minute: int = 0) -> datetime:
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=EAST).astimezone(UTC)


def ago(days: int) -> date:
    return date(2026, 11, 20) - timedelta(days=days)


def taken(kind: str, at: datetime, **values: Any) -> dict[str, Any]:
    row = dict.fromkeys(measure.value for measure in Measure)
    return {
        **row, "kind": kind, "measured_at": at, "comparator": None, "failed": False,
        "origin": "automatic", "flags": [], **values,
    }  # fmt: skip


def bp(at: datetime, systolic: float, diastolic: float, **more: Any) -> dict[str, Any]:
    return taken("blood_pressure", at, systolic_mmhg=systolic, diastolic_mmhg=diastolic, **more)


def sugar(at: datetime, mg_dl: float | None, **more: Any) -> dict[str, Any]:
    return taken("glucose", at, glucose_mg_dl=mg_dl, **more)


def kg(at: datetime, value: float, **more: Any) -> dict[str, Any]:
    return taken("weight", at, weight_kg=value, **more)


def told(readings: list[dict[str, Any]], **more: Any) -> dict[Topic, Sentence]:
    given: dict[str, Any] = {"now": NOW, "days": 7, "reader": US, "bounds": LIMITS, **more}
    made = frame(readings, given["reader"].zone)
    return {sentence.topic: sentence for sentence in tell(made, **given)}


def daily_pressure(days: range, systolic: int, diastolic: int) -> list[dict[str, Any]]:
    return [bp(local(ago(n), 8), systolic, diastolic) for n in days]


def test_average_is_compared_with_the_days_before_and_says_how_many():
    readings = daily_pressure(range(7), 142, 88) + daily_pressure(range(7, 37), 136, 85)

    sentence = told(readings)[Topic.PRESSURE]

    assert sentence.text == (
        "Blood pressure averaged 142/88 mmHg over the last 7 days (7 readings), 6/3 higher than "
        "in the 30 days before (136/85, 30 readings)."
    )
    assert sentence.numbers == {
        "systolic": 142, "diastolic": 88, "count": 7,
        "before_systolic": 136, "before_diastolic": 85, "before_count": 30,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("systolic", "diastolic", "words"),
    [
        (137, 86, "about the same as"),
        (130, 84, "6/1 lower than"),
        (141, 81, "systolic up 5 and diastolic down 4 against"),
    ],
)
def test_a_change_is_worded_by_its_direction(systolic: int, diastolic: int, words: str):
    readings = daily_pressure(range(7), systolic, diastolic)
    readings += daily_pressure(range(7, 37), 136, 85)

    assert words in told(readings)[Topic.PRESSURE].text


def test_too_few_readings_are_said_and_no_average_is_made():
    readings = [bp(local(ago(1), 8), 150, 90), bp(local(ago(1), 9), 151, 90)]

    found = told(readings)

    assert found[Topic.PRESSURE].tone is Tone.FEW
    assert found[Topic.PRESSURE].numbers == {"count": 2, "days": 1}
    assert "Only 2 blood-pressure readings on 1 day" in found[Topic.PRESSURE].text
    assert Topic.PRESSURE_RANGE not in found


def test_none_in_the_window_names_the_last_day():
    found = told(daily_pressure(range(12, 20), 130, 80))

    assert found[Topic.PRESSURE].text == (
        "No blood-pressure reading in the last 7 days; the last was on Nov 8."
    )
    assert found[Topic.SILENCE].numbers == {"days": 12}


def test_a_measure_that_was_never_taken_is_not_mentioned():
    found = told(daily_pressure(range(7), 130, 80))

    assert Topic.GLUCOSE not in found
    assert Topic.WEIGHT not in found


def test_share_within_limits_uses_every_limit_and_its_comparator():
    readings = [
        bp(local(ago(1), 8), 139, 89),
        bp(local(ago(2), 8), 140, 80),  # at the limit is beyond: ">="
        bp(local(ago(3), 8), 120, 90),
        bp(local(ago(4), 8), 89, 60),  # below the lower one
        bp(local(ago(5), 8), 90, 60),
    ]

    sentence = told(readings)[Topic.PRESSURE_RANGE]

    assert sentence.numbers == {"within": 2, "count": 5}
    assert "2 of 5 (40%)" in sentence.text
    assert "systolic 90\N{EN DASH}140, diastolic to 90" in sentence.text


def test_failed_control_and_bounded_values_enter_no_average():
    readings = daily_pressure(range(5), 130, 80)
    readings += [
        bp(local(ago(1), 10), 250, 150, failed=True),
        bp(local(ago(2), 10), 300, 200, comparator=">"),
    ]
    readings += [sugar(local(ago(n), 8), 100) for n in range(5)]
    readings += [sugar(local(ago(1), 9), 400, flags=["control_solution"])]

    found = told(readings)

    assert (found[Topic.PRESSURE].numbers["systolic"], found[Topic.GLUCOSE].numbers["mean"]) == (
        130,
        100,
    )
    # The bounded one is a reading, and it lies beyond.
    assert found[Topic.PRESSURE_RANGE].numbers == {"within": 5, "count": 6}


def test_mornings_and_evenings_are_the_patients():
    west = Reader(zone=ZoneInfo("America/Los_Angeles"), glucose_unit="mg/dL", weight_unit="lb")
    # 13:30 UTC is 8:30 in New York and 5:30 in Los Angeles; 02:00 UTC is 21:00 and 18:00.
    mornings = [bp(datetime(2026, 11, d, 13, 30, tzinfo=UTC), 146, 90) for d in (17, 18, 19)]
    evenings = [bp(datetime(2026, 11, d, 2, tzinfo=UTC), 138, 84) for d in (17, 18, 19)]

    sentence = told(mornings + evenings, reader=west)[Topic.PRESSURE_PARTS]

    assert sentence.numbers == {
        "morning": (146, 90), "evening": (138, 84), "morning_count": 3, "evening_count": 3,
    }  # fmt: skip
    assert sentence.text.endswith("systolic up 8 in the morning.")


def test_two_of_a_part_are_too_few_to_compare():
    readings = daily_pressure(range(5), 140, 85)
    readings += [bp(local(ago(n), 19), 130, 80) for n in (1, 2)]

    assert Topic.PRESSURE_PARTS not in told(readings)


def test_days_are_local_through_the_end_of_daylight_saving():
    """On Nov 1 New York's day has 25 hours; each reading stays on the day its owner lived."""
    now = datetime(2026, 11, 2, 4, 30, tzinfo=UTC)  # Nov 1, 23:30 EST
    readings = [
        bp(datetime(2026, 11, 1, 3, 30, tzinfo=UTC), 130, 80),  # Oct 31, 23:30 EDT
        bp(datetime(2026, 11, 1, 5, 30, tzinfo=UTC), 130, 80),  # Nov 1, 1:30 EDT
        bp(datetime(2026, 11, 1, 6, 30, tzinfo=UTC), 130, 80),  # Nov 1, 1:30 EST
        bp(datetime(2026, 11, 2, 4, 15, tzinfo=UTC), 130, 80),  # Nov 1, 23:15 EST
    ]

    sentence = told(readings, now=now)[Topic.DAYS]

    assert sentence.numbers["days"] == 2
    assert sentence.numbers["missed"] == [date(2026, 10, d) for d in range(26, 31)]


def test_missed_days_are_named_and_today_is_not_over():
    readings = [bp(local(ago(n), 8), 130, 80) for n in (1, 2, 4, 5)]

    sentence = told(readings)[Topic.DAYS]

    assert sentence.text == (
        "Readings came on 4 of the last 7 days; none on Sat, Nov 14 and Tue, Nov 17, "
        "and none yet today."
    )


def test_a_typed_in_reading_makes_no_reading_day():
    readings = [
        *daily_pressure(range(1, 4), 130, 80),
        bp(local(ago(0), 8), 130, 80, origin="manual"),
    ]

    assert told(readings)[Topic.DAYS].numbers["days"] == 3


def test_time_in_range_needs_fourteen_days():
    found = told([sugar(local(ago(n), 8), 120) for n in range(13)])

    assert found[Topic.GLUCOSE_RANGE].tone is Tone.FEW
    assert found[Topic.GLUCOSE_RANGE].numbers == {"days": 13, "count": 13}
    assert "GMI and variation need 14 days" in found[Topic.GLUCOSE_RANGE].text


def test_time_in_range_with_gmi_and_variation():
    values = [154.0] * 16 + [60.0, 200.0, 185.0, 154.0]
    readings = [sugar(local(ago(n), 8), value) for n, value in enumerate(values)]

    numbers = told(readings)[Topic.GLUCOSE_RANGE].numbers

    assert (numbers["tir"], numbers["tbr"], numbers["tar"]) == (85, 5, 10)
    assert numbers["gmi"] == round(3.31 + 0.02392 * (sum(values) / 20), 1)
    assert numbers["cv"] == 16  # standard deviation 25.03 of a mean of 153.15


def test_hi_and_lo_count_beyond_and_are_in_no_mean():
    readings = [sugar(local(ago(n), 8), 100) for n in range(18)]
    readings += [
        sugar(local(ago(1), 9), 600, comparator=">"),
        sugar(local(ago(2), 9), None, comparator="<"),
    ]

    found = told(readings)

    assert found[Topic.GLUCOSE].numbers["mean"] == 100
    assert found[Topic.GLUCOSE_RANGE].numbers["below"] == 1
    assert found[Topic.GLUCOSE_RANGE].numbers["above"] == 1


def test_glucose_in_the_readers_units():
    readings = [sugar(local(ago(n), 8), 154) for n in range(20)]

    found = told(readings, reader=SI)

    assert found[Topic.GLUCOSE].numbers["mean"] == 8.5
    assert "8.5 mmol/L" in found[Topic.GLUCOSE].text
    assert "3.9\N{EN DASH}10.0 mmol/L" in found[Topic.GLUCOSE_RANGE].text
    assert "GMI 53 mmol/mol" in found[Topic.GLUCOSE_RANGE].text


@pytest.mark.parametrize(("reader", "words"), [(US, "4.4 lb more"), (SI, "2.0 kg more")])
def test_weight_is_compared_with_a_day_a_week_before(reader: Reader, words: str):
    readings = [kg(local(ago(7), 7), 80.0), kg(local(ago(3), 7), 81.0), kg(local(ago(0), 7), 82.0)]

    sentence = told(readings, reader=reader)[Topic.WEIGHT]

    assert words in sentence.text
    assert sentence.numbers["before_day"] == ago(7)


def test_weight_without_an_earlier_one_says_so():
    found = told([kg(local(ago(1), 7), 80), kg(local(ago(0), 7), 80.1)])

    assert found[Topic.WEIGHT].text.endswith("there is none from 7 days before to compare.")


def test_a_gain_beyond_the_limit_is_a_warning():
    limit = Bound(measure="weight_gain_kg", comparator=">", value=2.27)
    readings = [kg(local(ago(7), 7), 80.0), kg(local(ago(1), 7), 82.0), kg(local(ago(0), 7), 82.3)]

    assert told(readings, bounds=[limit])[Topic.WEIGHT].tone is Tone.WARNING
    assert told(readings, bounds=[])[Topic.WEIGHT].tone is Tone.PLAIN


def test_a_jump_of_weight_is_doubted_before_it_is_told():
    readings = [kg(local(ago(7), 7), 68.0), kg(local(ago(1), 7), 68.4), kg(local(ago(0), 7), 84.5)]

    sentence = told(readings, reader=SI)[Topic.WEIGHT]

    assert sentence.text == (
        "The last weight, 84.5 kg, is 24% off the one before (68.4 kg): it may be somebody else's."
    )
    assert sentence.tone is Tone.WARNING


def test_nothing_at_all_is_said():
    found = told([])

    assert found[Topic.SILENCE].tone is Tone.WARNING
    assert Topic.DAYS not in found


def test_thirty_days_are_compared_with_thirty_before():
    readings = daily_pressure(range(30), 130, 80) + daily_pressure(range(30, 60), 140, 85)

    numbers = told(readings, days=30)[Topic.PRESSURE].numbers

    assert (numbers["count"], numbers["before_count"]) == (30, 30)
    assert numbers["before_systolic"] == 140


def test_contact_counts_the_tries_since():
    contacts = [
        {"at": NOW - timedelta(days=1), "reached": False, "channel": "phone", "staff_name": "A"},
        {"at": NOW - timedelta(days=2), "reached": False, "channel": "phone", "staff_name": "A"},
        {"at": NOW - timedelta(days=12), "reached": True, "channel": "phone", "staff_name": "B"},
        {"at": NOW - timedelta(days=20), "reached": False, "channel": "phone", "staff_name": "A"},
    ]

    sentence = told([], contacts=contacts)[Topic.CONTACT]

    assert (
        sentence.text == "Last reached 12 days ago by phone, by B; 2 tries since without an answer."
    )
    assert told([])[Topic.CONTACT].text == "Never reached so far."


def test_open_alerts_name_the_most_urgent():
    alerts = [
        {"state": "firing", "severity": "warning", "resolved_at": None},
        {"state": "acknowledged", "severity": "critical", "resolved_at": None},
        {"state": "resolved", "severity": "critical", "resolved_at": NOW - timedelta(days=2)},
        {"state": "resolved", "severity": "critical", "resolved_at": NOW - timedelta(days=20)},
    ]

    sentence = told([], alerts=alerts)[Topic.ALERTS]

    assert sentence.numbers == {"open": 2, "closed": 1}
    assert sentence.tone is Tone.CRITICAL
    assert "the most urgent: act now" in sentence.text
