"""The retention page: what an admin sets, what is refused, and what the next run then does."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.retention_view import EntryRefused, in_words, months_of
from store import fixtures
from store.pool import open_pool
from store.retain import retain
from tests.api.world import Home
from vitals.clock import utc_now

HERE = "/settings/retention"
YEARS = {"keep": "time", "years": "7", "reason": "State law; the board decided"}
HOLD = {"whose": "clinic", "hold_reason": "Letter of the court"}


@pytest.fixture
async def manager(browser, north, clock):
    clock.now = utc_now()
    await browser.sign_in(north.email("admin"))
    return browser


async def rows(admin, query):
    return await (await admin.execute(query)).fetchall()


def release_address(page):
    start = page.text.index(f"{HERE}/holds/")
    return page.text[start : page.text.index("/release", start)] + "/release"


async def test_readings_are_kept_for_ever_until_somebody_says_otherwise(manager):
    page = await manager.get(HERE)
    assert "Readings are kept for ever." in page.text
    assert "No legal hold" in page.text


async def test_a_time_is_set_waits_and_is_taken_back(manager, clock, admin):
    await manager.post(HERE, **YEARS)
    page = await manager.get(HERE)
    assert "It counts in seven days." in page.text
    assert "Readings are kept for ever." in page.text
    assert "7 years" in page.text
    clock.forward(days=8)
    await manager.sign_in("admin@north.example")
    assert "Readings are kept 7 years." in (await manager.get(HERE)).text
    await manager.post(HERE, keep="ever", reason="The case of 2019 shows why")
    assert "Readings are kept for ever." in (await manager.get(HERE)).text
    assert await rows(admin, "SELECT months FROM retention_rule ORDER BY set_at") == [
        (84,),
        (None,),
    ]


async def test_what_is_past_its_time_is_gone_and_its_alert_still_opens(
    manager, clock, database, admin, north
):
    home = await Home.make(database, admin, north)
    await home.pressure(191, 124, at=clock.now)
    await home.judge(now=clock.now)
    await admin.execute("UPDATE alert SET state = 'resolved', resolved_at = now()")
    ((task,),) = await rows(
        admin, "UPDATE care_task SET state = 'done', done_at = now() RETURNING id"
    )
    await manager.post(HERE, keep="time", years="1", months="1", reason="Short")
    later = utc_now() + timedelta(days=500)
    async with open_pool(database.admin, max_size=1) as pool:
        (told,) = [one async for one in retain(pool, now=later, dry_run=False)]
    assert told.removed == 1
    await manager.sign_in(north.email("nurse"))
    assert (await manager.get(f"/tasks/{task}")).status_code == 200
    for tab in ("", "/readings", "/alerts", "/devices"):
        assert (await manager.get(f"/patients/{home.patient}{tab}")).status_code == 200


async def test_a_hold_on_a_patient_is_placed_and_released(manager, admin):
    patient = await fixtures.register_patient(
        admin, "north", family_name="Heldperson", given_name="Ada", record_number="N-7"
    )
    answer = await manager.post(HERE + "/holds", whose="patient", record_number=" N-7 ",
                                hold_reason="A letter")  # fmt: skip
    assert answer.status_code == 303
    page = await manager.get(HERE)
    assert "Ada Heldperson" in page.text
    assert await rows(admin, "SELECT patient_id FROM legal_hold") == [(patient,)]
    refused = await manager.post(release_address(page), reason=" ")
    assert refused.status_code == 303
    assert await rows(admin, "SELECT released_at FROM legal_hold") == [(None,)]
    await manager.post(release_address(page), reason="Settled")
    page = await manager.get(HERE)
    assert "Holds that were released" in page.text
    assert "Settled" in page.text
    assert "No legal hold" in page.text


async def test_no_reason_or_name_is_in_the_audit_trail(manager, admin):
    await manager.post(HERE, **YEARS)
    await manager.post(HERE + "/holds", **HOLD)
    found = await rows(
        admin,
        "SELECT action, detail FROM audit_event WHERE action IN ('retention.set', 'hold.place')"
        " ORDER BY action",
    )
    assert found == [
        ("hold.place", {"patient": None}),
        ("retention.set", {"months": 84, "was": None}),
    ]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"keep": ""}, "Choose how long readings are kept"),
        ({"years": "0", "months": "11"}, "Enter a time of 1 to 100 years"),
        ({"years": "101"}, "Enter a time of 1 to 100 years"),
        ({"years": "-7"}, "Enter a whole number of years"),
        ({"years": "7.5"}, "Enter a whole number of years"),
        ({"years": "\N{ARABIC-INDIC DIGIT SEVEN}"}, "Enter a whole number of years"),
        ({"months": "six"}, "Enter a whole number of months"),
        ({"reason": " "}, "Say why"),
        ({"reason": "x" * 1001}, "1,000 characters at most"),
    ],
)
async def test_what_is_no_time_is_refused(manager, admin, changed, said):
    answer = await manager.post(HERE, **{**YEARS, **changed})
    assert (answer.status_code, said in answer.text) == (422, True)
    assert await rows(admin, "SELECT 1 FROM retention_rule") == []


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"whose": ""}, "Choose what the hold is on"),
        ({"whose": "patient", "record_number": "S-1"}, "No patient of this clinic"),
        ({"whose": "patient", "record_number": ""}, "No patient of this clinic"),
        ({"hold_reason": ""}, "Say why"),
    ],
)
async def test_what_is_no_hold_is_refused(manager, admin, south, changed, said):
    await fixtures.register_patient(
        admin, "south", family_name="X", given_name="Y", record_number="S-1"
    )
    answer = await manager.post(HERE + "/holds", **{**HOLD, **changed})
    assert (answer.status_code, said in answer.text) == (422, True)
    assert await rows(admin, "SELECT 1 FROM legal_hold") == []


async def test_only_an_admin_sees_the_tab(browser, north, clock):
    clock.now = utc_now()
    for role, sees in (("provider", False), ("admin", True)):
        await browser.sign_in(north.email(role))
        for address in ("/settings", "/settings/limits"):
            assert (HERE in (await browser.get(address)).text) == sees


@given(st.integers(12, 1200))
def test_a_time_in_words_is_the_time(months):
    assert months_of("time", str(months // 12), str(months % 12)) == months
    words = in_words(months).replace(" and ", " ").split()
    units = dict(zip((unit.rstrip("s") for unit in words[1::2]), map(int, words[::2]), strict=True))
    assert units.get("year", 0) * 12 + units.get("month", 0) == months


@given(st.text(max_size=6), st.text(max_size=6))
def test_whatever_is_typed_is_a_time_or_refused(years, months):
    with suppress(EntryRefused):
        assert 12 <= (months_of("time", years, months) or 0) <= 1200
