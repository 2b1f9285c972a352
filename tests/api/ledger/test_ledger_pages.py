"""The time ledger in the console: who keeps a minute, corrected, decided, taken back."""

from __future__ import annotations

import html
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ccm_link import signing
from ccm_link.calendar_month import Month
from ccm_link.months_service import patient_month
from tests.api.conftest import NOW, Browser, Clinic, Clock, open_browser
from tests.api.ledger.conftest import Books

MORNING = datetime(2026, 11, 20, 14, tzinfo=UTC)  # nine in New York
FIXED = {
    "programme": "CCM", "activity": "call", "start": "2026-11-20T09:00:00",
    "end": "2026-11-20T09:05:00", "note": "By phone", "reason": "Typed wrong",
}  # fmt: skip


def plain(page: Any) -> str:
    """What a reader sees, in one line."""
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", page.text)))


async def time_of(browser: Browser, books: Books, month: str = "") -> str:
    return plain(await browser.get(f"/patients/{books.rosa}/time?month={month}"))


async def test_the_page_counts_what_the_engine_counts(nurse: Browser, books: Books):
    await books.logged(books.rosa, MORNING, 12.5)
    await books.logged(books.rosa, MORNING + timedelta(hours=-1), 9, activity="training")
    text = await time_of(nurse, books)
    assert "exactly 12:30" in text
    assert "Kept, counts nothing: this activity never counts" in text
    assert "Nov 20, 2026 21:30 CCM 12:30" in text


async def test_who_loses_a_minute_and_who_keeps_it(nurse: Browser, books: Books):
    await books.logged(books.rosa, MORNING, 10, "provider", programme="RPM")
    await books.logged(books.rosa, MORNING + timedelta(minutes=5), 10)
    text = await time_of(nurse, books)
    assert "Counts 5:00" in text
    assert "Also logged to another programme, which keeps it: 5 min." in text
    assert "Kept by: Demo Provider, RPM, Nov 20 9:00 AM." in text


async def test_time_before_consent_is_told_and_so_is_a_programme_that_bills_nothing(
    nurse: Browser, books: Books
):
    await books.admin.execute(
        "UPDATE consent SET given_at = '2026-11-20T14:05Z' WHERE programme = 'CCM'"
    )
    await books.admin.execute("UPDATE enrolment SET care_plan_on = NULL WHERE programme = 'CCM'")
    await books.logged(books.rosa, MORNING, 10)
    text = await time_of(nurse, books)
    assert "Counts 5:00" in text
    assert "Before the patient's consent: 5 min." in text
    assert "CCM bills nothing yet No care plan is on record." in text


async def test_time_over_midnight_of_a_months_end_is_shown_by_day(
    nurse: Browser, books: Books, clock: Clock
):
    midnight = datetime(2026, 11, 1, 4, tzinfo=UTC)  # of the first of November in New York
    await books.logged(books.rosa, midnight - timedelta(minutes=3), 8)
    october, november = [await time_of(nurse, books, m) for m in ("2026-10", "2026-11")]
    for text in (october, november):
        assert "Oct 31: 3:00" in text
        assert "Nov 1: 5:00" in text
    assert "In another month, and counted there: 5 min." in october
    assert "In another month, and counted there: 3 min." in november
    assert "exactly 3:00" in october
    assert "exactly 5:00" in november


async def test_a_patient_in_no_programme_keeps_time_that_counts_nothing(
    nurse: Browser, books: Books
):
    await books.logged(books.rosa, MORNING, 10)
    await books.admin.execute("DELETE FROM enrolment")
    text = await time_of(nurse, books)
    assert "In no programme: no time counts in this month." in text
    assert "Kept, counts nothing: not enrolled in CCM then" in text
    assert (await nurse.get(f"/patients/{books.rosa}/time?month=2023-05")).status_code == 200


async def test_correcting_keeps_what_was_there(nurse: Browser, books: Books):
    entry = await books.logged(books.rosa, MORNING, 10)
    form = await nurse.get(f"/time/{entry}/correct")
    assert 'value="2026-11-20T09:00:00"' in form.text
    assert "Rosa Exampleton" in form.text
    done = await nurse.post(f"/time/{entry}/correct", **FIXED)
    assert done.status_code == 303
    text = plain(await nurse.get(done.headers["location"]))
    assert "The time is corrected." in text
    assert "Corrected by Demo Nurse: Typed wrong" in text
    assert "Stands for: Demo Nurse, CCM, Nov 20 9:00 AM" in text
    assert "exactly 5:00" in text
    again = await nurse.get(f"/time/{entry}/correct")
    assert "taken back already" in plain(await nurse.get(again.headers["location"]))


async def test_an_end_that_was_not_touched_stays_to_the_microsecond(nurse: Browser, books: Books):
    """Also in the hour that came twice, and for a timer that began between two seconds."""
    start = datetime(2026, 11, 1, 6, 10, 7, 250_000, tzinfo=UTC)  # the second 01:10 in New York
    entry = await books.logged(books.rosa, start, 10)
    fields = FIXED | {"start": "2026-11-01T01:10:07", "end": "2026-11-01T01:20:07", "note": "More"}
    assert (await nurse.post(f"/time/{entry}/correct", **fields)).status_code == 303
    assert await books.one(
        "SELECT lower(during), note FROM time_entry WHERE status = 'active'"
    ) == (start, "More")


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"reason": " "}, "Say what was wrong"),
        ({"note": ""}, "only documented time counts"),
        ({"end": "2026-11-20T08:00"}, "The end must come after the start"),
        ({"end": "soon"}, "Enter a date and a time"),
        ({"programme": "BHI"}, "Choose a programme and an activity"),
        ({"start": "2026-11-01T01:30", "end": "2026-11-01T02:30"}, "This time came twice"),
        ({"start": "2026-03-08T02:30", "end": "2026-03-08T03:30"}, "did not exist"),
        ({"end": "2026-11-20T09:10:00"}, "Nothing is different"),
    ],
)
async def test_a_correction_that_makes_no_sense_is_said_and_kept_in_the_form(
    nurse: Browser, books: Books, changed: dict[str, str], said: str
):
    entry = await books.logged(books.rosa, MORNING, 10)
    await nurse.get(f"/time/{entry}/correct")
    answer = await nurse.post(f"/time/{entry}/correct", **(FIXED | changed))
    assert answer.status_code == 422
    assert said in plain(answer)
    assert await books.all("SELECT status FROM time_entry") == [("active",)]


async def test_a_colleagues_time_is_not_mine_to_correct(nurse: Browser, books: Books):
    entry = await books.logged(books.rosa, MORNING, 10, "provider")
    acts = (
        lambda: nurse.get(f"/time/{entry}/correct"),
        lambda: nurse.post(f"/time/{entry}/correct", **FIXED),
        lambda: nurse.post(f"/time/{entry}/reverse", reason="x"),
    )
    for act in acts:
        answer = await act()
        assert answer.status_code == 303
        assert "or an admin" in plain(await nurse.get(answer.headers["location"]))
    assert await books.all("SELECT status FROM time_entry") == [("active",)]


async def _held(books: Books) -> Any:
    """Ten minutes of Bob's inside of half an hour of Rosa's."""
    await books.logged(books.bob, MORNING + timedelta(minutes=10), 10, note="Bob's pulse")
    return await books.logged(books.rosa, MORNING, 30)


async def test_held_time_is_decided_on_a_page_of_its_own(nurse: Browser, books: Books):
    held = await _held(books)
    assert f"/time/{held}/decide" in (await nurse.get(f"/patients/{books.rosa}/time")).text
    page = await nurse.get(f"/time/{held}/decide")
    text = plain(page)
    assert "Bob Sample" in text
    assert "10:00" in text
    refused = await nurse.post(f"/time/{held}/decide", stands="", reason="")
    assert refused.status_code == 422
    assert "Choose whose the shared minutes are" in refused.text
    done = await nurse.post(f"/time/{held}/decide", stands="others", reason="Asked her")
    text = plain(await nurse.get(done.headers["location"]))
    assert "The other time stands." in text
    assert "exactly 20:00" in text
    again = await nurse.post(f"/time/{held}/decide", stands="this", reason="No")
    assert "not held" in plain(await nurse.get(again.headers["location"]))


async def test_this_time_stands_and_the_other_goes_on_without_it(nurse: Browser, books: Books):
    held = await _held(books)
    await nurse.get(f"/time/{held}/decide")
    done = await nurse.post(f"/time/{held}/decide", stands="this", reason="Bob's was a slip")
    assert "exactly 30:00" in plain(await nurse.get(done.headers["location"]))
    assert await books.all("SELECT status FROM time_entry WHERE patient_id = %s", books.bob) == [
        ("reversed",)
    ]


async def test_an_admin_decides_for_somebody_who_left_and_reads_no_note(
    app: Any, books: Books, north: Clinic
):
    held = await _held(books)
    async with open_browser(app) as boss:
        await boss.sign_in(north.email("admin"))
        listed = plain(await boss.get("/time"))
        assert "Rosa Exampleton" in listed
        assert "Demo Nurse" in listed
        for path in ("decide", "correct"):
            page = await boss.get(f"/time/{held}/{path}")
            assert page.status_code == 200
            assert "By phone" not in page.text
            assert "pulse" not in page.text
        kept = FIXED | {"note": "", "start": "2026-11-20T08:00", "end": "2026-11-20T08:10"}
        done = await boss.post(f"/time/{held}/correct", **kept)
        assert (done.status_code, done.headers["location"]) == (303, "/time")
    assert await books.one(
        "SELECT note, staff_id, status FROM time_entry WHERE replaces = %s", held
    ) == ("By phone", north.staff["nurse"], "active")
    assert (await books.one("SELECT reversed_by FROM time_entry WHERE id = %s", held)) == (
        north.staff["admin"],
    )


async def test_ones_own_list_shows_ones_own(nurse: Browser, books: Books, app: Any, north: Clinic):
    assert 'href="/time"' in (await nurse.get(f"/patients/{books.rosa}/time")).text
    assert "Nothing waits" in plain(await nurse.get("/time"))
    await _held(books)
    assert "Rosa Exampleton" in plain(await nurse.get("/time"))
    async with open_browser(app) as doctor:
        await doctor.sign_in(north.email("provider"))
        assert "Nothing waits" in plain(await doctor.get("/time"))


async def test_a_signed_month_takes_a_correction_and_says_what_follows(
    nurse: Browser, books: Books, clock: Clock, north: Clinic
):
    entry = await books.logged(books.rosa, datetime(2026, 10, 7, 14, tzinfo=UTC), 25)
    october = Month.parse("2026-10")
    found = await patient_month(books.conn, "north", books.rosa, october, now=NOW)
    assert found is not None
    biller = books.actor("biller")
    await signing.sign(
        books.conn, "north", biller, books.rosa, october, seen=found.seen, note="", now=NOW
    )
    fields = FIXED | {"start": "2026-10-07T10:00", "end": "2026-10-07T10:22"}
    await nurse.get(f"/time/{entry}/correct")
    done = await nurse.post(f"/time/{entry}/correct", **fields)
    said = plain(await nurse.get(done.headers["location"]))
    assert "October 2026 is signed already: it must be reopened for this to bill." in said
    await signing.lock(books.conn, "north", biller, october, now=NOW)
    (standing,) = await books.one("SELECT id FROM time_entry WHERE status = 'active'")
    refused = await nurse.post(f"/time/{standing}/correct", **(fields | {"note": "Other"}))
    assert refused.status_code == 422
    assert "This month is locked" in plain(refused)
    gone = await nurse.post(f"/time/{standing}/reverse", reason="Not hers")
    said = plain(await nurse.get(gone.headers["location"]))
    assert "The time is taken back." in said
    assert "October 2026 is signed already" in said
