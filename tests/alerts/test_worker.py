"""What a set of judged readings leaves in a real database."""

from __future__ import annotations

from datetime import timedelta

import psycopg
import pytest

from store.alerts import clinics_to_judge
from store.batch import write_batch
from store.limits import effective_limits, limit_history, set_limit, withdraw_limits
from store.rows import QuarantineRow
from tests.alerts.clinics import Clinic, bp, glucose, weight
from tests.alerts.make import NOW
from vitals.clock import utc_now
from vitals.errors import QuarantineReason

pytestmark = pytest.mark.services

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


async def test_normal_readings_open_nothing_and_leave_no_mark(clinic):
    await clinic.send(bp(120, 80), glucose(110), weight(80), weight(80.2, ago_h=20))
    done = await clinic.judge()
    assert (await clinic.alerts(), (await clinic.dump())["waiting"]) == ([], [(0,)])
    assert sum(one.judged for one in done) == 4


async def test_a_crisis_opens_one_alert_with_one_task(clinic):
    (reading,) = await clinic.send(bp(190, 125, ago_h=0.5))
    await clinic.judge()
    alert = await clinic.alert()
    assert (alert["lineage"], alert["state"], alert["severity"]) == (
        "blood_pressure.high",
        "firing",
        "critical",
    )
    assert (alert["episode"], alert["late"], alert["task"]) == (1, False, "open")
    assert alert["starts_at"] == alert["last_at"] == NOW - HOUR / 2
    assert (alert["due_at"], alert["repeat_due_at"]) == (NOW + 15 * MINUTE, NOW + 10 * MINUTE)
    (finding,) = await clinic.rows("SELECT * FROM finding WHERE clinic_id = %(clinic)s")
    assert (finding["reading_id"], finding["alert_id"]) == (reading, alert["id"])
    assert finding["observed"] == {"systolic_mmhg": 190, "diastolic_mmhg": 125}
    assert [limit["rule"] for limit in finding["limits"]][:2] == [
        "systolic.severe",
        "diastolic.severe",
    ]
    assert await clinic.events() == [("fired", "firing")]


async def test_judging_again_changes_nothing(clinic):
    await clinic.send(bp(150, 95), bp(190, 125, ago_h=3), weight(80, ago_h=20), weight(84))
    await clinic.judge()
    before = await clinic.dump()
    await _mark_all_again(clinic)
    (again,) = await clinic.judge(now=NOW + HOUR)
    assert (again.judged, again.findings, again.opened) == (0, {}, {})
    assert await clinic.dump() == before
    assert await clinic.events() == [("fired", "firing"), ("fired", "firing")]


async def _mark_all_again(clinic: Clinic) -> None:
    await clinic.admin.execute(
        "INSERT INTO pending_evaluation (clinic_id, patient_id, day)"
        " SELECT DISTINCT clinic_id, patient_id, measured_at::date FROM reading"
        " WHERE patient_id IS NOT NULL ON CONFLICT DO NOTHING"
    )


async def test_a_recurrence_joins_the_open_alert(clinic):
    await clinic.send(bp(150, 95, ago_h=5))
    await clinic.judge()
    await clinic.send(bp(152, 95))
    await clinic.judge(now=NOW + HOUR)
    alert = await clinic.alert()
    assert (alert["starts_at"], alert["last_at"]) == (NOW - 5 * HOUR, NOW)
    assert alert["due_at"] == NOW + 4 * HOUR
    assert await clinic.events() == [("fired", "firing"), ("recurred", "firing")]


async def test_a_worsening_re_arms_and_wakes_and_keeps_the_assignee(clinic):
    await clinic.send(bp(150, 95, ago_h=5))
    await clinic.judge()
    nurse = await _acknowledge(clinic)
    await clinic.send(bp(150, 95, ago_h=1))
    await clinic.judge()
    assert (await clinic.alert())["state"] == "acknowledged"
    assert (await clinic.alert())["snoozed_until"] is not None
    await clinic.send(bp(185, 95))
    await clinic.judge(now=NOW + HOUR)
    alert = await clinic.alert()
    assert (alert["state"], alert["severity"]) == ("firing", "critical")
    assert (alert["task"], alert["assignee"]) == ("claimed", nurse)
    assert alert["snoozed_reason"] is None
    assert (alert["snoozed_until"], alert["due_at"]) == (None, NOW + HOUR + 15 * MINUTE)
    assert await clinic.events() == [
        ("fired", "firing"),
        ("recurred", "acknowledged"),
        ("worsened", "firing"),
    ]


async def _acknowledge(clinic: Clinic):
    (nurse,) = await clinic.rows(
        "INSERT INTO staff (email, name, password_hash, created_at)"
        " VALUES ('n@example.org', 'N', 'x', now()) RETURNING id"
    )
    await clinic.admin.execute("UPDATE alert SET state = 'acknowledged'")
    await clinic.admin.execute(
        "UPDATE care_task SET state = 'claimed', assignee = %s, snoozed_until = %s,"
        " snoozed_reason = 'later'",
        [nurse["id"], NOW + 10 * HOUR],
    )
    return nurse["id"]


async def test_a_recurrence_after_resolution_is_a_new_episode(clinic):
    await clinic.send(bp(150, 95, ago_h=5))
    await clinic.judge()
    await clinic.resolve()
    await clinic.send(bp(150, 95, ago_h=4.9))
    await clinic.judge()
    first, second = await clinic.alerts()
    assert [first["episode"], second["episode"]] == [1, 2]
    assert [first["state"], second["state"]] == ["resolved", "firing"]
    assert [first["task"], second["task"]] == ["done", "open"]


@pytest.mark.parametrize(
    ("ago_h", "late_h", "systolic", "episodes"),
    [
        (5, 4, 150, 1),  # inside: it was dealt with
        (20, 19, 150, 1),  # within the day before
        (5, 4, 185, 2),  # inside, but worse than what anybody dealt with
        (31.5, 20, 150, 2),  # long before: not yet seen
        (31.5, 30, 150, 2),  # the same from a backlog: a review item
    ],
)
async def test_readings_of_a_time_that_was_dealt_with(clinic, ago_h, late_h, systolic, episodes):
    await clinic.send(bp(150, 95, ago_h=7), bp(150, 95, ago_h=3))
    await clinic.judge()
    await clinic.resolve()
    await clinic.send(bp(systolic, 95, ago_h=ago_h, late_h=late_h))
    await clinic.judge()
    alerts = await clinic.alerts()
    assert [alert["episode"] for alert in alerts] == list(range(1, episodes + 1))
    assert alerts[0]["state"] == "resolved"
    assert (alerts[0]["starts_at"], alerts[0]["last_at"]) == (NOW - 7 * HOUR, NOW - 3 * HOUR)
    last = [("joined", "resolved")] if episodes == 1 else [("fired", "firing")]
    assert (await clinic.events())[1:] == last
    assert len(await clinic.rows("SELECT FROM finding WHERE clinic_id = %(clinic)s")) == 3


async def test_a_backlog_is_a_review_item_until_something_new_happens(clinic):
    await clinic.send(bp(190, 125, ago_h=60, late_h=59))
    await clinic.judge()
    alert = await clinic.alert()
    assert (alert["severity"], alert["late"], alert["repeat_due_at"]) == ("notice", True, None)
    assert alert["due_at"] == NOW + 48 * HOUR
    await clinic.send(bp(150, 95))
    await clinic.judge()
    alert = await clinic.alert()
    assert (alert["severity"], alert["late"]) == ("warning", False)
    assert (alert["starts_at"], alert["due_at"]) == (NOW - 60 * HOUR, NOW + 4 * HOUR)


async def test_a_late_older_weight_makes_a_later_one_a_gain_for_review(clinic):
    (later,) = await clinic.send(weight(82.5, ago_h=48))
    await clinic.judge()
    assert await clinic.alerts() == []
    await clinic.send(weight(80, ago_h=140, late_h=135))
    await clinic.judge()
    alert = await clinic.alert()
    assert (alert["lineage"], alert["late"], alert["last_at"]) == (
        "weight.gain",
        True,
        NOW - 48 * HOUR,
    )
    (finding,) = await clinic.rows("SELECT reading_id FROM finding")
    assert finding["reading_id"] == later


async def test_a_doubtful_weight_asks_first(clinic):
    await clinic.send(weight(80, ago_h=20), weight(90))
    await clinic.judge()
    alert = await clinic.alert()
    assert (alert["lineage"], alert["state"], alert["task"]) == ("weight.whose", "pending", "open")


async def test_control_solution_is_judged_and_finds_nothing(clinic):
    await clinic.send(glucose(40, flags=["control_solution"]))
    (done,) = await clinic.judge()
    assert (done.judged, await clinic.alerts()) == (1, [])


async def test_people_are_apart(clinic):
    await clinic.send(bp(150, 95, person=0), bp(150, 95, person=1), bp(80, 50, person=1))
    await clinic.judge()
    assert [(a["patient_id"], a["lineage"]) for a in await clinic.alerts()] == sorted(
        [
            (clinic.people[0].id, "blood_pressure.high"),
            (clinic.people[1].id, "blood_pressure.high"),
            (clinic.people[1].id, "blood_pressure.low"),
        ]
    )


async def test_limits_are_dated_and_the_patients_stands_over_the_clinics(clinic):
    patient = clinic.people[0].id
    started = NOW - 10 * HOUR
    for whose, value in ((None, 150), (patient, 160)):
        await _set(clinic, whose, value, started)
    effective = await effective_limits(clinic.admin, "north", patient, NOW)
    assert effective["systolic.high"].value == 160
    assert (await effective_limits(clinic.admin, "north", None, NOW))["systolic.high"].value == 150
    assert await effective_limits(clinic.admin, "north", patient, started - MINUTE) == {}
    await clinic.send(bp(155, 80), bp(155, 80, person=1), bp(155, 80, ago_h=11))
    await clinic.judge()
    found = await clinic.rows("SELECT patient_id, measured_at FROM finding ORDER BY measured_at")
    assert [(f["patient_id"], f["measured_at"]) for f in found] == [
        (patient, NOW - 11 * HOUR),
        (clinic.people[1].id, NOW),
    ]
    assert await withdraw_limits(clinic.admin, "north", patient, rule="systolic.high", now=NOW) == 1
    assert (await effective_limits(clinic.admin, "north", patient, NOW))[
        "systolic.high"
    ].value == 150
    (history,) = await limit_history(clinic.admin, "north", patient)
    assert (history["value"], history["reason"], history["withdrawn_at"]) == (160, "why", NOW)


async def _set(clinic, patient, value, started):
    await set_limit(
        clinic.admin,
        "north",
        patient,
        rule="systolic.high",
        value=value,
        ucum="mm[Hg]",
        valid_from=started,
        by=None,
        reason="why",
        now=started,
    )


async def test_a_withdrawn_finding_counts_no_more_and_may_come_back(clinic):
    crisis, _ = await clinic.send(bp(190, 125, ago_h=3), bp(150, 95))
    await clinic.judge()
    await clinic.admin.execute(
        "UPDATE finding SET withdrawn_at = %s, withdrawn_reason = 'moved' WHERE reading_id = %s",
        [NOW, crisis],
    )
    await clinic.admin.execute(
        "UPDATE reading SET patient_id = NULL WHERE reading_id = %s", [crisis]
    )
    await _mark_all_again(clinic)
    await clinic.judge()
    alert = await clinic.alert()
    assert (alert["severity"], alert["starts_at"]) == ("warning", NOW)
    await clinic.admin.execute(
        "UPDATE reading SET patient_id = %s WHERE reading_id = %s", [clinic.people[0].id, crisis]
    )
    await _mark_all_again(clinic)
    await clinic.judge()
    alert = await clinic.alert()
    assert (alert["severity"], alert["starts_at"]) == ("critical", NOW - 3 * HOUR)


async def _quarantine(clinic, payload, device=None, times=1):
    at = utc_now()
    row = QuarantineRow(
        topic="hl/v1/north/gw-1/readings",
        scope="reading",
        payload=payload,
        reason=QuarantineReason.IMPLAUSIBLE,
        detail="weight_kg is outside what a person can have",
        clinic="north",
        gateway="gw-1",
        device=device or clinic.people[0].device,
        measured_at=at,
    )
    async with await psycopg.AsyncConnection.connect(
        clinic._urls["hl_ingest"], autocommit=True
    ) as ingest:
        for _ in range(times):
            await write_batch(ingest, readings=[], quarantined=[row])
    return at


async def test_a_quarantined_value_of_a_known_patient_opens_a_task_once(clinic):
    at = await _quarantine(clinic, b"a", times=2)
    await clinic.judge()
    await _quarantine(clinic, b"a")
    assert await clinic.judge() == []
    alert = await clinic.alert()
    assert (alert["lineage"], alert["severity"], alert["task"]) == (
        "reading.quarantined",
        "warning",
        "open",
    )
    (finding,) = await clinic.rows("SELECT reading_id, quarantine_id, observed FROM finding")
    assert (finding["reading_id"], finding["observed"]) == (None, {"reason": "implausible"})
    (row,) = await clinic.rows("SELECT * FROM quarantine")
    assert (row["id"], row["judged_at"]) == (finding["quarantine_id"], NOW)
    assert (row["device"], row["user_slot"], row["measured_at"]) == (
        clinic.people[0].device,
        -1,
        at,
    )
    await _quarantine(clinic, b"b")
    await clinic.judge()
    assert await clinic.events() == [("fired", "firing"), ("recurred", "firing")]


async def test_a_quarantined_value_that_becomes_anothers_opens_a_task_for_them(clinic):
    await _quarantine(clinic, b"a")
    await clinic.judge()
    await clinic.admin.execute("UPDATE finding SET withdrawn_at = now()")
    other = clinic.people[1].id
    await clinic.admin.execute("UPDATE quarantine SET patient_id = %s, judged_at = NULL", [other])
    await clinic.judge()
    assert {a["patient_id"] for a in await clinic.alerts()} == {clinic.people[0].id, other}
    await clinic.admin.execute("UPDATE quarantine SET judged_at = NULL")
    await clinic.judge()
    assert len(await clinic.rows("SELECT FROM finding")) == 2


async def test_a_quarantined_value_of_nobody_waits_for_nobody(clinic):
    await _quarantine(clinic, b"a", device="C0:FF:EE:00:99:99")
    async with await clinic.worker() as conn:
        assert await clinics_to_judge(conn) == []


async def test_a_value_that_was_replayed_meanwhile_opens_nothing(clinic):
    await _quarantine(clinic, b"a")
    await clinic.admin.execute("UPDATE quarantine SET state = 'replayed'")
    await clinic.judge()
    assert await clinic.alerts() == []
    assert await clinic.rows("SELECT FROM quarantine WHERE judged_at IS NULL") == []


async def test_a_worker_sees_nothing_of_another_clinic(clinic, database, admin):
    south = await Clinic("south", database, admin).open(people=1)
    await clinic.send(bp(190, 125))
    await south.send(bp(190, 125))
    async with await clinic.worker() as conn:
        assert await clinics_to_judge(conn) == ["north", "south"]
    await clinic.judge()
    assert (len(await clinic.alerts()), await south.alerts()) == (1, [])
    tables = ["alert", "finding", "alert_event", "care_task", "judgement", "clinical_limit"]
    async with await clinic.worker() as conn:
        await conn.execute("SELECT set_config('hearthline.clinic', 'south', false)")
        for table in tables:
            cur = await conn.execute(f"SELECT count(*) FROM {table}")  # noqa: S608
            assert await cur.fetchone() == (0,), table
        await conn.execute("SELECT set_config('hearthline.clinic', 'north', false)")
        cur = await conn.execute("SELECT count(*) FROM alert")
        assert await cur.fetchone() == (1,)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            await conn.execute("DELETE FROM alert")
