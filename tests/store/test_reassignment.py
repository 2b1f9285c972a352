"""A device re-assigned: readings, judgements, alerts and minutes follow whose they really were."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from datetime import timedelta
from uuid import UUID, uuid4

import psycopg
import pytest

from ccm_link import work
from store import fixtures, reassign
from store.batch import write_batch
from store.errors import DataRefused
from store.fixtures import register_clinic, register_patient
from store.rows import NO_SLOT
from tests.store.make import CUFF, NOW, row
from tests.store.reassigning import CRISIS, HOUR, household
from vitals.reading import Certainty, ClockCorrection, Measure, coded

pytestmark = pytest.mark.services

MINUTE = timedelta(minutes=1)


@pytest.fixture
async def house(admin, home, database):
    async with AsyncExitStack() as opened:
        yield await household(admin, database.urls, opened)


async def _worked_on(house, minutes):
    """The nurse claims Ann's alert and works on it; the timer is then paused."""
    (task,) = await house.rows("SELECT id FROM care_task WHERE patient_id = %s", house.ann)
    nurse = work.Actor(id=house.nurse, role="nurse")
    await work.claim(house.api, "north", nurse, task["id"], now=NOW)
    await work.pause(house.api, "north", nurse, task["id"], now=NOW + minutes * MINUTE)


async def test_readings_alert_and_minutes_follow_the_person_who_measured(house):
    await house.measure(60)
    crisis = await house.measure(50, CRISIS)
    await house.measure(1)
    await house.judge()
    await _worked_on(house, 1)

    shown = await reassign.effect(house.api, "north", house.period(52, 48))
    done = await house.give(52, 48)
    await house.judge()

    (loss,) = shown.losses
    assert (loss.patient, loss.name, loss.readings, loss.days) == (house.ann, "Ann Example", 1, 1)
    assert (loss.open_alerts, loss.closed_alerts, loss.entries, loss.seconds) == (1, 0, 1, 60)
    assert done == shown
    assert await house.owners() == [house.ann, house.ben, house.ann]
    (first,) = await house.alerts(house.ann)
    assert first["review_reason"] == "Its readings were found not to be this patient's."
    (second,) = await house.alerts(house.ben)
    assert (second["severity"], second["state"], second["review_reason"]) == (
        "critical",
        "firing",
        None,
    )
    findings = await house.rows("SELECT * FROM finding WHERE reading_id = %s", UUID(crisis))
    standing = {f["patient_id"]: f["withdrawn_reason"] for f in findings}
    assert standing == {house.ann: "reassigned", house.ben: None}
    (entry,) = await house.rows("SELECT review_reason FROM time_entry")
    assert entry["review_reason"].startswith("Spent on readings that were found not to be")


async def test_the_effect_changes_nothing(house):
    await house.measure(50, CRISIS)
    await house.judge()
    before = await house.rows(
        "SELECT (SELECT count(*) FROM audit_event) AS audited, * FROM finding"
    )
    await reassign.effect(house.api, "north", house.period(60))
    assert await house.owners() == [house.ann]
    assert await house.spans() == [(house.ann, 240, None)]
    assert await house.rows("SELECT * FROM pending_evaluation") == []
    after = await house.rows("SELECT (SELECT count(*) FROM audit_event) AS audited, * FROM finding")
    assert after == before


async def test_both_patients_days_wait_to_be_judged_anew(house):
    await house.measure(50)
    await house.judge()
    await house.give(60)
    marks = await house.rows("SELECT patient_id, day FROM pending_evaluation")
    assert {m["patient_id"] for m in marks} == {house.ann, house.ben}
    assert {str(m["day"]) for m in marks} == {"2026-11-18"}


async def test_an_alert_that_keeps_some_of_its_readings_sums_up_those(house):
    await house.measure(51, [*_pressure(165, 90)])
    await house.measure(50, CRISIS)
    await house.measure(49, [*_pressure(166, 90)])
    await house.judge()
    (before,) = await house.alerts(house.ann)
    await house.give(50.5, 49.5)
    (after,) = await house.alerts(house.ann)
    assert (before["severity"], after["severity"]) == ("critical", "warning")
    assert (after["starts_at"], after["last_at"]) == (NOW - 51 * HOUR, NOW - 49 * HOUR)
    assert after["review_reason"].startswith("Some of its readings")


def _pressure(systolic, diastolic):
    return coded(Measure.SYSTOLIC, systolic), coded(Measure.DIASTOLIC, diastolic)


async def test_given_back_all_is_as_it_was(house):
    await house.measure(50, CRISIS)
    await house.judge()
    await house.give(60, 40)
    await house.judge()
    await house.give(60, 40, patient=house.ann)
    await house.judge()
    assert await house.spans() == [(house.ann, 240, None)]
    (alert,) = await house.alerts(house.ann)
    assert (alert["state"], alert["review_reason"]) == ("firing", None)
    (others,) = await house.alerts(house.ben)
    assert others["review_reason"] == "Its readings were found not to be this patient's."
    standing = await house.rows("SELECT patient_id FROM finding WHERE withdrawn_at IS NULL")
    assert [f["patient_id"] for f in standing] == [house.ann]


async def test_a_closed_alert_whose_readings_come_back_asks_for_a_look(house):
    await house.measure(50, CRISIS)
    await house.judge()
    await house.admin.execute("UPDATE alert SET state = 'resolved'")
    await house.give(60, 40)
    shown = await reassign.effect(house.api, "north", house.period(60, 40, patient=house.ann))
    await house.give(60, 40, patient=house.ann)
    (alert,) = await house.alerts(house.ann)
    assert "came back" in alert["review_reason"]
    assert shown.losses[0].patient == house.ben


CUTS = [
    (100, 50, [("ann", 240, 100), ("ben", 100, 50), ("ann", 50, None)]),  # in the middle
    (300, 100, [("ben", 300, 100), ("ann", 100, None)]),  # over its start
    (100, None, [("ann", 240, 100), ("ben", 100, None)]),  # to its end
    (300, None, [("ben", 300, None)]),  # all of it
    (300, 240, [("ben", 300, 240), ("ann", 240, None)]),  # before it
    (240, 100, [("ben", 240, 100), ("ann", 100, None)]),  # from its start
]


async def test_the_first_persons_period_is_cut_where_the_second_begins(house):
    names = {house.ann: "ann", house.ben: "ben"}
    for slot, (since, until, expected) in enumerate(CUTS):
        await house.give(240, patient=house.ann, user_slot=slot)
        await house.give(since, until, user_slot=slot)
        found = [(names[who], a, b) for who, a, b in await house.spans(slot)]
        assert found == expected


async def test_periods_of_one_person_that_meet_become_one(house):
    for since, until in [(200, 150), (100, 50), (150, 100), (180, 20)]:
        await house.give(since, until, user_slot=3)
    assert await house.spans(3) == [(house.ben, 200, 20)]


async def test_readings_name_the_assignment_that_holds_them(house):
    for hours_ago in (200, 75, 10):
        await house.measure(hours_ago)
    await house.give(100, 50)
    held = await house.rows(
        "SELECT a.patient_id = r.patient_id AND a.during @> r.measured_at AS fits FROM reading r"
        " JOIN assignment a ON a.id = r.assignment_id"
    )
    assert [h["fits"] for h in held] == [True, True, True]
    await house.give(100, 50, patient=house.ann)
    (only,) = await house.rows("SELECT DISTINCT assignment_id FROM reading")
    assert [a["id"] for a in await house.rows("SELECT id FROM assignment")] == [
        only["assignment_id"]
    ]


async def test_an_ended_assignment_leaves_later_readings_to_nobody(house):
    await house.measure(50)
    await house.measure(10)
    await house.judge()
    await house.give(20, patient=None)
    await house.measure(5)
    assert await house.owners() == [house.ann, None, None]
    assert await house.spans() == [(house.ann, 240, 20)]


async def test_a_first_assignment_takes_what_waited(house):
    other = "C0:FF:EE:00:00:02"
    await house.measure(50, device=other)
    await house.measure(10, device=other)
    period = reassign.Period(device=other, starts_at=NOW - 60 * HOUR, patient=house.ben)
    done = await reassign.reassign(house.api, "north", period, staff=house.nurse, now=NOW)
    assert [(loss.kind, loss.readings) for loss in done.losses] == [("unassigned", 2)]
    assert await house.owners() == [house.ben, house.ben]


async def test_quarantined_bytes_go_with_the_device_and_are_judged_anew(house):
    await house.poison(50)
    await house.judge()
    assert [a["lineage"] for a in await house.alerts(house.ann)] == ["reading.quarantined"]
    done = await house.give(60, 40)
    await house.judge()
    assert done.losses[0].quarantined == 1
    assert [a["lineage"] for a in await house.alerts(house.ben)] == ["reading.quarantined"]
    (row_,) = await house.rows("SELECT patient_id, judged_at FROM quarantine")
    assert row_["patient_id"] == house.ben
    assert row_["judged_at"] is not None


async def test_what_was_done_is_audited_with_counts_and_without_names(house):
    await house.measure(50, CRISIS)
    await house.judge()
    await house.give(60, 40)
    events = await house.rows(
        "SELECT action, subject, actor, detail FROM audit_event "
        " WHERE action ~ '^(device|readings)' ORDER BY seq"
    )
    told = {e["action"]: e for e in events}
    assert set(told) == {"device.assign", "readings.taken", "readings.given"}
    assert told["readings.taken"]["subject"] == str(house.ann)
    assert told["readings.given"]["subject"] == str(house.ben)
    assert told["device.assign"]["actor"] == str(house.nurse)
    counts = told["device.assign"]["detail"]
    assert (counts["readings"], counts["open_alerts"]) == (1, 1)
    assert "Example" not in str(events)
    assert "191" not in str(told["readings.taken"]["detail"].values())


async def test_nothing_is_done_that_was_not_shown(house):
    await house.measure(50)
    shown = await reassign.effect(house.api, "north", house.period(60, 40))
    await house.measure(45)
    with pytest.raises(reassign.EffectChanged):
        await reassign.reassign(
            house.api,
            "north",
            house.period(60, 40),
            staff=house.nurse,
            now=NOW,
            seen=shown.fingerprint,
        )
    assert await house.owners() == [house.ann, house.ann]
    assert await house.spans() == [(house.ann, 240, None)]


async def test_another_clinic_can_neither_see_nor_take(house):
    await house.measure(50)
    await register_clinic(house.admin, "south", name="South", zone="America/New_York")
    stranger = await register_patient(house.admin, "south", family_name="Else", given_name="Eve")
    mine = house.period(60, patient=stranger)
    assert (await reassign.effect(house.api, "south", mine)).losses == ()
    with pytest.raises(DataRefused):
        await reassign.reassign(house.api, "south", mine, staff=house.nurse, now=NOW)
    with pytest.raises(DataRefused):
        await reassign.reassign(house.api, "north", mine, staff=house.nurse, now=NOW)
    (reading,) = await house.rows("SELECT reading_id FROM reading")
    ids = [reading["reading_id"]]
    decided = await reassign.decide(
        house.api, "south", ids, patient=stranger, staff=house.nurse, now=NOW
    )
    assert (decided, await house.owners()) == (0, [house.ann])
    assert await house.spans() == [(house.ann, 240, None)]


async def test_a_transaction_of_no_clinic_can_do_nothing(house):
    with pytest.raises(psycopg.errors.InvalidParameterValue):
        await house.api.execute(
            "SELECT reassign_readings(%s, -1, tstzrange(now(), NULL), NULL, false, now())", [CUFF]
        )
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        await house.api.execute("SELECT give_readings('{}', '{}', NULL, NULL, now())")


@pytest.mark.parametrize("hours", [0, -5])
async def test_a_period_without_time_is_refused(house, hours):
    with pytest.raises(DataRefused):
        await house.give(10, 10 - hours)
    assert await house.spans() == [(house.ann, 240, None)]


async def test_an_unknown_device_or_patient_is_refused(house):
    unknown = reassign.Period(device="C0:FF:EE:00:00:99", starts_at=NOW, patient=house.ben)
    with pytest.raises(DataRefused):
        await reassign.reassign(house.api, "north", unknown, staff=house.nurse, now=NOW)
    with pytest.raises(DataRefused):
        await house.give(10, patient=uuid4())


# Readings that no period decides -----------------------------------------------------------------


def _doubtful(seconds):
    return ClockCorrection(certainty=Certainty.HOME_ZONE, uncertainty_s=seconds)


async def _held(house):
    """Half an hour off a boundary by a clock that may be two hours wrong."""
    await house.give(100)
    return UUID(await house.measure(99.5, CRISIS, clock=_doubtful(7200.0)))


async def test_a_held_reading_is_whose_a_person_says(house):
    reading = await _held(house)
    assert await house.owners() == [None]
    decided = await reassign.decide(
        house.api, "north", [reading], patient=house.ann, staff=house.nurse, now=NOW
    )
    await house.judge()
    (row_,) = await house.rows("SELECT held, patient_id FROM reading")
    assert (decided, row_) == (1, {"held": False, "patient_id": house.ann})
    assert len(await house.alerts(house.ann)) == 1
    again = await reassign.decide(
        house.api, "north", [reading], patient=house.ben, staff=house.nurse, now=NOW
    )
    assert (again, await house.owners()) == (0, [house.ann])


async def test_a_held_reading_moves_with_the_device_only_if_asked(house):
    await _held(house)
    shown = await reassign.effect(house.api, "north", house.period(120))
    assert (shown.undecided, shown.losses) == (1, ())
    await house.give(120)
    assert await house.owners() == [None]
    await house.give(120, undecided=True)
    (row_,) = await house.rows("SELECT held, patient_id FROM reading")
    assert row_ == {"held": False, "patient_id": house.ben}


async def test_a_reading_set_aside_is_nobodys_until_a_person_asks_for_it(house):
    other = "C0:FF:EE:00:00:02"
    await house.measure(50, device=other)
    seen = reassign.Unassigned(device=other, user_slot=NO_SLOT, until=NOW - 50 * HOUR)
    assert (await reassign.set_aside(house.api, "north", seen, staff=house.nurse, now=NOW)) == 1
    period = reassign.Period(device=other, starts_at=NOW - 60 * HOUR, patient=house.ben)
    await reassign.reassign(house.api, "north", period, staff=house.nurse, now=NOW)
    assert await house.owners() == [None]


async def test_a_time_near_the_new_boundary_is_counted_for_the_person_who_draws_it(house):
    await house.measure(99.5, clock=_doubtful(7200.0))
    shown = await reassign.effect(house.api, "north", house.period(100))
    assert (shown.losses[0].readings, shown.losses[0].uncertain) == (1, 1)


# While the stream goes on ------------------------------------------------------------------------


async def test_readings_that_arrive_meanwhile_are_all_stored_and_rightly_attributed(
    house, database
):
    """Ingest writes while the cuff is handed to and fro; at the end each reading fits."""
    rows = [
        row(n, device_time=(NOW - n * MINUTE).replace(tzinfo=None), measured_at=NOW - n * MINUTE)
        for n in range(400)
    ]

    async def send(part):
        url = database.urls["hl_ingest"]
        async with await psycopg.AsyncConnection.connect(url, autocommit=True) as conn:
            for start in range(0, len(part), 10):
                await write_batch(conn, readings=part[start : start + 10], quarantined=[])

    async def hand_to_and_fro():
        for turn in range(12):
            who = house.ben if turn % 2 == 0 else house.ann
            await house.give(5 - turn / 4, 1, patient=who)

    await asyncio.gather(send(rows[::2]), send(rows[1::2]), hand_to_and_fro())
    (sums,) = await house.rows(
        "SELECT count(*) AS readings, count(*) FILTER (WHERE a.patient_id = r.patient_id"
        " AND a.id = r.assignment_id) AS fitting FROM reading r JOIN assignment a"
        " ON a.device = r.device AND a.during @> r.measured_at"
    )
    assert sums == {"readings": 400, "fitting": 400}
    assert (await fixtures.counts(house.admin, "north"))["unassigned"] == 0


async def test_a_worker_that_judges_meanwhile_leaves_no_alert_on_the_wrong_patient(house):
    for number in range(20):
        await house.measure(50 + number / 100, CRISIS)

    await asyncio.gather(house.judge(), house.give(60, 40))
    await house.judge()
    standing = await house.rows(
        "SELECT DISTINCT patient_id FROM finding WHERE withdrawn_at IS NULL"
    )
    assert [f["patient_id"] for f in standing] == [house.ben]
    assert len(await house.alerts(house.ben)) == 1
