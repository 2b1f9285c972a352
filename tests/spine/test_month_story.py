"""From readings to a signed claim and back: a month is signed, exported, found wrong and replayed.

Every process is real; the console's clock is put forward, so that the month is over.
"""

from __future__ import annotations

import csv
import io
import json
import os
import time
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from ccm_link.calendar_month import Month
from scripts import nurse
from scripts.browser import Browser
from scripts.clinic import BILLER, NURSE
from scripts.console import Clock, served
from scripts.database import Database
from scripts.opening import CRISIS, await_judged, set_up, start_services
from scripts.spine import CLINIC, GATEWAY, HOME_ZONE, Spine, free_port
from tests.ccm_link.export.judges import problems
from vitals.clock import utc_now

pytestmark = [pytest.mark.services, pytest.mark.timeout(300)]
WORKED = timedelta(minutes=41)  # 99490 and one 99439


@pytest.fixture
def opened(services, tmp_path):
    """The live home's patient, enrolled and with consent; its cuff has just shown a crisis."""
    with Database.fresh(services.admin_url, f"hl_story_{os.getpid()}") as database:
        made = set_up(database, seed=7, bare=True)
        environment = {
            "HEARTHLINE_MQTT_URL": services.mqtt_url,
            "HEARTHLINE_MQTT_CA": services.mqtt_ca,
        }
        with Spine(work=tmp_path, environment=environment, database=database) as spine:
            start_services(spine)
            devices = spine.start_simulator("--seed", "7", "--steady", "--crisis-after", "8")
            patient = made.made.patients[CRISIS.patient]
            since = utc_now() - timedelta(days=30)
            database.hand_over(CLINIC, devices, patient=patient, since=since)
            spine.start_gateway(made.urls[GATEWAY], REVISIT_S="2", QUIET_S="2")
            yield spine, patient


def first_task(spine):
    """Of the alert that the crisis opens."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        found = [row for row in spine.database.alerts(CLINIC) if row["severity"] == "critical"]
        if found:
            return str(found[0]["task"])
        time.sleep(0.5)
    return pytest.fail("no alert two minutes after the crisis")


class Console:
    """One person at the console, and what she does with a patient's month."""

    def __init__(self, address, member, patient, month):
        self.browser = Browser(address)
        nurse.sign_in(self.browser, member)
        self.patient, self.month = patient, month
        self.here = f"/month/{patient}"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.browser.__exit__(None, None, None)

    def review(self):
        return self.browser.get(f"{self.here}?month={self.month}")

    def sign(self):
        return self.browser.submit(self.review(), f"{self.here}/sign", note="Read with the nurse")

    def file(self, path):
        return self.browser.fetch(f"{path}?month={self.month}")


def test_a_month_is_signed_exported_found_wrong_and_replayed(opened):
    spine, patient = opened
    clock = Clock()
    task = first_task(spine)
    with served(spine.database.urls["hl_api"], port=free_port(), clock=clock) as address:
        month = Month.of(clock().astimezone(ZoneInfo(HOME_ZONE)).date())
        with Console(address, NURSE, patient, month) as own:
            nurse.work_off(own.browser, clock, task, lasting=WORKED)
            page = own.browser.get(f"/patients/{patient}/time?month={month}")
            assert "Counts" in page.text
        await_judged(spine)
        _past(clock, month)
        with Console(address, BILLER, patient, month) as biller:
            first = _signed_and_exported(biller)
            _taken_back(address, patient, month)
            page = biller.review()
            assert "Changed since signed" in page.text
            assert _csv(biller) == first  # what was signed is what is exported
            page = biller.browser.submit(
                page, f"{biller.here}/reopen", reason="An entry was of another patient"
            )
            assert "An entry was of another patient" in page.text
            assert not _csv(biller)
            _replayed(biller, page)


def _past(clock, month):
    """The second day after the month, by the console's clock."""
    over = Month(month + 1).first
    while clock().date() <= over:
        clock.advance(timedelta(hours=12))


def _signed_and_exported(biller):
    page = biller.review()
    assert "99490" in page.text
    page = biller.sign()
    assert "The month is signed." in page.text
    rows = _csv(biller)
    assert {row["code"]: row["units"] for row in rows} == {"99490": "1", "99439": "1"}
    bundle = json.loads(biller.file("/month/export.claims.json"))
    (claim,) = [e["resource"] for e in bundle["entry"] if e["resource"]["resourceType"] == "Claim"]
    assert problems(bundle) == []
    billed = {
        i["productOrService"]["coding"][0]["code"]: i["quantity"]["value"] for i in claim["item"]
    }
    assert billed == {"99490": 1, "99439": 1}
    packet = json.loads(biller.file(f"{biller.here}/packet.json"))
    assert rows[0]["facts_sha256"] in json.dumps(packet)
    assert json.dumps(packet).count('"raw"') > 0, "the packet leads down to the bytes"
    assert biller.file(f"{biller.here}/packet.pdf").startswith(b"%PDF-")
    return rows


def _csv(biller):
    text = biller.file("/month/export.csv").decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text)))


def _taken_back(address, patient, month):
    """The nurse finds that the time was not this patient's."""
    with Console(address, NURSE, patient, month) as own:
        ledger = own.browser.get(f"/patients/{patient}/time?month={month}")
        (form,) = [f for f in ledger.forms if f.action.endswith("/reverse")]
        page = own.browser.submit(ledger, form.action, reason="It was another patient's")
        assert "taken back" in page.text.lower()


def _replayed(biller, page):
    """The signed version gives what it gave; with today's facts it does not, and that is said."""
    (signed,) = {link for link in page.text.split('"') if link.startswith(f"{biller.here}/signed/")}
    replay = biller.browser.get(signed)
    assert "identical" in replay.text.lower()
    assert "99490" in replay.text
    assert "Bills no more" in replay.text
