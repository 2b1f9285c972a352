"""How long the clinic keeps its readings, and the holds that keep them longer. An admin's."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Form
from fastapi.responses import Response
from pydantic import BaseModel

from api.errors import NotFound
from api.page import AdminPage
from api.retention_view import EntryRefused, hold_of, in_words, months_of, rule_of
from store import retention

router = APIRouter()
_HERE = "/settings/retention"
_LONGEST_REASON = 1000


class RuleForm(BaseModel):
    """As it was typed; `keep`: ever, time."""

    keep: str = ""
    years: str = ""
    months: str = ""
    reason: str = ""


class HoldForm(BaseModel):
    """As it was typed; `whose`: clinic, patient."""

    whose: str = ""
    record_number: str = ""
    hold_reason: str = ""


@router.get(_HERE)
async def kept(page: AdminPage) -> Response:
    return await _kept(page)


@router.post(_HERE)
async def change(page: AdminPage, form: Annotated[RuleForm, Form()]) -> Response:
    try:
        months = months_of(form.keep, form.years, form.months)
    except EntryRefused as refused:
        return await _kept(page, rule=form, problems={refused.field: str(refused)})
    if problem := _reason_problem(form.reason, "Say why: a law, a contract, who decided"):
        return await _kept(page, rule=form, problems={"reason": problem})
    valid_from = await retention.set_rule(
        page.conn,
        page.clinic,
        months,
        reason=form.reason.strip(),
        by=page.viewer.staff_id,
        now=page.now,
    )
    waits = "It counts from now on." if valid_from <= page.now else "It counts in seven days."
    return page.to(_HERE, flash=f"The time is set. {waits}")


@router.post(_HERE + "/holds")
async def hold(page: AdminPage, form: Annotated[HoldForm, Form()]) -> Response:
    if form.whose not in {"clinic", "patient"}:
        return await _kept(page, hold=form, problems={"whose": "Choose what the hold is on"})
    if problem := _reason_problem(form.hold_reason, "Say why: a letter, a case, who asked"):
        return await _kept(page, hold=form, problems={"hold_reason": problem})
    patient = None
    if form.whose == "patient":
        patient = await retention.patient_by_record(
            page.conn, page.clinic, form.record_number.strip()
        )
        if patient is None:
            said = {"record_number": "No patient of this clinic has that record number"}
            return await _kept(page, hold=form, problems=said)
    await retention.place_hold(
        page.conn,
        page.clinic,
        patient,
        reason=form.hold_reason.strip(),
        by=page.viewer.staff_id,
        now=page.now,
    )
    return page.to(_HERE, flash="The hold is placed. Nothing under it is removed.")


@router.post(_HERE + "/holds/{hold_id}/release")
async def release(page: AdminPage, hold_id: UUID, reason: Annotated[str, Form()] = "") -> Response:
    if problem := _reason_problem(reason, "Say why the hold ends."):
        return page.to(_HERE, flash=problem, kind="error")
    try:
        await retention.release_hold(
            page.conn,
            page.clinic,
            hold_id,
            reason=reason.strip(),
            by=page.viewer.staff_id,
            now=page.now,
        )
    except retention.NoSuchHold as gone:
        raise NotFound from gone
    return page.to(_HERE, flash="The hold is released. The clinic's time counts again.")


def _reason_problem(reason: str, missing: str) -> str:
    if not reason.strip():
        return missing
    return "1,000 characters at most" if len(reason) > _LONGEST_REASON else ""


async def _kept(
    page: AdminPage,
    *,
    rule: RuleForm | None = None,
    hold: HoldForm | None = None,
    problems: dict[str, str] | None = None,
) -> Response:
    found = await retention.read(page.conn, page.clinic, now=page.now)
    holds = [hold_of(row) for row in found.holds]
    context: dict[str, Any] = {
        "stands": in_words(found.months),
        "rules": [rule_of(row, page.now) for row in found.rules],
        "open_holds": [row for row in holds if row.released_at is None],
        "ended_holds": [row for row in holds if row.released_at is not None],
    }
    return await page.html(
        "settings/retention.html",
        status=422 if problems else 200,
        rule=rule or RuleForm(keep="ever" if found.months is None else "time"),
        hold=hold or HoldForm(whose="patient"),
        problems=problems or {},
        **context,
    )
