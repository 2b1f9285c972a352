"""The clinic's own clinical limits: everybody who sets limits sees them, providers change them."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Form
from fastapi.responses import Response
from pydantic import BaseModel

from alerts.effective import LimitRefused
from api.auth.viewer import Role
from api.limit_view import entered, history_of, limits_of
from api.page import LimitsPage, Page, ProviderPage
from store import audit, limits
from store.tenancy import clinic_session

router = APIRouter()


class LimitForm(BaseModel):
    """As it was typed; `act`: set, off, default."""

    rule: str = ""
    act: str = "set"
    value: str = ""
    reason: str = ""


@router.get("/settings/limits")
async def clinic_limits(page: LimitsPage) -> Response:
    return await _limits(page, LimitForm(), {})


@router.post("/settings/limits")
async def change(page: ProviderPage, form: Annotated[LimitForm, Form()]) -> Response:
    try:
        rule, value, ucum = entered(form.rule, form.value, form.act, page.viewer, page.now)
    except LimitRefused as refused:
        return await _limits(page, form, {"value": str(refused)})
    if not form.reason.strip():
        return await _limits(page, form, {"reason": "Say why the clinic has its own limit"})
    await write_limit(page, None, form, (rule, value, ucum))
    return page.to("/settings/limits", flash="The limit is changed, for readings from now on.")


async def write_limit(
    page: Page, patient: UUID | None, form: LimitForm, wanted: tuple[str, float | None, str]
) -> None:
    """The row and its audit in one transaction; `patient` None: the clinic's."""
    rule, value, ucum = wanted
    by, now, clinic = page.viewer.staff_id, page.now, page.clinic
    async with clinic_session(page.conn, clinic, staff=by):
        if form.act == "default":
            await limits.withdraw_limits(page.conn, clinic, patient, rule=rule, now=now)
        else:
            await limits.set_limit(
                page.conn,
                clinic,
                patient,
                rule=rule,
                value=value,
                ucum=ucum,
                valid_from=now,
                by=by,
                reason=form.reason.strip(),
                now=now,
            )
        detail = {"rule": rule, "act": form.act}
        await audit.record(
            page.conn,
            actor=by,
            action="limit.change",
            subject=patient or clinic,
            now=now,
            detail=detail,
        )


async def _limits(page: Page, form: LimitForm, problems: dict[str, str]) -> Response:
    rows = await limits.effective_limits(page.conn, page.clinic, None, page.now)
    history = await limits.limit_history(page.conn, page.clinic, None)
    return await page.html(
        "settings/limits.html",
        status=422 if problems else 200,
        limits=limits_of(rows, None, page.viewer, page.now),
        history=history_of(history, page.viewer, page.now),
        form=form,
        problems=problems,
        may_change=page.viewer.role is Role.PROVIDER,
    )
