"""The queue's order and columns, the alert page's parts, and what one page costs the database."""

from __future__ import annotations

import json
import uuid
from datetime import timedelta

import pytest

from ccm_link.work import claim, log_contact, resolve
from store.queries import load
from store.worklist import alert_detail, queue_counts, queue_rows, task_detail
from tests.ccm_link.work.fill import fill
from tests.ccm_link.work.ward import FINDING, NOW, after, resolving

pytestmark = pytest.mark.services
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


async def _names(conn, viewer, tab="medical", now=NOW):
    rows = await queue_rows(conn, "north", viewer=viewer.id, tab=tab, now=now)
    return [row["given_name"] for row in rows]


async def test_rows_are_sorted_by_severity_then_overdue_then_age(ward):
    nora, conn = await ward.staff(), await ward.connect()
    young, old = NOW - HOUR, NOW - 3 * HOUR
    await ward.task("notice", severity="notice", opened_at=NOW - 9 * HOUR)
    await ward.task("young", severity="warning", opened_at=young, due_in=4 * HOUR)
    await ward.task("old", severity="warning", opened_at=old, due_in=4 * HOUR)
    await ward.task("overdue", severity="warning", opened_at=young, due_in=HOUR / 2)
    await ward.task("crisis", severity="critical", opened_at=NOW)
    await ward.task("backlog", severity="critical", late=True, opened_at=NOW)
    assert await _names(conn, nora) == ["crisis", "overdue", "old", "young", "notice"]
    assert await _names(conn, nora, "review") == ["backlog"]
    assert (await _names(conn, nora, "all"))[:2] == ["crisis", "backlog"]
    counts = await queue_counts(conn, "north", nora.id, NOW)
    assert counts == {
        "medical": 5,
        "waiting": 5,
        "oldest_opened_at": NOW - 9 * HOUR,
        "overdue": 2,
        "review": 1,
        "mine": 0,
        "snoozed": 0,
        "silent_homes": 0,
    }


async def test_a_row_shows_findings_usual_values_series_contact_and_who_has_it(ward, home):
    nora, conn = await ward.staff(), await ward.connect()
    await fill(ward.admin, patients=1, days=40, alerts=1, now=NOW)
    task, patient, alert = await ward.one("SELECT id, patient_id, alert_id FROM care_task")
    await ward.finding(patient, alert, at=NOW)
    await ward.admin.execute(
        "UPDATE finding SET withdrawn_at = now() WHERE measured_at ="
        " (SELECT min(measured_at) FROM finding)"
    )
    await claim(conn, "north", nora, task, now=NOW)
    await log_contact(
        conn, "north", nora, task, channel="phone", reached=False, note="", now=after(9)
    )
    (row,) = await queue_rows(conn, "north", viewer=nora.id, tab="mine", now=after(10))
    assert row["findings"][0]["observed"] == FINDING
    assert (len(row["findings"]), row["readings"]) == (3, 4)
    assert (row["assignee_name"], row["contact_reached"]) == ("Nora Nurse", False)
    (usual,) = await ward.one(
        "SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY systolic_mmhg) FROM reading, alert"
        " WHERE measured_at BETWEEN starts_at - interval '30 days' AND starts_at"
    )
    assert (row["usual_systolic_mmhg"], row["usual_weight_kg"]) == (usual, None)
    assert len(row["series"]) == 28
    epoch, value, diastolic, pulse = row["series"][-1]
    assert (epoch, diastolic, pulse) == ((NOW - 3 * HOUR).timestamp(), 80, 70)
    assert value == 131
    counts = await queue_counts(conn, "north", nora.id, after(10))
    assert (counts["waiting"], counts["mine"], counts["silent_homes"]) == (0, 1, 1)


async def test_a_home_is_silent_without_a_fresh_word_of_its_gateway(ward, home):
    nora, conn = await ward.staff(), await ward.connect()
    for state, at, silent in [
        ("online", NOW, 0),
        ("offline", NOW, 1),
        ("online", NOW - DAY - HOUR, 1),
    ]:
        await ward.admin.execute(
            "INSERT INTO gateway_status VALUES ('north', 'gw-1', %s, %s, '{}')"
            " ON CONFLICT (clinic_id, gateway) DO UPDATE"
            " SET state = excluded.state, at = excluded.at",
            [state, at],
        )
        assert (await queue_counts(conn, "north", nora.id, NOW))["silent_homes"] == silent


async def test_the_alert_page_leads_from_the_finding_to_the_raw_bytes(ward, home):
    nora, conn = await ward.staff(), await ward.connect()
    await fill(ward.admin, patients=1, days=10, alerts=1, now=NOW)
    task, patient, alert = await ward.one("SELECT id, patient_id, alert_id FROM care_task")
    await ward.enrol(patient)
    reading = await ward.one(
        'UPDATE reading SET raw = \'[{"characteristic": "2A35"}]\''
        " WHERE measured_at = (SELECT max(measured_at) FROM reading"
        " WHERE kind = 'blood_pressure') RETURNING reading_id, measured_at"
    )
    await ward.admin.execute(
        "UPDATE finding SET reading_id = %s, measured_at = %s WHERE id ="
        " (SELECT id FROM finding LIMIT 1)",
        reading,
    )
    await claim(conn, "north", nora, task, now=NOW)
    await resolve(conn, "north", nora, task, now=after(30), **resolving())
    page = await alert_detail(conn, "north", alert)
    assert page is not None
    assert (page["task"]["task_state"], page["task"]["done_by_name"]) == ("done", "Nora Nurse")
    (found,) = [f for f in page["findings"] if f["reading_id"] == reading[0]]
    assert (found["raw"], found["clock_certainty"]) == (
        [{"characteristic": "2A35"}],
        "device_clock",
    )
    assert [(e["event"], e["staff_name"]) for e in page["events"]] == [
        ("acknowledged", "Nora Nurse"),
        ("resolved", "Nora Nurse"),
    ]
    assert [(e["state"], e["programme"]) for e in page["entries"]] == [("confirmed", "CCM")]
    assert [p["programme"] for p in page["programmes"]] == ["CCM"]
    assert (len(page["readings"]), page["patient"]["zone"]) == (40, "America/New_York")
    same = await task_detail(conn, "north", task)
    assert same is not None
    assert same["task"] == page["task"]


async def test_another_clinic_sees_nothing_of_it(ward):
    await ward.open_clinic("south", zone="America/Chicago")
    nora = await ward.staff(clinics=("north", "south"))
    conn = await ward.connect()
    alert, task = await ward.alert(await ward.patient())
    await claim(conn, "north", nora, task, now=NOW)
    assert await alert_detail(conn, "south", alert) is None
    assert await task_detail(conn, "south", task) is None
    for tab in ("medical", "mine", "all"):
        assert await queue_rows(conn, "south", viewer=nora.id, tab=tab, now=NOW) == []
    assert (await queue_counts(conn, "south", nora.id, NOW))["mine"] == 0


async def test_a_page_of_the_queue_asks_the_database_for_little(ward, home):
    """Counted in blocks and not in time: on a quiet machine, 1,730 of them are 8 ms."""
    conn = await ward.connect()
    await fill(ward.admin, patients=25, days=90, alerts=25, now=NOW)
    (tasks,) = await ward.one("SELECT array_agg(id) FROM care_task")
    values = {"clinic": "north", "tasks": tasks, "now": NOW}
    plan, blocks = await _explained(conn, "queue_rows", values)
    assert plan["Actual Rows"] == 25
    assert blocks <= 2500
    assert _excluded(plan), "the view's barrier kept chunks from being excluded"
    assert "reading_patient_idx" in json.dumps(plan)


async def test_whoever_has_the_rows_asks_without_looking_at_a_reading(ward, home):
    conn = await ward.connect()
    await fill(ward.admin, patients=25, days=90, alerts=25, now=NOW)
    values = {
        "clinic": "north", "viewer": uuid.uuid4(), "tab": "medical", "now": NOW, "limit": 50,
    }  # fmt: skip
    plan, blocks = await _explained(conn, "queue_page", values)
    assert plan["Actual Rows"] == 25
    assert blocks <= 400
    assert "_hyper_" not in json.dumps(plan)


async def test_rows_that_the_reader_has_come_with_their_place_alone(ward):
    nora, conn = await ward.staff(), await ward.connect()
    for name in ("first", "second", "third"):
        await ward.task(name, severity="warning", opened_at=NOW)
    asked = {"viewer": nora.id, "now": NOW}
    whole = await queue_rows(conn, "north", **asked)
    known = whole[1]["task_id"]
    rows = await queue_rows(conn, "north", **asked, has=lambda row: row["task_id"] == known)
    assert [row["task_id"] for row in rows] == [row["task_id"] for row in whole]
    assert ["given_name" in row for row in rows] == [True, False, True]
    assert rows[1].items() <= whole[1].items()


async def _explained(conn, name, values):
    """(plan, how many blocks it looked at)."""
    await conn.execute("SELECT set_config('hearthline.clinic', 'north', false)")
    cur = await conn.execute(
        "EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) " + load("worklist")[name], values
    )
    (((found,),),) = await cur.fetchall()
    plan = found["Plan"]
    return plan, plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]


def _excluded(node):
    """How many chunks no row of the page had to ask."""
    own = node.get("Chunks excluded during runtime", 0)
    return own + sum(_excluded(child) for child in node.get("Plans", []))
