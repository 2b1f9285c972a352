"""From a cuff on a kitchen table to a claim line: every process real, a nurse in Chromium."""

from __future__ import annotations

import asyncio
import os
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from playwright.async_api import expect

from scripts.clinic import NURSE, PASSWORD
from scripts.database import Database
from scripts.opening import CRISIS, set_up, start_services
from scripts.spine import CLINIC, GATEWAY, HOME_ZONE, Spine
from vitals.clock import utc_now

pytestmark = [pytest.mark.services, pytest.mark.timeout(240)]


@pytest.fixture
def opened(services, tmp_path):
    """The live home's patient, enrolled and with consent, and every process but the gateway."""
    name = f"hl_e2e_{os.getpid()}"
    with Database.fresh(services.admin_url, name) as database:
        made = set_up(database, seed=7, bare=True)
        environment = {
            "HEARTHLINE_MQTT_URL": services.mqtt_url,
            "HEARTHLINE_MQTT_CA": services.mqtt_ca,
        }
        with Spine(work=tmp_path, environment=environment, database=database) as spine:
            start_services(spine)
            spine.start_console()
            yield spine, made


async def signed_in(chromium, url, path):
    page = await chromium.open(f"{url}/sign-in?next={path}")
    await page.get_by_label("Email").fill(NURSE.email)
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Sign in").click()
    await page.wait_for_url(f"**{path}")
    return page


async def log_by_hand(page, base, seconds):
    """Time of this morning that no timer measured: a moment less than a claim line needs."""
    await page.goto(f"{base}/time")
    end = (utc_now() - timedelta(minutes=1)).astimezone(ZoneInfo(HOME_ZONE)).replace(microsecond=0)
    start = end - timedelta(seconds=seconds)
    opener = page.get_by_text("Log time by hand")
    if await opener.count():
        await opener.first.click()
    await page.locator("[name=start]").fill(start.strftime("%Y-%m-%dT%H:%M:%S"))
    await page.locator("[name=end]").fill(end.strftime("%Y-%m-%dT%H:%M:%S"))
    await page.locator("form[action$='/time'] [name=note]").fill("Arranged the cardiology visit")
    await page.locator("form[action$='/time'] button[type=submit]").click()


async def test_from_the_cuff_to_the_claim_line(opened, chromium):
    spine, made = opened
    url = f"http://127.0.0.1:{spine.ports['console']}"
    patient = made.made.patients[CRISIS.patient]
    month = await signed_in(chromium, url, "/month")
    await log_by_hand(month, f"{url}/patients/{patient}", 19 * 60 + 55)
    await month.goto(f"{url}/month/{patient}")
    await expect(month.get_by_text("99490").first).to_be_visible()
    await expect(month.get_by_text("Nothing bills yet")).to_be_visible()

    queue = await signed_in(chromium, url, "/queue")
    await expect(queue.get_by_text("Live", exact=True)).to_be_visible()
    await expect(queue.get_by_text("Nothing waits")).to_be_visible()
    devices = await asyncio.to_thread(
        spine.start_simulator, "--seed", "7", "--steady", "--crisis-after", "8"
    )
    await asyncio.to_thread(
        spine.database.hand_over,
        CLINIC,
        devices,
        patient=patient,
        since=utc_now() - timedelta(days=30),
    )
    spine.start_gateway(made.urls[GATEWAY], REVISIT_S="2", QUIET_S="2")
    row = queue.locator("[data-row]")
    await expect(row).to_contain_text("BP 190/125", timeout=90_000)
    await expect(row).to_contain_text("Act now")

    await row.get_by_role("button", name="Claim").click()
    await queue.wait_for_url("**/tasks/*")
    await expect(queue.locator("[data-timer-clock]").first).to_be_visible()
    await queue.wait_for_timeout(7000)  # the timer runs for real
    await queue.get_by_label("Outcome").select_option("patient_advised")
    await queue.locator("#note").fill("Called, no symptoms, repeat in the evening.")
    await queue.get_by_role("button", name="Resolve and save the time").click()
    await expect(queue.get_by_text("saved to CCM")).to_be_visible()

    await month.reload()
    await expect(month.get_by_role("rowheader", name="99490")).to_be_visible()
    await expect(month.get_by_text("Nothing bills yet")).to_be_hidden()
    await expect(month.get_by_text("Alert: high blood pressure")).to_be_visible()
    await chromium.leave()
