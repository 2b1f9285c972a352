"""The month: who is ready, who nearly, who is blocked and why; and one patient's with its proof."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from fastapi import APIRouter
from fastapi.responses import Response

from api import month_view
from api.billing_month import chosen_month, has_rules, running_month
from api.errors import NotFound
from api.page import MonthPage
from ccm_link.calendar_month import Month
from ccm_link.month import month_lists
from ccm_link.months_service import month_of_clinic, patient_month
from store.ledger import patient_time

router = APIRouter()


@router.get("/month")
async def month(page: MonthPage, month: str = "") -> Response:
    chosen = chosen_month(page, month)
    found = month_of_clinic(page.conn, page.clinic, chosen, now=page.now)
    months = [one async for one in found]
    today = page.now.astimezone(page.viewer.zone).date()
    lists = month_view.lists_of(month_lists(months, today=today), str(chosen))
    await page.audit("month.read", page.clinic, month=str(chosen))
    return await page.html(
        "month/month.html",
        month=chosen,
        lists=lists,
        enrolled=len(months),
        **_neighbours(page, chosen),
    )


@router.get("/month/{patient_id}")
async def of_patient(page: MonthPage, patient_id: UUID, month: str = "") -> Response:
    chosen = chosen_month(page, month)
    found = await patient_month(page.conn, page.clinic, patient_id, chosen, now=page.now)
    if found is None:
        raise NotFound
    rows = await patient_time(page.conn, page.clinic, patient_id, chosen.first, page.now)
    await page.audit("month.read", patient_id, month=str(chosen))
    return await page.html(
        "month/patient.html",
        month=chosen,
        name=f"{found.patient.given_name} {found.patient.family_name}",
        patient_id=patient_id,
        lines=found.result.billable,
        answers=month_view.answers(found),
        ledger=month_view.ledger_of(found, rows),
        waiting=found.waiting_words,
        rules_version=found.result.rules_version,
        **_neighbours(page, chosen),
    )


def _neighbours(page: MonthPage, chosen: Month) -> dict[str, Any]:
    previous, following = Month(chosen - 1), Month(chosen + 1)
    return {
        "previous": previous if has_rules(previous) else None,
        "following": following if following <= running_month(page) else None,
    }
