"""Review, sign, reopen, replay, lock: what a biller does with a month, and what she is told."""

from __future__ import annotations

import re

import pytest

from ccm_link.corrections import reverse_entry
from ccm_link.errors import MonthLocked
from tests.api.conftest import found, open_browser
from tests.api.month.conftest import OCTOBER as MONTH
from tests.api.month.conftest import Patient

OCTOBER = str(MONTH)


def hidden(page, name):
    """The value of a hidden field of the form."""
    return found(rf'name="{name}" value="([^"]*)"', page.text).replace("&#34;", '"')


async def review(browser, patient):
    return await browser.get(f"/month/{patient.key}?month={OCTOBER}")


async def sign(browser, patient, page, **more):
    fields = {name: hidden(page, name) for name in ("month", "seen", "facts")}
    return await browser.post(f"/month/{patient.key}/sign", **fields | more)


@pytest.fixture
async def biller(browser, clinic):
    await browser.sign_in(clinic.email("biller"))
    return browser


async def test_what_was_looked_at_is_signed_and_stands_in_the_history(biller, ready):
    page = await review(biller, ready)
    assert "You sign <strong>99490</strong>" in page.text
    answer = await sign(biller, ready, page, note="Looked through with the nurse")
    assert answer.status_code == 303
    page = await review(biller, ready)
    assert "The month is signed." in page.text
    assert "Version 1, by Demo Biller" in page.text
    assert "Looked through with the nurse" in page.text
    listed = await biller.get(f"/month?month={OCTOBER}&show=signed")
    assert "version 1, Demo Biller" in listed.text


async def test_a_month_that_changed_meanwhile_is_not_signed_and_says_what_changed(
    biller, ready, clock
):
    page = await review(biller, ready)
    await ready.work(20, now=clock.now, month=MONTH, day=19)
    answer = await sign(biller, ready, page, note="Fine")
    assert answer.status_code == 409
    assert "Not signed: this month changed after you opened it" in answer.text
    assert "Bills 1 unit now" in answer.text  # 99439
    assert "Demo Nurse, Oct 19" in answer.text
    assert "Fine</textarea>" in answer.text  # what was typed stays
    again = await sign(biller, ready, answer, note="Fine")
    assert again.status_code == 303


async def test_taking_back_after_signing_is_shown_and_the_month_is_reopened_with_a_reason(
    biller, ready, clock, admin
):
    entry = await ready.work(20, now=clock.now, month=MONTH, day=20)
    await ready.sign(now=clock.now, note="First")
    await reverse_entry(
        admin, "north", ready.actor("nurse"), entry, reason="Wrong patient", now=clock.now
    )
    page = await review(biller, ready)
    assert "Changed since signed" in page.text
    assert "99439" in page.text
    assert "Bills no more" in page.text
    assert "Demo Nurse, Oct 20" in page.text
    line = await biller.get(f"/month/{ready.key}/lines/99490?month={OCTOBER}")
    assert "Not as it was signed" in line.text
    changed = await biller.get(f"/month?month={OCTOBER}&show=changed")
    assert ready.name in changed.text
    path = f"/month/{ready.key}/reopen"
    refused = await biller.post(path, month=OCTOBER, reason="  ")
    assert (refused.status_code, "Say why" in refused.text) == (409, True)
    answer = await biller.post(path, month=OCTOBER, reason="Entry of somebody else")
    assert answer.status_code == 303
    page = await review(biller, ready)
    assert "Demo Biller: Entry of somebody else" in page.text
    assert "You sign <strong>99490</strong>" in page.text
    await sign(biller, ready, page)
    page = await review(biller, ready)
    assert "Version 2, by Demo Biller" in page.text
    assert [f"Version {n}</th>" in page.text for n in (1, 2)] == [True, True]


async def test_a_replay_says_what_stayed_and_what_did_not(biller, ready, clock, admin):
    entry = await ready.work(20, now=clock.now, month=MONTH, day=20)
    signed = await ready.sign(now=clock.now, note="First")
    where = f"/month/{ready.key}/signed/{signed.id}"
    page = await biller.get(where)
    assert page.text.count("No difference") == 2
    assert "Identical" in page.text
    assert signed.facts_sha256 in page.text
    await reverse_entry(
        admin, "north", ready.actor("nurse"), entry, reason="Wrong patient", now=clock.now
    )
    page = await biller.get(where)
    assert page.text.count("No difference") == 1  # the rules are the same
    assert "Identical" in page.text  # what was signed stays what it was
    assert "It is not there any more; 20 min of it counted." in page.text


async def test_a_replay_belongs_to_its_patient(biller, ready, clock, admin, clinic):
    signed = await ready.sign(now=clock.now)
    other = await Patient.make(admin, clinic, given="Nina")
    answer = await biller.get(f"/month/{other.key}/signed/{signed.id}")
    assert answer.status_code == 404


@pytest.mark.parametrize("role", ["nurse", "provider"])
async def test_who_does_not_bill_sees_and_cannot_sign(browser, clinic, ready, role):
    await browser.sign_in(clinic.email(role))
    page = await review(browser, ready)
    assert "A biller or an admin signs" in page.text
    listed = await browser.get(f"/month?month={OCTOBER}")
    assert "Look through and sign" not in listed.text
    assert "Lock the month" not in listed.text


async def test_an_admin_signs_and_is_led_to_no_chart(browser, clinic, ready):
    await browser.sign_in(clinic.email("admin"))
    page = await review(browser, ready)
    assert f'href="/patients/{ready.key}' not in page.text
    assert (await sign(browser, ready, page)).status_code == 303


async def test_a_month_that_runs_is_not_signed(biller, patient, clock):
    await patient.enrol()
    await patient.work(20, now=clock.now)
    page = await biller.get(f"/month/{patient.key}?month=2026-11")
    assert "This month still runs" in page.text
    assert 'name="seen"' not in page.text
    answer = await biller.post(f"/month/{patient.key}/sign", month="2026-11", seen="x")
    assert (answer.status_code, "still runs" in answer.text) == (409, True)
    preview = await biller.get("/month/sign?month=2026-11")
    assert "This month still runs" in preview.text


async def test_nothing_that_bills_is_nothing_to_sign(biller, patient):
    await patient.enrol()
    page = await review(biller, patient)
    assert "there is nothing to sign" in page.text


async def test_many_are_looked_through_and_signed_at_once(biller, ready, clock, admin, clinic):
    other = await Patient.make(admin, clinic, given="Nina")
    await other.enrol()
    await other.work(40, now=clock.now, month=MONTH, day=7)
    page = await biller.get(f"/month/sign?month={OCTOBER}")
    seen = re.findall(r'name="seen" value="([^"]+)"', page.text)
    assert len(seen) == 2
    assert {one.split(":")[0] for one in seen} == {str(ready.key), str(other.key)}
    answer = await biller.post("/month/sign", month=OCTOBER, seen=seen)
    assert answer.status_code == 303
    page = await biller.get(f"/month?month={OCTOBER}")
    assert "2 months are signed." in page.text
    assert (await biller.get(f"/month/sign?month={OCTOBER}")).text.count('name="seen"') == 0


async def test_one_that_changed_keeps_nobody_else_back(biller, ready, clock, admin, clinic):
    other = await Patient.make(admin, clinic, given="Nina")
    await other.enrol()
    await other.work(40, now=clock.now, month=MONTH, day=7)
    page = await biller.get(f"/month/sign?month={OCTOBER}")
    seen = re.findall(r'name="seen" value="([^"]+)"', page.text)
    await other.work(20, now=clock.now, month=MONTH, day=8)
    answer = await biller.post("/month/sign", month=OCTOBER, seen=seen)
    assert answer.status_code == 409
    assert "Signed 1, left out 1" in answer.text
    assert other.name in answer.text
    assert "changed after you opened it" in answer.text
    assert ready.name not in answer.text


async def test_nothing_ticked_signs_nothing(biller, ready, admin):
    answer = await biller.post("/month/sign", month=OCTOBER)
    assert answer.status_code == 303
    assert "Nothing was ticked" in (await biller.get(answer.headers["location"])).text
    count = await (await admin.execute("SELECT count(*) FROM signed_month")).fetchone()
    assert count == (0,)


async def test_time_that_waits_and_advice_are_not_ticked_beforehand(biller, ready, clock, admin):
    await admin.execute("ALTER TABLE time_entry DISABLE TRIGGER time_entry_never_edited")
    await admin.execute(
        "UPDATE time_entry SET state = 'stopped', confirmed_at = NULL WHERE id = %s",
        [await ready.work(5, now=clock.now, month=MONTH, day=25)],
    )
    page = await biller.get(f"/month/sign?month={OCTOBER}")
    assert "5 min wait for confirmation" in page.text
    assert "checked" not in found(r'(<input type="checkbox" name="seen"[^>]*>)', page.text)


async def test_a_locked_month_takes_nothing_and_is_unlocked_with_a_reason(
    biller, ready, clock, clinic, app
):
    page = await biller.get(f"/month?month={OCTOBER}")
    assert "1 of the patients that bill are not signed yet" in page.text
    assert (await biller.post("/month/lock", month=OCTOBER, note="Sent")).status_code == 303
    page = await biller.get(f"/month?month={OCTOBER}")
    assert "by Demo Biller" in page.text
    with pytest.raises(MonthLocked):
        await ready.work(5, now=clock.now, month=MONTH, day=22)
    page = await review(biller, ready)
    assert "the month is locked" in page.text
    again = await biller.post("/month/lock", month=OCTOBER)
    assert again.status_code == 409
    async with open_browser(app) as nurse:
        await nurse.sign_in(clinic.email("nurse"))
        seen_by_nurse = await nurse.get(f"/month?month={OCTOBER}")
        assert "Nothing is added to this month" in seen_by_nurse.text
        assert 'action="/month/unlock"' not in seen_by_nurse.text
    assert (await biller.post("/month/unlock", month=OCTOBER, reason=" ")).status_code == 409
    assert (await biller.post("/month/unlock", month=OCTOBER, reason="Late")).status_code == 303
    await ready.work(5, now=clock.now, month=MONTH, day=22)


async def test_a_running_month_is_not_locked(biller, clinic):
    answer = await biller.post("/month/lock", month="2026-11")
    assert (answer.status_code, "still runs" in answer.text) == (409, True)


async def test_lists_are_filtered_by_programme_and_paged(biller, admin, clinic, clock):
    for number in range(17):
        one = await Patient.make(admin, clinic, family=f"Test{number:02}")
        await one.enrol()
        await one.work(20, now=clock.now, day=1 + number)
    page = await biller.get("/month")
    assert "The first 15 of 17 rows are shown" in page.text
    assert "Mona Test16" not in found(r'(?s)id="to_sign">(.*?)</section>', page.text)
    every = await biller.get("/month?show=to_sign")
    assert "Mona Test16" in every.text
    assert "Mona Test16" not in (await biller.get("/month?show=to_sign&programme=RPM")).text
    beyond = await biller.get("/month?show=to_sign&skip=100")
    assert (beyond.status_code, "Nothing to sign" in beyond.text) == (200, True)


async def test_the_zone_stays_while_a_month_is_signed_in_it(browser, clinic, ready, clock):
    """Another zone would move minutes of a signed month into its neighbour, and bill them again."""
    await ready.sign(now=clock.now, note="")
    await browser.sign_in(clinic.email("admin"))
    await browser.get("/settings")
    fields = {
        "name": "North Clinic",
        "zone": "America/Los_Angeles",
        "glucose_unit": "mg/dL",
        "weight_unit": "lb",
        "alert_programme": "CCM",
    }
    answer = await browser.post("/settings", **fields)
    assert (answer.status_code, "signed or locked in the zone of now" in answer.text) == (422, True)
    same = await browser.post("/settings", **fields | {"zone": "America/New_York"})
    assert same.status_code == 303
