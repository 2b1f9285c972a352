"""What a biller reads, and the lists that they work through."""

from __future__ import annotations

import json
import uuid
from datetime import date
from typing import Any

import pytest

from ccm_link import words
from ccm_link.codes import Reason
from ccm_link.evaluate import evaluate
from ccm_link.explain import CURABLE, FINAL, WITHIN_THE_MONTH, Kind
from ccm_link.facts import decode
from ccm_link.intervals import SECOND, Length
from ccm_link.month import MonthLists, PatientMonth, month_lists
from ccm_link.month_facts import Person, Waiting
from ccm_link.outcome import Advice, Unit
from ccm_link.rules import rules_for
from tests.ccm_link.engine.make import days, enrolled, entry, month, result, rpm_month

TALK = ["2026-03-10T09:05:00-04:00"]


def said(case: dict[str, Any], subject: str, kind: Kind, *, today: date | None = None) -> list[str]:
    found = result(case, today=today).explanations
    return [words.text(e) for e in found if e.subject == subject and e.kind is kind]


def test_why_a_code_bills_names_its_minutes_and_entries() -> None:
    case = month(entry(800), entry(600, "2026-03-12T09:00:00-04:00", name="t2"))
    assert said(case, "99490", Kind.WHY) == [
        "1 unit: 23 min 20 s in 2 entries; threshold met Mar 12, 2026."
    ]


def test_what_is_short_is_said_to_the_second() -> None:
    case = month(entry(1000))
    assert said(case, "99490", Kind.WHY_NOT) == [
        "16 min 40 s counted, 20 min needed: 3 min 20 s short."
    ]
    assert said(case, "99490", Kind.WHAT_NEXT, today=date(2026, 3, 31)) == [
        "3 min 20 s more by Mar 31, 2026 (16 min 40 s of 20 min)."
    ]
    assert said(case, "99490", Kind.IMPOSSIBLE, today=date(2026, 4, 1)) == [
        "Not any more: the month ended Mar 31, 2026, 3 min 20 s short."
    ]


def test_time_behind_a_missing_consent_is_shown_as_waiting() -> None:
    case = month(entry(1400), enrollments=[enrolled(consent=None)])
    assert "No consent is on record before the end of the month." in said(case, "CCM", Kind.WHY_NOT)
    assert said(case, "99490", Kind.WHY_NOT) == [
        "23 min 20 s counted, waiting until the programme may bill."
    ]


@pytest.mark.parametrize(
    ("today", "possible"),
    [("2026-03-28", True), ("2026-03-29", True), ("2026-03-30", False), ("2026-03-31", False)],
)
def test_when_sixteen_days_become_impossible(today: str, possible: bool) -> None:
    """14 days so far, the period ends on the 30th: the 29th and the 30th are the last two."""
    rpm = {"period_starts": ["2026-03-01"], "reading_days": days("2026-03-01", 14)}
    kind = Kind.WHAT_NEXT if possible else Kind.IMPOSSIBLE
    assert len(said(rpm_month(rpm=rpm), "99454", kind, today=date.fromisoformat(today))) == 1


def test_a_day_that_already_has_a_reading_cannot_give_another() -> None:
    rpm = {"period_starts": ["2026-03-01"], "reading_days": [*days("2026-03-01", 13), "2026-03-29"]}
    assert said(rpm_month(rpm=rpm), "99454", Kind.IMPOSSIBLE, today=date(2026, 3, 29))


def test_the_day_after_which_it_is_out_of_reach_is_told_before() -> None:
    """Seven days so far and nine more needed: the last nine days of the period."""
    rpm = {"period_starts": ["2026-03-01"], "reading_days": days("2026-03-01", 7)}
    told = said(rpm_month(rpm=rpm), "99454", Kind.WHAT_NEXT, today=date(2026, 3, 8))
    assert told == [
        "9 more days with a reading by Mar 30, 2026 (7 of 16); out of reach after Mar 22, 2026."
    ]
    assert said(rpm_month(rpm=rpm), "99454", Kind.WHAT_NEXT, today=date(2026, 3, 22)) == told
    (gone,) = said(rpm_month(rpm=rpm), "99454", Kind.IMPOSSIBLE, today=date(2026, 3, 23))
    assert gone.startswith("Not any more: 9 more days with a reading needed by Mar 30, 2026,")
    assert gone.endswith(" and the last chance was Mar 22, 2026.")


def test_one_day_is_one_day() -> None:
    rpm = {"period_starts": ["2026-03-01"], "reading_days": ["2026-03-01"]}
    case = rpm_month(rpm=rpm)
    assert said(case, "99445", Kind.WHAT_NEXT, today=date(2026, 3, 2)) == [
        "1 more day with a reading by Mar 30, 2026 (1 of 2); out of reach after Mar 30, 2026."
    ]
    assert said(case, "99445", Kind.WHY_NOT) == ["1 day with a reading, 2 needed."]
    assert len(said(case, "99454", Kind.WHAT_NEXT, today=date(2026, 3, 2))) == 1


def test_what_only_this_month_can_cure_says_until_when_and_then_that_it_is_over() -> None:
    case = rpm_month(entry(1200, program="RPM"), rpm={})
    assert said(case, "99457", Kind.WHAT_NEXT, today=date(2026, 3, 31)) == [
        "Talk with the patient by phone or video by Mar 31, 2026, and log it."
    ]
    assert said(case, "99457", Kind.IMPOSSIBLE, today=date(2026, 4, 1)) == [
        "Not for this month any more, unless a talk was held in it and not marked as one."
    ]


def test_of_a_track_that_would_win_the_missing_time_is_told() -> None:
    doctor = entry(1500, "2026-03-11T09:00:00-04:00", name="t2", role="qhp", staff="MD1")
    told = said(month(entry(1200), doctor), "99491", Kind.WHAT_NEXT, today=date(2026, 3, 12))
    assert told == ["5 min more by Mar 31, 2026 (25 min of 30 min)."]
    less = month(entry(2400), doctor)  # two units of staff's time come to more than one of 99491
    assert said(less, "99491", Kind.WHAT_NEXT, today=date(2026, 3, 12)) == []


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_has_words(reason: Reason) -> None:
    assert words._WHY_NOT[reason]


def test_every_reason_that_can_be_cured_says_how() -> None:
    assert set(words._WHAT_NEXT) == CURABLE | {"short_seconds", "short_days"}
    gone = {"out_of_reach_seconds", "out_of_reach_days"}
    assert set(words._IMPOSSIBLE) == FINAL | WITHIN_THE_MONTH | gone
    assert not FINAL & CURABLE


def test_work_inside_a_billed_visit_of_the_same_person_is_pointed_out() -> None:
    call = entry(1200, "2026-03-10T09:00:00-04:00")
    visit = entry(
        1200, "2026-03-10T09:15:00-04:00", name="v", activity="face_to_face_em", program="PCM"
    )
    found = "5 min of it lie inside a visit of the same person that is billed on its own: "
    assert said(month(call, visit), "t1", Kind.LOOK) == [found + "take back what is paid there."]
    assert not said(month(call, visit | {"staff": "another"}), "t1", Kind.LOOK)
    assert not said(month(call, visit | {"activity": "training"}), "t1", Kind.LOOK)


@pytest.mark.parametrize("advice", Advice)
def test_every_advice_has_words(advice: Advice) -> None:
    assert words._LOOK[advice]


@pytest.mark.parametrize(
    ("micros", "text"),
    [
        (0, "0 s"),
        (SECOND - 1, "0 s"),
        (59 * SECOND, "59 s"),
        (60 * SECOND, "1 min"),
        (200 * SECOND, "3 min 20 s"),
        (5400 * SECOND, "90 min"),
    ],
)
def test_lengths(micros: int, text: str) -> None:
    assert words.plain(Length(micros)) == text


# Lists -------------------------------------------------------------------------------------------


def patient(name: str, case: dict[str, Any], today: date, **waiting: int) -> PatientMonth:
    facts = decode(json.dumps(case))
    return PatientMonth(
        patient=Person(id=uuid.uuid4(), family_name=name, given_name="P", birth_date=None),
        facts=facts,
        as_of=today,
        result=evaluate(facts, rules_for(facts.month), today=today),
        waiting=Waiting(**waiting),
    )


def lists(today: date, **cases: dict[str, Any]) -> MonthLists:
    return month_lists([patient(name, case, today) for name, case in cases.items()], today=today)


MID = date(2026, 3, 15)


def test_nearly_is_sorted_by_least_effort() -> None:
    found = lists(MID, Far=month(entry(60)), Near=month(entry(1190)), Done=month(entry(2390)))
    near = [(n.month.patient.family_name, n.code, n.missing // SECOND) for n in found.nearly]
    assert near == [("Done", "99439", 10), ("Near", "99490", 10), ("Far", "99490", 1140)]
    assert found.nearly[1].words == ("10 s short",)
    assert [r.month.patient.family_name for r in found.ready] == ["Done"]


def test_a_gate_blocks_and_says_why() -> None:
    found = lists(MID, Bee=month(entry(1200), enrollments=[enrolled(care_plan=False)]))
    assert (found.ready, found.nearly) == ((), ())
    assert found.blocked[0].reasons == (Reason.NO_CARE_PLAN,)
    assert found.blocked[0].words == ("No care plan is on record.",)


def test_a_missing_conversation_is_nearly_there() -> None:
    found = lists(MID, Cee=rpm_month(entry(1200, program="RPM"), rpm={}))
    (item,) = found.nearly
    assert (item.code, item.missing, item.needs_talk) == ("99457", 0, True)
    assert item.words == ("Talk with the patient by phone or video, and log it.",)


def test_minutes_come_before_days() -> None:
    rpm = {"interactive": TALK, "period_starts": ["2026-03-01"], "reading_days": ["2026-03-01"]}
    found = lists(date(2026, 3, 3), Dee=rpm_month(entry(590, program="RPM"), rpm=rpm))
    assert [(n.unit, n.code) for n in found.nearly] == [
        (Unit.SECONDS, "99470"),
        (Unit.DAYS, "99445"),
    ]


def test_after_the_month_what_was_nearly_is_blocked() -> None:
    found = lists(date(2026, 4, 1), Eve=month(entry(1190)))
    assert found.nearly == ()
    assert found.blocked[0].words == ("Not any more: the month ended Mar 31, 2026, 10 s short.",)


def test_time_that_waits_is_told_beside() -> None:
    one = patient("Flo", month(), MID, unconfirmed=240 * SECOND, running=1)
    assert one.waiting_words == ("4 min wait for confirmation", "a timer is running")
