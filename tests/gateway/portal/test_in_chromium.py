"""Every page in a real Chromium: a phone, 200 % zoom, both languages, keys alone, no scripts.

The desk is told what the radio would tell it; `test_walk.py` goes the same way with a real radio.
"""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.async_api import expect

from gateway.kinds import DeviceKind
from gateway.link import Failure
from gateway.pairing_events import Chose, Closed, Opened, WentBack
from gateway.portal import door as door_module
from tests.browser import assert_axe_clean, assert_fits, assert_targets, serving
from tests.gateway.portal.conftest import CUFF, METER, PIN, found, reading, sighting

PHONE = {"width": 390, "height": 844}
ZOOMED = {"width": 1024, "height": 768, "zoom": 2}
SMALL_ZOOMED = {"width": 640, "height": 844, "zoom": 2}
LOOKS = [
    pytest.param("en", PHONE, id="en-phone"),
    pytest.param("es", ZOOMED, id="es-zoomed"),
    pytest.param("es", PHONE, id="es-phone", marks=pytest.mark.slow),
    pytest.param("en", ZOOMED, id="en-zoomed", marks=pytest.mark.slow),
    pytest.param("es", SMALL_ZOOMED, id="es-small-zoomed", marks=pytest.mark.slow),
    pytest.param("es", PHONE | {"dark": True}, id="es-dark", marks=pytest.mark.slow),
]


@dataclass(frozen=True, slots=True)
class Home:
    """What the box hears and does, at a word of the test."""

    desk: Any
    clock: Any
    told: Any

    async def looks_for(self, kind=DeviceKind.CUFF):
        await self.desk.act(Closed())
        await self.desk.act(Opened())
        await self.desk.act(Chose(kind))

    async def links(self):
        await self.looks_for()
        found(self.desk, self.clock)
        self.desk.connecting(CUFF)
        self.desk.connected(CUFF)


@pytest.fixture
async def url(app, chromium):
    async with serving(app) as served:
        yield served
        await chromium.leave()


@pytest.fixture
def home(desk, clock, told):
    return Home(desk, clock, told)


async def signed_in(chromium, url, code="en", **look):
    page = await chromium.open(f"{url}/language/{code}", **look)
    await page.locator("#pin").fill(PIN)
    await page.keyboard.press("Enter")
    await expect(page.locator("main[data-step]")).to_be_attached()
    return page


async def promises(page):
    await assert_fits(page)
    await assert_targets(page)
    await assert_axe_clean(page)
    assert await page.locator("h1").count() == 1
    text_px = await page.evaluate(_SMALLEST_TEXT)
    assert text_px >= 20, f"{page.url}: text of {text_px} px"
    low = await page.evaluate(_LOW_BUTTONS)
    assert not low, low


_SMALLEST_TEXT = """() => Math.min(...[...document.querySelectorAll("body *")]
  .filter((e) => e.checkVisibility() && !e.closest(".govuk-visually-hidden, .govuk-skip-link"))
  .filter((e) => [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim()))
  .map((e) => parseFloat(getComputedStyle(e).fontSize)))"""
_LOW_BUTTONS = """() => [...document.querySelectorAll(".govuk-button, .hl-choice")]
  .map((e) => e.getBoundingClientRect()).filter((box) => box.height < 48)
  .map((box) => `${box.width}x${box.height}`)"""


async def choose(home):
    await home.desk.act(Opened())


async def prepare(home):
    await home.looks_for()


async def helped(home):
    await home.looks_for()
    home.clock.passes(30)


async def pick(home):
    await home.looks_for()
    home.desk.sighted(sighting(METER, name="A&D_UA-651BLE_with_a_very_long_name_000002", rssi=-85))
    found(home.desk, home.clock)


async def pairing(home):
    await home.looks_for()
    found(home.desk, home.clock)


async def unreachable(home):
    await pairing(home)
    home.desk.connecting(CUFF)
    home.desk.failed(CUFF, Failure.UNREACHABLE)


async def asked(home):
    await home.looks_for(DeviceKind.METER)
    found(home.desk, home.clock, service=0x1808, name="meter+00001")
    home.desk.connecting(CUFF)
    asking = asyncio.create_task(home.desk.passkey(CUFF))
    await asyncio.sleep(0)
    return asking


async def compared(home):
    await pairing(home)
    asking = asyncio.create_task(home.desk.confirm(CUFF, 12345))
    await asyncio.sleep(0)
    return asking


async def shown(home):
    await pairing(home)
    await home.desk.show(CUFF, 987654)


async def tested(home):
    await home.links()


async def kept(home):
    await home.links()
    home.told.online = True
    home.desk.spooled(CUFF, reading(home.clock()))


async def away(home):
    await kept(home)
    home.told.online = False


async def done(home):
    await kept(home)
    home.desk.receipted(["a"])


SCENES: dict[str, Callable[[Home], Any]] = {
    scene.__name__: scene
    for scene in (
        choose,
        prepare,
        helped,
        pick,
        pairing,
        unreachable,
        asked,
        compared,
        shown,
        tested,
        kept,
        away,
        done,
    )
}


@pytest.mark.parametrize(("code", "look"), LOOKS)
async def test_every_page(chromium, url, home, code, look):
    page = await signed_in(chromium, url, code, **look)
    await promises(page)
    for name, scene in SCENES.items():
        asking = await scene(home)
        await page.goto(url)
        await promises(page)
        await picture(page, name, code, look)
        if asking is not None:
            await home.desk.act(Closed())
            await asking


@pytest.mark.slow
@pytest.mark.parametrize("code", ["en", "es"])
async def test_every_kind_of_device(chromium, url, home, code):
    page = await signed_in(chromium, url, code, **PHONE)
    for kind in DeviceKind:
        await home.looks_for(kind)
        await page.goto(url)
        await promises(page)


async def picture(page, name, code, look):
    """Kept where HEARTHLINE_PICTURES names a folder: for looking at, and for the guides."""
    folder = os.environ.get("HEARTHLINE_PICTURES")
    if folder:
        shape = "-".join(
            part for part in ("zoom" in look and "zoom", look.get("dark") and "dark") if part
        )
        file = "-".join(part for part in ("pairing", name, code, shape) if part)
        await page.screenshot(path=f"{folder}/{file}.png", full_page=True)


async def test_the_door(chromium, url, door, clock):
    chromium.expects("40[01]", "429", "404")
    page = await chromium.open(url, **PHONE)
    await promises(page)
    await page.locator("#pin").fill("00000000")
    await page.keyboard.press("Enter")
    await expect(page.locator(".govuk-error-summary")).to_be_focused()
    await promises(page)
    for _ in range(door_module.TRIES):
        await page.locator("#pin").fill("00000000")
        await page.keyboard.press("Enter")
    await expect(page.locator(".govuk-error-summary")).to_contain_text("Wait 15 minutes")
    await page.goto(f"{url}/nothing")
    await promises(page)
    await page.goto(f"{url}/open/{door.new_link(clock())}")
    await promises(page)
    await page.get_by_role("button", name="Continue").click()
    await expect(page.locator("main[data-step=closed]")).to_be_attached()


async def test_the_page_follows_by_itself_and_says_so(chromium, url, home):
    page = await signed_in(chromium, url, **PHONE)
    await page.get_by_role("button", name="Start").click()
    await page.get_by_role("button", name="Blood pressure cuff").click()
    await expect(page.get_by_role("heading", name="Put the cuff in pairing mode")).to_be_visible()
    found(home.desk, home.clock)
    heading = page.get_by_role("heading", name="Connecting")
    await expect(heading).to_be_focused()
    await expect(page).to_have_title(re.compile("^Connecting"))
    home.desk.connecting(CUFF)
    home.desk.failed(CUFF, Failure.UNREACHABLE)
    await expect(page.get_by_text("I can see it, but it does not answer")).to_be_visible()
    await expect(page.locator("details[open]").last).to_contain_text("connected to a phone")
    home.desk.connecting(CUFF)
    home.desk.connected(CUFF)
    await expect(page.get_by_role("heading", name="Take your blood pressure")).to_be_focused()
    home.desk.spooled(CUFF, reading(home.clock()))
    await expect(page.get_by_text("128/82 mmHg")).to_be_visible()
    home.desk.receipted(["a"])
    await expect(page.get_by_role("heading", name="Your clinic has it")).to_be_focused()


async def test_what_is_being_typed_stays_and_the_same_step_is_not_redrawn(chromium, url, home):
    page = await signed_in(chromium, url, **PHONE)
    asking = await asked(home)
    field = page.locator("#passkey")
    await expect(field).to_be_visible()
    await field.press_sequentially("0123")
    home.told.online = False
    home.desk.sighted(sighting(service=0x1808, name="meter+00001", rssi=-40))
    await page.wait_for_timeout(700)  # more than the page waits before it redraws
    await expect(field).to_have_value("0123")
    await expect(field).to_be_focused()
    await field.press_sequentially("45")
    await page.keyboard.press("Enter")
    assert await asking == 12345


async def test_the_same_step_says_aloud_what_changed(chromium, url, home):
    page = await signed_in(chromium, url, **PHONE)
    await prepare(home)
    await expect(page.get_by_role("heading", name="Put the cuff in pairing mode")).to_be_visible()
    await home.desk.act(WentBack())
    await home.looks_for()
    found(home.desk, home.clock)
    home.desk.connecting(CUFF)
    home.desk.failed(CUFF, Failure.LINK_LOST)
    await expect(page.get_by_text("The connection broke off")).to_be_visible()
    home.desk.connecting(CUFF)
    home.desk.failed(CUFF, Failure.NOT_PAIRED)
    await expect(page.locator("#hl-aloud")).to_contain_text("The device said no")


async def test_with_keys_alone(chromium, url, home):
    page = await chromium.open(url, **PHONE)
    while await page.evaluate("document.activeElement.id") != "pin":
        await page.keyboard.press("Tab")
    await page.keyboard.type(PIN)
    await page.keyboard.press("Enter")
    await expect(page.locator("main[data-step]")).to_be_attached()
    await press_key_to(page, "Start")
    await expect(page.get_by_role("heading", name="What do you want")).to_be_visible()
    await press_key_to(page, "Blood pressure cuff")
    await expect(page.get_by_role("heading", name="Put the cuff in pairing mode")).to_be_visible()
    await press_key_to(page, "Back")
    await expect(page.get_by_role("heading", name="What do you want")).to_be_visible()
    await press_key_to(page, "Blood pressure cuff")
    await expect(page.get_by_role("heading", name="Put the cuff in pairing mode")).to_be_visible()
    found(home.desk, home.clock)
    home.desk.connecting(CUFF)
    home.desk.connected(CUFF)
    home.desk.spooled(CUFF, reading(home.clock()))
    home.desk.receipted(["a"])
    await expect(page.get_by_role("heading", name="Your clinic has it")).to_be_visible()
    await press_key_to(page, "This is not my device: forget it")
    await expect(page.get_by_text("The device is forgotten")).to_be_visible()
    assert home.told.forgotten == [CUFF]


async def test_what_has_the_focus_can_be_read_in_the_dark(chromium, url, home):
    page = await signed_in(chromium, url, dark=True, **PHONE)
    await prepare(home)
    await page.goto(url)
    for part in (page.locator("summary").last, page.get_by_role("button", name="Back")):
        await part.focus()
        await page.keyboard.press("Shift+Tab")
        await page.keyboard.press("Tab")  # as a key does it, so that the ring shows
        await expect(part).to_be_focused()
        await assert_axe_clean(page)


async def press_key_to(page, name):
    """Tab to what is called so, see that the focus shows, press it."""
    for _ in range(30):
        await page.keyboard.press("Tab")
        here = await page.evaluate("document.activeElement.textContent.trim()")
        if here.startswith(name):
            outline = await page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
            assert outline != "none", name
            await page.keyboard.press("Enter")
            return
    pytest.fail(f"{name!r} cannot be reached by Tab")


async def test_without_scripts(chromium, url, home):
    page = await chromium.open(url, scripts=False, **PHONE)
    await page.locator("#pin").fill(PIN)
    await page.get_by_role("button", name="Continue").click()
    await page.get_by_role("button", name="Start").click()
    await page.get_by_role("button", name="Blood pressure cuff").click()
    await expect(page.get_by_role("heading", name="Put the cuff in pairing mode")).to_be_visible()
    found(home.desk, home.clock)
    await page.get_by_role("link", name="Look again now").click()
    await expect(page.get_by_role("heading", name="Connecting")).to_be_visible()
    home.desk.connecting(CUFF)
    home.desk.connected(CUFF)
    # The page asks again by itself.
    await expect(page.get_by_role("heading", name="Take your blood pressure")).to_be_visible(
        timeout=15_000
    )


@pytest.mark.slow
async def test_a_box_that_is_gone_for_a_while(chromium, app, home):
    chromium.expects("ERR_", "status of 50[03]")  # as the server ends, and once it has
    async with serving(app) as url:
        page = await signed_in(chromium, url, **PHONE)
        await prepare(home)
        await expect(page.get_by_role("heading", name="Put the cuff")).to_be_visible()
    await expect(page.locator("#hl-lost")).to_be_visible(timeout=15_000)
    await chromium.leave()
