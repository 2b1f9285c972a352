"""A reading's whole way, process by process, and what is left when one of them is killed (I1, I2).

The simulator's journal is the truth; nothing here looks into a process.
"""

from __future__ import annotations

import time
import uuid

import pytest

from scripts.database import Database
from scripts.spine import CLINIC, GATEWAY, HOME_ZONE, Spine

pytestmark = pytest.mark.services
KINDS = {"blood_pressure", "glucose", "weight"}


@pytest.fixture
def spine(services, tmp_path):
    with Database.fresh(services.admin_url, f"hl_run_{uuid.uuid4().hex[:12]}") as database:
        database.register(CLINIC, GATEWAY, HOME_ZONE)
        environment = {
            "HEARTHLINE_MQTT_URL": services.mqtt_url,
            "HEARTHLINE_MQTT_CA": services.mqtt_ca,
        }
        with Spine(work=tmp_path, environment=environment, database=database) as running:
            yield running


def test_every_kind_arrives_once_with_its_values(spine, services):
    spine.start_ingest()
    devices = spine.start_simulator("--seed", "3")
    assert {device["kind"] for device in devices} == KINDS
    spine.start_gateway(services.add_gateway(CLINIC, GATEWAY), QUIET_EXIT_S="4", REVISIT_S="2")
    spine.wait_gateway(120)
    found = spine.compare()
    assert found.exact, found
    assert found.taken == found.stored > 0
    assert {row.kind for row in spine.stored()} == KINDS


MANY = ("--glucose-records", "5000")


def wait_for_stored(spine, count):
    """Until at least `count` readings are in the database."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        if len(spine.stored()) >= count:
            return
        time.sleep(0.1)
    pytest.fail(f"{len(spine.stored())} of {count} readings stored after two minutes")


def assert_all_once(spine):
    found = spine.compare()
    assert found.exact, found
    assert found.taken == found.stored >= 5000


def test_gateway_killed_in_the_middle(spine, services):
    spine.start_ingest()
    spine.start_simulator("--seed", "4", *MANY)
    url = services.add_gateway(CLINIC, GATEWAY)
    for stored in (200, 1200, 3000):
        spine.start_gateway(url, QUIET_EXIT_S="6", REVISIT_S="1")
        wait_for_stored(spine, stored)
        spine.kill("gateway")
    spine.start_gateway(url, QUIET_EXIT_S="6", REVISIT_S="1")
    spine.wait_gateway(180)
    assert_all_once(spine)


def test_ingest_killed_in_the_middle(spine, services):
    spine.start_ingest()
    spine.start_simulator("--seed", "5", *MANY)
    url = services.add_gateway(CLINIC, GATEWAY)
    spine.start_gateway(url, QUIET_EXIT_S="8", REVISIT_S="1", RESEND_S="2")
    for stored in (200, 1200, 3000):
        wait_for_stored(spine, stored)
        spine.kill("ingest")
        spine.start_ingest()
    spine.wait_gateway(180)
    assert_all_once(spine)


def test_broker_killed_in_the_middle(spine, services):
    spine.start_ingest()
    spine.start_simulator("--seed", "6", *MANY)
    url = services.add_gateway(CLINIC, GATEWAY)
    spine.start_gateway(url, QUIET_EXIT_S="8", REVISIT_S="1", RESEND_S="2")
    for stored in (200, 1200, 3000):
        wait_for_stored(spine, stored)
        services.run("kill", "mosquitto")
        services.run("start", "mosquitto")
    spine.wait_gateway(180)
    assert_all_once(spine)
