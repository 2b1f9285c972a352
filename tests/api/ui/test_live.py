"""The live list: what comes in never moves what somebody reads, and is never missed."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable

from playwright.async_api import Page, expect

from tests.api.ui.conftest import Kitchen, a_row
from tests.browser import Chromium, assert_axe_clean


async def until(told: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not told():
            await asyncio.sleep(0.02)


async def opened(kitchen: Kitchen, chromium: Chromium, **way) -> Page:
    page = await chromium.open(f"{kitchen.url}/kitchen", **way)
    await expect(page.locator("[data-live-state]")).to_have_text("Live")
    await until(lambda: bool(kitchen.streams))
    return page


def names(page: Page):
    return page.locator("#queue .hl-row-open")


async def keys(page: Page) -> list[str]:
    found: list[str] = await page.locator("#queue [data-key]").evaluate_all(
        "(rows) => rows.map((row) => row.dataset.key)"
    )
    return found


async def test_a_row_comes_at_once_while_nobody_is_at_work(kitchen, chromium) -> None:
    page = await opened(kitchen, chromium)
    kitchen.rows.insert(0, a_row("nina", "critical"))
    kitchen.tell("alert")
    await expect(names(page).first).to_have_text("Demo Nina")
    await expect(page.locator("#announce")).to_have_text(re.compile("1 new: Demo Nina"))
    await expect(page.locator("[data-live-more]")).to_be_hidden()


async def test_rows_wait_behind_a_count_while_somebody_reads(kitchen, chromium) -> None:
    page = await opened(kitchen, chromium)
    await page.keyboard.press("j")
    await page.keyboard.press("j")
    before = await page.locator('[data-key="otto"]').bounding_box()
    kitchen.rows[:0] = [a_row("nina", "critical"), a_row("paul", "critical")]
    kitchen.tell("alert")
    more = page.get_by_role("button", name="2 new")
    await expect(more).to_be_visible()
    await expect(names(page)).to_have_count(4)
    assert await page.locator('[data-key="otto"]').bounding_box() == before
    await expect(page.locator("[data-key=otto] .hl-row-open")).to_be_focused()
    await assert_axe_clean(page)
    await more.click()
    await expect(names(page)).to_have_count(6)
    await expect(names(page).first).to_be_focused()


async def test_a_row_that_changes_does_so_in_its_place_and_keeps_the_focus(
    kitchen, chromium
) -> None:
    page = await opened(kitchen, chromium)
    await page.keyboard.press("j")
    kitchen.rows[0] |= {"version": 2, "by": "Demo Colleague"}
    kitchen.tell("task")
    await expect(page.locator('[data-key="rosa"]')).to_contain_text("Demo Colleague")
    await expect(page.locator("[data-key=rosa] .hl-row-open")).to_be_focused()
    await expect(page.locator("[data-live-more]")).to_be_hidden()


async def test_a_row_that_goes_is_dimmed_while_read_and_gone_when_all_is_quiet(
    kitchen, chromium
) -> None:
    page = await opened(kitchen, chromium)
    await page.keyboard.press("j")
    del kitchen.rows[1]
    kitchen.tell("task")
    await expect(page.locator('[data-key="otto"]')).to_have_class(re.compile("is-gone"))
    await page.evaluate("document.activeElement.blur()")
    await expect(page.locator('[data-key="otto"]')).to_have_count(0, timeout=7000)


async def test_only_what_changed_is_sent_and_every_row_stands_where_it_should(
    kitchen, chromium
) -> None:
    page = await opened(kitchen, chromium)
    await page.locator('[data-key="otto"]').evaluate("(row) => { row.dataset.mark = 'the same'; }")
    kitchen.rows[0] |= {"version": 2, "by": "Demo Colleague"}
    kitchen.rows.insert(1, a_row("nina"))
    kitchen.tell("task")
    await expect(page.locator('[data-key="rosa"]')).to_contain_text("Demo Colleague")
    await expect(names(page)).to_have_count(5)
    assert await keys(page) == ["rosa", "nina", "otto", "ida", "max"]
    assert kitchen.asks == ["rosa-1.otto-1.ida-1.max-1"]
    await expect(page.locator('[data-mark="the same"]')).to_have_count(1)
    kitchen.rows.reverse()
    kitchen.tell("task")
    await expect(names(page).first).to_have_text("Demo Max")
    assert await keys(page) == ["max", "ida", "otto", "nina", "rosa"]
    await expect(page.locator('[data-mark="the same"]')).to_have_count(1)


async def test_what_waits_behind_the_count_is_not_sent_again(kitchen, chromium) -> None:
    page = await opened(kitchen, chromium)
    await page.keyboard.press("j")
    kitchen.rows.insert(0, a_row("nina", "critical"))
    kitchen.tell("alert")
    await expect(page.get_by_role("button", name="1 new")).to_be_visible()
    kitchen.rows.insert(0, a_row("paul", "critical"))
    kitchen.tell("alert")
    more = page.get_by_role("button", name="2 new")
    await more.click()
    assert "nina-1" in kitchen.asks[1]
    assert (await keys(page))[:2] == ["paul", "nina"]


async def test_a_row_that_is_said_to_be_here_and_is_not_is_asked_for(kitchen, chromium) -> None:
    page = await opened(kitchen, chromium)
    kitchen.forgets = True
    kitchen.rows.insert(0, a_row("nina", "critical"))
    kitchen.tell("alert")
    await expect(names(page).first).to_have_text("Demo Nina")
    assert kitchen.asks[-1] == ""


async def test_a_dimmed_row_that_comes_back_is_itself_again(kitchen, chromium) -> None:
    page = await opened(kitchen, chromium)
    await page.keyboard.press("j")
    gone = kitchen.rows.pop(1)
    kitchen.tell("task")
    otto = page.locator('[data-key="otto"]')
    await expect(otto).to_have_class(re.compile("is-gone"))
    kitchen.rows.insert(1, gone)
    kitchen.tell("task")
    await expect(otto).not_to_have_class(re.compile("is-gone"))
    await expect(page.locator("[data-live-more]")).to_be_hidden()


async def test_far_down_the_page_nothing_moves(kitchen, chromium) -> None:
    kitchen.rows = [a_row(f"p{n}") for n in range(60)]
    page = await opened(kitchen, chromium)
    await page.evaluate("window.scrollTo(0, 900)")
    await asyncio.sleep(0.1)
    before = await page.locator('[data-key="p20"]').bounding_box()
    kitchen.rows[:0] = [a_row("nina", "critical")]
    kitchen.tell("alert")
    await page.get_by_role("button", name="1 new").wait_for(state="attached")
    assert await page.locator('[data-key="p20"]').bounding_box() == before


async def test_a_lost_connection_is_said_and_what_was_missed_is_read(kitchen, chromium) -> None:
    chromium.expects("ERR_", "events")
    page = await opened(kitchen, chromium)
    await page.route("**/events", lambda route: route.abort())
    kitchen.tell("lost")
    await expect(page.locator("[data-live-state]")).to_have_text(re.compile("Reconnecting"))
    await assert_axe_clean(page)
    kitchen.rows.insert(0, a_row("nina", "critical"))
    await page.unroute("**/events")
    await expect(page.locator("[data-live-state]")).to_have_text("Live", timeout=15_000)
    await expect(names(page).first).to_have_text("Demo Nina")


async def test_the_tabs_of_a_browser_share_one_stream(kitchen, chromium) -> None:
    page = await opened(kitchen, chromium)
    second = await chromium.open(f"{kitchen.url}/kitchen", like=page)
    await expect(second.locator("[data-live-state]")).to_have_text("Live")
    assert kitchen.opened == 1
    kitchen.rows.insert(0, a_row("nina", "critical"))
    kitchen.tell("alert")
    await expect(names(second).first).to_have_text("Demo Nina")
    await page.close()
    await until(lambda: kitchen.opened == 2)
    await until(lambda: len(kitchen.streams) == 1)
    kitchen.rows.insert(0, a_row("paul", "critical"))
    kitchen.tell("alert")
    await expect(names(second).first).to_have_text("Demo Paul")


async def test_the_queue_by_keyboard(kitchen, chromium) -> None:
    page = await opened(kitchen, chromium)
    for key in ("j", "j", "k"):
        await page.keyboard.press(key)
    await expect(page.locator("[data-key=rosa] .hl-row-open")).to_be_focused()
    await page.keyboard.press("r")
    await expect(page.locator("#announce")).to_have_text("There is nothing to resolve here.")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/kitchen?row=rosa")
    await page.go_back()
    await page.keyboard.press("j")
    await page.keyboard.press("c")
    await until(lambda: kitchen.posts == [{"csrf": "token"}])


async def test_single_keys_are_quiet_while_typing_and_when_turned_off(kitchen, chromium) -> None:
    page = await opened(kitchen, chromium)
    note = page.locator("#note")
    await note.focus()
    await page.keyboard.type("j c ?")
    await expect(note).to_have_value("j c ?")
    assert not kitchen.posts
    await page.evaluate("document.activeElement.blur()")
    await page.keyboard.press("?")
    await page.get_by_label("Use single keys").uncheck()
    await page.keyboard.press("Escape")
    await page.keyboard.press("j")
    await expect(page.locator("[data-key=rosa] .hl-row-open")).not_to_be_focused()
