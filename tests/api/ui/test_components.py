"""Every shared part in a real browser: it fits, is told, and works by keyboard or no scripts."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import Page, expect

from api.render import STATIC
from tests.api.ui.conftest import Kitchen, a_row, templates
from tests.browser import Chromium, assert_axe_clean, assert_fits, assert_targets

WAYS = {
    "1440": {},
    "1024": {"width": 1024},
    "390": {"width": 390, "height": 844},
    "dark": {"dark": True},
    "dark 390": {"dark": True, "width": 390},
    "200 %": {"zoom": 2},
    "200 % of 1024": {"width": 1024, "zoom": 2},
}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS.keys())
async def test_every_part_fits_and_is_accessible(kitchen: Kitchen, chromium: Chromium, way) -> None:
    kitchen.timer = {
        "entry_id": "e",
        "task_id": "t",
        "seconds": 5999,
        "programme": "CCM",
        "patient": "Demo Wilhelmina Featherstonehaugh-Villanueva de la Cruz",
    }
    kitchen.flash = {"kind": "success", "text": "Saved."}
    page = await chromium.open(f"{kitchen.url}/kitchen", **way)
    await page.wait_for_selector("[data-drawn]")
    await _promises(page)


async def _promises(page: Page) -> None:
    await assert_fits(page)
    await assert_targets(page)
    await assert_axe_clean(page)


@pytest.mark.parametrize("rows", [0, 200])
async def test_the_queue_is_sound_with_nothing_and_with_much_in_it(
    kitchen: Kitchen, chromium: Chromium, rows: int
) -> None:
    kitchen.rows = [a_row(f"p{n}") for n in range(rows)]
    page = await chromium.open(f"{kitchen.url}/kitchen", width=390)
    await expect(page.get_by_text("Nothing waits")).to_be_visible(visible=not rows)
    await assert_fits(page)


async def test_a_refused_form_says_so_at_the_top_and_at_the_field(
    kitchen: Kitchen, chromium: Chromium
) -> None:
    kitchen.errors = {
        "name": "Give the full name",
        "outcome": "Choose an outcome",
        "programme": "Choose",
    }
    page = await chromium.open(f"{kitchen.url}/kitchen")
    summary = page.get_by_role("alert", name="There is a problem")
    await expect(summary).to_be_focused()
    await summary.get_by_role("link", name="Give the full name").click()
    field = page.get_by_label("Full name")
    await expect(field).to_be_focused()
    await expect(field).to_have_accessible_description(re.compile("Error: Give the full name"))
    await assert_axe_clean(page)


@pytest.mark.parametrize("dark", [False, True])
async def test_dialogs_open_by_button_and_by_key_and_give_the_focus_back(
    kitchen: Kitchen, chromium: Chromium, dark: bool
) -> None:
    page = await chromium.open(f"{kitchen.url}/kitchen", dark=dark)
    opener = page.get_by_role("button", name="End enrolment…")
    await opener.click()
    dialog = page.get_by_role("dialog", name="End the enrolment?")
    await expect(dialog).to_be_visible()
    await assert_axe_clean(page)
    await page.keyboard.press("Escape")
    await expect(dialog).to_be_hidden()
    await expect(opener).to_be_focused()
    await page.keyboard.press("?")
    await expect(page.get_by_role("dialog", name="Keys and display")).to_be_visible()
    await assert_axe_clean(page)


async def test_without_scripts_a_question_stands_in_the_page_and_posts(
    kitchen: Kitchen, chromium: Chromium
) -> None:
    page = await chromium.open(f"{kitchen.url}/kitchen", scripts=False)
    await page.locator("#end-it").get_by_label("Reason").fill("Moved away")
    await page.get_by_role("button", name="End enrolment", exact=True).click()
    assert kitchen.posts == [{"csrf": "token", "reason": "Moved away"}]
    await page.get_by_role("button", name="Claim Demo Rosa").click()
    assert kitchen.posts[1:] == [{"csrf": "token"}]


async def test_without_scripts_the_menu_of_a_phone_opens(
    kitchen: Kitchen, chromium: Chromium
) -> None:
    page = await chromium.open(f"{kitchen.url}/kitchen", width=390, scripts=False)
    await page.get_by_role("button", name="Menu").click()
    await expect(page.get_by_role("link", name="Homes & devices")).to_be_visible()
    await expect(page.get_by_role("link", name="Queue")).to_have_attribute("aria-current", "page")
    await assert_fits(page)


async def test_the_menu_of_a_phone_is_accessible(kitchen: Kitchen, chromium: Chromium) -> None:
    page = await chromium.open(f"{kitchen.url}/kitchen", width=390, dark=True)
    await page.get_by_role("button", name="Menu").click()
    await _promises(page)


async def test_the_first_tab_leads_past_the_navigation(
    kitchen: Kitchen, chromium: Chromium
) -> None:
    page = await chromium.open(f"{kitchen.url}/kitchen")
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("main")).to_be_focused()


@pytest.mark.parametrize("width", [1440, 390])
async def test_an_error_is_one_calm_sheet(kitchen: Kitchen, chromium: Chromium, width: int) -> None:
    page = await chromium.open(f"{kitchen.url}/problem", width=width)
    await expect(page.get_by_role("heading", level=1)).to_have_text("There is nothing here")
    await _promises(page)


async def test_a_form_is_sent_once_however_often_its_button_is_pressed(
    kitchen: Kitchen, chromium: Chromium
) -> None:
    page = await chromium.open(f"{kitchen.url}/kitchen")
    await page.route("**/kitchen", lambda _route: None)  # the answer never comes
    sent: list[str] = []
    page.on(
        "request", lambda request: sent.append(request.method) if request.method == "POST" else None
    )
    button = page.get_by_role("button", name="Claim Demo Rosa")
    await button.evaluate("(button) => { for (const _ of [1, 2, 3]) button.click(); }")
    await page.wait_for_timeout(100)
    assert sent == ["POST"]


async def test_the_chosen_colours_stay(kitchen: Kitchen, chromium: Chromium) -> None:
    page = await chromium.open(f"{kitchen.url}/kitchen")
    await page.get_by_role("button", name="Keys and display").click()
    await page.get_by_label("Dark").check()
    again = await chromium.open(f"{kitchen.url}/kitchen", like=page)
    scheme = await again.evaluate("getComputedStyle(document.body).colorScheme")
    assert scheme == "dark"


async def test_a_chart_is_drawn_where_its_room_was_and_tells_its_sentence(
    kitchen: Kitchen, chromium: Chromium
) -> None:
    page = await chromium.open(f"{kitchen.url}/kitchen")
    chart = page.locator("#trend")
    await expect(chart).to_have_attribute("data-drawn", "yes")
    await expect(chart).to_have_attribute("aria-label", re.compile("rose from about 131 to 191"))
    shift = await page.evaluate(
        """() => new Promise((told) => new PerformanceObserver((list) =>
             told(list.getEntries().reduce((sum, entry) => sum + entry.value, 0)))
           .observe({ type: "layout-shift", buffered: true }) ?? setTimeout(() => told(0), 300))"""
    )
    assert shift < 0.01


def test_every_icon_that_a_template_names_is_in_the_sprite() -> None:
    sprite = set(re.findall(r'<symbol id="([^"]+)"', (STATIC / "icons.svg").read_text()))
    loader = templates().loader
    assert loader is not None
    named = set()
    for name in templates().list_templates():
        source = loader.get_source(templates(), name)[0]
        named |= set(re.findall(r"""\bicon\(["']([a-z0-9-]+)["']""", source))
        named |= set(re.findall(r"""\bicon=["']([a-z0-9-]+)["']""", source))
    assert named <= sprite
