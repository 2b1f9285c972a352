"""Who keeps a minute is read off the engine's ledger; days split it and lose nothing of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from ccm_link.calendar_month import Month
from ccm_link.codes import Programme, Reason, Role
from ccm_link.evaluate import evaluate
from ccm_link.facts import Consent, Enrollment, Facts, TimeEntry
from ccm_link.intervals import instant, intersect, micros, total, union
from ccm_link.rules import rules_for
from ccm_link.shares import by_day, pool_micros, shares
from tests.ccm_link.engine.make import ALL_ELEMENTS

NEW_YORK = ZoneInfo("America/New_York")
NOVEMBER = Month.parse("2026-11")
FIRST = datetime(2026, 11, 1, 4, tzinfo=UTC)
MINUTE = 60_000_000
AGREED = Consent(at=datetime(2026, 1, 5, tzinfo=UTC), method="verbal", elements=list(ALL_ELEMENTS))
ENROLLED = [
    Enrollment(
        program=programme,
        practitioner="dr",
        qualifying_conditions=2,
        care_plan=True,
        consent=AGREED,
    )
    for programme in (Programme.CCM, Programme.RPM)
]

entries = st.lists(
    st.builds(
        lambda start, length, staff, programme, role: (start, length, staff, programme, role),
        st.integers(0, 240),
        st.integers(1, 40),
        st.sampled_from(["nora", "nils"]),
        st.sampled_from([Programme.CCM, Programme.RPM]),
        st.sampled_from([Role.CLINICAL_STAFF, Role.QHP]),
    ),
    max_size=8,
)


def facts_of(drawn):
    return Facts(
        month=NOVEMBER,
        practice_tz=NEW_YORK,
        billing_practitioner="dr",
        enrollments=ENROLLED,
        time_entries=[
            TimeEntry(
                id=f"e{number}", program=programme, staff=staff, role=role, activity="call",
                start=FIRST + timedelta(minutes=start),
                end=FIRST + timedelta(minutes=start + length),
            )
            for number, (start, length, staff, programme, role) in enumerate(drawn)
        ],
    )  # fmt: skip


@given(entries)
def test_what_an_entry_loses_to_another_is_credited_there(drawn):
    facts = facts_of(drawn)
    result = evaluate(facts, rules_for(NOVEMBER))
    found = shares(facts, result)
    by_id = {entry.id: entry for entry in facts.time_entries}
    everything = [p for share in found.values() for p in share.counted]
    assert total(union(everything)) == sum(end - start for start, end in everything)
    for key, share in found.items():
        entry = by_id[key]
        assert entry.start is not None
        assert entry.end is not None
        own = ((micros(entry.start), micros(entry.end)),)
        for lost in share.lost:
            kept = union(p for other in lost.kept_by for p in found[other].counted)
            if lost.reason is not Reason.DUPLICATE_ENTRY:
                assert total(intersect(own, kept)) >= lost.micros, (key, lost)
            assert key not in lost.kept_by


@given(entries)
def test_a_pool_holds_what_staff_logged_to_the_programme(drawn):
    """In CCM what monitoring does not keep; every role in RPM, staff's alone in CCM."""
    facts, rules = facts_of(drawn), rules_for(NOVEMBER)
    result = evaluate(facts, rules)
    staffs = next(t for t in rules.of_programme(Programme.CCM) if t.code == "99490")
    counting = [e for e in facts.time_entries if e.program is Programme.CCM]
    own = union(
        (micros(e.start), micros(e.end))
        for e in counting
        if e.start and e.end and e.role is Role.CLINICAL_STAFF
    )
    monitoring = union(
        (micros(e.start), micros(e.end))
        for e in facts.time_entries
        if e.start and e.end and e.program is Programme.RPM
    )
    expected = total(own) - total(intersect(own, monitoring))
    billed = {line.code for line in result.billable}
    if "99491" not in billed:  # where the practitioner's track is billed, shared seconds are its
        assert pool_micros(result, staffs) == expected


@given(
    st.integers(0, 72 * 60),
    st.integers(1, 72 * 60),
    st.sampled_from(["America/New_York", "UTC", "Asia/Kathmandu"]),
)
def test_days_split_at_midnight_and_lose_nothing(start, length, zone):
    """Over the night of 1 November, which has twenty-five hours in New York."""
    tz = ZoneInfo(zone)
    begin = micros(datetime(2026, 10, 31, tzinfo=UTC)) + start * MINUTE
    pieces = ((begin, begin + length * MINUTE),)
    days = by_day(pieces, tz)
    assert sum(spent for _, spent in days) == length * MINUTE
    assert [day for day, _ in days] == sorted({day for day, _ in days})
    assert days[0][0] == instant(begin).astimezone(tz).date()
    assert all(0 < spent <= 25 * 60 * MINUTE for _, spent in days)
