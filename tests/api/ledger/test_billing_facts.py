"""Billing facts and the billing policy in the console: stated, taken back, refused in words."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

import pytest

from ccm_link.stated import Kind
from tests.api.conftest import Browser, Clinic, open_browser
from tests.api.ledger.conftest import Books
from tests.api.ledger.test_ledger_pages import plain

STAY = {"kind": "inpatient_stay", "first_day": "2026-11-03", "note": "A call"}
SETTINGS = "/settings/billing"


@pytest.fixture
async def doctor(browser: Browser, north: Clinic) -> Browser:
    await browser.sign_in(north.email("provider"))
    return browser


@pytest.fixture
async def boss(browser: Browser, north: Clinic) -> Browser:
    await browser.sign_in(north.email("admin"))
    return browser


def path(books: Books) -> str:
    return f"/patients/{books.rosa}/billing"


async def test_a_page_with_nothing_says_what_each_thing_is_for(nurse: Browser, books: Books):
    text = plain(await nurse.get(path(books)))
    assert "No stay is on record." in text
    assert "CCM from Sep 1, 2026, Demo Provider" in text
    assert "Consent to CCM given" in text
    assert "Document it for a month" not in text  # a clinician's own act is a provider's
    assert await books.all(
        "SELECT detail->>'tab' FROM audit_event WHERE action = 'chart.read'"
    ) == [("billing",)]


async def test_a_stay_begins_ends_and_is_taken_back(nurse: Browser, books: Books):
    await nurse.get(path(books))
    done = await nurse.post(path(books), **STAY)
    assert done.status_code == 303
    page = await nurse.get(path(books))
    assert "Since Nov 3, 2026, still there" in plain(page)
    (fact,) = await books.one("SELECT id FROM billing_fact")
    early = await nurse.post(f"/billing-facts/{fact}/end", last_day="2026-11-02")
    assert "end must come after the start" in plain(await nurse.get(early.headers["location"]))
    await nurse.post(f"/billing-facts/{fact}/end", last_day="2026-11-06")
    text = plain(await nurse.get(path(books)))
    assert "Nov 3, 2026 to Nov 6, 2026" in text
    assert "Demo Nurse: the stay ended" in text
    (ended,) = await books.one("SELECT id FROM billing_fact WHERE reversed_at IS NULL")
    refused = await nurse.post(f"/billing-facts/{ended}/reverse", reason=" ")
    assert "Say why." in plain(await nurse.get(refused.headers["location"]))
    await nurse.post(f"/billing-facts/{ended}/reverse", reason="Another patient")
    text = plain(await nurse.get(path(books)))
    assert "Demo Nurse: Another patient" in text
    assert "No stay is on record." in text


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"kind": "inpatient_stay", "first_day": ""}, "Enter a date"),
        ({"kind": "inpatient_stay", "first_day": "0203-01-01"}, "right year"),
        ({"kind": "inpatient_stay", "first_day": "2026-11-21"}, "It cannot lie ahead"),
        (STAY | {"last_day": "2026-11-01"}, "It cannot lie ahead, nor end before it begins"),
        ({"kind": "other_claim", "month": "2026-11", "code": "9", "by_staff": "outside"},
         "five characters"),
        ({"kind": "other_claim", "month": "Nov", "code": "99490", "by_staff": "outside"},
         "Enter a month"),
        ({"kind": "other_claim", "month": "2026-11", "code": "99490"}, "Choose who it was"),
        ({"kind": "apcm", "month": "2026-11", "code": "99490"}, "Choose a level"),
    ],
)  # fmt: skip
async def test_what_is_wrong_is_said_at_its_field(
    nurse: Browser, books: Books, fields: dict[str, str], said: str
):
    await nurse.get(path(books))
    answer = await nurse.post(path(books), **fields)
    assert answer.status_code == 422
    assert said in plain(answer)
    (link,) = re.findall(r'<li><a href="#([\w-]+)">', answer.text)
    assert f'id="{link}"' in answer.text
    assert await books.all("SELECT FROM billing_fact") == []


async def test_the_same_twice_is_refused_in_words(nurse: Browser, books: Books):
    await nurse.get(path(books))
    await nurse.post(path(books), **STAY)
    answer = await nurse.post(path(books), **STAY)
    assert answer.status_code == 422
    assert "A stay on record covers some of these days" in plain(answer)


async def test_every_kind_is_stated_and_read_back(doctor: Browser, books: Books, north: Clinic):
    own, nurse = str(north.staff["provider"]), str(north.staff["nurse"])
    await doctor.get(path(books))
    said: list[tuple[str, dict[str, Any], str]] = [
        ("", {"kind": "other_claim", "month": "2026-11", "code": "g0181", "by_staff": "outside"},
         "G0181, by another practice"),
        ("", {"kind": "other_claim", "month": "2026-10", "code": "99490", "by_staff": own},
         "99490, by Demo Provider"),
        ("", {"kind": "apcm", "month": "2026-09", "code": "G0557"}, "September 2026 G0557"),
        ("/set-up", {"kind": "device_setup", "first_day": "2026-11-02", "fda_device": "yes",
                     "by_staff": nurse}, "By Demo Nurse; a medical device as the FDA defines it"),
        ("/decisions", {"kind": "complex_decision", "month": "2026-11", "level": "high",
                        "by_staff": own}, "High, by Demo Provider"),
        ("/decisions", {"kind": "care_planning", "first_day": "2026-11-02", "by_staff": own,
                        "with_visit": "yes"},
         "By Demo Provider, not in person, beside the initiating visit"),
    ]  # fmt: skip
    for where, fields, words in said:
        answer = await doctor.post(path(books) + where, **fields)
        assert answer.status_code == 303, plain(answer)
        assert words in plain(await doctor.get(path(books)))
    kinds = await books.all("SELECT DISTINCT kind FROM billing_fact")
    assert {kind for (kind,) in kinds} == set(Kind) - {Kind.INPATIENT_STAY}
    details = await books.all("SELECT detail FROM audit_event WHERE action = 'fact.state'")
    assert all(set(detail) == {"kind", "patient"} for (detail,) in details)


async def test_a_form_is_for_its_own_kinds(doctor: Browser, books: Books):
    await doctor.get(path(books))
    for where in ("/set-up", "/decisions"):
        assert (await doctor.post(path(books) + where, **STAY)).status_code == 404
    wrong = {"kind": "complex_decision", "month": "2026-11", "level": "high"}
    assert (await doctor.post(path(books), **wrong)).status_code == 404


async def test_a_biller_takes_back_what_billers_may_state(
    doctor: Browser, books: Books, app: Any, north: Clinic
):
    await doctor.get(path(books))
    await doctor.post(
        path(books) + "/decisions", kind="complex_decision", month="2026-11", level="high",
        by_staff=str(north.staff["provider"]),
    )  # fmt: skip
    (fact,) = await books.one("SELECT id FROM billing_fact")
    async with open_browser(app) as biller:
        await biller.sign_in(north.email("biller"))
        assert "Take back" not in (await biller.get(path(books))).text
        answer = await biller.post(f"/billing-facts/{fact}/reverse", reason="No")
        assert "for a clinician to state" in plain(await biller.get(answer.headers["location"]))
    assert await books.all("SELECT reversed_at FROM billing_fact") == [(None,)]


# The clinic's switches ---------------------------------------------------------------------------


async def test_switches_are_set_from_a_month_on_and_stay_in_the_history(
    boss: Browser, books: Books
):
    text = plain(await boss.get(SETTINGS))
    assert "Nothing was set" in text
    assert "counts to the practitioner's codes alone" in text
    done = await boss.post(
        SETTINGS, valid_from="2026-10", qhp_time_counts_as_staff="yes", cap_99439="1", cap_99489="",
        reason="The payer's letter",
    )  # fmt: skip
    assert done.status_code == 303
    text = plain(await boss.get(SETTINGS))
    assert "It holds from October 2026." in text
    assert "99439: 1 a month at most; the rules say 2." in text
    assert "The payer's letter" in text
    assert await books.all(
        "SELECT valid_from, qhp_time_counts_as_staff, caps FROM billing_policy"
    ) == [(date(2026, 10, 1), True, {"99439": 1})]
    assert await books.one(
        "SELECT detail FROM audit_event WHERE action = 'billing_policy.set'"
    ) == ({"valid_from": "2026-10-01", "qhp_time_counts_as_staff": True, "caps": {"99439": 1}},)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"valid_from": "2024-12"}, "from 2025-01"),
        ({"valid_from": "2027-12"}, "a year from now"),
        ({"valid_from": ""}, "Enter a month"),
        ({"qhp_time_counts_as_staff": ""}, "Choose whose time it is"),
        ({"cap_99439": "two"}, "Enter a whole number from 0 to 99 for 99439"),
        ({"cap_99439": "-1"}, "Enter a whole number"),
        ({"reason": " "}, "Say why"),
    ],
)
async def test_a_switch_that_makes_no_sense_is_refused(
    boss: Browser, books: Books, fields: dict[str, str], said: str
):
    await boss.get(SETTINGS)
    good = {"valid_from": "2026-11", "qhp_time_counts_as_staff": "no", "reason": "Board"}
    answer = await boss.post(SETTINGS, **(good | fields))
    assert answer.status_code == 422
    assert said in plain(answer)
    assert await books.all("SELECT FROM billing_policy") == []


async def test_a_cap_as_the_rules_have_it_is_none_of_ones_own(boss: Browser, books: Books):
    await boss.get(SETTINGS)
    fields = {"valid_from": "2026-11", "qhp_time_counts_as_staff": "no", "reason": "Board"}
    await boss.post(SETTINGS, **fields, cap_99439="2", cap_99437="0")
    assert await books.all("SELECT caps FROM billing_policy") == [({"99437": 0},)]


async def test_a_provider_reads_the_switches_and_sets_none(doctor: Browser, books: Books):
    page = await doctor.get(SETTINGS)
    assert page.status_code == 200
    assert '<form class="hl-form"' not in page.text
