"""A real Chromium for tests of pages: opens them, and holds every one of them to the same promises.

    async def test_queue(chromium, app):
        async with serving(app) as url:
            page = await chromium.open(f"{url}/queue", width=390)
            await assert_fits(page)
            await assert_axe_clean(page)

A page that logs an error, breaks the content security policy or throws fails the test that opened
it; what a test provokes on purpose (a refused form) it names with `chromium.expects("409")`.
"""

from __future__ import annotations

import asyncio
import re
import shutil
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Final

import axe_playwright_python  # type: ignore[import-untyped]
import pytest
import uvicorn
from playwright.async_api import Browser, ConsoleMessage, Page, async_playwright

CHROMIUM: Final = "/usr/bin/chromium"
ARGUMENTS: Final = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
TAGS: Final = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@dataclass(kw_only=True)
class Chromium:
    """One browser; every page is a new person with no cookies unless `like` names another page."""

    browser: Browser
    problems: list[str] = field(default_factory=list)
    _expected: list[str] = field(default_factory=list)

    def expects(self, *patterns: str) -> None:
        self._expected += patterns

    async def open(
        self,
        url: str,
        *,
        width: int = 1440,
        height: int = 900,
        zoom: int = 1,
        dark: bool = False,
        scripts: bool = True,
        like: Page | None = None,
    ) -> Page:
        """`zoom` is the browser's: half the CSS pixels, drawn twice as large."""
        page = await self._page(
            like, width // zoom, height // zoom, zoom, dark=dark, scripts=scripts
        )
        page.on("console", self._on_console)
        page.on("pageerror", lambda error: self.problems.append(f"{page.url}: {error}"))
        await page.goto(url)
        return page

    async def leave(self) -> None:
        """Everybody closes their browser: before the server that they look at stops."""
        for context in self.browser.contexts:
            await context.close()

    async def _page(
        self, like: Page | None, width: int, height: int, zoom: int, *, dark: bool, scripts: bool
    ) -> Page:
        if like is not None:
            return await like.context.new_page()
        context = await self.browser.new_context(
            viewport={"width": width, "height": height},
            device_scale_factor=zoom,
            color_scheme="dark" if dark else "light",
            java_script_enabled=scripts,
            reduced_motion="reduce",
        )
        return await context.new_page()

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.problems.append(f"{message.location.get('url', '')}: {message.text}")

    def unexpected(self) -> Sequence[str]:
        return [
            problem
            for problem in self.problems
            if not any(re.search(pattern, problem) for pattern in self._expected)
        ]


@pytest.fixture
async def chromium() -> AsyncIterator[Chromium]:
    if not shutil.which(CHROMIUM):
        pytest.fail(f"{CHROMIUM} is missing: run scripts/test, which installs it")
    async with async_playwright() as play:
        started = await play.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
        opened = Chromium(browser=started)
        yield opened
        await started.close()
    assert not opened.unexpected(), "\n".join(opened.unexpected())


@asynccontextmanager
async def serving(app: Any) -> AsyncIterator[str]:
    """The application on a port of the loopback; its lifespan belongs to whoever made it."""
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(app, log_level="error", lifespan="off", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    running = asyncio.create_task(server.serve(sockets=[listener]), name="uvicorn")
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        await running


@cache
def _axe() -> str:
    return (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text()


async def assert_axe_clean(page: Page, *, within: str = "body") -> None:
    """No violation of WCAG 2.2 AA or of axe's best practices in what is shown now."""
    await page.evaluate(_axe())  # not a script element: the page's own policy would refuse it
    options = {"runOnly": {"type": "tag", "values": TAGS}, "resultTypes": ["violations"]}
    found = await page.evaluate(
        "([within, options]) => axe.run(within, options)", [within, options]
    )
    told = [
        f"{violation['id']}: {violation['help']}\n    "
        + "\n    ".join(
            f"{node['html'][:160]} {_contrast(node)}" for node in violation["nodes"][:4]
        )
        for violation in found["violations"]
    ]
    assert not told, f"{page.url}\n" + "\n".join(told)


def _contrast(node: dict[str, Any]) -> str:
    for check in node["any"]:
        data = check.get("data")
        if isinstance(data, dict) and "contrastRatio" in data:
            return f"{data['contrastRatio']} {data['fgColor']} on {data['bgColor']}"
    return ""


async def assert_fits(page: Page) -> None:
    """Nothing is wider than the window; wide tables scroll inside themselves."""
    wide = await page.evaluate(_WIDE)
    assert not wide, f"{page.url} scrolls sideways at {page.viewport_size}: {wide}"


_WIDE = """() => {
  const width = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= width) return [];
  return [...document.querySelectorAll("body *")]
    .filter((e) => e.getBoundingClientRect().right > width + 1)
    .filter((e) => !e.closest(".hl-scroll, .visually-hidden"))
    .map((e) => `${e.tagName.toLowerCase()}.${e.className.baseVal ?? e.className}`).slice(0, 6);
}"""

_SMALL = """() => {
  const all = document.querySelectorAll("a[href], button, input, select, textarea, summary");
  return [...all]
    .filter((e) => e.checkVisibility({ visibilityProperty: true }))
    .filter((e) => !e.closest("p, .visually-hidden, .hl-skip"))
    .filter((e) => getComputedStyle(e).display !== "inline")
    .map((e) => ({ e, box: (e.closest("label") ?? e).getBoundingClientRect() }))
    .filter(({ box }) => box.width && (box.width < 24 || box.height < 24))
    .map(({ e, box }) => `${e.outerHTML.slice(0, 80)} ${box.width}x${box.height}`);
}"""


async def assert_targets(page: Page) -> None:
    """What is pressed is at least 24 by 24 CSS pixels; links inside a sentence are free of that."""
    small = await page.evaluate(_SMALL)
    assert not small, f"{page.url}: {small}"
