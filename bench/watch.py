"""A nurse's queue in a real Chromium; each row that appears in it is reported at that instant.

The page is as it comes. A MutationObserver of ours looks at its list, and a binding of the browser
calls this process: so a row's instant is taken by the stopwatch that also timed the publish call.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

from playwright.async_api import Page, async_playwright

from bench.ward import FAMILY
from scripts.clinic import PASSWORD, Member

CHROMIUM: Final = "/usr/bin/chromium"
_ARGUMENTS: Final = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
_OBSERVE: Final = """(family) => {
  const list = document.querySelector("#queue");
  const tell = (row) => {
    const name = row.querySelector?.(".hl-row-open")?.textContent?.trim() ?? "";
    if (name.startsWith(family)) globalThis.benchRow(name, row.dataset.key);
  };
  new MutationObserver((changes) => {
    for (const change of changes) change.addedNodes.forEach(tell);
  }).observe(list, { childList: true });
}"""
_NONE_LEFT: Final = """(family) => ![...document.querySelectorAll("#queue .hl-row-open")]
  .some((link) => link.textContent.trim().startsWith(family))"""


@dataclass(slots=True, kw_only=True)
class Watch:
    """What the nurse has seen. `rows`: name → the stopwatch; `keys`: name → its task."""

    page: Page
    rows: dict[str, float] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)

    async def cleared(self, *, timeout_s: float) -> None:
        """Until none of the benchmark's rows is in the list."""
        await self.page.wait_for_function(_NONE_LEFT, arg=FAMILY, timeout=timeout_s * 1000)


def _told(watch: Watch) -> Callable[[str, str], None]:
    """A plain function: Playwright writes on the callback's owner, which has slots."""

    def hear(name: str, key: str) -> None:
        watch.rows.setdefault(name, time.perf_counter())
        watch.keys.setdefault(name, key)

    return hear


@asynccontextmanager
async def watching(address: str, member: Member) -> AsyncIterator[Watch]:
    """Signed in through the form, the queue open and live."""
    async with async_playwright() as play:
        browser = await play.chromium.launch(executable_path=CHROMIUM, args=list(_ARGUMENTS))
        page = await browser.new_page(viewport={"width": 1440, "height": 900})
        watch = Watch(page=page)
        await page.expose_function("benchRow", _told(watch))
        await page.goto(f"{address}/sign-in")
        await page.fill('input[name="email"]', member.email)
        await page.fill('input[name="password"]', PASSWORD)
        await page.click('main button[type="submit"], form[action="/sign-in"] button')
        await page.wait_for_url("**/queue*")
        await page.wait_for_selector('[data-live-state][data-state="live"]')
        await page.evaluate(_OBSERVE, FAMILY)
        yield watch
        await browser.close()
