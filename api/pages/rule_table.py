"""The rule table: what decides a month, since when, where it was read, and what changes."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import Response

from api import rules_view
from api.auth.viewer import Role
from api.billing_month import chosen_month, latest_month
from api.errors import NotFound
from api.page import AnyPage
from ccm_link.calendar_month import Month
from ccm_link.month_facts import policy_of
from ccm_link.rule_words import CONFIDENCE
from ccm_link.rulebook import rulebook_for
from ccm_link.rules import shipped
from store import billing_policy
from store.tenancy import clinic_session

router = APIRouter()
LONGEST_SEARCH = 100  # characters


@router.get("/rules")
async def rules(
    page: AnyPage, month: str = "", against: str = "", q: str = "", part: str = ""
) -> Response:
    chosen = chosen_month(page, month)
    other = chosen_month(page, against) if against else None
    if part not in {"", *(key for key, _, _ in rules_view.PARTS)} or len(q) > LONGEST_SEARCH:
        raise NotFound
    table, version = shipped()
    async with clinic_session(page.conn, page.clinic):
        book = await rulebook_for(page.conn, page.clinic, chosen)
        policy = policy_of(await billing_policy.in_force(page.conn, page.clinic, chosen.first))
    return await page.html(
        "rules/rules.html",
        month=chosen,
        against=other,
        wanted=q.strip(),
        part=part,
        parts=rules_view.parts_of(
            table,
            book.rules,
            policy,
            wanted=q.strip().lower(),
            only=part,
        ),
        changes=rules_view.changes(table, *sorted((chosen, other))) if other else [],
        earlier=min(chosen, other) if other else chosen,
        later=max(chosen, other) if other else chosen,
        month_options=[
            (str(m), f"{m.first:%B %Y}")
            for m in rules_view.months_of(table, until=latest_month(page))
        ],
        next_year=_next_year(page, chosen),
        all_parts=[(key, title) for key, title, _ in rules_view.PARTS],
        confidence=CONFIDENCE,
        version=version,
        rates=book.rules.rates,
        signs=page.viewer.role in {Role.BILLER, Role.ADMIN},
    )


def _next_year(page: AnyPage, month: Month) -> Month | None:
    """The January after the month, if one may look so far."""
    january = Month(month - month % 12 + 12)
    return january if january <= latest_month(page) else None
