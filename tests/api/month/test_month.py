"""The month: three lists that move with the work, and the proof behind a line."""

from __future__ import annotations

from datetime import date

import pytest

from api.month_view import subject_words
from store import billing_policy


async def test_nobody_enrolled_is_said_with_what_to_do(browser, clinic):
    await browser.sign_in(clinic.email("biller"))
    page = await browser.get("/month")
    assert "Nobody is enrolled in this month" in page.text


async def test_a_patient_moves_from_nearly_to_ready(browser, clinic, patient, clock):
    await patient.enrol()
    await patient.work(17, now=clock.now)
    await browser.sign_in(clinic.email("biller"))
    page = await browser.get("/month")
    assert "3\N{NO-BREAK SPACE}min short" in page.text
    assert "Nothing to sign" in page.text
    await patient.work(3, now=clock.now, day=19)
    page = await browser.get("/month?month=2026-11")
    assert "99490" in page.text
    assert "Nothing to sign" not in page.text
    detail = await browser.get(f"/month/{patient.key}?month=2026-11")
    assert "2 time entries" in detail.text
    assert "Called the cardiologist" in detail.text


async def test_without_consent_it_is_blocked_and_says_what_next(browser, clinic, patient, clock):
    await patient.enrol(consent=False)
    await patient.work(25, now=clock.now)
    await browser.sign_in(clinic.email("provider"))
    page = await browser.get("/month")
    assert "No consent is on record" in page.text
    detail = await browser.get(f"/month/{patient.key}")
    assert "Record the patient&#39;s consent" in detail.text


@pytest.mark.parametrize(
    "month", ["2026-13", "November", "1", "2026-1", "0001-01", "2024-12", "9999-12"]
)
async def test_what_is_no_month_is_not_there(browser, clinic, month):
    await browser.sign_in(clinic.email("biller"))
    assert (await browser.get(f"/month?month={month}")).status_code == 404


async def test_reading_a_month_is_audited(browser, clinic, patient, admin):
    await patient.enrol()
    await browser.sign_in(clinic.email("biller"))
    await browser.get(f"/month/{patient.key}")
    rows = await (
        await admin.execute("SELECT subject FROM audit_event WHERE action = 'month.read'")
    ).fetchall()
    assert rows == [(str(patient.key),)]


async def test_another_clinics_patient_is_not_there(browser, clinic, south, patient):
    await patient.enrol()
    await browser.sign_in(south.email("biller"))
    assert (await browser.get(f"/month/{patient.key}")).status_code == 404


@pytest.mark.parametrize(
    ("subject", "shown"),
    [("99490", "99490"), ("RPM", "RPM"), ("2026-11-08", "Days from Nov 8")],
)
def test_a_period_is_named_by_its_first_day(subject, shown):
    assert subject_words(subject) == shown


@pytest.mark.parametrize("role", ["nurse", "provider", "biller", "admin"])
async def test_the_rules_say_what_holds_and_what_changes(browser, clinic, role):
    await browser.sign_in(clinic.email(role))
    page = await browser.get("/rules?month=2025-12&against=2026-01")
    assert page.status_code == 200
    assert "Not billing advice" in page.text
    assert "From December 2025 to January 2026" in page.text
    assert "2 to 15 days are 99445" in page.text
    assert "Not in December 2025" in page.text


@pytest.mark.parametrize(
    "query", ["month=2024-12", "against=2024-12", "part=all", f"q={'x' * 101}", "month=9999-12"]
)
async def test_rules_that_nobody_can_ask_for_are_not_there(browser, clinic, query):
    await browser.sign_in(clinic.email("biller"))
    assert (await browser.get(f"/rules?{query}")).status_code == 404


async def test_a_search_without_a_hit_says_what_to_do(browser, clinic):
    await browser.sign_in(clinic.email("biller"))
    page = await browser.get("/rules?q=%3Cscript%3E")
    assert "No rule says that" in page.text
    assert "<script>x" not in page.text


async def test_a_switch_of_the_clinic_is_shown_beside_its_rule(browser, clinic, admin, clock):
    await billing_policy.set_policy(
        admin, "north", valid_from=date(2026, 11, 1), qhp_time_counts_as_staff=True,
        caps={"99458": 3}, reason="Our payer", by=clinic.staff["admin"], now=clock.now,
    )  # fmt: skip
    await browser.sign_in(clinic.email("admin"))
    page = await browser.get("/rules?month=2026-11&part=track")
    assert page.text.count("<strong>Set here: yes</strong>") == 2
    assert "<strong>Set here: 3</strong> (as shipped: 2)" in page.text
    before = await browser.get("/rules?month=2026-10&part=track")
    assert "Set here" not in before.text
