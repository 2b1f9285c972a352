"""How long somebody is in, and what a way around the door would need."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Self

import pytest
from starlette.requests import Request

from api.auth import passwords, tokens
from api.auth.viewer import viewer_of
from api.live import Hub, _stream
from api.page import Page
from store import staff
from tests.api.conftest import NOW, PASSWORD, found, open_browser, password_hash


@pytest.mark.parametrize("path", ["/queue/rows", "/queue/figures"])
async def test_an_open_page_is_nobody_at_work(browser, north, clock, path):
    """The queue asks for its rows and figures by itself: that must not keep a session alive."""
    await browser.sign_in(north.email("nurse"))
    for _ in range(8):
        clock.forward(minutes=5)
        last = await browser.client.get(path, headers={"HX-Request": "true"})
    assert (last.status_code, "You were signed out" in last.text) == (401, True)
    assert "hx-redirect" not in last.headers  # what is typed in the page would be gone


class Watching:
    """An event stream of a signed-in person, read in the background as a browser does."""

    def __init__(self, app, browser, clinic, clock) -> None:
        self.app, self.browser, self.clinic, self.clock = app, browser, clinic, clock
        self.heard: list[str] = []

    async def __aenter__(self) -> Self:
        page = await viewer_page(self.app, self.browser, self.clock)
        self.app.state.hub.look_s = 0.05
        self.task = asyncio.create_task(self._read(page))
        async with asyncio.timeout(5):
            while not self.heard:
                await asyncio.sleep(0.01)
        return self

    async def _read(self, page: Page) -> None:
        async for event in _stream(self.app.state.hub, page):
            self.heard.append(event.event or "")

    async def __aexit__(self, *_: object) -> None:
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)

    async def ends(self) -> None:
        await asyncio.wait_for(self.task, 5)


async def viewer_page(app, browser, clock) -> Page:
    token = tokens.hashed(browser.client.cookies["hl_session"])
    async with app.state.pool.connection() as conn:
        row = await staff.read_session(conn, token)
        assert row is not None
        request = Request({"type": "http", "app": app, "headers": []})
        return Page(request=request, viewer=viewer_of(row, token), conn=conn, now=clock.now)


async def test_a_stream_goes_on_while_its_person_is_in(app, browser, north, clock):
    await browser.sign_in(north.email("nurse"))
    async with Watching(app, browser, north, clock) as stream:
        await asyncio.sleep(0.3)  # several looks
        app.state.hub._hear("north alert 1")
        await asyncio.sleep(0.1)
        assert (stream.task.done(), stream.heard) == (False, ["hello", "alert"])


@pytest.mark.parametrize("how", ["signed out", "membership ended", "another role", "idle"])
async def test_a_stream_ends_with_the_session(app, browser, north, clock, admin, how):
    await browser.sign_in(north.email("nurse"))
    async with Watching(app, browser, north, clock) as stream:
        if how == "signed out":
            await browser.post("/sign-out")
        elif how == "idle":
            clock.forward(minutes=31)
        else:
            change = "ended_at = now()" if how == "membership ended" else "role = 'biller'"
            await admin.execute(
                f"UPDATE staff_membership SET {change} WHERE staff_id = %s",  # noqa: S608
                [north.staff["nurse"]],
            )
        await stream.ends()


async def test_one_page_that_lags_costs_the_others_nothing():
    hub = Hub()
    async with hub.watching("north") as slow:
        for number in range(256):
            hub._hear(f"north alert {number}")
        async with hub.watching("north") as one, hub.watching("north") as two:
            hub._hear("north task 7")
            assert [one.get_nowait(), two.get_nowait()] == [("task", "7")] * 2
        assert (slow.qsize(), slow.get_nowait()) == (1, ("refresh", ""))


async def test_a_notice_of_somebody_else_does_not_end_the_listening():
    hub = Hub()
    async with hub.watching("north") as queue:
        hub._hear("north")
        hub._hear("north alert 1")
        assert [queue.get_nowait()[1] for _ in range(queue.qsize())][-1] == "1"


@pytest.mark.parametrize("spelling", ["II", "İi", "\N{LATIN SMALL LETTER DOTLESS I}i", "I\u0307i"])
async def test_no_spelling_of_an_email_has_a_count_of_its_own(browser, north, admin, spelling):
    """Python and PostgreSQL fold case by tables of their own: `İ` is an `i` to one of them."""
    who = staff.NewStaff(email="ii@north.example", name="Demo I", credential="", role="nurse")
    await staff.create_member(admin, "north", who, password_hash=password_hash(), now=NOW)
    for _ in range(8):
        await browser.sign_in("ii@north.example", "wrong horse battery")
    assert (await browser.sign_in(f"{spelling}@north.example")).status_code == 401


async def test_the_current_password_cannot_be_guessed_without_end(browser, north):
    await browser.sign_in(north.email("nurse"))
    new = "another horse battery"
    for number in range(8):
        await browser.post("/account/password", current=f"guess {number}", password=new, again=new)
    late = await browser.post("/account/password", current=PASSWORD, password=new, again=new)
    assert (late.status_code, "Too many attempts" in late.text) == (422, True)


async def test_an_invitation_does_not_take_the_last_admin_away(browser, north, app):
    await browser.sign_in(north.email("admin"))
    made = await browser.post(
        "/staff/invitations", name="Demo Admin", email=north.email("admin"), role="nurse"
    )
    path = found(r"http://console.test(/join/[^\"]+)", made.text)
    async with open_browser(app) as again:
        await again.get(path)
        assert (await again.post(path, password=PASSWORD)).status_code == 303
        assert (await again.get("/staff")).status_code == 200


async def test_a_member_who_left_comes_back_by_an_invitation(browser, north, app):
    await browser.sign_in(north.email("admin"))
    await browser.post(f"/staff/{north.staff['nurse']}/end")
    made = await browser.post(
        "/staff/invitations", name="Demo Nurse", email=north.email("nurse"), role="biller"
    )
    path = found(r"http://console.test(/join/[^\"]+)", made.text)
    async with open_browser(app) as back:
        await back.get(path)
        await back.post(path, password=PASSWORD)
        assert "Biller at North Clinic" in (await back.get("/account")).text


async def test_a_session_of_the_week_before_is_over(browser, north, clock):
    await browser.sign_in(north.email("nurse"))
    clock.now += timedelta(days=7)
    assert (await browser.get("/account")).status_code == 303


async def test_a_password_is_checked_beside_the_event_loop():
    """Argon2 is slow on purpose; a stranger's try must not stop everybody's pages."""
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0.001)

    task = asyncio.create_task(others())
    await asyncio.sleep(0.01)
    for slow in (passwords.verified("wrong horse battery", None), passwords.hashed(PASSWORD)):
        before = turns
        await slow
        assert turns > before
    task.cancel()
