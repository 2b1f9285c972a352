"""`scripts/screenshots`: the pages of a running demo clinic as pictures, in headless Chromium.

Every picture is what its person sees after a few clicks, in a browser of her own; nothing is
staged but the clicks. One of them claims a task, so that its timer runs in the picture.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

from playwright.sync_api import Browser, Page, sync_playwright

from scripts.clinic import ADMIN, BILLER, NURSE, PASSWORD, Member
from scripts.demo_run import CONSOLE_PORT
from scripts.spine import ROOT

CHROMIUM: Final = "/usr/bin/chromium"
ARGUMENTS: Final = ("--no-sandbox", "--disable-gpu", "--hide-scrollbars")
WIDTH, HEIGHT, PHONE = 1440, 900, 390  # CSS pixels
DRAWN_MS: Final = 900  # a chart is drawn within that
MAX_BYTES: Final = 250_000
CALLED: Final = "Synthia Testperson"  # her live cuff shows a crisis
ALERTED: Final = "Demo Ada Fixture"  # whose cuff is shown as if it were somebody else's
OTHER: Final = "Exampleton"

Step = Callable[[Page], None]


def main() -> int:
    options = _options()
    options.out.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
        Album(browser, f"http://127.0.0.1:{options.port}", options.out).fill()
        browser.close()
    heavy = [p.name for p in options.out.glob("*.png") if p.stat().st_size > MAX_BYTES]
    sys.stderr.write(f"too heavy for a document: {', '.join(heavy)}\n" if heavy else "")
    return 1 if heavy else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/screenshots", description=__doc__)
    parser.add_argument("--port", type=int, default=CONSOLE_PORT, help="of the demo's console")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "images")
    return parser.parse_args()


class Album:
    """Who looks at what, page by page."""

    def __init__(self, browser: Browser, address: str, folder: Path) -> None:
        self._browser = browser
        self._address = address
        self._folder = folder

    def fill(self) -> None:
        nurse = self._person(NURSE)
        self._take(nurse, "queue", "/queue")
        self._take(nurse, "patients", "/patients")
        story = _follow(f".hl-main a:text-is('{CALLED}')")
        self._take(nurse, "patient", "/patients", story, height=1500)
        self._take(nurse, "readings", "/patients", story, _follow("a:text-is('Readings')"))
        self._take(nurse, "task", "/queue", _claim, height=1400)
        self._biller(self._person(BILLER))
        self._admin(self._person(ADMIN))
        phone = self._person(NURSE, width=PHONE)
        self._take(phone, "queue-phone", "/queue", height=844)
        self._take(phone, "task-phone", "/queue", _follow(".hl-row-open"), height=844)
        dark = self._person(NURSE, dark=True)
        self._take(dark, "queue-dark", "/queue")
        self._take(dark, "patient-dark", "/patients", story, height=1500)

    def _biller(self, biller: Page) -> None:
        """One of last month's is signed, so that there is something to look back at."""
        somebody = _follow(".hl-main th a[href^='/month/']")
        earlier = _follow(".hl-header a[href^='/month?']")
        line = _follow(".hl-main th a[href*='/lines/']")
        self._take(biller, "month", "/month")
        self._take(biller, "rules", "/rules", height=1100)
        self._take(biller, "month-patient", "/month", earlier, somebody, height=1100)
        self._take(
            biller, "month-line", "/month", earlier, somebody, line, _open_chain, height=1300
        )
        signed = _follow("a:text-is('See what was signed')")
        self._take(biller, "month-signed", "/month", earlier, somebody, _sign, signed, height=1000)

    def _admin(self, admin: Page) -> None:
        home = _follow(f".hl-main th a:has-text('{ALERTED}')")
        device = _follow(".hl-main th a[href^='/devices/']")
        self._take(admin, "homes", "/homes")
        self._take(admin, "home", "/homes", home)
        self._take(admin, "device", "/homes", home, device)
        self._take(admin, "reassign", "/homes", home, device, _give_to_another, height=1100)
        self._take(admin, "unassigned", "/unassigned")
        self._take(admin, "quarantine", "/quarantine")
        self._take(
            admin, "quarantine-one", "/quarantine", _follow(".hl-main th a[href^='/quarantine/']")
        )
        self._take(admin, "staff", "/staff")
        self._take(admin, "settings", "/settings")

    def _person(self, member: Member, *, width: int = WIDTH, dark: bool = False) -> Page:
        context = self._browser.new_context(
            viewport={"width": width, "height": HEIGHT},
            color_scheme="dark" if dark else "light",
            reduced_motion="reduce",
        )
        page = context.new_page()
        page.goto(f"{self._address}/sign-in")
        page.get_by_label("Email").fill(member.email)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url(lambda url: "/sign-in" not in url)
        return page

    def _take(self, page: Page, name: str, path: str, *steps: Step, height: int = HEIGHT) -> None:
        width = (page.viewport_size or {"width": WIDTH})["width"]
        page.set_viewport_size({"width": width, "height": height})
        page.goto(f"{self._address}{path}")
        for step in steps:
            step(page)
        page.wait_for_timeout(DRAWN_MS)
        page.evaluate("document.activeElement?.blur()")
        page.screenshot(path=self._folder / f"{name}.png")
        sys.stderr.write(f"{name}\n")


def _follow(selector: str) -> Step:
    def step(page: Page) -> None:
        before = page.url
        page.locator(selector).first.click()
        page.wait_for_url(lambda url: url != before)

    return step


def _claim(page: Page) -> None:
    """The live crisis if somebody can claim it, else the first row; her timer runs then."""
    free = page.locator(".hl-row").filter(has=page.get_by_role("button"))
    crisis = free.filter(has_text=CALLED)
    (crisis if crisis.count() else free).first.get_by_role("button").click()
    page.wait_for_url("**/tasks/*")


def _open_chain(page: Page) -> None:
    """The first step of each level, down to the bytes."""
    first = page.locator(".hl-chain > li:first-child > details")
    for step in first.all():
        step.evaluate("element => { element.open = true }")


def _sign(page: Page) -> None:
    page.get_by_role("button", name="Sign this month").click()
    page.wait_for_selector("text=The month is signed.")


def _give_to_another(page: Page) -> None:
    """Preview only: what it would do if the device had been somebody else's."""
    _follow("a:text-is('Re-assign')")(page)
    patient = page.get_by_label("Patient")
    other = patient.locator("option").filter(has_text=OTHER)
    patient.select_option(value=other.first.get_attribute("value"))
    page.get_by_role("button", name="Show what this does").click()
    page.wait_for_selector("#effect")


if __name__ == "__main__":
    sys.exit(main())
