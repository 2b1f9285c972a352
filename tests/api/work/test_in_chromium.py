"""The nurse's pages in a real browser: live, by keyboard, at every width, for everybody."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from ccm_link.service import sweep
from store.pool import open_pool
from tests.api.conftest import PASSWORD, found
from tests.api.world import Home
from tests.browser import assert_axe_clean, assert_fits, assert_targets, serving
from vitals.clock import utc_now

WIDTHS = [(1440, 1), (1024, 1), (390, 1), (1440, 2)]


@pytest.fixture
async def url(app, clock, chromium):
    clock.now = utc_now()
    async with serving(app) as served:
        yield served
        await chromium.leave()


@pytest.fixture
async def home(database, admin, north, url):
    return await Home.make(database, admin, north, name="O'Testperson-Featherstonehaugh")


async def signed_in(chromium, url, email, path="/queue", **look):
    page = await chromium.open(f"{url}/sign-in?next={path}", **look)
    await page.get_by_label("Email").fill(email)
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Sign in").click()
    await page.wait_for_url(f"**{path}")
    return page


async def alert(home, clock, systolic=191, diastolic=124):
    await home.pressure(systolic, diastolic, at=clock.now)
    await home.judge(now=clock.now)


async def test_a_crisis_appears_without_a_reload_and_is_closed_by_keyboard(
    chromium, url, north, home, clock, admin
):
    page = await signed_in(chromium, url, north.email("nurse"))
    await expect(page.get_by_text("Nothing waits")).to_be_visible()
    await expect(page.get_by_text("Live", exact=True)).to_be_visible()
    await page.evaluate("() => document.activeElement.blur()")
    await alert(home, clock)
    row = page.locator("[data-row]")
    await expect(row).to_contain_text("BP 191/124", timeout=10_000)
    await page.keyboard.press("j")
    await page.keyboard.press("c")
    await page.wait_for_url("**/tasks/*")
    await expect(page.locator("[data-timer-clock]").first).to_be_visible()
    clock.forward(seconds=75)
    await page.get_by_label("Call the patient").focus()
    await page.keyboard.press("Space")
    await expect(page.get_by_label("Call the patient")).to_be_checked()
    await page.keyboard.press("Escape")
    await page.locator("main").focus()
    await page.keyboard.press("r")
    await page.get_by_label("Outcome").select_option("patient_advised")
    await page.get_by_label("Note", exact=False).fill("Called, rested, repeat 150/90.")
    await page.keyboard.press("Tab")
    await expect(page.locator("#preview")).to_contain_text("1:15")
    await page.get_by_role("button", name="Resolve and save the time").press("Enter")
    await expect(page.get_by_text("1 min 15 s saved")).to_be_visible()
    state = await (await admin.execute("SELECT state FROM alert")).fetchone()
    assert state == ("resolved",)


async def test_new_rows_wait_while_somebody_reads(
    chromium, url, north, home, clock, database, admin
):
    await alert(home, clock)
    page = await signed_in(chromium, url, north.email("nurse"))
    await expect(page.locator("[data-row]")).to_have_count(1)
    await page.locator(".hl-row-open").focus()
    second = await Home.make(database, admin, north, name="Second", number=2)
    await alert(second, clock, 195, 126)
    more = page.get_by_role("button", name="1 new")
    await expect(more).to_be_visible(timeout=10_000)
    await expect(page.locator("[data-row]")).to_have_count(1)
    await more.click()
    await expect(page.locator("[data-row]")).to_have_count(2)


async def test_two_screens_see_one_claim(chromium, url, north, home, clock):
    await alert(home, clock)
    nurse = await signed_in(chromium, url, north.email("nurse"))
    provider = await signed_in(chromium, url, north.email("provider"))
    await nurse.get_by_role("button", name="Claim").click()
    await nurse.wait_for_url("**/tasks/*")
    await expect(provider.locator("[data-row]")).to_contain_text(
        "Demo Nurse has it", timeout=10_000
    )


async def test_a_browser_killed_in_mid_timer_loses_no_proof(
    chromium, url, north, home, clock, admin, database
):
    await alert(home, clock)
    page = await signed_in(chromium, url, north.email("nurse"))
    await page.get_by_role("button", name="Claim").click()
    await page.wait_for_url("**/tasks/*")
    clock.forward(seconds=40)
    async with page.expect_response("**/beat") as beaten:
        await page.wait_for_timeout(21_000)  # the page beats every 20 s while somebody is there
        await page.keyboard.press("Shift")
    assert (await (await beaten.value).json())["seconds"] >= 40
    await page.context.close()
    clock.forward(minutes=10)
    async with open_pool(database.urls["hl_worker"]) as pool:
        assert await sweep(pool, now=clock.now) == 1
    row = await (
        await admin.execute(
            "SELECT state, stopped_by, floor(extract(epoch FROM upper(during) - lower(during)))"
            " FROM time_entry"
        )
    ).fetchone()
    assert row[:2] == ("stopped", "abandoned")
    assert 40 <= row[2] < 120


@pytest.mark.parametrize("dark", [False, True])
async def test_every_state_is_clean_and_fits(
    chromium, url, north, home, clock, database, admin, dark
):
    email = north.email("nurse")
    page = await signed_in(chromium, url, email, dark=dark)
    await _promises(page)
    await alert(home, clock)
    for number, pressure in ((2, (145, 85)), (3, (85, 55))):
        other = await Home.make(database, admin, north, name=f"Testperson {number}", number=number)
        await alert(other, clock, *pressure)
    for width, zoom in WIDTHS:
        page = await signed_in(chromium, url, email, width=width, zoom=zoom, dark=dark)
        await expect(page.locator("[data-row]")).to_have_count(3)
        await _promises(page)
        await page.locator(".hl-row-open").first.click()
        await page.wait_for_url("**/tasks/*")
        await _promises(page)
    chromium.expects("422")
    await (
        page.get_by_role("button", name="Claim and start")
        .or_(page.get_by_role("button", name="Go on"))
        .first.click()
    )
    await page.get_by_role("button", name="Resolve and save the time").click()
    await expect(page.get_by_role("alert")).to_contain_text("There is a problem")
    await _promises(page)


async def _promises(page):
    await assert_fits(page)
    await assert_targets(page)
    await assert_axe_clean(page)


async def test_it_works_without_scripts(chromium, url, north, home, clock):
    await alert(home, clock)
    page = await signed_in(chromium, url, north.email("nurse"), scripts=False)
    await page.get_by_role("button", name="Claim").click()
    await expect(page.get_by_role("heading", name="Resolve", exact=True)).to_be_visible()
    await page.get_by_label("Outcome").select_option("repeat_normal")
    await page.locator("#note").fill("Repeat was normal.")
    await page.get_by_role("button", name="Resolve and save the time").click()
    await expect(page.get_by_text("Repeat measurement was normal")).to_be_visible()
    text = await page.content()
    assert found(r"(Repeat was normal\.)", text)


async def test_a_timer_that_ended_in_another_tab_can_go_on_in_this_one(
    chromium, url, north, home, clock
):
    await alert(home, clock)
    page = await signed_in(chromium, url, north.email("nurse"))
    await page.get_by_role("button", name="Claim").click()
    await page.wait_for_url("**/tasks/*")
    await expect(page.get_by_role("button", name="Pause")).to_be_visible()
    tab = await chromium.open(page.url, like=page)
    await tab.evaluate(_ENDED)
    await expect(page.get_by_text("Paused: you went on with another task.")).to_be_visible()
    await expect(page.get_by_role("button", name="Pause")).to_be_hidden()
    await page.get_by_role("button", name="Go on, start the timer").click()
    await expect(page.get_by_role("button", name="Pause")).to_be_visible()


_ENDED = """() => new BroadcastChannel("hl-timer").postMessage({
  entry: document.querySelector("[data-timer]").dataset.entry,
  found: { running: false, seconds: 5, ended_reason: "paused" },
})"""


async def test_signed_out_in_mid_note_the_note_stays(chromium, url, north, home, clock):
    chromium.expects("401")
    await alert(home, clock)
    page = await signed_in(chromium, url, north.email("nurse"))
    await page.get_by_role("button", name="Claim").click()
    await page.wait_for_url("**/tasks/*")
    await page.get_by_label("Note", exact=False).fill("Called, rested, repeat 150/90.")
    await page.context.clear_cookies()
    await page.get_by_label("Outcome").select_option("patient_advised")
    await expect(page.locator("#toasts")).to_contain_text("You were signed out")
    await assert_axe_clean(page)
    await expect(page.get_by_label("Note", exact=False)).to_have_value(
        "Called, rested, repeat 150/90."
    )
