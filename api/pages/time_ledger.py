"""The time ledger of a patient: what waits for a note, what counts, and time logged by hand."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Form
from fastapi.responses import Response

from api.care import actor_of
from api.errors import NotFound
from api.minutes import engine_minutes
from api.page import CarePage, ChartPage
from api.pages.patient import framed, opened
from api.signed_months import signed_note
from api.time_form import TimeForm, choices, interval_of, refusal
from api.time_view import days_of, entries_of, judged_of
from ccm_link import work
from ccm_link.calendar_month import Month
from ccm_link.errors import CareError
from ccm_link.errors import NotFound as NoSuchEntry
from ccm_link.local_time import YEARS, instant_of, wall_of
from ccm_link.month import PatientMonth
from ccm_link.months_service import patient_month
from ccm_link.programmes import month_of, next_month
from ccm_link.rules import NoRules, rules_for, with_policy
from store import charts, ledger

router = APIRouter()


@router.get("/patients/{patient_id}/time")
async def ledger_of_month(page: ChartPage, patient_id: UUID, month: str = "") -> Response:
    return await _ledger(page, patient_id, _month(page, month), _blank(page))


@router.post("/patients/{patient_id}/time")
async def log(page: CarePage, patient_id: UUID, form: Annotated[TimeForm, Form()]) -> Response:
    start, end, problems = interval_of(form, page.viewer.zone)
    if not problems and start and end:
        try:
            logged = await work.log_time(
                page.conn, page.clinic, actor_of(page), patient_id, form.programme, form.activity,
                start, end, bool(form.interactive), form.note, now=page.now,
            )  # fmt: skip
        except NoSuchEntry as missing:
            raise NotFound from missing
        except CareError as refused:
            problems = refusal(refused)
        else:
            where = address(page, patient_id, start)
            signed = await signed_note(page, patient_id, start, end)
            if logged.held:
                return page.to(where, flash=HELD + signed, kind="warning")
            said = "The time is in the ledger."
            return page.to(where, flash=said + signed, kind="warning" if signed else "success")
    month = month_of(start or page.now, str(page.viewer.zone))
    return await _ledger(page, patient_id, month, form, problems=problems)


HELD = (
    "The time is held: you are recorded on another patient then. It counts nothing until you "
    "decide which of the two stands."
)


@router.post("/time/{entry_id}/confirm")
async def confirm(
    page: CarePage,
    entry_id: UUID,
    note: Annotated[str, Form()] = "",
    until: Annotated[str, Form()] = "",
) -> Response:
    """`until` shortens; without it the entry ends where the timer did."""
    row = await charts.entry_of_patient(page.conn, page.clinic, entry_id)
    if row is None:
        raise NotFound
    where = address(page, row["patient_id"], row["started_at"])
    try:
        ends = instant_of(until, page.viewer.zone) if until else None
        await work.confirm_entry(
            page.conn, page.clinic, actor_of(page), entry_id, until=ends, note=note, now=page.now
        )
    except (CareError, ValueError) as refused:
        return page.to(where, flash=_said(refused), kind="error")
    signed = await signed_note(page, row["patient_id"], row["started_at"])
    said = "The time is confirmed and counts."
    return page.to(where, flash=said + signed, kind="warning" if signed else "success")


def _said(refused: Exception) -> str:
    if isinstance(refused, CareError):
        return str(refused)
    return "That end is no time of that day. Enter it as the clock showed it."


def address(page: ChartPage, patient_id: UUID, at: datetime) -> str:
    """The ledger of the month that an instant lies in."""
    month = Month.of(month_of(at, str(page.viewer.zone)))
    return f"/patients/{patient_id}/time?month={month}"


async def _ledger(
    page: ChartPage,
    patient_id: UUID,
    month: date,
    form: TimeForm,
    *,
    problems: dict[str, str] | None = None,
) -> Response:
    own = await opened(page, patient_id, "time")
    zone = page.viewer.zone
    rows = await ledger.patient_time(page.conn, page.clinic, patient_id, month, page.now)
    found = await _evaluated(page, patient_id, Month.of(month))
    judged = judged_of(found)
    return await page.html(
        "patient/time.html",
        status=422 if problems else 200,
        **framed(page, own, "time"),
        entries=entries_of(rows, judged, viewer=page.viewer.staff_id, zone=zone),
        days=days_of(rows, judged, zone, month),
        minutes=_minutes(found),
        refused=judged.refused if judged else [],
        **_months(page, patient_id, month),
        form=form,
        problems=problems or {},
        **choices([s.programme for s in own.header.standing]),
    )


async def _evaluated(page: ChartPage, patient_id: UUID, month: Month) -> PatientMonth | None:
    """None: the patient was in no programme, or no rules of that month are known."""
    try:
        return await patient_month(page.conn, page.clinic, patient_id, month, now=page.now)
    except NoRules:
        return None


def _minutes(found: PatientMonth | None) -> list[Any]:
    if found is None:
        return []
    rules = with_policy(rules_for(found.facts.month), found.facts.policy)
    programmes = [e.program for e in found.facts.enrollments]
    return engine_minutes(found.result, programmes, rules)


def _months(page: ChartPage, patient_id: UUID, month: date) -> dict[str, Any]:
    base = f"/patients/{patient_id}/time?month="
    present = month_of(page.now, str(page.viewer.zone))
    after = next_month(month)
    return {
        "month": month,
        "month_words": f"{month:%B %Y}",
        "earlier": f"{base}{Month.of(month - timedelta(days=1))}",
        "later": f"{base}{Month.of(after)}" if after <= present else "",
    }


def _month(page: ChartPage, asked: str) -> date:
    present = month_of(page.now, str(page.viewer.zone))
    try:
        month = Month.parse(asked).first if asked else present
    except ValueError:
        return present
    return month if month.year in YEARS else present


def _blank(page: ChartPage) -> TimeForm:
    return TimeForm(
        start=wall_of(page.now - timedelta(minutes=10), page.viewer.zone),
        end=wall_of(page.now, page.viewer.zone),
    )
