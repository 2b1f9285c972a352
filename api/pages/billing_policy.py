"""The clinic's billing switches: what holds, from when, who set it and why. Set by an admin."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Form
from fastapi.responses import Response

from api.auth.viewer import Role
from api.page import AdminPage, LimitsPage
from api.policy_view import PolicyForm, caps_of, entered, in_words, typed_of
from ccm_link.calendar_month import Month
from ccm_link.rules import rules_for
from store import billing_policy
from store.tenancy import clinic_session

router = APIRouter()
_HERE = "/settings/billing"


@router.get(_HERE)
async def policy(page: LimitsPage) -> Response:
    return await _policy(page)


@router.post(_HERE)
async def change(page: AdminPage, form: Annotated[PolicyForm, Form()]) -> Response:
    typed = {k: str(v) for k, v in (await page.request.form()).items() if k.startswith("cap_")}
    running = _running(page)
    wanted, problems = entered(form, typed, rules_for(running), running)
    if problems or wanted is None:
        return await _policy(page, form=form, typed=typed, problems=problems)
    await billing_policy.set_policy(
        page.conn,
        page.clinic,
        valid_from=wanted.valid_from.first,
        qhp_time_counts_as_staff=wanted.qhp_time_counts_as_staff,
        caps=wanted.caps,
        reason=form.reason.strip(),
        by=page.viewer.staff_id,
        now=page.now,
    )
    said = (
        f"It holds from {wanted.valid_from.first:%B %Y}. Months that are signed stay as they are."
    )
    return page.to(_HERE, flash=said)


def _running(page: LimitsPage) -> Month:
    return Month.of(page.now.astimezone(page.viewer.zone).date())


async def _policy(
    page: LimitsPage,
    *,
    form: PolicyForm | None = None,
    typed: dict[str, str] | None = None,
    problems: dict[str, str] | None = None,
) -> Response:
    running = _running(page)
    async with clinic_session(page.conn, page.clinic):
        stands = await billing_policy.in_force(page.conn, page.clinic, running.first)
    rules = rules_for(running)
    context: dict[str, Any] = {
        "form": form or typed_of(stands, running),
        "caps": caps_of(rules, stands, typed),
        "stands": in_words(stands, rules),
        "history": await billing_policy.history(page.conn, page.clinic),
        "may_change": page.viewer.role is Role.ADMIN,
    }
    return await page.html(
        "settings/billing.html",
        status=422 if problems else 200,
        month_words=f"{running.first:%B %Y}",
        this_month=str(running),
        problems=problems or {},
        **context,
    )
