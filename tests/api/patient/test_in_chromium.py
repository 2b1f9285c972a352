"""The patients' pages in a real browser: drawn, fitting, reachable; with 0, 1 and 200 readings."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from ccm_link import work
from ccm_link.acting import Actor
from ccm_link.enrolments import NewConsent, NewEnrolment, enrol, record_consent
from store import ledger, limits
from tests.api.conftest import NOW, PASSWORD, Clinic, Clock
from tests.api.patient.seed import Home
from tests.browser import Chromium, assert_axe_clean, assert_fits, assert_targets, chromium, serving
from vitals.clock import utc_now
from vitals.reading import Comparator

__all__ = ["chromium"]

TABS = ("", "/readings", "/alerts", "/time", "/plan", "/devices", "/edit")
LONG = "Wolfeschlegelsteinhausenbergerdorff-Montgomery-Featherstonehaugh"
WIDTHS = (1440, 1024, 720, 390)  # 720: 1440 at 200 % zoom


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
async def lived(home: Home, north: Clinic, conn: Any, clock: Clock) -> UUID:
    """A long name, every kind of reading, alerts, calls, time that waits, an own limit."""
    clock.now = now = utc_now()  # the store stamps arrivals by the database's clock
    patient = await home.patient(family=LONG, given="Maria-Antonia", birth_date=date(1951, 3, 14))
    await home.admin.execute(
        "UPDATE patient SET conditions = '{Hypertension,Type 2 diabetes,Chronic kidney disease}', "
        "phone = '+1 212 555 0101', zone = 'America/Los_Angeles', record_number = 'DEMO-001', "
        "care_note = 'Hard of hearing: let it ring. Daughter translates.', sex = 'female' "
        "WHERE id = %s",
        [patient],
    )
    await home.write(home.ninety_days(now))
    await home.write(
        [
            home.pressure(now - timedelta(minutes=20), 191, 124),
            home.glucose(now - timedelta(minutes=50), None, Comparator.BELOW),
        ]
    )
    await home.judge(now=now)
    nurse = Actor(id=north.staff["nurse"], role="nurse")
    await _enrol(conn, nurse, north.staff["provider"], patient, now)
    await _work(conn, home, nurse, clock)
    await limits.set_limit(
        conn, "north", patient, rule="systolic.high", value=150, ucum="mm[Hg]",
        valid_from=now - timedelta(days=9), by=north.staff["provider"],
        reason="Falls when it is lower", now=now,
    )  # fmt: skip
    return patient


async def _enrol(conn: Any, nurse: Actor, doctor: UUID, patient: UUID, now: datetime) -> None:
    for programme in ("CCM", "RPM"):
        new = NewEnrolment(
            programme=programme, practitioner=doctor, starts_on=now.date() - timedelta(days=60),
            qualifying_conditions=("Hypertension", "Type 2 diabetes"),
        )  # fmt: skip
        await enrol(conn, "north", nurse, patient, new, now=now)
    consent = NewConsent(
        programme="CCM", practitioner=doctor, given_at=now - timedelta(days=60), method="verbal",
        elements=frozenset({"availability", "cost_sharing", "right_to_stop"}),
    )  # fmt: skip
    await record_consent(conn, "north", nurse, patient, consent, now=now)


async def _work(conn: Any, home: Home, nurse: Actor, clock: Clock) -> None:
    """One alert is worked and closed; at the other the browser is lost in the middle."""
    cur = await home.admin.execute("SELECT id FROM care_task ORDER BY due_at, id")
    first, second, *_ = [row[0] for row in await cur.fetchall()]
    await work.claim(conn, "north", nurse, first, now=clock.now)
    clock.forward(seconds=85)
    await work.log_contact(
        conn, "north", nurse, first, channel="phone", reached=True, note="Rests now", now=clock.now
    )
    clock.forward(seconds=80)
    await work.resolve(
        conn, "north", nurse, first, outcome="patient_advised", note="Called. Repeat in an hour.",
        programme="CCM", activity="call", interactive=True, follow_up=None, now=clock.now,
    )  # fmt: skip
    claimed = await work.claim(conn, "north", nurse, second, now=clock.now)
    clock.forward(seconds=60)
    await work.beat(conn, "north", nurse, claimed.entry_id, now=clock.now)
    clock.forward(minutes=10)
    await ledger.end_expired_timers(conn, "north", now=clock.now)


@pytest.mark.timeout(300)
async def test_every_page_fits_and_is_accessible(
    chromium: Chromium, url: str, lived: UUID, north: Clinic, shots: Path | None
):
    patient = lived
    page = await signed_in(chromium, url, north.email("provider"))
    for tab in ("/patients", "/patients/new", *(f"/patients/{patient}{tab}" for tab in TABS)):
        await page.goto(f"{url}{tab}")
        for details in await page.query_selector_all("main details:not([open]) > summary"):
            await details.click()
        for width in WIDTHS:
            await page.set_viewport_size({"width": width, "height": 900})
            await assert_fits(page)
            if shots:
                name = tab.strip("/").replace(str(patient), "one").replace("/", "-")
                await page.screenshot(path=shots / f"{name}-{width}.png", full_page=True)
        await assert_targets(page)
        await assert_axe_clean(page)


@pytest.mark.timeout(120)
async def test_dark_mode_is_as_clean(
    chromium: Chromium, url: str, lived: UUID, north: Clinic, shots: Path | None
):
    patient = lived
    page = await signed_in(chromium, url, north.email("nurse"), dark=True)
    for tab in ("/patients", f"/patients/{patient}", f"/patients/{patient}/plan"):
        await page.goto(f"{url}{tab}")
        await assert_axe_clean(page)
        if shots:
            name = tab.strip("/").replace(str(patient), "one").replace("/", "-")
            await page.screenshot(path=shots / f"dark-{name}.png", full_page=True)


@pytest.mark.timeout(120)
async def test_the_chart_is_drawn_with_every_series(
    chromium: Chromium, url: str, lived: UUID, north: Clinic
):
    patient = lived
    page = await signed_in(chromium, url, north.email("nurse"))
    await page.goto(f"{url}/patients/{patient}?days=90")
    await page.wait_for_selector("[data-drawn=yes] canvas")

    drawn = await page.evaluate(
        "() => echarts.getInstanceByDom(document.getElementById('trend')).getOption().series"
        ".map((s) => [s.name, s.data.length])"
    )
    colours = await page.evaluate(_COLOURS)

    assert [name for name, _ in drawn] == ["Systolic", "Diastolic", "Pulse", "Glucose", "Weight"]
    assert all(count > 80 for _, count in drawn), drawn
    assert await page.get_by_text("High blood pressure").count()
    assert colours > 20, "the canvas is blank"
    assert await page.locator("[aria-current=page]", has_text="90 days").count() == 1


_COLOURS = """() => {
  const canvas = document.querySelector("#trend canvas");
  const pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
  const seen = new Set();
  for (let i = 0; i < pixels.length; i += 4) seen.add(pixels.slice(i, i + 3).join());
  return seen.size;
}"""


@pytest.mark.timeout(120)
@pytest.mark.parametrize("count", [0, 1, 200])
async def test_few_and_many_readings(
    chromium: Chromium, url: str, home: Home, north: Clinic, count: int, shots: Path | None
):
    patient = await home.patient()
    times = [NOW - timedelta(hours=3 * n) for n in range(count)]
    await home.write([home.pressure(at, 130, 80) for at in times])
    page = await signed_in(chromium, url, north.email("nurse"), width=390)

    for tab in ("", "/readings"):
        await page.goto(f"{url}/patients/{patient}{tab}")
        await assert_fits(page)
        await assert_axe_clean(page)
        if shots:
            await page.screenshot(path=shots / f"n{count}-{tab[1:]}.png", full_page=True)
    rows = await page.locator("tbody tr").count()
    assert rows == min(count, 50)


@pytest.mark.timeout(120)
async def test_typing_a_name_filters_and_leaves_no_trace(
    chromium: Chromium, url: str, home: Home, north: Clinic
):
    for family in ("Exampleton", "Otherwise", "Placeholder"):
        await home.patient(family=family)
    page = await signed_in(chromium, url, north.email("nurse"))
    await page.goto(f"{url}/patients")

    await page.fill("[data-filter]", "otherw")
    assert await page.locator("tbody tr:visible").count() == 1
    await page.press("[data-filter]", "Enter")
    await page.wait_for_url("**/patients/search")

    assert await page.locator("tbody tr").all_inner_texts() != []
    assert "Otherwise" in await page.inner_text("tbody")
    assert "otherw" not in page.url


@pytest.mark.timeout(120)
async def test_time_is_logged_and_taken_back_with_the_keyboard(
    chromium: Chromium, url: str, home: Home, north: Clinic
):
    patient = await home.patient()
    page = await signed_in(chromium, url, north.email("nurse"))
    await page.goto(f"{url}/patients/{patient}/time")

    await page.fill("#note", "Called about salt")
    await page.focus("text=Log the time")
    await page.keyboard.press("Enter")
    await page.wait_for_selector("text=The time is in the ledger.")
    await page.focus("text=Take back")
    await page.keyboard.press("Enter")
    await page.wait_for_selector("dialog[open]")
    await assert_axe_clean(page)
    await page.keyboard.type("Wrong patient")
    await page.keyboard.press("Enter")

    await page.wait_for_selector("text=Taken back by Demo Nurse: Wrong patient")


@pytest.mark.timeout(120)
async def test_a_refused_form_leads_to_its_fields(
    chromium: Chromium, url: str, home: Home, north: Clinic, shots: Path | None
):
    chromium.expects("422")
    page = await signed_in(chromium, url, north.email("nurse"))
    await page.goto(f"{url}/patients/new")

    await page.click("main form button[type=submit]")
    await page.wait_for_selector(".hl-summary")
    await assert_axe_clean(page)
    if shots:
        await page.screenshot(path=shots / "form-refused.png", full_page=True)
    await page.click(".hl-summary a >> nth=0")

    assert await page.evaluate("document.activeElement.name") == "given_name"
