"""The pages of homes, gateways and devices, over a real database."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import pytest

from store.fixtures import register_patient
from tests.api.conftest import NOW, found, open_browser
from tests.api.homes.conftest import CUFF, FAR, HOUR, STRANGE, doubtful

pytestmark = pytest.mark.services


async def _audited(street, action):
    return await street.value("SELECT count(*) FROM audit_event WHERE action = %s", action)


async def test_every_home_says_how_it_is_and_the_worst_comes_first(nurse, street):
    page = (await nurse.get("/homes")).text
    assert page.index("7 Oak Lane") < page.index("12 Elm Street")
    assert "Gateway offline" in page
    assert "4 readings to be sent" in page
    assert "Working" in page
    assert "Ann Example" in page
    assert "2 h ago" in page
    assert await _audited(street, "homes.read") == 1


async def test_homes_are_found_by_what_they_need_and_by_who_and_what_is_in_them(nurse, street):
    await nurse.get("/homes")
    pages = [
        (await nurse.get("/homes?show=attention"), "7 Oak Lane", "12 Elm Street"),
        (await nurse.post("/homes/search", q=" Ann "), "12 Elm Street", "7 Oak Lane"),
        (await nurse.post("/homes/search", q="c0:ff:ee:00:00:01"), "12 Elm Street", "7 Oak Lane"),
    ]
    for page, shown, hidden in pages:
        assert (shown in page.text, hidden in page.text) == (True, False), page.url
    assert "No home like that" in (await nurse.post("/homes/search", q="nobody")).text


async def test_a_clinic_without_homes_says_what_to_do(browser, south):
    await browser.sign_in(south.email("admin"))
    assert "No homes yet" in (await browser.get("/homes")).text


async def test_a_home_is_registered_then_its_gateway_with_the_command_for_its_box(nurse, street):
    await nurse.get("/homes/new")
    answer = await nurse.post("/homes/new", label="3 Ash Road", zone="America/Denver")
    page = await nurse.get(answer.headers["location"])
    assert "3 Ash Road" in page.text
    assert "No gateway" in page.text
    answer = await nurse.post(f"{answer.headers['location']}/gateways", name="gw-ash")
    page = await nurse.get(answer.headers["location"])
    assert "scripts/services add-gateway north gw-ash" in page.text
    assert "Not heard yet" in page.text


async def test_a_home_without_a_label_or_zone_is_refused_and_keeps_what_was_typed(nurse, street):
    await nurse.get("/homes/new")
    for label, zone, problem in (
        (" ", "America/Denver", "Enter a label"),
        ("x", "Mars/Olympus", "Enter a time zone"),
    ):
        answer = await nurse.post("/homes/new", label=label, zone=zone)
        assert (answer.status_code, problem in answer.text) == (422, True)
        assert f'value="{zone}"' in answer.text


async def test_a_gateways_name_is_unique_and_fit_for_a_topic(nurse, street):
    await nurse.get(f"/homes/{street.elm}/gateways")
    for name in ("Gw 1", "", "gw-2", "-x"):
        answer = await nurse.post(f"/homes/{street.elm}/gateways", name=name)
        assert answer.status_code == 422, name
    assert await street.value("SELECT count(*) FROM gateway") == 2


async def test_a_home_is_renamed(nurse, street):
    await nurse.get(f"/homes/{street.elm}")
    await nurse.post(f"/homes/{street.elm}/edit", label="12 Elm, rear", zone="America/Chicago")
    assert "12 Elm, rear" in (await nurse.get(f"/homes/{street.elm}")).text


async def test_a_device_is_registered_and_leads_to_who_uses_it(nurse, street):
    await nurse.get("/devices/new")
    fields = {"address": "c0-ff-ee-00-00-09", "kind": "glucose", "home": str(street.oak)}
    answer = await nurse.post("/devices", **fields)
    assert answer.headers["location"] == f"{await street.at('C0:FF:EE:00:00:09')}/assign"
    assert "Glucose meter" in (await nurse.get(f"/homes/{street.oak}")).text
    bad = await nurse.post("/devices", address="nonsense", kind="glucose")
    assert (bad.status_code, "Enter the address" in bad.text) == (422, True)


async def test_a_device_shows_its_last_reading_battery_and_clock(nurse, street):
    page = (await nurse.get(await street.at(CUFF))).text
    assert "BP 120/80" in page
    assert "80 %" in page
    assert "Has it now" in page
    assert await _audited(street, "device.read") == 1


async def test_an_admin_sees_devices_and_no_values(browser, north, street):
    await browser.sign_in(north.email("admin"))
    page = (await browser.get(await street.at(CUFF))).text
    assert "120/80" not in page
    assert "value not shown to admins" in page
    page = (await browser.get(f"/quarantine/{await street.poison()}")).text
    assert "not shown to admins" in page
    assert "&#34;systolic&#34;" not in page


async def test_a_patient_that_is_named_can_be_opened_by_whoever_reads_it(browser, north, street):
    for role in ("nurse", "admin"):
        await browser.sign_in(north.email(role))
        for page in ("/homes", await street.at(CUFF)):
            link = found(r'href="(/patients/[^"]+)"', (await browser.get(page)).text)
            assert (await browser.get(link)).status_code == 200


async def test_a_biller_has_no_business_here(browser, north, street):
    await browser.sign_in(north.email("biller"))
    for path in ("/homes", await street.at(CUFF), "/unassigned", "/quarantine"):
        assert (await browser.get(path)).status_code == 403


async def test_a_gateway_is_asked_to_forget_a_device(nurse, street):
    await nurse.get(await street.at(CUFF))
    await nurse.post(f"{await street.at(CUFF)}/forget", home=str(street.elm))
    payload = await street.value("SELECT payload FROM desired_outbox WHERE gateway = 'gw-1'")
    assert [order["device"] for order in payload["forget"]] == [CUFF]


# Whose it is --------------------------------------------------------------------------------------


def _assign(street, patient=None, **fields):
    return {"patient": str(patient or street.ben), "starts": "2026-11-20T07:00", **fields}


async def test_re_assigning_shows_its_effect_and_then_does_it(nurse, street):
    await nurse.get(f"{await street.at(CUFF)}/assign")
    answer = await nurse.post(f"{await street.at(CUFF)}/assign", **_assign(street))
    assert await street.value("SELECT patient_id FROM reading") == street.ann
    page = (await nurse.get(answer.headers["location"])).text
    assert "Ann Example" in page
    assert "These readings become Ben Example" in page
    seen = page.split('name="seen" value="')[1].split('"')[0]
    answer = await nurse.post(f"{await street.at(CUFF)}/assign", **_assign(street), seen=seen)
    assert answer.headers["location"] == await street.at(CUFF)
    page = (await nurse.get(answer.headers["location"])).text
    assert "1 reading moved and will be judged anew" in page
    assert await street.value("SELECT patient_id FROM reading") == street.ben


async def test_what_arrived_since_the_effect_was_shown_is_shown_first(nurse, street):
    await nurse.get(f"{await street.at(CUFF)}/assign")
    shown = await nurse.get(f"{await street.at(CUFF)}/assign", params=_assign(street, check="yes"))
    seen = shown.text.split('name="seen" value="')[1].split('"')[0]
    await street.measure(CUFF, 1)
    answer = await nurse.post(f"{await street.at(CUFF)}/assign", **_assign(street), seen=seen)
    page = (await nurse.get(answer.headers["location"])).text
    assert "Nothing was done" in page
    assert await street.value("SELECT count(*) FROM reading WHERE patient_id = %s", street.ann) == 2


async def test_a_form_that_means_no_period_says_why(nurse, street):
    await nurse.get(f"{await street.at(CUFF)}/assign")
    for fields, problem in (
        ({"patient": ""}, "Choose who used it"),
        ({"starts": "soon"}, "Enter a date and a time"),
        ({"starts": "2031-01-01T00:00"}, "not in the future"),
        ({"ends": "2026-11-20T06:59"}, "comes after the start"),
        ({"slot": "two"}, "Enter the number of the user"),
        ({"starts": "2026-03-08T02:30"}, "The clocks went forward over this time"),
        ({"starts": "2026-11-01T01:30"}, "This hour came twice that night"),
    ):
        answer = await nurse.post(
            f"{await street.at(CUFF)}/assign", **{**_assign(street), **fields}
        )
        assert (answer.status_code, problem in answer.text) == (422, True), problem


async def test_ending_an_assignment_shows_what_it_takes_away(nurse, street):
    key = await street.value("SELECT id FROM assignment")
    await nurse.get(await street.at(CUFF))
    answer = await nurse.post(f"/assignments/{key}/end", at="2026-11-20T07:00")
    fields = parse_qs(urlsplit(answer.headers["location"]).query)
    page = (await nurse.get(answer.headers["location"])).text
    assert fields["patient"] == ["nobody"]
    assert "These readings are kept without a patient" in page


async def test_re_assigning_by_the_assignment_fills_its_period_in(nurse, street):
    key = await street.value("SELECT id FROM assignment")
    answer = await nurse.get(f"/assignments/{key}/reassign")
    page = (await nurse.get(answer.headers["location"])).text
    assert 'value="2026-11-10T10:00"' in page
    assert "What this will do" not in page


async def test_readings_of_a_strange_cuff_are_assigned_or_set_aside(nurse, street):
    for hours in (30, 20, 10):
        await street.measure(STRANGE, hours)
    page = (await nurse.get("/unassigned")).text
    assert f"{await street.at(STRANGE)}/assign?slot=&amp;starts=2026-11-19T04%3A00" in page
    assert "3 come from devices that nobody has" in (await nurse.get("/homes")).text
    until = (NOW - 20 * HOUR).isoformat()
    await nurse.post("/unassigned/set-aside", device=STRANGE, slot="-1", until=until)
    counted = "SELECT count(*) FROM reading_decision WHERE patient_id IS NULL"
    assert await street.value(counted) == 2
    assert "1 comes from a device that nobody has" in (await nurse.get("/homes")).text


async def test_a_held_reading_is_given_to_one_of_those_it_may_be_of(nurse, street):
    reading = await street.measure(CUFF, 241, clock=doubtful(3))
    page = (await nurse.get("/unassigned")).text
    assert "Ann Example (had it about then)" in page
    assert "within 180 min" in page
    await nurse.post("/unassigned/decide", reading=reading, patient=str(street.ann))
    row = "SELECT patient_id FROM reading WHERE reading_id = %s"
    assert await street.value(row, reading) == street.ann
    again = await nurse.post("/unassigned/decide", reading=reading, patient=str(street.ben))
    assert again.status_code == 409
    assert "Every reading has its patient" in (await nurse.get("/unassigned")).text


async def test_another_clinics_homes_devices_and_people_are_not_there(app, street, south, admin):
    key = await street.value("SELECT id FROM assignment")
    number = await street.poison()
    async with open_browser(app) as stranger:
        await stranger.sign_in(south.email("nurse"))
        for path in (
            f"/homes/{street.elm}",
            f"/homes/{street.elm}/gateways",
            await street.at(CUFF),
            f"{await street.at(CUFF)}/assign",
            f"/assignments/{key}/reassign",
            f"/quarantine/{number}",
            f"/quarantine/{number}/progress",
            f"/homes/{uuid4()}",
        ):
            assert (await stranger.get(path)).status_code == 404, path
        for path, fields in (
            (f"/homes/{street.elm}/edit", {"label": "x", "zone": "America/Denver"}),
            (f"/homes/{street.elm}/gateways", {"name": "gw-9"}),
            (f"{await street.at(CUFF)}/edit", {"label": "x"}),
            (f"{await street.at(CUFF)}/forget", {"home": str(street.elm)}),
            (f"{await street.at(CUFF)}/assign", _assign(street, seen="0")),
            (f"/assignments/{key}/end", {}),
            (f"/quarantine/{number}/replay", {}),
            (f"/quarantine/{number}/discard", {"why": "x"}),
        ):
            assert (await stranger.post(path, **fields)).status_code == 404, path
    assert await street.value("SELECT label FROM home WHERE id = %s", street.elm) == "12 Elm Street"
    assert await street.value("SELECT state FROM quarantine") == "open"


async def test_a_patient_of_another_clinic_cannot_be_given_a_device(nurse, street, south, admin):
    eve = await register_patient(admin, "south", family_name="Else", given_name="Eve")
    await nurse.get(f"{await street.at(FAR)}/assign")
    fields = _assign(street, patient=eve)
    shown = await nurse.get(f"{await street.at(FAR)}/assign", params={**fields, "check": "yes"})
    assert "Eve" not in shown.text
    answer = await nurse.post(f"{await street.at(FAR)}/assign", **fields, seen="0.0.0.0.0.0")
    assert answer.status_code == 404
    assert await street.value("SELECT count(*) FROM assignment") == 1
