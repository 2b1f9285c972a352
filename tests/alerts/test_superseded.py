"""Late data changes what findings rest on: what stands is what rules say of all that is known."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from alerts.superseded import NOTHING_LEFT, SOME_LEFT
from store.limits import set_limit
from tests.alerts.clinics import bp, weight
from tests.alerts.make import NOW

pytestmark = pytest.mark.services
EARLIER, BETWEEN, HEAVY = weight(81.2, ago_h=330), weight(81.0, ago_h=300), weight(97.0, ago_h=296)


async def _gained(clinic) -> None:
    """16 kg in a day and a half: a gain, as long as nothing lies between."""
    await clinic.send(EARLIER, HEAVY)
    await clinic.judge()
    assert (await clinic.alert())["lineage"] == "weight.gain"


async def _alerts(clinic) -> dict[str, dict[str, Any]]:
    return {alert["lineage"]: alert for alert in await clinic.alerts()}


async def _story(clinic, lineage: str) -> list[tuple[str, str, str]]:
    rows = await clinic.rows(
        "SELECT e.event, e.state, e.actor FROM alert_event e JOIN alert a ON a.id = e.alert_id"
        " WHERE a.clinic_id = %(clinic)s AND a.lineage = %(lineage)s ORDER BY e.seq",
        lineage=lineage,
    )
    return [tuple(row.values()) for row in rows]


async def _give(clinic, reading, patient) -> None:
    """As a re-assignment moves it and marks its day, without what that does to alerts."""
    await clinic.admin.execute(
        "UPDATE reading SET patient_id = %s WHERE reading_id = %s", [patient, reading]
    )
    await clinic.admin.execute(
        "INSERT INTO pending_evaluation (clinic_id, patient_id, day)"
        " SELECT clinic_id, %s, measured_at::date FROM reading WHERE reading_id = %s",
        [clinic.people[0].id, reading],
    )


async def test_what_nobody_acted_on_is_closed_when_a_late_weight_explains_it(clinic):
    await _gained(clinic)
    await clinic.send(BETWEEN)
    await clinic.judge(now=NOW + timedelta(hours=1))
    alerts = await _alerts(clinic)
    gain, whose = alerts["weight.gain"], alerts["weight.whose"]
    assert (whose["state"], whose["task"]) == ("pending", "open")
    assert (gain["state"], gain["outcome"], gain["resolved_by"]) == ("resolved", None, None)
    assert (gain["resolved_at"], gain["review_reason"]) == (NOW + timedelta(hours=1), None)
    tasks = await clinic.rows(
        "SELECT outcome, done_by FROM care_task WHERE alert_id = %(alert)s", alert=gain["id"]
    )
    assert tasks == [{"outcome": "not_needed", "done_by": None}]
    findings = await clinic.rows("SELECT lineage, withdrawn_reason FROM finding ORDER BY lineage")
    assert [tuple(row.values()) for row in findings] == [
        ("weight.gain", "superseded by late data"),
        ("weight.whose", None),
    ]
    assert await _story(clinic, "weight.gain") == [
        ("fired", "firing", "rules"),
        ("not_needed", "resolved", "rules"),
    ]


async def test_in_order_and_out_of_order_come_to_the_same(clinic):
    await clinic.send(EARLIER, BETWEEN, HEAVY)
    await clinic.judge()
    in_order = await clinic.alert()
    assert (in_order["lineage"], in_order["state"]) == ("weight.whose", "pending")


async def test_it_comes_back_as_the_same_alert_when_it_is_true_again(clinic):
    await _gained(clinic)
    (between,) = await clinic.send(BETWEEN)
    await clinic.judge()
    before = await _alerts(clinic)
    await _give(clinic, between, None)
    await clinic.judge()
    after = await _alerts(clinic)
    assert {name: a["id"] for name, a in after.items()} == {n: a["id"] for n, a in before.items()}
    gain, whose = after["weight.gain"], after["weight.whose"]
    assert (gain["state"], gain["task"], gain["resolved_at"]) == ("firing", "open", None)
    assert (whose["state"], whose["task"]) == ("resolved", "done")
    await _give(clinic, between, clinic.people[0].id)
    await clinic.judge()
    after = await _alerts(clinic)
    assert (after["weight.whose"]["state"], after["weight.whose"]["task"]) == ("pending", "open")
    assert [event for event, *_ in await _story(clinic, "weight.gain")] == [
        "fired", "not_needed", "returned", "not_needed",
    ]  # fmt: skip
    assert [event for event, *_ in await _story(clinic, "weight.whose")] == [
        "fired", "not_needed", "asked_again",
    ]  # fmt: skip


ACTS = {
    "acknowledged": "UPDATE alert SET state = 'acknowledged', acknowledged_at = now()",
    "given back": "INSERT INTO alert_event (clinic_id, alert_id, at, event, state, actor)"
    " SELECT clinic_id, id, now(), 'released', 'firing', 'staff:x' FROM alert",
    "claimed": "UPDATE care_task SET state = 'claimed', assignee = (SELECT id FROM staff)",
    "snoozed": "UPDATE care_task SET snoozed_until = now(), snoozed_reason = 'later'",
    "a step ticked": """UPDATE care_task SET checklist = '{"call": {}}'""",
    "a call": "INSERT INTO contact (clinic_id, patient_id, task_id, staff_id, at, channel, reached)"
    " SELECT t.clinic_id, t.patient_id, t.id, s.id, now(), 'phone', true FROM care_task t, staff s",
    "time": "INSERT INTO time_entry (clinic_id, patient_id, staff_id, task_id, programme, activity,"
    " role, source, during, state, status, last_activity_at, created_at)"
    " SELECT t.clinic_id, t.patient_id, s.id, t.id, 'CCM', 'call', 'clinical_staff', 'timer',"
    " tstzrange(now() - interval '5 min', now()), 'stopped', 'active', now(), now()"
    " FROM care_task t, staff s",
    "a follow-up": "INSERT INTO care_task (clinic_id, patient_id, kind, state, created_at, due_at,"
    " follows) SELECT clinic_id, patient_id, 'follow_up', 'open', now(), now(), id FROM care_task",
    "resolved": "UPDATE alert SET state = 'resolved', outcome = 'patient_advised'",
}


async def _act(clinic, act: str) -> None:
    await clinic.admin.execute(
        "INSERT INTO staff (email, name, password_hash, created_at)"
        " VALUES ('n@example.org', 'N', 'x', now())"
    )
    await clinic.admin.execute(ACTS[act])


@pytest.mark.parametrize("act", ACTS)
async def test_what_somebody_acted_on_is_flagged_and_not_closed(clinic, act):
    await _gained(clinic)
    await _act(clinic, act)
    before = (await _alerts(clinic))["weight.gain"]
    await clinic.send(BETWEEN)
    await clinic.judge()
    gain = (await _alerts(clinic))["weight.gain"]
    assert gain["review_reason"] == NOTHING_LEFT
    kept = ("state", "outcome", "task", "assignee", "severity", "starts_at", "last_at")
    assert {name: gain[name] for name in kept} == {name: before[name] for name in kept}
    assert (await _story(clinic, "weight.gain"))[-1] == ("superseded", gain["state"], "rules")


async def test_a_flag_of_late_data_goes_when_the_finding_is_back(clinic):
    await _gained(clinic)
    await _act(clinic, "claimed")
    (between,) = await clinic.send(BETWEEN)
    await clinic.judge()
    await _give(clinic, between, None)
    await clinic.judge()
    gain = (await _alerts(clinic))["weight.gain"]
    assert (gain["state"], gain["task"], gain["review_reason"]) == ("firing", "claimed", None)


@pytest.mark.parametrize(("act", "flag"), [(None, None), ("claimed", SOME_LEFT)])
async def test_an_alert_that_keeps_a_finding_sums_up_what_is_left(clinic, act, flag):
    await clinic.send(EARLIER, HEAVY, weight(85.0, ago_h=200), weight(88.0, ago_h=140))
    await clinic.judge()
    both = (await _alerts(clinic))["weight.gain"]
    if act:
        await _act(clinic, act)
    await clinic.send(BETWEEN)
    await clinic.judge()
    left = (await _alerts(clinic))["weight.gain"]
    assert left["starts_at"] > both["starts_at"]
    assert (left["state"], left["last_at"]) == ("firing", both["last_at"])
    assert left["review_reason"] == flag


async def test_another_number_of_the_same_finding_is_written_anew(clinic):
    await clinic.send(weight(80.0, ago_h=40), weight(83.0, ago_h=2))
    await clinic.judge()
    await clinic.send(weight(79.0, ago_h=45, late_h=44))
    await clinic.judge()
    findings = await clinic.rows(
        "SELECT (observed ->> 'from_kg')::float AS low, withdrawn_at FROM finding"
    )
    assert findings == [{"low": 79.0, "withdrawn_at": None}]
    assert await clinic.events() == [("fired", "firing"), ("recurred", "firing")]


async def test_another_limit_takes_findings_of_the_days_that_are_judged_again(clinic):
    await clinic.send(bp(150, 80, ago_h=300), bp(150, 80, ago_h=1))
    await clinic.judge()
    since = NOW - timedelta(days=100)
    await set_limit(
        clinic.admin, clinic.name, clinic.people[0].id, rule="systolic.high", value=160,
        ucum="mm[Hg]", valid_from=since, by=None, reason="usual", now=since,
    )  # fmt: skip
    await clinic.send(bp(120, 75, ago_h=0.5))
    await clinic.judge()
    alert = await clinic.alert()
    assert (alert["state"], alert["last_at"]) == ("firing", NOW - timedelta(hours=300))
    standing = await clinic.rows("SELECT measured_at FROM finding WHERE withdrawn_at IS NULL")
    assert standing == [{"measured_at": NOW - timedelta(hours=300)}], "that day was not asked about"


async def test_what_is_read_only_as_history_keeps_its_findings(clinic):
    """A weight of the week before is loaded for its number, without all that it was judged by."""
    await clinic.send(weight(80, ago_h=280), weight(83, ago_h=240))
    await clinic.judge()
    assert (await clinic.alert())["lineage"] == "weight.gain"
    await clinic.send(weight(83, ago_h=60))
    (done,) = await clinic.judge()
    assert (done.judged, (await clinic.alert())["state"]) == (1, "firing")
    standing = await clinic.rows("SELECT withdrawn_at FROM finding")
    assert standing == [{"withdrawn_at": None}]
