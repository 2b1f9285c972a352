"""A nurse's shift at the console, as her browser makes it: sign in, claim, work, talk, resolve.

Minutes come from her timer alone. The console's clock is put forward between two beats; the beats
are those that the page's script sends while somebody works.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from urllib.parse import urlsplit

from scripts.browser import Browser, ConsoleError, Page
from scripts.clinic import PASSWORD, Member
from scripts.console import Clock

BEAT = timedelta(seconds=20)  # as the page's script sends them


def sign_in(browser: Browser, member: Member) -> Page:
    """The page that her work begins with."""
    form = browser.get("/sign-in")
    page = browser.submit(form, "/sign-in", email=member.email, password=PASSWORD)
    if page.path == "/sign-in":
        raise ConsoleError("the console did not accept the sign-in")
    return page


def work_off(browser: Browser, clock: Clock, task: str, *, lasting: timedelta) -> None:
    """One task from the queue: everything that its page asks for, over so much time."""
    here = f"/tasks/{task}"
    found = browser.get("/queue?tab=medical")
    if not found.forms_to(f"{here}/claim"):  # a backlog's, for review; or far down a long queue
        found = browser.get(here)
    page = browser.submit(found, f"{here}/claim")
    _beats(browser, page, clock, lasting)
    page = _tick_all(browser, here)
    page = browser.submit(
        page, f"{here}/contacts", channel="phone", reached="yes", note="Rested; repeat is lower."
    )
    page = browser.submit(
        page,
        f"{here}/resolve",
        outcome="patient_advised",
        note="Called; no symptoms. Measures again this evening, provider informed.",
        activity="alert_review",
        interactive="yes",
    )
    if page.forms_to(f"{here}/resolve"):
        raise ConsoleError("the console did not accept the outcome")


def unseen(browser: Browser, codes: Iterable[str]) -> list[str]:
    """Codes that the list of what is ready does not show to whoever is signed in."""
    page = browser.get("/month?show=to_sign")
    return [code for code in codes if code not in page.text]


def _beats(browser: Browser, page: Page, clock: Clock, lasting: timedelta) -> None:
    address = urlsplit(page.data.get("data-beat-url", "")).path
    if not address:
        raise ConsoleError("no timer runs after the claim")
    for _ in range(lasting // BEAT + 1):
        clock.advance(BEAT)
        if not browser.call(page, address)["running"]:
            raise ConsoleError("the timer ended while it was worked")


def _tick_all(browser: Browser, here: str) -> Page:
    page = browser.get(here)
    steps = [form.fields["step"] for form in page.forms_to(f"{here}/checklist")]
    for step in steps:
        page = browser.submit(page, f"{here}/checklist", where={"step": step}, done="yes")
    return page
