"""A patient's whole way, nothing staged: Chromium, the gateway in a process of its own, a virtual
cuff and meter over real HCI, the real broker, ingest's receipt.
"""

from __future__ import annotations

import asyncio
import uuid
from contextlib import AsyncExitStack
from dataclasses import dataclass

import pytest
from playwright.async_api import Page, expect

from scripts.database import Database
from scripts.spine import CLINIC, GATEWAY, HOME_ZONE, Spine, free_port
from simulator.patients.records import GlucoseTaken, PressureTaken
from tests.browser import assert_axe_clean, assert_fits
from tests.gateway.portal.household import CUFF, METER, PASSKEY, household
from vitals.clock import utc_now

pytestmark = [pytest.mark.services, pytest.mark.timeout(280)]

PHONE = {"width": 390, "height": 844}
ZOOMED = {"width": 1024, "height": 768, "zoom": 2}
WAIT_MS = 90_000  # a virtual link that one end lost alone is given up after a minute

WORDS = {
    "en": {
        "start": "Start",
        "cuff": "Blood pressure cuff",
        "meter": "Blood sugar meter",
        "cuff_test": "Take your blood pressure",
        "meter_test": "Measure your blood sugar",
        "passkey": "Type the six numbers",
        "wrong": "Those numbers did not fit",
        "continue": "Continue",
        "done": "Your clinic has it",
        "another": "Connect another device",
        "forget": "This is not my device: forget it",
        "forgotten": "The device is forgotten",
    },
    "es": {
        "start": "Empezar",
        "cuff": "Tensiómetro (presión)",
        "meter": "Medidor de azúcar",
        "cuff_test": "Tómese la presión",
        "meter_test": "Mida su azúcar",
        "passkey": "Escriba los seis números",
        "wrong": "Esos números no eran los correctos",
        "continue": "Continuar",
        "done": "Su clínica ya la tiene",
        "another": "Conectar otro aparato",
        "forget": "Este no es mi aparato: olvídelo",
        "forgotten": "El aparato quedó olvidado",
    },
}


@pytest.fixture
def spine(services, tmp_path):
    with Database.fresh(services.admin_url, f"hl_pair_{uuid.uuid4().hex[:12]}") as database:
        database.register(CLINIC, GATEWAY, HOME_ZONE)
        environment = {
            "HEARTHLINE_MQTT_URL": services.mqtt_url,
            "HEARTHLINE_MQTT_CA": services.mqtt_ca,
        }
        with Spine(work=tmp_path, environment=environment, database=database) as running:
            running.start_ingest()
            yield running


def box(spine, services):
    """The gateway with its pages, accepting nobody but whom it pairs; its address and its PIN."""
    port = free_port()
    spine.start_gateway(
        services.add_gateway(CLINIC, GATEWAY),
        ACCEPT="00:00:00:00:00:00",
        PORTAL_PORT=str(port),
        QUIET_S="1",
        REVISIT_S="1",
    )
    spine.wait_until("gateway", lambda: _open(spine))
    return f"http://127.0.0.1:{port}", (spine.work / "spool.pin").read_text().strip()


def _open(spine):
    return "portal_open" in (spine.work / "gateway.log").read_text("utf-8", "replace")


@pytest.mark.parametrize(
    ("code", "look"),
    [
        pytest.param("en", PHONE, id="en-phone"),
        pytest.param("es", ZOOMED, id="es-zoomed", marks=pytest.mark.slow),
        pytest.param("es", PHONE, id="es-phone", marks=pytest.mark.slow),
        pytest.param("en", ZOOMED, id="en-zoomed", marks=pytest.mark.slow),
    ],
)
async def test_from_the_cupboard_to_the_clinic(spine, services, chromium, code, look):
    async with (
        household(spine.journal, spine.ports["air"]) as (cuff, meter, _),
        AsyncExitStack() as stack,
    ):
        url, pin = await asyncio.to_thread(box, spine, services)
        stack.push_async_callback(asyncio.to_thread, spine.stop, "gateway")
        stack.push_async_callback(chromium.leave)
        page = await chromium.open(f"{url}/language/{code}", **look)
        patient = Patient(page, WORDS[code])
        await patient.comes_in(pin)
        await patient.pairs_the_cuff(cuff)
        await patient.presses("another")
        await patient.pairs_the_meter(meter)
        found = await asyncio.to_thread(spine.compare)
        assert found.exact, found
        assert found.taken == found.stored == 2
        await patient.presses("forget")
        await patient.reads("forgotten")
    assert METER not in (spine.work / "keys.json").read_text()
    log = (spine.work / "gateway.log").read_text()
    assert not [secret for secret in (CUFF, METER, pin, str(PASSKEY)) if secret in log]


@dataclass(frozen=True, slots=True)
class Patient:
    """Reads headings and presses what is called so, and nothing else."""

    page: Page
    words: dict[str, str]

    async def sees(self, what):
        heading = self.page.get_by_role("heading", name=self.words[what])
        await expect(heading).to_be_visible(timeout=WAIT_MS)
        await assert_fits(self.page)
        await assert_axe_clean(self.page)

    async def reads(self, what):
        await expect(self.page.get_by_text(self.words[what])).to_be_visible(timeout=WAIT_MS)

    async def presses(self, what):
        await self.page.get_by_role("button", name=self.words[what]).click()

    async def types(self, digits):
        await self.page.locator("#passkey").fill(digits)
        await self.page.keyboard.press("Enter")

    async def comes_in(self, pin):
        await self.page.locator("#pin").fill(pin)
        await self.presses("continue")
        await self.presses("start")

    async def pairs_the_cuff(self, cuff):
        await self.presses("cuff")
        await self.sees("cuff_test")
        cuff.take(PressureTaken(at=utc_now(), systolic=128, diastolic=82, pulse=71))
        await self.sees("done")
        await expect(self.page.get_by_text("128/82 mmHg")).to_be_visible()

    async def pairs_the_meter(self, meter):
        """The passkey is mistyped once."""
        await self.presses("meter")
        await self.sees("passkey")
        await self.types("135791")
        await self.reads("wrong")
        await self.sees("passkey")
        await self.types(str(PASSKEY))
        await self.sees("meter_test")
        meter.take(GlucoseTaken(at=utc_now(), mg_dl=104))
        await self.sees("done")
        await expect(self.page.get_by_text("104 mg/dL")).to_be_visible()
