"""One patient's month: review, sign, reopen, and what was signed beside what comes out today."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Form
from fastapi.responses import Response

from api import month_view, signed_view
from api.auth.viewer import Role
from api.billing_month import chosen_month, running_month
from api.care import actor_of, careful
from api.errors import NotFound
from api.month_board import sum_of
from api.page import MonthPage, Page, SigningPage
from ccm_link import signing
from ccm_link.calendar_month import Month
from ccm_link.difference import difference
from ccm_link.errors import ChangedSinceReview
from ccm_link.evaluate import evaluate
from ccm_link.facts import decode
from ccm_link.freeze import frozen
from ccm_link.month import PatientMonth
from ccm_link.months_service import patient_month
from ccm_link.raw_case import InputError
from ccm_link.replay import replay
from ccm_link.rulebook import rulebook_for
from ccm_link.rules import Rules
from store.ledger import patient_time
from store.tenancy import clinic_session

router = APIRouter()

LONGEST_NOTE = 1000  # characters
LONGEST_FACTS = 200_000  # characters of JSON; a month of thirty entries has a tenth of it


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A patient's month with the time entries that touch it."""

    month: Month
    found: PatientMonth
    entries: list[dict[str, Any]]

    @property
    def name(self) -> str:
        return f"{self.found.patient.given_name} {self.found.patient.family_name}"


async def _open(page: Page, patient_id: UUID, asked: str) -> Opened:
    month = chosen_month(page, asked)
    found = await patient_month(page.conn, page.clinic, patient_id, month, now=page.now)
    if found is None:
        raise NotFound
    entries = await patient_time(page.conn, page.clinic, patient_id, month.first, page.now)
    return Opened(month=month, found=found, entries=entries)


@router.get("/month/{patient_id}")
async def of_patient(page: MonthPage, patient_id: UUID, month: str = "") -> Response:
    opened = await _open(page, patient_id, month)
    await page.audit("month.read", patient_id, month=str(opened.month))
    return await _shown(page, opened)


async def _shown(
    page: Page,
    opened: Opened,
    *,
    status: int = 200,
    moved: list[signed_view.Sentence] | None = None,
    note: str = "",
) -> Response:
    """`moved`: what changed while somebody was about to sign."""
    found, month = opened.found, opened.month
    return await page.html(
        "month/patient.html",
        status=status,
        month=month,
        name=opened.name,
        patient_id=found.patient.id,
        found=found,
        lines=found.result.billable,
        sum=sum_of(found),
        codes=signed_view.codes_of(found.result),
        answers=month_view.answers(found),
        ledger=month_view.ledger_of(found, opened.entries),
        is_over=running_month(page) > month,
        lock=await signing.lock_of(page.conn, page.clinic, month),
        history=await signing.history(page.conn, page.clinic, found.patient.id, month),
        since=await _since_signed(page, opened),
        moved=moved,
        note=note,
        seen=found.seen,
        facts=frozen(found.facts).decode(),
        signs=page.viewer.role in {Role.BILLER, Role.ADMIN},
    )


async def _since_signed(page: Page, opened: Opened) -> list[signed_view.Sentence]:
    """What is not as it was when it was signed."""
    found = opened.found
    if found.signed is None or not found.changed_since_signed:
        return []
    with careful():
        again = await replay(page.conn, page.clinic, found.signed.id, now=page.now)
    return signed_view.told(again.by_facts, opened.entries, page.viewer.zone)


@router.post("/month/{patient_id}/sign")
async def sign(
    page: SigningPage,
    patient_id: UUID,
    month: Annotated[str, Form()] = "",
    seen: Annotated[str, Form(max_length=64)] = "",
    facts: Annotated[str, Form(max_length=LONGEST_FACTS)] = "",
    note: Annotated[str, Form(max_length=LONGEST_NOTE)] = "",
) -> Response:
    chosen = chosen_month(page, month)
    try:
        with careful(ChangedSinceReview):
            await signing.sign(
                page.conn, page.clinic, actor_of(page), patient_id, chosen,
                seen=seen, note=note, now=page.now,
            )  # fmt: skip
    except ChangedSinceReview:
        opened = await _open(page, patient_id, month)
        async with clinic_session(page.conn, page.clinic):
            book = await rulebook_for(page.conn, page.clinic, chosen)
        moved = _moved(facts, opened, book.rules, page)
        return await _shown(page, opened, status=409, moved=moved, note=note)
    return page.to(f"/month/{patient_id}?month={chosen}", flash="The month is signed.")


def _moved(seen: str, opened: Opened, rules: Rules, page: Page) -> list[signed_view.Sentence]:
    """From the facts that the form carried to those of now; nothing where they cannot be read."""
    try:
        before = evaluate(decode(seen), rules, today=opened.found.as_of)
    except InputError:
        return []
    return signed_view.told(
        difference(before, opened.found.result), opened.entries, page.viewer.zone
    )


@router.post("/month/{patient_id}/reopen")
async def reopen(
    page: SigningPage,
    patient_id: UUID,
    month: Annotated[str, Form()] = "",
    reason: Annotated[str, Form(max_length=LONGEST_NOTE)] = "",
) -> Response:
    chosen = chosen_month(page, month)
    if not await signing.history(page.conn, page.clinic, patient_id, chosen):
        raise NotFound
    with careful():
        await signing.reopen(
            page.conn, page.clinic, actor_of(page), patient_id, chosen,
            reason=reason, now=page.now,
        )  # fmt: skip
    back = f"/month/{patient_id}?month={chosen}"
    return page.to(back, flash="The month is open again. What was signed stays in the history.")


@router.get("/month/{patient_id}/signed/{signing_id}")
async def signed(page: MonthPage, patient_id: UUID, signing_id: UUID) -> Response:
    """What was signed, replayed by its own rules, by today's, and with today's facts."""
    with careful():
        again = await replay(page.conn, page.clinic, signing_id, now=page.now)
    if again.signed.patient_id != patient_id:
        raise NotFound
    month = Month.of(again.signed.month)
    entries = await patient_time(page.conn, page.clinic, patient_id, month.first, page.now)
    await page.audit("month.replay", patient_id, month=str(month), signing=str(signing_id))
    zone = page.viewer.zone
    return await page.html(
        "month/signed.html",
        month=month,
        patient_id=patient_id,
        signed=again.signed,
        lines=signed_view.lines_of(again.signed),
        identical=again.identical,
        by_rules=signed_view.told(again.by_rules, entries, zone),
        by_facts=signed_view.told(again.by_facts, entries, zone),
        rules_now=again.by_rules.rules_after,
        enrolled=again.todays_facts is not None,
    )
