"""The pages over HTTP: who is let in, what is refused, and that they work without scripts."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator

import httpx
import pytest

from gateway.kinds import DeviceKind
from gateway.pairing_events import Chose, Opened
from gateway.pairing_state import Step
from gateway.portal import door as door_module
from gateway.portal import guard
from gateway.portal.door import Door, TooManyTries, kept_pin
from tests.gateway.portal.conftest import CUFF, NOW, PIN, found, reading

HOST = "http://hearthline.local"
SEEN = r'data-seen="([0-9a-f]+)"'


@pytest.fixture
async def browser(app) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=app, client=("192.168.1.20", 40000))
    async with httpx.AsyncClient(
        transport=transport, base_url=HOST, follow_redirects=True
    ) as client:
        yield client


async def sign_in(browser):
    page = await browser.post("/pin", data={"pin": "1234 5678"})
    assert page.status_code == 200
    return page


def told_by(page, pattern) -> str:
    match = re.search(pattern, page.text, re.DOTALL)
    assert match is not None, page.text
    return str(match[1])


def key_of(page) -> str:
    return told_by(page, r'name="csrf" value="([^"]+)"')


async def press(browser, page, do, **more):
    return await browser.post("/act", data={"csrf": key_of(page), "do": do} | more)


def title(page) -> str:
    return " ".join(told_by(page, r"<h1[^>]*>(.*?)</h1>").split())


async def test_the_whole_way_without_scripts(browser, desk, clock):
    page = await sign_in(browser)
    assert title(page) == "Connect a device to your clinic"
    page = await press(browser, page, "open")
    page = await press(browser, page, "kind:cuff")
    assert title(page) == "Put the cuff in pairing mode"
    assert '<noscript><meta http-equiv="refresh" content="5"></noscript>' in page.text
    found(desk, clock)
    page = await browser.get("/")
    assert title(page) == "Connecting"
    desk.connecting(CUFF)
    desk.connected(CUFF)
    page = await browser.get("/")
    assert title(page) == "Take your blood pressure"
    desk.spooled(CUFF, reading(clock()))
    page = await browser.get("/")
    assert title(page) == "Your reading is safe in the box"
    assert "128/82 mmHg" in page.text
    desk.receipted(["a"])
    page = await browser.get("/")
    assert title(page) == "Your clinic has it"
    page = await press(browser, page, "close")
    assert title(page) == "Connect a device to your clinic"
    assert "128/82" not in page.text


async def test_the_passkey_field(browser, desk, clock):
    page = await press(browser, await sign_in(browser), "open")
    page = await press(browser, page, "kind:cuff")
    found(desk, clock)
    desk.connecting(CUFF)
    asking = asyncio.create_task(desk.passkey(CUFF))
    await asyncio.sleep(0)
    page = await browser.get("/")
    assert title(page) == "Type the six numbers"
    assert "refresh" not in page.text  # what is being typed stays
    wrong = await press(browser, page, "passkey", passkey="12345")
    assert wrong.status_code == 400
    assert "<title>Error: Type the six numbers" in wrong.text
    assert 'href="#passkey"' in wrong.text
    page = await press(browser, wrong, "passkey", passkey=" 012 345 ")
    assert await asking == 12345
    assert title(page) == "Connecting"


async def test_nothing_is_shown_without_a_session(browser, desk, clock):
    await desk.act(Opened())
    for path in ("/", "/live?seen=x"):
        answer = await browser.get(path, follow_redirects=False)
        assert answer.status_code in {303, 401}
        assert answer.text == ""
    answer = await browser.post("/act", data={"do": "close"}, follow_redirects=False)
    assert answer.status_code == 303
    assert desk.look().step is Step.CHOOSE


async def test_a_session_sleeps_in(browser, clock):
    await sign_in(browser)
    clock.now += door_module.IDLE
    assert title(await browser.get("/")) == "Type the number on the box"


async def test_a_form_needs_the_key_of_its_session(browser, desk):
    await sign_in(browser)
    for data in ({"do": "open"}, {"do": "open", "csrf": "guessed"}, {}):
        assert (await browser.post("/act", data=data)).status_code == 403
    assert desk.look().step is Step.CLOSED


@pytest.mark.parametrize("do", ["", "format", "kind:toaster", "pick:", "same:perhaps", "passkey"])
async def test_what_is_no_act_is_refused(browser, desk, do):
    page = await sign_in(browser)
    assert (await press(browser, page, do)).status_code == 400
    assert desk.look().step is Step.CLOSED


async def test_an_old_page_s_act_shows_how_it_is_now(browser, desk):
    page = await sign_in(browser)
    answer = await press(browser, page, "forget")
    assert answer.status_code == 200
    assert title(answer) == "Connect a device to your clinic"


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("hearthline.local", 200),
        ("HEARTHLINE.local:8080", 200),
        ("192.168.1.7:8080", 200),
        ("[fe80::1]:8080", 200),
        ("evil.example", 421),
        ("192.168.1.7.evil.example", 421),
        ("", 421),
    ],
)
async def test_a_rebound_name_is_refused(browser, host, status):
    answer = await browser.get("/pin", headers={"Host": host})
    assert answer.status_code == status


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
async def test_a_form_of_another_page_is_refused(browser, headers):
    answer = await browser.post("/pin", data={"pin": PIN}, headers=headers)
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers


async def test_every_answer_is_dressed(browser):
    await sign_in(browser)
    for path in ("/", "/pin", "/nothing", "/static/portal.css", "/static/../door.py"):
        answer = await browser.get(path)
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert "unsafe" not in answer.headers["content-security-policy"]
        assert answer.headers["x-frame-options"] == "DENY"
        assert answer.headers["cache-control"] == "no-store"
    kept = await browser.get("/static/portal.css?v=1")
    assert "immutable" in kept.headers["cache-control"]


async def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(browser):
    answer = await browser.post("/pin", data={"pin": PIN}, follow_redirects=False)
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie


async def test_a_form_that_is_too_large(browser):
    answer = await browser.post("/pin", data={"pin": "1" * guard.LARGEST_BODY})
    assert answer.status_code == 413

    async def pieces():
        for _ in range(20):
            yield b"pin=1234" * 100

    answer = await browser.post("/pin", content=pieces())
    assert answer.status_code == 401  # cut off: no PIN was in it


async def test_a_caller_gone_wild_is_slowed_down(browser):
    answers = [(await browser.get("/static/portal.js")).status_code for _ in range(120)]
    assert answers[0] == 200
    assert answers[-1] == 429


async def test_guessing_ends_and_a_link_still_opens(browser, door, clock):
    for _ in range(door_module.TRIES):
        assert (await browser.post("/pin", data={"pin": "00000000"})).status_code == 401
    locked = await browser.post("/pin", data={"pin": PIN})
    assert locked.status_code == 429
    assert "Wait 15 minutes" in locked.text
    page = await browser.get(f"/open/{door.new_link(clock())}")
    token = told_by(page, r'name="token" value="([^"]+)"')
    assert title(await browser.post("/open", data={"token": token})) == (
        "Connect a device to your clinic"
    )
    browser.cookies.clear()
    assert (await browser.post("/open", data={"token": token})).status_code == 401
    clock.now += door_module.COUNTED_FOR
    await sign_in(browser)


def test_guesses_from_many_addresses_are_counted_together():
    door = Door(pin=PIN)
    for number in range(door_module.TRIES_IN_ALL):
        assert door.by_pin("0", f"192.168.1.{number}", NOW) is None
    with pytest.raises(TooManyTries):
        door.by_pin(PIN, "192.168.1.250", NOW)


def test_a_link_ages(clock):
    door = Door(pin=PIN)
    token = door.new_link(clock())
    assert door.by_link(token, clock() + door_module.LINK_FOR) is None
    assert door.by_link("", clock()) is None


def test_the_oldest_session_gives_way(clock):
    door = Door(pin=PIN)
    keys = [door.by_pin(PIN, "a", clock()) for _ in range(door_module.MOST_SESSIONS + 1)]
    assert door.session(keys[0], clock()) is None
    assert door.session(keys[-1], clock()) is not None
    assert door.session("guessed", clock()) is None


def test_the_pin_is_made_once_and_only_its_owner_reads_it(tmp_path):
    path = tmp_path / "spool.pin"
    pin = kept_pin(path)
    assert len(pin) == door_module.PIN_DIGITS
    assert kept_pin(path) == pin
    assert path.stat().st_mode & 0o777 == 0o600
    path.write_text("1234\n")
    with pytest.raises(ValueError, match="holds no PIN"):
        kept_pin(path)


async def test_the_language_follows_the_browser_and_then_the_choice(browser):
    spanish = await browser.get("/pin", headers={"Accept-Language": "es-MX"})
    assert '<html lang="es"' in spanish.text
    assert title(spanish) == "Escriba el número de la caja"
    chosen = await browser.get("/language/es")
    assert title(chosen) == "Escriba el número de la caja"
    assert title(await browser.get("/language/xx")) == "Escriba el número de la caja"
    assert title(await browser.get("/language/en")) == "Type the number on the box"


async def test_every_page_has_the_emergency_number(browser):
    for path in ("/pin", "/open/x", "/nothing"):
        page = await browser.get(path)
        assert 'href="tel:911"' in page.text
        assert "+1 555 0100" in page.text


async def test_an_advertised_name_cannot_become_markup(browser, desk, clock, told):
    told.read = [CUFF]
    page = await press(browser, await sign_in(browser), "open")
    await press(browser, page, "kind:cuff")
    found(desk, clock, name="<script>alert(1)</script>")
    page = await browser.get("/")
    assert title(page) == "Is this your device?"
    assert "<script>alert" not in page.text
    assert "&lt;script&gt;alert(1)" in page.text


async def test_live_answers_once_something_changed(browser, desk, clock):
    page = await press(browser, await sign_in(browser), "open")
    seen = told_by(page, SEEN)
    stale = await browser.get("/live?seen=another")
    assert told_by(stale, SEEN) == seen
    await press(browser, page, "kind:cuff")
    changed = await browser.get(f"/live?seen={seen}")
    assert title(changed) == "Put the cuff in pairing mode"


async def test_a_fault_is_told_without_its_words(app, desk, told):
    async def fails(address):
        raise RuntimeError("C0:FF:EE of somebody")

    told.forget = fails
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(
        transport=transport, base_url=HOST, follow_redirects=True
    ) as browser:
        page = await press(browser, await sign_in(browser), "open")
        await desk.act(Chose(DeviceKind.CUFF))
        found(desk, desk._clock)
        desk.connecting(CUFF)
        desk.connected(CUFF)
        answer = await press(browser, page, "forget")
    assert answer.status_code == 500
    assert "C0:FF:EE" not in answer.text
    assert "Nothing is lost" in answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert desk.look().step is Step.TEST
