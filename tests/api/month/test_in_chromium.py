"""The month's pages in a real browser: every state fits, is clean, and works without a mouse."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.async_api import expect

from ccm_link import work
from ccm_link.corrections import reverse_entry
from ccm_link.signing import lock
from tests.api.conftest import PASSWORD
from tests.api.month.conftest import OCTOBER, Patient
from tests.api.world import Home
from tests.browser import assert_axe_clean, assert_fits, assert_targets, serving

LOOKS = (
    {"width": 1440},
    {"width": 1024, "dark": True},
    {"width": 390},
    {"width": 1440, "zoom": 2},
)
LONG = {"given": "Wilhelmina Featherstonehaugh", "family": "Testperson-Villanueva de la Cruz"}
ALERTED = datetime(2026, 10, 14, 15, tzinfo=UTC)


@pytest.fixture
def shots(request):
    """Where screenshots are put, for a person to look at: `HEARTHLINE_SHOTS=folder`."""
    folder = os.environ.get("HEARTHLINE_SHOTS")
    if not folder:
        return None
    made = Path(folder) / request.node.originalname
    made.mkdir(parents=True, exist_ok=True)
    return made


@pytest.fixture
async def url(app, clinic, chromium):
    async with serving(app) as served:
        yield served
        await chromium.leave()


async def signed_in(chromium, url, email, **look):
    page = await chromium.open(f"{url}/sign-in", **look)
    await page.get_by_label("Email").fill(email)
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.locator(".hl-nav")).to_be_attached()
    return page


async def promises(page, shots=None, name=""):
    await expect(page.locator("h1")).to_be_visible()
    if shots:
        await page.screenshot(path=shots / f"{name}.png", full_page=True)
    await assert_fits(page)
    await assert_targets(page)
    await assert_axe_clean(page)


@pytest.fixture
async def autumn(database, admin, clinic, clock):
    """A patient whose cuff raised an alert that a nurse worked, and a month of readings."""
    home = await Home.make(database, admin, clinic, name="Testperson")
    one = Patient(admin, clinic, home.patient, "Synthetic Testperson")
    await one.enrol()
    await one.enrol(programme="RPM")
    for day in range(32):
        at = datetime(2026, 9, 20, 14, tzinfo=UTC) + timedelta(days=day)
        await home.pressure(128 + day % 7, 80, at=at)
    await home.pressure(191, 124, at=ALERTED)
    await home.judge(now=ALERTED + timedelta(minutes=1))
    await worked(admin, one, ALERTED + timedelta(minutes=5), minutes=22)
    await one.work(9, now=clock.now, day=20, month=OCTOBER)
    return one


async def worked(admin, patient, start, *, minutes):
    """The nurse claims the patient's newest alert, calls, and resolves it after that time."""
    nurse = patient.actor("nurse")
    query = "SELECT id FROM care_task WHERE patient_id = %s ORDER BY created_at DESC LIMIT 1"
    (task,) = await (await admin.execute(query, [patient.key])).fetchone()
    claimed = await work.claim(admin, "north", nurse, task, now=start)
    for half in range(1, 2 * minutes):
        now = start + timedelta(seconds=30 * half)
        await work.beat(admin, "north", nurse, claimed.entry_id, now=now)
    end = start + timedelta(minutes=minutes)
    await work.log_contact(
        admin, "north", nurse, task, channel="phone", reached=True, note="Rested, 138/82", now=end
    )
    await work.resolve(
        admin, "north", nurse, task, outcome="patient_advised", note="Called and advised",
        programme="CCM", activity="alert_review", interactive=True, follow_up=None, now=end,
    )  # fmt: skip


@pytest.fixture
async def others(admin, clinic, clock):
    """One of a long name who is ready, one who is short, one without consent, one signed."""
    long = await Patient.make(admin, clinic, **LONG)
    short, stuck, signed = [
        await Patient.make(admin, clinic, given=given) for given in ("Nina", "Otto", "Paula")
    ]
    for day, (one, minutes) in enumerate(
        ((long, 65), (short, 17), (stuck, 25), (signed, 40)), start=5
    ):
        await one.enrol(consent=one is not stuck)
        await one.work(minutes, now=clock.now, month=OCTOBER, day=day)
    await signed.sign(now=clock.now, note="Looked through with the nurse on Monday")
    return {"long": long, "short": short, "stuck": stuck, "signed": signed}


async def test_every_state_of_a_month(chromium, url, clinic, autumn, others, clock, admin, shots):
    email, month = clinic.email("biller"), f"?month={OCTOBER}"
    extra = await others["signed"].work(5, now=clock.now, month=OCTOBER, day=25)
    await reverse_entry(
        admin, "north", others["signed"].actor("nurse"), extra, reason="Twice", now=clock.now
    )
    await others["signed"].work(20, now=clock.now, month=OCTOBER, day=26)
    paths = {
        "month": f"/month{month}",
        "blocked": f"/month{month}&show=blocked&programme=CCM",
        "preview": f"/month/sign{month}",
        "review": f"/month/{autumn.key}{month}",
        "long": f"/month/{others['long'].key}{month}",
        "line": f"/month/{autumn.key}/lines/99490{month}",
        "days": f"/month/{autumn.key}/lines/99454{month}",
        "changed": f"/month/{others['signed'].key}{month}",
        "rules": f"/rules{month}&against=2025-12",
        "rates": "/rates",
    }
    for number, look in enumerate(LOOKS):
        page = await signed_in(chromium, url, email, **look)
        for name, path in paths.items():
            await page.goto(url + path)
            for summary in await page.locator(".hl-chain > li:first-child > details").all():
                await summary.evaluate("element => { element.open = true }")
            await promises(page, shots, f"{name}-{number}")
        await page.context.close()


async def test_states_after_reopening_and_locking(
    chromium, url, clinic, others, clock, admin, shots
):
    one = others["signed"]
    page = await signed_in(chromium, url, clinic.email("biller"))
    await page.goto(f"{url}/month/{one.key}?month={OCTOBER}")
    await page.get_by_role("button", name="Reopen").press("Enter")
    dialog = page.get_by_role("dialog")
    await promises(page, shots, "reopen")
    await dialog.get_by_label("Why").fill("An entry was somebody else's")
    await dialog.get_by_role("button", name="Reopen").press("Enter")
    await expect(page.get_by_text("You sign")).to_be_visible()
    await promises(page, shots, "reopened")
    await page.get_by_role("link", name="See it").click()
    await expect(page.get_by_text("Identical")).to_be_visible()
    await promises(page, shots, "replayed")
    await page.goto(f"{url}/month?month={OCTOBER}")
    await page.get_by_role("button", name="Lock the month").first.press("Enter")
    await promises(page, shots, "lock")
    await page.get_by_role("dialog").get_by_role("button", name="Lock the month").press("Enter")
    await expect(page.get_by_text("Nothing is added to this month")).to_be_visible()
    await promises(page, shots, "locked")
    await page.get_by_role("button", name="Unlock").first.press("Enter")
    await promises(page, shots, "unlock")


async def test_a_month_changed_meanwhile_is_told_in_the_browser(
    chromium, url, clinic, others, clock, shots
):
    chromium.expects("409")
    one = others["long"]
    for look in LOOKS:
        page = await signed_in(chromium, url, clinic.email("biller"), **look)
        await page.goto(f"{url}/month/{one.key}?month={OCTOBER}")
        day = 1 + LOOKS.index(look)
        await one.work(20, now=clock.now, month=OCTOBER, day=day)
        await page.get_by_role("button", name="Sign this month").press("Enter")
        await expect(page.get_by_text("changed after you opened it")).to_be_visible()
        await promises(page, shots, f"moved-{day}")


async def test_the_chain_is_opened_by_keyboard_down_to_the_bytes(chromium, url, clinic, autumn):
    page = await signed_in(chromium, url, clinic.email("biller"))
    await page.goto(f"{url}/month/{autumn.key}/lines/99490?month={OCTOBER}")
    details = page.locator(".hl-chain").first
    for step in ("22 min", "Care task", "High blood pressure", "BP 191/124", "Blood pressure 191"):
        summary = details.locator("summary").filter(has_text=step).first
        await summary.focus()
        await page.keyboard.press("Enter")
    await expect(details.get_by_text("Bytes, 2A35").first).to_be_visible()
    await expect(details.get_by_text("Device clock minus UTC").first).to_be_visible()
    await promises(page)


async def test_it_works_without_scripts(chromium, url, clinic, autumn):
    page = await signed_in(chromium, url, clinic.email("biller"), scripts=False)
    await page.goto(f"{url}/month/{autumn.key}/lines/99454?month={OCTOBER}")
    await page.locator(".hl-chain summary").first.click()
    await expect(page.get_by_text("On this day of the patient").first).to_be_visible()
    await page.goto(f"{url}/month/sign?month={OCTOBER}")
    await page.get_by_role("button", name="Sign what is ticked").click()
    await expect(page.get_by_text("1 month is signed.")).to_be_visible()


@pytest.mark.parametrize("count", [1, 200])
async def test_one_and_two_hundred_patients(chromium, url, clinic, admin, clock, count, shots):
    for number in range(count):
        one = await Patient.make(admin, clinic, family=f"Testperson {number:03}")
        await one.enrol(consent=number % 5 != 0)
        day, hour = 1 + number % 18, 11 + number // 18
        await one.work(10 + number % 40, now=clock.now, day=day, hour=hour)
    for width in (1440, 390):
        page = await signed_in(chromium, url, clinic.email("biller"), width=width)
        for path in ("/month", "/month?show=nearly", "/month?show=nearly&skip=100"):
            await page.goto(url + path)
            await promises(page, shots, f"n{count}-{width}-{path.rpartition('=')[2].strip('/')}")
        await page.context.close()


async def test_a_locked_month_for_who_does_not_bill(chromium, url, clinic, others, clock, admin):
    await lock(admin, "north", others["short"].actor("biller"), OCTOBER, now=clock.now)
    page = await signed_in(chromium, url, clinic.email("nurse"), width=390)
    for path in (f"/month?month={OCTOBER}", f"/month/{others['long'].key}?month={OCTOBER}"):
        await page.goto(url + path)
        await promises(page)
    await expect(page.get_by_text("the month is locked")).to_be_visible()


async def test_the_rules_are_printed_whole_and_without_the_shell(chromium, url, clinic):
    page = await signed_in(chromium, url, clinic.email("biller"))
    await page.goto(f"{url}/rules?month=2026-11&part=device")
    before = page.get_by_text("Set-up, 99453, asks for 16 days.")
    await expect(before).to_be_hidden()
    await page.emulate_media(media="print")
    await expect(page.get_by_role("search")).to_be_hidden()
    await expect(page.locator(".hl-side")).to_be_hidden()
    assert await before.evaluate("e => e.checkVisibility({ contentVisibilityAuto: true })")
    await expect(page.get_by_text("Not billing advice").first).to_be_visible()


async def test_a_file_of_amounts_is_looked_through(chromium, url, clinic, shots):
    chromium.expects("422")
    for number, look in enumerate(LOOKS):
        page = await signed_in(chromium, url, clinic.email("biller"), **look)
        await page.goto(f"{url}/rates")
        await page.get_by_role("button", name="Show what it changes").click()
        await expect(page.get_by_role("alert")).to_contain_text("Choose a file")
        await promises(page, shots, f"refused-{number}")
        file = {"name": "fees.csv", "mimeType": "text/csv", "buffer": b"99490,70.10\n99454,47.43\n"}
        await page.locator("#file").set_input_files(files=[file])
        await page.get_by_role("button", name="Show what it changes").click()
        await expect(page.get_by_role("heading", name="Keep these amounts?")).to_be_visible()
        await promises(page, shots, f"preview-{number}")
        await page.get_by_role("button", name="Keep these amounts").click()
        await expect(page.get_by_text("2 amounts are loaded.")).to_be_visible()
        await promises(page, shots, f"kept-{number}")
        await page.context.close()
