"""What needs no database: which programme, when a timer ends, what a sentence says."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccm_link import ledger
from ccm_link.activities import ACTIVITIES, Activity, countable
from ccm_link.calendar_month import Month
from ccm_link.codes import Programme
from ccm_link.ledger import LEASE_S, MonthPart, StoppedBy, WhyNot, Worked, counted
from ccm_link.programmes import Consented, Enrolled, programme_for, stop_effective_on
from ccm_link.rules import rules_for

CCM, PCM, RPM = Programme.CCM, Programme.PCM, Programme.RPM
DAY = date(2026, 11, 20)
START = datetime(2026, 11, 20, 15, tzinfo=UTC)


def _enrolled(*programmes):
    return [Enrolled(programme=p, starts_on=date(2026, 1, 1)) for p in programmes]


def _consented(*programmes):
    return [Consented(programme=p, starts_on=date(2026, 1, 1)) for p in programmes]


@pytest.mark.parametrize(
    ("enrolled", "consented", "setting", "programme", "counts"),
    [
        ((CCM, RPM), (), CCM, CCM, True),
        ((CCM, RPM), (), RPM, RPM, True),
        ((RPM,), (), CCM, RPM, True),
        ((CCM,), (), RPM, CCM, True),
        ((PCM, RPM), (), CCM, RPM, True),
        ((PCM,), (), CCM, PCM, True),
        ((CCM, RPM), (RPM,), CCM, RPM, True),  # one of them can bill
        ((CCM, RPM), (CCM, RPM), CCM, CCM, True),
        ((), (CCM,), CCM, RPM, False),
        ((), (), RPM, RPM, False),
    ],
)
def test_alert_work_belongs_to_ccm_else_to_monitoring(
    enrolled, consented, setting, programme, counts
):
    choice = programme_for(_enrolled(*enrolled), _consented(*consented), setting, DAY)
    assert (choice.programme, choice.enrolled) == (programme, counts)


def test_an_enrolment_begins_and_ends_by_days():
    enrolled = [Enrolled(programme=CCM, starts_on=DAY, ends_on=DAY + timedelta(days=1))]
    days = [DAY + timedelta(days=n) for n in (-1, 0, 1)]
    assert [programme_for(enrolled, [], CCM, day).enrolled for day in days] == [False, True, False]


def test_a_leap_day_ends_february():
    at = datetime(2028, 2, 29, 12, tzinfo=UTC)
    assert stop_effective_on(at, "America/New_York") == date(2028, 3, 1)


@pytest.mark.parametrize(
    ("proof_s", "now_s", "at_s", "reason"),
    [
        (60, 60 + LEASE_S, 60 + LEASE_S, StoppedBy.PAUSED),
        (60, 61 + LEASE_S, 60, StoppedBy.ABANDONED),
        (0, 1 + LEASE_S, 0, StoppedBy.ABANDONED),
        (0, -5, 0, StoppedBy.PAUSED),
    ],
)
def test_a_timer_ends_now_or_at_its_last_proof(proof_s, now_s, at_s, reason):
    proof = START + timedelta(seconds=proof_s)
    ending = ledger.ending(
        started_at=START,
        last_activity_at=proof,
        lease_ends_at=ledger.lease_until(proof),
        why=StoppedBy.PAUSED,
        now=START + timedelta(seconds=now_s),
    )
    assert (ending.at, ending.stopped_by) == (START + timedelta(seconds=at_s), reason)
    assert ending.measured == (at_s > 0)


def _worked(start, end, programme=CCM, role="clinical_staff", activity="call"):
    return Worked(
        programme=programme,
        role=role,
        activity=activity,
        starts_at=START + timedelta(seconds=start),
        ends_at=START + timedelta(seconds=end),
    )


WINDOW = (START, START + timedelta(hours=1))


def test_staff_and_practitioner_are_separate_tracks_except_in_monitoring():
    work = [_worked(0, 60), _worked(60, 90, role="qhp"), _worked(90, 99, role="non_clinical")]
    assert counted(work, CCM, WINDOW, role="clinical_staff") == 60
    assert counted(work, CCM, WINDOW, role="qhp") == 30
    monitoring = [_worked(0, 60, RPM), _worked(30, 90, RPM, role="qhp")]
    assert counted(monitoring, RPM, WINDOW, role="clinical_staff") == 90


def test_seconds_are_floored_once_at_the_end():
    work = [_worked(0, 0.6), _worked(1, 1.6), _worked(2, 2.9)]
    assert counted(work, CCM, WINDOW) == 2


_spans = st.lists(
    st.tuples(st.integers(0, 50), st.integers(0, 50), st.sampled_from([CCM, PCM, RPM])), max_size=8
)


@given(_spans)
def test_no_second_is_counted_in_two_programmes_and_none_is_lost(spans):
    work = [_worked(min(a, b), max(a, b), p) for a, b, p in spans]
    counts = sum(counted(work, p, WINDOW) for p in (CCM, PCM, RPM))
    covered = {s for a, b, _ in spans for s in range(min(a, b), max(a, b))}
    assert counts == len(covered)


def test_what_never_counts_is_what_the_billing_rules_say():
    never = set(rules_for(Month.parse("2026-11")).never)
    assert {str(a) for a in Activity if not ACTIVITIES[a].countable} == never
    assert set(ACTIVITIES) == set(Activity)
    assert not countable("from_an_old_import")


def test_a_sentence_says_what_is_kept_and_not_counted():
    part = MonthPart(month=date(2026, 11, 1), before_s=100, after_s=130)
    assert ledger.sentence(CCM, 60, [part], None) == (
        "Will count 0:30 to CCM in November 2026 (1:40 becomes 2:10). The rest is counted already."
    )
    for reason, words in [
        (WhyNot.NOT_COUNTABLE, "this activity does not count"),
        (WhyNot.NON_CLINICAL, "your role here is not clinical"),
    ]:
        said = ledger.sentence(CCM, 5999, [part], reason)
        assert said == f"99:59 will be kept and not counted: {words}."
    why = [
        ledger.why_not(enrolled=e, activity=a, role=r)
        for e, a, r in [
            (True, "call", "qhp"),
            (False, "call", "qhp"),
            (True, "training", "qhp"),
            (True, "call", "non_clinical"),
        ]
    ]
    assert why == [None, WhyNot.NOT_ENROLLED, WhyNot.NOT_COUNTABLE, WhyNot.NON_CLINICAL]
