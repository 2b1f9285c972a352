"""The running timer: ticks, beats only while somebody works, and shows what the server says."""

from __future__ import annotations

import asyncio

import pytest
from playwright.async_api import Page, expect

from tests.api.ui.conftest import NOW, Kitchen
from tests.api.ui.test_live import until
from tests.browser import Chromium, assert_axe_clean


@pytest.fixture
def kitchen(kitchen: Kitchen) -> Kitchen:
    kitchen.timer = {
        "entry_id": "e1",
        "task_id": "t1",
        "seconds": 754,
        "programme": "CCM",
        "patient": "Demo Rosa",
    }
    kitchen.answer = {"running": True, "seconds": 775, "ended_reason": None}
    return kitchen


async def opened(kitchen: Kitchen, chromium: Chromium) -> Page:
    page = await chromium.open("about:blank")
    await page.clock.install(time=NOW)
    await page.goto(f"{kitchen.url}/kitchen")
    await page.clock.pause_at(NOW.replace(minute=6))
    kitchen.beats.clear()
    return page


def clock(page: Page):
    return page.get_by_role("region", name="Running timer").get_by_role("timer")


async def work(page: Page, seconds: int) -> None:
    """Time goes by with the mouse moving every 10 s."""
    for step in range(seconds // 10):
        await page.mouse.move(10 + step % 9, 10)
        await page.clock.run_for(10_000)
        await asyncio.sleep(0.15)  # the network is not on the page's clock


async def test_it_ticks_and_takes_the_servers_seconds(kitchen, chromium) -> None:
    page = await chromium.open(f"{kitchen.url}/kitchen")
    await expect(clock(page)).to_have_text("12:36", timeout=4000)


async def test_it_beats_with_the_token_while_somebody_works(kitchen, chromium) -> None:
    page = await opened(kitchen, chromium)
    await work(page, 60)
    await until(lambda: len(kitchen.beats) >= 3)
    assert set(kitchen.beats) == {"token"}
    assert len(kitchen.beats) <= 4


async def test_without_input_it_stops_and_asks(kitchen, chromium) -> None:
    page = await opened(kitchen, chromium)
    await work(page, 20)
    await page.clock.run_for(190_000)
    dialog = page.get_by_role("dialog", name="Are you still working on this?")
    await expect(dialog).to_be_visible()
    silent = len(kitchen.beats)
    await page.clock.run_for(120_000)
    assert len(kitchen.beats) == silent
    await page.clock.resume()  # axe waits by the clock
    await assert_axe_clean(page)
    await dialog.get_by_role("button", name="I am still here").click()
    await until(lambda: len(kitchen.beats) == silent + 1)
    await expect(dialog).to_be_hidden()


async def test_an_ended_lease_is_told_and_beats_no_more(kitchen, chromium) -> None:
    page = await opened(kitchen, chromium)
    kitchen.answer = {"running": False, "seconds": 780, "ended_reason": "abandoned"}
    await work(page, 30)
    await expect(page.get_by_text("Ended at your last activity.").first).to_be_visible()
    await expect(clock(page)).to_have_text("13:00")
    ended = len(kitchen.beats)
    await work(page, 60)
    assert len(kitchen.beats) == ended
    await page.clock.resume()  # axe waits by the clock
    await assert_axe_clean(page)


async def test_work_in_another_tab_keeps_this_one_from_asking(kitchen, chromium) -> None:
    page = await opened(kitchen, chromium)
    await work(page, 20)
    await page.clock.run_for(170_000)
    other = await chromium.open(f"{kitchen.url}/kitchen", like=page)
    await other.mouse.move(30, 30)
    await page.wait_for_timeout(200)
    await page.clock.run_for(60_000)
    await expect(page.get_by_role("dialog", name="Are you still working")).to_be_hidden()


async def test_a_lost_connection_is_said_and_beating_goes_on(kitchen, chromium) -> None:
    chromium.expects("ERR_FAILED")
    page = await opened(kitchen, chromium)
    await page.route("**/beat", lambda route: route.abort())
    await work(page, 30)
    await expect(page.get_by_text("No connection since").first).to_be_visible()
    await page.unroute("**/beat")
    await work(page, 30)
    await until(lambda: len(kitchen.beats) >= 1)
    await expect(page.get_by_text("No connection since")).to_have_count(0)
