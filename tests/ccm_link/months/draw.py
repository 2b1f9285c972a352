"""Facts of any month, as Hypothesis draws them: every field, in any order and any zone."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from ccm_link.calendar_month import Month
from ccm_link.codes import Programme, Role
from ccm_link.facts import (
    G0506,
    Consent,
    DeviceReading,
    Elsewhere,
    Enrollment,
    Facts,
    Instant,
    OtherClaim,
    Policy,
    Rpm,
    Setup,
    Stay,
    TimeEntry,
)

BEGIN = datetime(2026, 2, 26, tzinfo=UTC)


def zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


zones = st.sampled_from(["America/New_York", "America/Los_Angeles", "UTC", "Asia/Kathmandu"])
places = zones.map(zone)
minutes = st.integers(0, 40 * 24 * 60)
offsets = st.sampled_from([UTC, ZoneInfo("America/New_York"), ZoneInfo("Asia/Kathmandu")])
instants = st.builds(
    lambda at, zone: (BEGIN + timedelta(minutes=at)).astimezone(zone), minutes, offsets
)
dates = st.integers(0, 60).map(lambda n: date(2026, 2, 10) + timedelta(days=n))
people = st.sampled_from(["A", "B", "RN1", "MD1"])
flags = st.booleans()
elements = st.lists(
    st.sampled_from(["availability", "cost_sharing", "one_practitioner", "right_to_stop"]),
    unique=True,
)
consents = st.builds(
    Consent, at=instants, method=st.sampled_from(["verbal", "written"]), elements=elements
)
enrolments = st.builds(
    Enrollment,
    program=st.sampled_from([Programme.CCM, Programme.PCM, Programme.RPM]),
    practitioner=people,
    qualifying_conditions=st.integers(0, 4),
    high_risk_condition=flags,
    care_plan=flags,
    access_24_7=flags,
    new_or_not_seen_12m=flags,
    initiating_visit=st.none() | dates,
    complex_mdm=st.sampled_from([None, "moderate", "high"]),
    consent=st.none() | consents,
    since=st.none() | dates,
    until=st.none() | dates,
)
starts = st.none() | instants | instants.map(lambda at: at.replace(tzinfo=None))
entries = st.builds(
    TimeEntry,
    id=st.uuids().map(str),
    program=st.sampled_from(Programme),
    staff=people,
    role=st.sampled_from(Role),
    activity=st.sampled_from(["care_coordination", "training", "alert_review"]),
    start=starts,
    end=starts,
    minutes=st.none() | st.floats(0, 500),
)
busy = st.builds(
    lambda staff, start, length: Elsewhere(
        staff=staff, start=start, end=start + timedelta(minutes=length)
    ),
    people, instants, st.integers(1, 90),
)  # fmt: skip
stays = st.builds(
    lambda first, length: Stay(from_=first, to=first + timedelta(days=length)),
    dates, st.integers(0, 9),
)  # fmt: skip
claims = st.builds(
    OtherClaim, code=st.sampled_from(["99490", "G0179", "99091", "90951"]), practitioner=people
)
readings = st.builds(
    DeviceReading,
    at=instants.map(lambda at: Instant(at.isoformat())),
    device=st.none() | st.just("cuff"),
    manual=flags,
)
monitoring = st.builds(
    Rpm,
    established_patient=flags,
    fda_device=flags,
    period_starts=st.lists(dates, max_size=3, unique=True),
    reading_days=st.lists(dates, max_size=40, unique=True),
    readings=st.lists(readings, max_size=6),
    setup=st.none() | st.builds(Setup, date=dates, already_billed_this_episode=flags),
    interactive=st.lists(instants, max_size=3),
    qhp_interpretation_seconds=st.integers(0, 4000),
)
policies = st.builds(
    Policy,
    qhp_time_counts_as_staff=flags,
    caps=st.dictionaries(st.sampled_from(["99439", "99458", "99489"]), st.integers(0, 3)),
)
facts = st.builds(
    Facts,
    month=st.sampled_from(["2026-02", "2026-03"]).map(Month.parse),
    practice_tz=places,
    billing_practitioner=people,
    patient_tz=st.none() | places,
    policy=st.just(Policy()) | policies,
    enrollments=st.lists(enrolments, max_size=4),
    time_entries=st.lists(entries, max_size=8, unique_by=lambda entry: entry.id),
    staff_other_patient=st.lists(busy, max_size=3),
    inpatient_stays=st.lists(stays, max_size=2),
    other_claims=st.lists(claims, max_size=3),
    apcm=st.lists(st.sampled_from(["G0556", "G0557", "G0558"]), max_size=1),
    g0506=st.none()
    | st.builds(
        G0506,
        already_billed=flags,
        with_initiating_visit=flags,
        personally_by_billing_practitioner=flags,
    ),
    request_g0511=flags,
    rpm=st.none() | monitoring,
)
