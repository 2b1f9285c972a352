"""A gateway's page: how its box is, what it shall do, and the code for a blank one."""

from __future__ import annotations

import pytest

from tests.api.conftest import NOW, found
from tests.api.homes.conftest import CUFF, HOUR
from vitals.enrolment import typed
from vitals.wire import DesiredStatus, DeviceStatus, FieldProblem, SpoolStatus

pytestmark = pytest.mark.services

BROKER = "mqtts://broker.example.org:8883"
TOLD = "SELECT payload FROM desired_outbox WHERE gateway = 'gw-1' ORDER BY id DESC LIMIT 1"


@pytest.fixture
def page(street):
    return f"/homes/{street.elm}/gateways/gw-1"


async def key(street):
    return str(await street.value("SELECT key FROM device WHERE address = %s", CUFF))


async def test_it_says_what_the_box_reports_and_what_helps(nurse, street, page):
    await street.report(
        "gw-1",
        NOW + HOUR,
        devices=[DeviceStatus(device=CUFF, unread=True)],
        spool=SpoolStatus(state="full", unsaved=2, set_aside=1, free_mb=3),
        desired=DesiredStatus(
            version="1", problems=[FieldProblem(field="settings.home_zone", reason="no such zone")]
        ),
        versions={"python": "3.11", "bluetooth": "BlueZ 5.82"},
        adapter="off",
    )
    text = (await nurse.get(page)).text
    for words in (
        "Its disk is full",
        "2 readings are in its memory only",
        "1 damaged files are kept",
        "It could not apply a setting",
        "settings.home_zone: no such zone",
        "Its Bluetooth is switched off",
        "BlueZ 5.82",
        "Not read to the end",
        "nothing asked for",
    ):
        assert words in text, words
    home = (await nurse.get(f"/homes/{street.elm}")).text
    assert "Its disk is full" in home
    assert page in home


async def test_names_and_devices_reach_the_box_and_it_says_when(nurse, street, page):
    await nurse.get(page)
    name = {f"name-{await key(street)}": "Kitchen cuff"}
    answer = await nurse.post(
        f"{page}/wish", mode="list", accept=await key(street), revisit_s="60", **name
    )
    assert answer.status_code == 303
    assert await street.value(TOLD) == {
        "version": 1,
        "accept": [CUFF],
        "names": {CUFF: "Kitchen cuff"},
        "settings": {"revisit_s": 60, "home_zone": "America/New_York"},
        "forget": [],
    }
    assert await street.value("SELECT label FROM device WHERE address = %s", CUFF) == "Kitchen cuff"
    assert "not sent yet" in (await nurse.get(page)).text
    await street.admin.execute("UPDATE desired_outbox SET sent_at = %s", [NOW])
    assert "sent, not confirmed yet" in (await nurse.get(page)).text
    await street.report("gw-1", NOW + HOUR, desired=DesiredStatus(version="1", at=NOW))
    assert "in force" in (await nurse.get(page)).text


async def test_every_device_is_the_usual_and_nonsense_is_refused(nurse, street, page):
    await nurse.get(page)
    for fields, words in (
        ({"mode": "some", "revisit_s": "30"}, "Choose which devices"),
        ({"mode": "any", "revisit_s": "0"}, "Enter 1 to 3600 seconds"),
        ({"mode": "any", "revisit_s": "soon"}, "Enter 1 to 3600 seconds"),
    ):
        answer = await nurse.post(f"{page}/wish", **fields)
        assert (answer.status_code, words in answer.text) == (422, True)
    await nurse.post(f"{page}/wish", mode="any", revisit_s="30")
    assert "accept" not in await street.value(TOLD)


async def test_a_device_is_forgotten_anew_by_every_order(nurse, street, page):
    await nurse.get(page)
    orders = []
    for _ in range(2):
        answer = await nurse.post(f"{page}/forget", device=await key(street))
        assert answer.status_code == 303
        (order,) = (await street.value(TOLD))["forget"]
        assert order["device"] == CUFF
        orders.append(order["order"])
    assert len(set(orders)) == 2
    assert (await nurse.post(f"{page}/forget", device="nobody")).status_code == 404


async def test_a_code_is_shown_once_and_can_be_typed(app, nurse, street, page):
    app.state.settings = app.state.settings.model_copy(update={"gateway_broker": BROKER})
    await nurse.get(page)
    text = (await nurse.post(f"{page}/code")).text
    code = found(r"gateway enrol --server \S+ (\S+)</code>", text)
    assert typed(code) is not None
    again = (await nurse.get(page)).text
    assert code not in again
    assert "A code waits since" in again
    audited = "SELECT count(*) FROM audit_event WHERE action = 'gateway.code'"
    assert await street.value(audited) == 1


async def test_a_home_that_moves_or_a_device_that_is_named_anew_tells_the_box(nurse, street, page):
    await nurse.get(f"/homes/{street.elm}")
    await nurse.post(f"/homes/{street.elm}/edit", label="12 Elm", zone="America/Chicago")
    assert (await street.value(TOLD))["settings"] == {"home_zone": "America/Chicago"}
    device = await street.at(CUFF)
    await nurse.post(f"{device}/edit", label="Bedroom", home=str(street.elm))
    assert (await street.value(TOLD))["names"] == {CUFF: "Bedroom"}
    assert (await street.value(TOLD))["version"] == 2


async def test_no_other_home_has_this_gateway(nurse, street):
    assert (await nurse.get(f"/homes/{street.oak}/gateways/gw-1")).status_code == 404
