"""A claim line with the chain of its evidence, opened step by step."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path
from fastapi.responses import Response

from api.billing_month import chosen_month
from api.errors import NotFound
from api.line_view import line_page
from api.page import MonthPage
from ccm_link.evidence import evidence_of_month
from ccm_link.months_service import patient_month
from ccm_link.rulebook import rulebook_for
from ccm_link.rules import with_policy
from store.tenancy import clinic_session

router = APIRouter()

Code = Annotated[str, Path(pattern="^[0-9A-Z]{5}$")]


@router.get("/month/{patient_id}/lines/{code}")
async def line(page: MonthPage, patient_id: UUID, code: Code, month: str = "") -> Response:
    chosen = chosen_month(page, month)
    found = await patient_month(page.conn, page.clinic, patient_id, chosen, now=page.now)
    if found is None:
        raise NotFound
    evidence = await evidence_of_month(page.conn, page.clinic, patient_id, chosen, found.result)
    if evidence is None:
        raise NotFound
    async with clinic_session(page.conn, page.clinic):
        book = await rulebook_for(page.conn, page.clinic, chosen)
    rules = with_policy(book.rules, found.facts.policy)
    shown = line_page(code, evidence, found.result, rules, page.viewer)
    if shown is None:
        raise NotFound
    await page.audit("month.line", patient_id, month=str(chosen), code=code)
    return await page.html(
        "month/line.html",
        month=chosen,
        name=f"{found.patient.given_name} {found.patient.family_name}",
        patient_id=patient_id,
        shown=shown,
        changed=found.changed_since_signed,
        tabs=[
            {"label": other, "href": f"{other}?month={chosen}", "current": other == code}
            for other in shown.others
        ],
        rules_version=found.result.rules_version,
    )
