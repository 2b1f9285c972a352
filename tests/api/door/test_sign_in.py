"""The door: who gets in, with what, for how long, and what strangers learn."""

from __future__ import annotations

import pytest

from store import staff
from tests.api.conftest import NOW, PASSWORD, found, make_clinic, open_browser, password_hash


async def test_the_right_password_opens_the_page_that_was_asked_for(browser, north):
    asked = await browser.get("/staff")
    assert asked.headers["location"] == "/sign-in?next=/staff"
    await browser.get("/sign-in?next=/staff")
    opened = await browser.post(
        "/sign-in", email=north.email("admin"), password=PASSWORD, target="/staff"
    )
    assert (opened.status_code, opened.headers["location"]) == (303, "/staff")
    assert "Demo Nurse" in (await browser.get("/staff")).text


@pytest.mark.parametrize("email", ["nurse@north.example", "nobody@north.example"])
async def test_a_wrong_password_and_a_stranger_get_the_same_answer(browser, north, email):
    answer = await browser.sign_in(email, "wrong horse battery")
    assert answer.status_code == 401
    assert "The email or the password is not right" in answer.text
    assert (await browser.get("/account")).headers["location"].startswith("/sign-in")


async def test_wrong_passwords_are_throttled_and_the_wait_ends(browser, north, clock):
    for _ in range(8):
        await browser.sign_in(north.email("nurse"), "wrong horse battery")
    refused = await browser.sign_in(north.email("nurse"))
    assert "Too many attempts" in refused.text
    assert (await browser.sign_in(north.email("admin"))).status_code == 303
    clock.forward(minutes=16)
    assert (await browser.sign_in(north.email("nurse"))).status_code == 303


@pytest.mark.parametrize("elsewhere", ["//evil.example", "https://evil.example", "/\\evil.example"])
async def test_nobody_is_sent_elsewhere(browser, north, elsewhere):
    await browser.get("/sign-in")
    opened = await browser.post(
        "/sign-in", email=north.email("nurse"), password=PASSWORD, target=elsewhere
    )
    assert opened.headers["location"] == "/"


async def test_idle_and_old_sessions_end(browser, north, clock):
    await browser.sign_in(north.email("nurse"))
    clock.forward(minutes=29)
    assert (await browser.get("/account")).status_code == 200
    clock.forward(minutes=31)
    assert (await browser.get("/account")).status_code == 303
    await browser.sign_in(north.email("nurse"))
    for _ in range(30):
        clock.forward(minutes=25)
        last = await browser.get("/account")
    assert last.status_code == 303


async def test_signing_out_ends_the_session_on_the_server(browser, north, app):
    await browser.sign_in(north.email("nurse"))
    token = browser.client.cookies["hl_session"]
    await browser.post("/sign-out")
    async with open_browser(app) as thief:
        thief.client.cookies.set("hl_session", token)
        assert (await thief.get("/account")).status_code == 303


async def test_a_form_without_the_sessions_token_changes_nothing(browser, north):
    await browser.sign_in(north.email("nurse"))
    right, browser.csrf = browser.csrf, "forged"
    assert (await browser.post("/sign-out")).status_code == 403
    browser.csrf = right
    forged = await browser.client.post(
        "/sign-out", data={"csrf": right}, headers={"Origin": "https://evil.example"}
    )
    assert forged.status_code == 403
    assert (await browser.get("/account")).status_code == 200


async def test_the_cookie_is_for_the_server_only(browser, north):
    answer = await browser.sign_in(north.email("nurse"))
    cookie = next(v for v in answer.headers.get_list("set-cookie") if v.startswith("hl_session"))
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie


async def test_changing_the_password_signs_out_elsewhere(browser, north, app):
    await browser.sign_in(north.email("nurse"))
    async with open_browser(app) as other:
        await other.sign_in(north.email("nurse"))
        new = "another horse battery"
        short = await browser.post("/account/password", current=PASSWORD, password="x", again="x")
        assert (short.status_code, "At least 12" in short.text) == (422, True)
        done = await browser.post("/account/password", current=PASSWORD, password=new, again=new)
        assert done.status_code == 303
        assert (await other.get("/account")).status_code == 303
        assert (await browser.get("/account")).status_code == 200
        assert (await other.sign_in(north.email("nurse"), new)).status_code == 303


async def test_somebody_in_two_clinics_chooses_one(browser, north, admin):
    await make_clinic(admin, "south")
    who = staff.NewStaff(email="both@example.org", name="Demo Both", credential="", role="nurse")
    both = await staff.create_member(admin, "north", who, password_hash=password_hash(), now=NOW)
    await admin.execute(
        "INSERT INTO staff_membership VALUES ('south', %s, 'biller', %s)", [both, NOW]
    )
    await browser.sign_in("both@example.org")
    page = await browser.get("/clinics")
    assert "North Clinic" in page.text
    assert "South Clinic" in page.text
    await browser.post("/clinics", clinic="south")
    assert "Biller at South Clinic" in (await browser.get("/account")).text
    await browser.post("/clinics", clinic="elsewhere")
    assert "South Clinic" in (await browser.get("/account")).text


async def test_an_invitation_is_used_once(browser, north, app, clock):
    await browser.sign_in(north.email("admin"))
    made = await browser.post(
        "/staff/invitations", name="Demo New", email="new@north.example", role="nurse"
    )
    path = found(r"http://console.test(/join/[^\"]+)", made.text)
    async with open_browser(app) as newcomer:
        assert "Join North Clinic" in (await newcomer.get(path)).text
        weak = await newcomer.post(path, password="short", again="short")
        assert weak.status_code == 422
        joined = await newcomer.post(path, password=PASSWORD, again=PASSWORD)
        assert joined.headers["location"] == "/"
        assert "Nurse at North Clinic" in (await newcomer.get("/account")).text
        again = await newcomer.get(path)
        assert (again.status_code, "cannot be used" in again.text) == (404, True)


async def test_an_old_or_withdrawn_invitation_is_refused(browser, north, app, clock):
    await browser.sign_in(north.email("admin"))
    made = await browser.post(
        "/staff/invitations", name="Demo New", email="new@north.example", role="nurse"
    )
    path = found(r"http://console.test(/join/[^\"]+)", made.text)
    handle = found(r"/staff/invitations/([0-9a-f]+)/withdraw", made.text)
    async with open_browser(app) as newcomer:
        await newcomer.get(path)
        await browser.post(f"/staff/invitations/{handle}/withdraw")
        refused = await newcomer.post(path, password=PASSWORD, again=PASSWORD)
        assert refused.status_code == 404
        assert (await newcomer.sign_in("new@north.example")).status_code == 401


async def test_the_last_admin_stays(browser, north):
    await browser.sign_in(north.email("admin"))
    await browser.post(f"/staff/{north.staff['admin']}/role", role="nurse")
    assert "only admin" in (await browser.get("/staff")).text
    await browser.post(f"/staff/{north.staff['nurse']}/role", role="admin")
    await browser.post(f"/staff/{north.staff['admin']}/end")
    assert (await browser.get("/staff")).headers["location"] == "/clinics"


async def test_settings_are_checked_and_audited(browser, north, admin):
    await browser.sign_in(north.email("admin"))
    good = {
        "name": "North",
        "zone": "America/Chicago",
        "glucose_unit": "mmol/L",
        "weight_unit": "kg",
        "alert_programme": "RPM",
    }
    bad = await browser.post("/settings", **{**good, "zone": "Mars/Olympus"})
    assert (bad.status_code, "Enter a time zone" in bad.text) == (422, True)
    assert (await browser.post("/settings", **good)).status_code == 303
    assert "America/Chicago" in (await browser.get("/settings")).text
    row = await (
        await admin.execute("SELECT detail FROM audit_event WHERE action = 'clinic.update'")
    ).fetchone()
    assert row[0]["weight_unit"] == ["lb", "kg"]


async def test_every_answer_carries_the_headers(browser, north):
    answer = await browser.get("/sign-in")
    assert "default-src 'self'" in answer.headers["content-security-policy"]
    assert answer.headers["cache-control"] == "no-store"
    huge = await browser.post("/sign-in", email="x" * 300_000, password="", target="/")
    assert huge.status_code == 413
