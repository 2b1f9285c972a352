"""The nurse's day: see, claim, work, resolve; and everybody else's view of it."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from alerts import superseded
from api.units import together
from store.reassign import Period, effect, reassign
from tests.api.conftest import found, open_browser
from tests.api.world import Home
from vitals.clock import utc_now

pytestmark = pytest.mark.usefixtures("stored_now")

RESOLVED = {
    "outcome": "patient_advised",
    "note": "Called. Rested, repeat was lower.",
    "programme": "RPM",
    "activity": "alert_review",
}


@pytest.fixture
def stored_now(clock):
    """The store stamps arrivals by the database's clock: today is a real today here."""
    clock.now = utc_now()


@pytest.fixture
async def home(database, admin, north):
    return await Home.make(database, admin, north, name="O'Testperson-Wytheville")


@pytest.fixture
async def nurse(browser, north):
    await browser.sign_in(north.email("nurse"))
    return browser


async def alert(home, clock, systolic=191, diastolic=124):
    await home.pressure(systolic, diastolic, at=clock.now)
    await home.judge(now=clock.now)


async def task_path(browser, tab="medical"):
    page = await browser.get(f"/queue?tab={tab}")
    return found(r'href="(/tasks/[0-9a-f-]{36})"', page.text)


async def test_an_empty_queue_says_so(nurse):
    page = await nurse.get("/queue")
    assert "Nothing waits" in page.text
    assert (await nurse.get("/queue/rows")).text.strip() == ""


async def test_a_crisis_is_in_the_queue_with_what_happened(nurse, home, clock):
    await alert(home, clock)
    page = await nurse.get("/queue")
    assert "BP 191/124" in page.text
    assert "Act now" in page.text
    assert "Ask for a repeat by" in page.text
    assert "O&#39;Testperson-Wytheville" in page.text


async def test_a_page_that_has_its_rows_is_told_of_what_changed(
    nurse, home, clock, database, admin, north
):
    await alert(home, clock)
    other = await Home.make(database, admin, north, name="Second", number=2)
    await alert(other, clock, 150, 95)
    had = re.findall(r'data-version="([0-9a-f]{16})"', (await nurse.get("/queue")).text)
    assert len(had) == len(set(had)) == 2
    asked = {"tab": "medical", "has": ".".join(had)}
    same = (await nurse.get("/queue/rows", params=asked)).text
    assert "Testperson" not in same
    assert re.findall(r'data-version="([0-9a-f]{16})" data-same', same) == had
    task = await task_path(nurse)
    await nurse.post(f"{task}/claim")
    news = (await nurse.get("/queue/rows", params=asked)).text
    assert "O&#39;Testperson-Wytheville" in news
    assert "Second" not in news
    assert [key in news for key in had] == [False, True]
    clock.forward(minutes=1)
    assert (
        "Testperson"
        not in (
            await nurse.get(
                "/queue/rows",
                params=asked
                | {"has": ".".join(re.findall(r'data-version="([0-9a-f]{16})"', news))},
            )
        ).text
    )
    assert (await nurse.get("/queue/rows", params={"has": "x" * 5000})).status_code == 422


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        (
            "Weight 211.6 lb, up 4.2 lb in 24 h, usual 204.1 lb",
            ["211.6~lb", "4.2~lb", "24~h", "204.1~lb"],
        ),
        ("Glucose 63 mg/dL", ["63~mg/dL"]),
        ("under 1 min", ["1~min"]),
        ("BP 191/124, then 188/121", []),
        ("2 helpers", []),
    ],
)
def test_a_number_stays_on_one_line_with_its_unit(text, kept):
    shown = together(text)
    assert re.findall(r"\S*~\S+?(?=,|$| )", shown.replace("\N{NO-BREAK SPACE}", "~")) == kept
    assert shown.replace("\N{NO-BREAK SPACE}", " ") == text


async def test_the_whole_act(nurse, home, clock, admin):
    await alert(home, clock)
    task = await task_path(nurse)
    claimed = await nurse.post(f"{task}/claim")
    assert claimed.headers["location"] == task
    page = await nurse.get(task)
    entry = found(r"/timers/([0-9a-f-]{36})/beat", page.text)
    for _ in range(4):
        clock.forward(seconds=60)
        beat = await nurse.post(f"/timers/{entry}/beat")
    assert beat.json() == {"running": True, "seconds": 240, "ended_reason": None}
    await nurse.post(f"{task}/checklist", step="call", done="yes")
    await nurse.post(f"{task}/contacts", channel="phone", reached="yes", note="Well")
    clock.forward(seconds=20)
    shown = await nurse.get(f"{task}/preview?programme=RPM")
    assert "4:20" in shown.text
    done = await nurse.post(f"{task}/resolve", **RESOLVED)
    assert done.status_code == 303
    page = await nurse.get(task)
    assert "4 min 20 s saved to RPM" in page.text
    assert "Patient advised" in page.text
    assert "Act now" not in page.text  # red means now, and this is over
    row = await (
        await admin.execute(
            "SELECT state, status, interactive, extract(epoch FROM upper(during) - lower(during))"
            " FROM time_entry"
        )
    ).fetchone()
    assert row == ("confirmed", "active", True, 260)
    assert "Nothing waits" in (await nurse.get("/queue")).text


async def test_undo_brings_it_back(nurse, home, clock):
    await alert(home, clock)
    task = await task_path(nurse)
    await nurse.post(f"{task}/claim")
    clock.forward(seconds=30)
    await nurse.post(f"{task}/resolve", **RESOLVED)
    await nurse.post(f"{task}/undo")
    assert "Resolve and save the time" in (await nurse.get(task)).text
    await nurse.post(f"{task}/resolve", **RESOLVED)
    clock.forward(minutes=6)
    late = await nurse.post(f"{task}/undo")
    assert late.status_code == 409


async def test_who_comes_second_is_told_who_has_it(nurse, home, clock, app, north):
    await alert(home, clock)
    task = await task_path(nurse)
    await nurse.post(f"{task}/claim")
    async with open_browser(app) as other:
        await other.sign_in(north.email("provider"))
        await other.post(f"{task}/claim")
        page = await other.get(task)
        assert "Demo Nurse has it" in page.text
        refused = await other.post(f"{task}/resolve", **RESOLVED)
        assert (refused.status_code, "Demo Nurse" in refused.text) == (409, True)
        silent = await other.post(f"{task}/take-over", reason="")
        assert silent.status_code == 422
        await other.post(f"{task}/take-over", reason="She is at lunch")
        assert "Yours" in (await other.get(task)).text
    refused = await nurse.post(f"{task}/resolve", **RESOLVED)
    assert refused.status_code == 409
    assert RESOLVED["note"] in refused.text  # handed back: it took minutes to write
    assert "Taken over: She is at lunch" in refused.text


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("outcome", "", "Choose how it ended"),
        ("note", "  ", "only documented time counts"),
        ("programme", "XYZ", "Choose where the time goes"),
        ("follow_up", "2020-01-01", "Choose a day from today on"),
        ("follow_up", "9999-12-31", "within a year"),
    ],
)
async def test_a_form_with_a_mistake_keeps_what_was_typed(nurse, home, clock, field, value, said):
    await alert(home, clock)
    task = await task_path(nurse)
    await nurse.post(f"{task}/claim")
    refused = await nurse.post(f"{task}/resolve", **{**RESOLVED, field: value})
    assert (refused.status_code, said in refused.text) == (422, True)
    if field != "note":
        assert "Rested, repeat was lower" in refused.text


async def test_claiming_another_pauses_the_first(nurse, home, clock, database, admin, north):
    other = await Home.make(database, admin, north, name="Second", number=2)
    await alert(home, clock)
    first = await task_path(nurse)
    await nurse.post(f"{first}/claim")
    clock.forward(seconds=45)
    await alert(other, clock)
    page = await nurse.get("/queue")
    second = next(t for t in re.findall(r'hl-row-open" href="([^"]+)"', page.text) if t != first)
    await nurse.post(f"{second}/claim")
    page = await nurse.get(second)
    assert "Your other timer is paused at 0:45" in page.text
    assert "Paused; waits for documentation" in (await nurse.get(first)).text


async def test_a_snoozed_task_is_away_until_it_gets_worse(nurse, home, clock):
    await alert(home, clock, 145, 85)
    task = await task_path(nurse)
    silent = await nurse.post(f"{task}/snooze", minutes="240", reason="")
    assert silent.status_code == 422
    await nurse.post(f"{task}/snooze", minutes="240", reason="Will call after lunch")
    assert "Nothing waits" in (await nurse.get("/queue")).text
    assert task in (await nurse.get("/queue?tab=snoozed")).text
    clock.forward(minutes=1)
    await alert(home, clock, 195, 125)
    assert task in (await nurse.get("/queue")).text


async def test_a_snoozed_task_can_be_brought_back(nurse, home, clock):
    await alert(home, clock)
    task = await task_path(nurse)
    await nurse.post(f"{task}/snooze", minutes="60", reason="Asleep")
    await nurse.post(f"{task}/unsnooze")
    assert task in (await nurse.get("/queue")).text


async def test_somebody_elses_weight_leaves_the_chart(nurse, home, clock, admin):
    await home.weight(80, at=clock.now - timedelta(hours=10))
    await home.weight(95, at=clock.now)
    await home.judge(now=clock.now)
    task = await task_path(nurse)
    await nurse.post(f"{task}/claim")
    assert "Whose weight is it?" in (await nurse.get(task)).text
    clock.forward(seconds=30)
    await nurse.post(f"{task}/resolve", **{**RESOLVED, "outcome": "not_this_patient"})
    kept = "SELECT count(*) FROM reading WHERE patient_id = %s"
    assert (await (await admin.execute(kept, [home.patient])).fetchone())[0] == 1
    await nurse.post(f"{task}/undo")
    assert (await (await admin.execute(kept, [home.patient])).fetchone())[0] == 2


async def test_a_confirmed_weight_goes_on_as_an_alert(nurse, home, clock, admin):
    await home.weight(80, at=clock.now - timedelta(hours=10))
    await home.weight(95, at=clock.now)
    await home.judge(now=clock.now)
    task = await task_path(nurse)
    await nurse.post(f"{task}/claim")
    await nurse.post(f"{task}/confirm")
    state = await (await admin.execute("SELECT state FROM alert")).fetchone()
    assert state == ("acknowledged",)
    assert "Confirmed as this patient" in (await nurse.get(task)).text


async def test_reading_a_task_is_audited(nurse, home, clock, admin):
    await alert(home, clock)
    task = await task_path(nurse)
    await nurse.get(task)
    row = await (
        await admin.execute("SELECT subject, detail FROM audit_event WHERE action = 'chart.read'")
    ).fetchone()
    assert row[0] == str(home.patient)
    assert row[1]["task"] in task


async def test_another_clinics_task_is_not_there(nurse, database, admin, south, clock):
    theirs = await Home.make(database, admin, south)
    await alert(theirs, clock)
    (task,) = await (await admin.execute("SELECT id FROM care_task")).fetchone()
    assert (await nurse.get(f"/tasks/{task}")).status_code == 404
    assert (await nurse.post(f"/tasks/{task}/claim")).status_code == 404
    assert "Nothing waits" in (await nurse.get("/queue")).text


async def test_a_closed_alert_whose_readings_moved_comes_back_for_review(
    nurse, home, clock, database, admin, north
):
    await alert(home, clock)
    task = await task_path(nurse)
    await nurse.post(f"{task}/claim")
    clock.forward(seconds=45)
    await nurse.post(f"{task}/resolve", **RESOLVED)
    other = await Home.make(database, admin, north, name="Second", number=2)
    period = Period(
        device=home.device,
        user_slot=-1,
        starts_at=clock.now - timedelta(days=1),
        ends_at=None,
        patient=other.patient,
        undecided=False,
    )
    seen = (await effect(admin, "north", period)).fingerprint
    await reassign(admin, "north", period, staff=north.staff["admin"], now=clock.now, seen=seen)
    page = await nurse.get("/queue?tab=review")
    assert f'{task}"' in page.text
    assert "Look again" in page.text
    page = await nurse.get(task)
    assert "found not to be this patient" in page.text
    assert (await nurse.post(f"{task}/reviewed", note=" ")).status_code == 422
    await nurse.post(f"{task}/reviewed", note="It was the neighbour. Time stands.")
    assert task not in (await nurse.get("/queue?tab=review")).text
    assert "Looked at again after a re-assignment" in (await nurse.get(task)).text
    left = "SELECT count(*) FROM time_entry WHERE review_reason IS NOT NULL"
    assert (await (await admin.execute(left)).fetchone()) == (0,)
    assert (await nurse.post(f"{task}/reviewed", note="Again")).status_code == 404


async def test_late_data_is_told_in_the_queue_on_the_task_and_in_its_story(
    nurse, home, clock, admin
):
    await alert(home, clock)
    task = await task_path(nurse)
    flag = "UPDATE alert SET review_reason = %s"
    await admin.execute(flag, [superseded.NOTHING_LEFT])
    assert "Look again: late data changed what was found" in (await nurse.get("/queue")).text
    await admin.execute(
        "UPDATE finding SET withdrawn_at = now(), withdrawn_reason = 'superseded by late data'"
    )
    page = await nurse.get(task)
    assert "none of them is beyond a limit any more" in page.text
    assert "No longer found" in page.text
    await admin.execute(
        "UPDATE alert SET state = 'resolved', resolved_at = now(), review_reason = NULL"
    )
    await admin.execute(
        "UPDATE care_task SET state = 'done', outcome = 'not_needed', done_at = now()"
    )
    await admin.execute(
        "INSERT INTO alert_event (clinic_id, alert_id, at, event, state, actor)"
        " SELECT clinic_id, id, now(), 'not_needed', 'resolved', 'rules' FROM alert"
    )
    page = await nurse.get(task)
    assert "Not needed: late data changed what was found" in page.text
    assert "Closed: late data left nothing of it" in page.text
    await nurse.post(f"{task}/claim")
    assert "The rules closed it" in (await nurse.get(task)).text
    patient = found(r'href="(/patients/[0-9a-f-]{36})', page.text)
    assert "Not needed: late data" in (await nurse.get(f"{patient}/alerts")).text
    assert task not in (await nurse.get("/queue")).text


async def test_an_open_crisis_stays_in_the_queue_while_part_of_it_is_moved(
    nurse, home, clock, admin
):
    await alert(home, clock)
    await admin.execute("UPDATE alert SET review_reason = 'Some of its readings were moved.'")
    page = await nurse.get("/queue")
    assert "BP 191/124" in page.text
    assert "Look again" in page.text
