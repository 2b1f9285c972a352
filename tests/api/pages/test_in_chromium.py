"""The pages that no other browser test opens: fitting, accessible, full and empty."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from tests.api.conftest import PASSWORD
from tests.api.test_permissions import furnish
from tests.browser import assert_axe_clean, assert_fits, assert_targets, serving
from vitals.clock import utc_now

LOOKS = (
    {"width": 1440},
    {"width": 1024, "dark": True},
    {"width": 390},
    {"width": 1440, "zoom": 2},
)
PAGES = {
    "admin": ("/staff", "/settings", "/settings/limits", "/settings/retention", "/account"),
    "biller": (
        "/month",
        "/month?month={before}",
        "/month?month={before}&show=signed",
        "/month/sign?month={before}",
        "/month/{patient_id}",
        "/month/{patient_id}?month={before}",
        "/month/{patient_id}/lines/{code}?month={month}",
        "/month/{patient_id}/signed/{signing_id}",
        "/rules",
        "/account",
    ),
    "provider": ("/settings/limits", "/month"),
}


@pytest.fixture
async def url(app, clock, chromium):
    clock.now = utc_now()
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


async def promises(page):
    await assert_fits(page)
    await assert_targets(page)
    await assert_axe_clean(page)


@pytest.mark.parametrize("role", PAGES)
@pytest.mark.parametrize("full", [False, True], ids=["empty", "full"])
async def test_pages_of_a_role(chromium, url, database, admin, north, role, full):
    keys = await furnish(database, admin, north, number=1) if full else {}
    for look in LOOKS:
        page = await signed_in(chromium, url, north.email(role), **look)
        for path in PAGES[role]:
            if "{" in path and not full:
                continue
            await page.goto(url + path.format(**keys))
            await expect(page.locator("h1")).to_be_visible()
            await promises(page)
        await page.context.close()


async def test_the_door_and_its_refusals(chromium, url, north):
    chromium.expects("401", "404", "403")
    for look in LOOKS:
        page = await chromium.open(f"{url}/sign-in", **look)
        await promises(page)
        await page.get_by_label("Email").fill(north.email("nurse"))
        await page.get_by_label("Password").fill("wrong")
        await page.get_by_role("button", name="Sign in").click()
        await expect(page.get_by_role("alert")).to_contain_text("is not right")
        await promises(page)
        await page.goto(f"{url}/join/no-such-invitation")
        await expect(page.get_by_role("heading", level=1)).to_contain_text("cannot be used")
        await promises(page)
        await page.context.close()
    page = await signed_in(chromium, url, north.email("nurse"))
    for path, said in (("/staff", "not for your role"), ("/nowhere", "nothing here")):
        await page.goto(url + path)
        await expect(page.locator("h1")).to_contain_text(said)
        await promises(page)


async def test_a_colleague_is_removed_by_keyboard_after_a_question(chromium, url, north):
    page = await signed_in(chromium, url, north.email("admin"))
    await page.goto(f"{url}/staff")
    row = page.get_by_role("row", name="Demo Nurse")
    await row.get_by_role("button", name="Remove").focus()
    await page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    await expect(dialog).to_contain_text("Remove Demo Nurse from this clinic?")
    await promises(page)
    await page.keyboard.press("Escape")
    await expect(dialog).to_be_hidden()
    await row.get_by_role("button", name="Remove").press("Enter")
    await dialog.get_by_role("button", name="Remove").press("Enter")
    await expect(page.get_by_role("row", name="Demo Nurse")).to_contain_text("Left")


async def test_an_invitation_with_mistakes_is_told_what_is_wrong(chromium, url, north):
    chromium.expects("422")
    page = await signed_in(chromium, url, north.email("admin"))
    await page.goto(f"{url}/staff")
    await page.get_by_label("Email", exact=True).fill("nobody")
    await page.get_by_role("button", name="Make an invitation").click()
    alert = page.get_by_role("alert")
    await expect(alert).to_contain_text("Enter an email address")
    await expect(alert).to_contain_text("Enter the person's name")
    await promises(page)
