"""The clinic's own limits: who sets them, in whose units, and that the rules follow."""

from __future__ import annotations

import pytest

from tests.api.world import Home
from vitals.clock import utc_now

SET = {"rule": "systolic.high", "act": "set", "value": "160", "reason": "Agreed by the board"}


@pytest.fixture
async def provider(browser, north, clock):
    clock.now = utc_now()
    await browser.sign_in(north.email("provider"))
    return browser


async def alerts(admin):
    return (await (await admin.execute("SELECT count(*) FROM alert")).fetchone())[0]


async def test_the_rules_follow_and_go_back(provider, clock, database, admin, north):
    home = await Home.make(database, admin, north)
    await provider.post("/settings/limits", **SET)
    page = await provider.get("/settings/limits")
    assert "Agreed by the board" in page.text
    clock.forward(seconds=1)
    await home.pressure(150, 80, at=clock.now)
    await home.judge(now=clock.now)
    assert await alerts(admin) == 0
    await provider.post("/settings/limits", **{**SET, "act": "default", "value": ""})
    clock.forward(seconds=1)
    await home.pressure(151, 80, at=clock.now)
    await home.judge(now=clock.now)
    assert await alerts(admin) == 1


async def test_pounds_are_kept_as_kilograms(provider, admin):
    await provider.post(
        "/settings/limits", rule="weight.gain_24h", act="set", value="4", reason="Fluid"
    )
    row = await (
        await admin.execute("SELECT round(value::numeric, 4), ucum FROM clinical_limit")
    ).fetchone()
    assert (float(row[0]), row[1]) == (1.8144, "kg")


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"value": "much"}, "Enter a number"),
        ({"value": "-5"}, "Enter a number above zero"),
        ({"rule": "no.such"}, "Choose a limit"),
        ({"reason": " "}, "Say why the clinic has its own limit"),
    ],
)
async def test_what_cannot_be_a_limit_is_refused(provider, admin, changed, said):
    answer = await provider.post("/settings/limits", **{**SET, **changed})
    assert (answer.status_code, said in answer.text) == (422, True)
    assert (await (await admin.execute("SELECT count(*) FROM clinical_limit")).fetchone()) == (0,)


async def test_an_admin_looks_and_a_change_is_audited(provider, browser, admin, north):
    await provider.post("/settings/limits", **SET)
    row = await (
        await admin.execute("SELECT detail FROM audit_event WHERE action = 'limit.change'")
    ).fetchone()
    assert row[0] == {"rule": "systolic.high", "act": "set"}
    await browser.sign_in(north.email("admin"))
    assert "Providers set limits." in (await browser.get("/settings/limits")).text
