"""The plan of the demo clinic: what it promises must hold in its own numbers, rules unseen."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from gateway.normalise import Provenance, normalise, with_context
from simulator.patients.events import EVENTS, OFFLINE, SILENT, Expected
from simulator.patients.history import DAYS, ordinary
from simulator.patients.people import PEOPLE
from simulator.patients.plan import plan
from simulator.patients.records import GlucoseTaken, PressureTaken, WeightTaken
from vitals.errors import ReadingRejected
from vitals.identity import expected_id
from vitals.plausible import check

NOW = datetime(2026, 11, 24, 15, 0, tzinfo=UTC)
#: Through a day, and the two nights on which clocks change.
MOMENTS = [NOW + timedelta(hours=h) for h in range(0, 24, 8)] + [
    datetime(2026, 3, 8, 7, 30, tzinfo=UTC),
    datetime(2026, 11, 1, 6, 30, tzinfo=UTC),
]
A_DAY, A_WEEK = timedelta(hours=24), timedelta(days=7)


def by_kind(taken, kind):
    return [t for t in taken if isinstance(t, kind)]


def own(person, rule, default):
    return next((limit.value for limit in person.limits if limit.rule == rule), default)


@pytest.fixture(params=MOMENTS, ids=str)
def now(request):
    return request.param


def test_the_same_seed_gives_the_same_clinic_and_another_does_not():
    assert plan(seed=7, now=NOW) == plan(seed=7, now=NOW)
    assert plan(seed=7, now=NOW).homes != plan(seed=8, now=NOW).homes


def test_a_later_look_adds_measurements_and_changes_none():
    person = PEOPLE[0]
    early, late = (ordinary(person, seed=7, now=NOW + timedelta(hours=h)) for h in (0, 13))
    assert late[: len(early)] == early
    assert len(late) > len(early)


def test_the_clinic_has_the_size_and_the_variety_that_pages_need():
    clinic = plan(seed=7, now=NOW)
    assert len({p.key for p in clinic.people}) == 25
    assert 7000 <= clinic.readings <= 9000
    programmes = [frozenset(e.programme for e in p.enrolments) for p in clinic.people]
    assert sum("CCM" in p for p in programmes) == 12
    assert programmes.count(frozenset({"RPM"})) == 8
    assert sum(not p for p in programmes) == 5
    assert any(e.elements is None for p in clinic.people for e in p.enrolments)
    assert any(len(p.conditions) == 1 and "CCM" in str(p.enrolments) for p in clinic.people)


@pytest.mark.parametrize("person", PEOPLE, ids=lambda p: p.key)
def test_ordinary_days_are_within_limits(person, now):
    taken = ordinary(person, seed=7, now=now)
    assert taken
    for found in by_kind(taken, PressureTaken):
        assert 90 <= found.systolic < own(person, "systolic.high", 140), found
        assert 60 <= found.diastolic < own(person, "diastolic.high", 90), found
        assert own(person, "pulse.low", 50) <= found.pulse <= 120, found
    for found in by_kind(taken, GlucoseTaken):
        assert 70 <= found.mg_dl <= own(person, "glucose.high", 180), found
    weights = by_kind(taken, WeightTaken)
    for later in weights:
        for earlier in weights:
            if timedelta() < later.at - earlier.at <= A_WEEK:
                gain = later.kg - earlier.kg
                assert gain < (1.36 if later.at - earlier.at <= A_DAY else 2.27), (earlier, later)


def test_days_go_back_ninety_days_with_gaps_and_weekends(now):
    taken = ordinary(PEOPLE[1], seed=7, now=now)
    days = {t.at.date() for t in taken}
    assert now - timedelta(days=DAYS + 1) <= taken[0].at <= now - timedelta(days=DAYS - 8)
    assert 60 <= len(days) < DAYS
    assert all(t.at <= now for t in taken)


def test_nobody_in_reading_range_of_billing_is_there_by_accident():
    """Most have sixteen days in thirty, and at least one enrolled person has too few."""
    month = NOW - timedelta(days=30)
    days = {
        p.key: len({t.at.date() for t in ordinary(p, seed=7, now=NOW) if t.at > month})
        for p in PEOPLE
        if p.enrolments
    }
    assert sum(count >= 16 for count in days.values()) >= 15
    assert min(days.values()) >= 2


def test_expected_alerts_stand_beside_their_events():
    assert plan(seed=7, now=NOW).expected == plan(seed=1, now=MOMENTS[-1]).expected
    assert len(plan(seed=7, now=NOW).expected) == 13
    assert Expected(patient="DEMO-002", lineage="blood_pressure.high", severity="critical") in (
        plan(seed=7, now=NOW).expected
    )
    assert len({(e.patient, e.lineage) for e in EVENTS}) == len(EVENTS)


def test_events_are_of_the_last_day_but_for_the_backlog(now):
    for event in EVENTS:
        for make in event.taken:
            assert (make(now).at > now - A_DAY) is not event.arrives_late


def test_silence_is_silent(now):
    clinic = plan(seed=7, now=now)
    homes = {home.number: home for home in clinic.homes}
    for silence in (SILENT, OFFLINE):
        newest = max(sent.entry.measured_at for sent in homes[silence.patient].sent)
        assert now - silence.since - timedelta(days=4) < newest <= now - silence.since


def test_bytes_and_clocks_survive_the_gateway(now):
    """What the real gateway makes of every byte is what the journal says; the door refuses one."""
    refused = 0
    for home in plan(seed=7, now=now).homes:
        for sent in home.sent:
            origin = Provenance(
                device=sent.entry.address,
                received_at=sent.received_at,
                zone=ZoneInfo(home.zone),
                offset_s=sent.clock_offset_s,
            )
            reading = normalise(sent.characteristic, bytes.fromhex(sent.entry.raw), origin)
            if sent.entry.context:
                reading = with_context(reading, bytes.fromhex(sent.entry.context))
            assert reading.id == expected_id(reading)
            assert not reading.minted
            assert reading.measured_at == sent.entry.measured_at
            values = {str(v.measure): v.value for v in reading.values if v.value is not None}
            assert values == pytest.approx(sent.entry.values)
            try:
                check(reading, now=now + timedelta(minutes=1))
            except ReadingRejected:
                refused += 1
    assert refused == plan(seed=7, now=now).refused == 1


def test_no_two_measurements_are_one():
    sent = [s.entry for home in plan(seed=7, now=NOW).homes for s in home.sent]
    assert len({(e.address, e.raw) for e in sent}) == len(sent)


def test_one_device_is_nobodys():
    clinic = plan(seed=7, now=NOW)
    assigned = {d.address for home in clinic.homes for d in home.devices}
    strangers = [s for h in clinic.homes for s in h.sent if s.entry.address not in assigned]
    assert len(strangers) == 1
