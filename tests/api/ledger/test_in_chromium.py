"""The ledger's pages and the billing facts in a real browser: they fit, with scripts or not."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ccm_link import work
from ccm_link.corrections import Corrected
from ccm_link.stated import Kind
from ccm_link.statements import Statement, end_stay, state
from store import billing_policy
from tests.api.conftest import NOW, PASSWORD, Clinic
from tests.api.ledger.conftest import Books
from tests.browser import Chromium, assert_axe_clean, assert_fits, assert_targets, chromium, serving

__all__ = ["chromium"]

MORNING = datetime(2026, 11, 20, 14, tzinfo=UTC)
LONG = "Wolfeschlegelsteinhausenbergerdorff-Montgomery-Featherstonehaugh"
SHOTS = os.environ.get("HEARTHLINE_SHOTS")


@pytest.fixture
async def url(app: Any) -> AsyncIterator[str]:
    async with serving(app) as address:
        yield address


async def signed_in(chromium: Chromium, url: str, email: str, **how: Any) -> Any:
    page = await chromium.open(f"{url}/sign-in", **how)
    await page.fill("[name=email]", email)
    await page.fill("[name=password]", PASSWORD)
    await page.click("[type=submit]")
    await page.wait_for_url(lambda address: "/sign-in" not in address)
    return page


@pytest.fixture
async def lived(books: Books) -> dict[str, Any]:
    """Time that overlaps, was corrected, is held; every kind of statement; a policy."""
    await books.admin.execute(
        "UPDATE patient SET family_name = %s WHERE id = %s", [LONG, books.rosa]
    )
    await books.logged(books.rosa, MORNING, 10, "provider", programme="RPM")
    shared = await books.logged(books.rosa, MORNING + timedelta(minutes=5), 10)
    new = Corrected(
        programme="CCM", activity="medication", start=MORNING + timedelta(minutes=5),
        end=MORNING + timedelta(minutes=20), interactive=True, note="All her tablets, one by one",
    )  # fmt: skip
    await work.correct_entry(
        books.conn, "north", books.actor("nurse"), shared, new, reason="It went on", now=NOW
    )
    midnight = datetime(2026, 11, 2, 5, tzinfo=UTC)
    await books.logged(books.rosa, midnight - timedelta(minutes=3), 9)
    await books.logged(books.bob, MORNING - timedelta(minutes=50), 20)
    held = await books.logged(books.rosa, MORNING - timedelta(minutes=60), 30)
    await _stated(books)
    await billing_policy.set_policy(
        books.conn, "north", valid_from=date(2026, 10, 1), qhp_time_counts_as_staff=True,
        caps={"99439": 1}, reason="The payer's letter of September", by=books.clinic.staff["admin"],
        now=NOW,
    )  # fmt: skip
    standing = await books.one(
        "SELECT id FROM time_entry WHERE replaces IS NOT NULL AND status = 'active'"
    )
    return {"held": held, "standing": standing[0], "rosa": books.rosa}


async def _stated(books: Books) -> None:
    nurse, doctor = books.actor("nurse"), books.actor("provider")
    stay = Statement(kind=Kind.INPATIENT_STAY, first_day=date(2026, 11, 3), note="A letter")
    fact = await state(books.conn, "north", nurse, books.rosa, stay, now=NOW)
    await end_stay(books.conn, "north", nurse, fact, date(2026, 11, 6), now=NOW)
    said = [
        Statement(kind=Kind.INPATIENT_STAY, first_day=date(2026, 11, 19)),
        Statement(kind=Kind.OTHER_CLAIM, first_day=date(2026, 10, 1), code="G0181"),
        Statement(kind=Kind.APCM, first_day=date(2026, 10, 1), code="G0557"),
        Statement(kind=Kind.DEVICE_SETUP, first_day=date(2026, 11, 2), fda_device=True,
                  by_staff=nurse.id),
        Statement(kind=Kind.COMPLEX_DECISION, first_day=date(2026, 11, 2), level="high",
                  by_staff=doctor.id),
        Statement(kind=Kind.CARE_PLANNING, first_day=date(2026, 11, 2), with_visit=True,
                  personally=True, by_staff=doctor.id),
    ]  # fmt: skip
    for statement in said:
        await state(books.conn, "north", doctor, books.rosa, statement, now=NOW)


def addresses(lived: dict[str, Any]) -> dict[str, str]:
    rosa = lived["rosa"]
    return {
        "time": f"/patients/{rosa}/time",
        "billing": f"/patients/{rosa}/billing",
        "correct": f"/time/{lived['standing']}/correct",
        "decide": f"/time/{lived['held']}/decide",
        "waiting": "/time",
    }


@pytest.mark.parametrize("width", [1440, 390])
async def test_the_pages_fit_and_are_reachable(
    chromium: Chromium, url: str, lived: dict[str, Any], north: Clinic, width: int
):
    page = await signed_in(chromium, url, north.email("nurse"), width=width)
    for name, path in addresses(lived).items():
        await page.goto(url + path)
        await page.wait_for_selector("h1")
        for summary in await page.query_selector_all("main details > summary"):
            await summary.click()
        await assert_fits(page)
        await assert_targets(page)
        await assert_axe_clean(page)
        await _shot(page, name, width)


@pytest.mark.parametrize("width", [1440, 390])
async def test_the_switches_fit_and_a_refusal_is_said(
    chromium: Chromium, url: str, lived: dict[str, Any], north: Clinic, width: int
):
    chromium.expects("422")
    page = await signed_in(chromium, url, north.email("admin"), width=width)
    await page.goto(f"{url}/settings/billing")
    await assert_fits(page)
    await assert_axe_clean(page)
    await _shot(page, "switches", width)
    await page.fill("[name=cap_99439]", "x")
    await page.click("text=Set it")
    await page.wait_for_selector(".hl-summary")
    await assert_fits(page)
    await assert_axe_clean(page)
    await page.goto(f"{url}/time")
    await assert_axe_clean(page)


async def test_a_provider_sees_every_form(
    chromium: Chromium, url: str, lived: dict[str, Any], north: Clinic
):
    chromium.expects("422")
    page = await signed_in(chromium, url, north.email("provider"), width=390)
    await page.goto(url + addresses(lived)["billing"])
    for summary in await page.query_selector_all("main details > summary"):
        await summary.click()
    await assert_fits(page)
    await assert_axe_clean(page)
    await page.click("#complex_decision >> text=Document it for a month >> nth=1")
    await page.wait_for_selector(".hl-summary")
    assert (
        await page.locator("#complex_decision details[open] #complex_decision-level").count() == 1
    )
    await assert_axe_clean(page)


async def test_forms_work_without_scripts(
    chromium: Chromium, url: str, lived: dict[str, Any], north: Clinic, books: Books
):
    page = await signed_in(chromium, url, north.email("nurse"), scripts=False)
    await page.goto(url + addresses(lived)["correct"])
    await page.fill("[name=end]", "2026-11-20T09:12")
    await page.fill("#reason", "Shorter")
    await page.click("text=Correct it")
    await page.wait_for_selector("text=The time is corrected.")
    await page.goto(url + addresses(lived)["decide"])
    await page.check("#stands-2")
    await page.fill("[name=reason]", "Asked her")
    await page.click("main >> text=Decide")
    await page.wait_for_selector("text=The other time stands.")
    await page.goto(url + addresses(lived)["billing"])
    await page.click("text=Record a claim >> nth=0")
    await page.fill("#other_claim-month", "2026-11")
    await page.fill("#other_claim-code", "99490")
    await page.select_option("#other_claim-by_staff", "outside")
    await page.click("#other_claim >> button:has-text('Record a claim')")
    await page.wait_for_selector("text=99490, by another practice")
    assert await books.one("SELECT count(*) FROM time_entry WHERE status = 'held'") == (0,)


async def _shot(page: Any, name: str, width: int) -> None:
    """For a person to look at: `HEARTHLINE_SHOTS=folder`."""
    if SHOTS:
        await page.screenshot(path=str(Path(SHOTS) / f"{name}-{width}.png"), full_page=True)
