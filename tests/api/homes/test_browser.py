"""The pages of homes in a real browser: they fit, axe finds nothing, and re-assigning works."""

from __future__ import annotations

import pytest

from store import quarantine
from store.quarantine import Filter
from tests.api.conftest import NOW, PASSWORD
from tests.api.homes.conftest import CUFF, STRANGE, doubtful
from tests.api.homes.test_quarantine import IMPOSSIBLE, ingest_replays
from tests.browser import assert_axe_clean, assert_fits, assert_targets, serving
from tests.store.make import reading
from vitals import wire
from vitals.errors import QuarantineReason

pytestmark = pytest.mark.services

WIDTHS = (1440, 1024, 720, 390)  # 720: 1440 at 200 % zoom


async def _sign_in(page, email):
    await page.get_by_label("Email").fill(email)
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Sign in").click()
    await page.wait_for_load_state()


async def _busy(street):
    for hours in (30, 20, 10):
        await street.measure(STRANGE, hours)
    await street.measure(CUFF, 241, clock=doubtful(3))
    number = await street.poison()
    await street.poison(b"\xff\x00\x01" * 300, QuarantineReason.NOT_JSON)
    return number


async def test_every_page_fits_and_is_accessible(chromium, app, north, street):
    number = await _busy(street)
    key = await street.value("SELECT id FROM assignment")
    begun = await quarantine.replay_all(
        street.admin, "north", Filter(reason="not_json"), staff=north.staff["nurse"], now=NOW
    )
    await street.admin.execute("UPDATE quarantine SET state = 'open'")
    query = f"patient={street.ben}&starts=2026-11-20T07:00&check=yes"
    broker = {"gateway_broker": "mqtts://broker.example.org:8883"}
    app.state.settings = app.state.settings.model_copy(update=broker)
    chromium.expects("422", "/events")  # a form on purpose; live updates end with the server
    async with serving(app) as url:
        first = await chromium.open(f"{url}/sign-in?target=/homes")
        await _sign_in(first, north.email("nurse"))
        for path in (
            "/homes",
            "/homes?show=attention",
            "/homes/new",
            f"/homes/{street.elm}",
            f"/homes/{street.oak}/gateways?added=gw-2",
            f"/homes/{street.elm}/gateways/gw-1",
            "/devices/new",
            await street.at(CUFF),
            await street.at(STRANGE),
            f"/assignments/{key}/reassign",
            f"{await street.at(CUFF)}/assign?{query}",
            f"{await street.at(CUFF)}/assign?patient=x&check=yes",
            f"/unassigned?of={(await street.at(STRANGE))[9:]}",
            "/unassigned",
            "/quarantine",
            "/quarantine?state=discarded",
            "/quarantine?reason=implausible&since=2026-11-01",
            "/quarantine/replay?reason=implausible",
            "/quarantine/replay?reason=undecoded",
            f"/quarantine/replays/{begun.id}",
            f"/quarantine/{number}",
        ):
            page = await chromium.open(f"{url}{path}", like=first)
            for width in WIDTHS:
                await page.set_viewport_size({"width": width, "height": 900})
                await assert_fits(page)
                await assert_targets(page)
            await assert_axe_clean(page)
            await page.close()


async def test_a_cuff_is_re_assigned_by_keyboard_after_its_effect_was_seen(
    chromium, app, north, street
):
    chromium.expects("/events")  # live updates end with the server
    async with serving(app) as url:
        page = await chromium.open(f"{url}/sign-in?target={await street.at(CUFF)}")
        await _sign_in(page, north.email("nurse"))
        await page.goto(f"{url}{await street.at(CUFF)}")
        link = page.get_by_role("link", name="Re-assign the period of Ann Example")
        await link.focus()
        await page.keyboard.press("Enter")
        await page.get_by_label("Patient").select_option(label="Example, Ben")
        await page.get_by_role("button", name="Show what this does").press("Enter")
        effect = page.get_by_role("region", name="What this will do", exact=True)
        await effect.get_by_role("link", name="Ann Example").wait_for()
        await effect.get_by_role("button", name="Do this").press("Enter")
        await page.get_by_text("1 reading moved and will be judged anew").wait_for()
    assert await street.value("SELECT patient_id FROM reading") == street.ben


async def test_registering_and_discarding_work_without_scripts(chromium, app, north, street):
    number = await street.poison()
    async with serving(app) as url:
        page = await chromium.open(f"{url}/sign-in?target=/homes", scripts=False)
        await _sign_in(page, north.email("nurse"))
        await page.goto(f"{url}/homes/new")
        await page.get_by_label("Label").fill("3 Ash Road")
        await page.get_by_role("button", name="Register the home").click()
        await page.get_by_role("heading", name="3 Ash Road").wait_for()
        await page.goto(f"{url}/quarantine/{number}")
        await page.get_by_label("Why are they worth nothing?").fill("a trial")
        await page.get_by_role("button", name="Discard", exact=True).last.click()
        await page.get_by_text("a trial").wait_for()
    assert await street.value("SELECT state FROM quarantine") == "discarded"


async def test_many_are_replayed_by_keyboard_and_the_page_says_what_became_of_them(
    chromium, app, north, street, database
):
    chromium.expects("/events")  # live updates end with the server
    for n in range(3):
        sent = reading(n, device=STRANGE, measured_at=NOW, received_at=NOW)
        await street.poison(wire.encode_reading(sent), QuarantineReason.IMPLAUSIBLE)
    await street.poison(IMPOSSIBLE)
    async with serving(app) as url:
        page = await chromium.open(f"{url}/sign-in?target=/homes")
        await _sign_in(page, north.email("nurse"))
        await page.goto(f"{url}/quarantine")
        await page.get_by_role("link", name="Replay all: A value no living person has").press(
            "Enter"
        )
        await page.get_by_role("button", name="Replay 4").press("Enter")
        await page.get_by_text("0 of 4 replayed, 4 still to be judged").wait_for()
        await assert_axe_clean(page)
        await ingest_replays(database)
        await page.get_by_text("3 of 4 replayed, 1 refused again").wait_for()
        await assert_axe_clean(page)
        await page.get_by_role("link", name="Look at number").click()
        await page.get_by_text("Refused again").wait_for()
        await assert_axe_clean(page)
