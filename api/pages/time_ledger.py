"""The time ledger of a patient: what waits for a note, what counts, and time logged by hand."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Annotated, Any
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Form
from fastapi.responses import Response
from pydantic import BaseModel

from api.care import actor_of
from api.errors import NotFound
from api.local_time import YEARS, NoSuchTime, TwoSuchTimes, instant_of, wall_of
from api.minutes import month_minutes
from api.page import CarePage, ChartPage
from api.pages.patient import framed, opened
from api.time_view import counting, entries_of
from ccm_link import work
from ccm_link.activities import ACTIVITIES
from ccm_link.calendar_month import Month
from ccm_link.errors import BadInterval, CareError, Undocumented, UnknownWord
from ccm_link.errors import NotFound as NoSuchEntry
from ccm_link.programmes import ENROLLABLE, month_bounds, month_of, next_month
from store import charts, ledger

router = APIRouter()


class TimeForm(BaseModel):
    """Time by hand, as it was typed: wall-clock times of the clinic."""

    programme: str = ""
    activity: str = ""
    start: str = ""
    end: str = ""
    start_second: str = ""  # of two such times in the night when the clocks go back
    end_second: str = ""
    interactive: str = ""
    note: str = ""


@router.get("/patients/{patient_id}/time")
async def ledger_of_month(page: ChartPage, patient_id: UUID, month: str = "") -> Response:
    return await _ledger(page, patient_id, _month(page, month), _blank(page))


@router.post("/patients/{patient_id}/time")
async def log(page: CarePage, patient_id: UUID, form: Annotated[TimeForm, Form()]) -> Response:
    start, end, problems = _interval(form, page.viewer.zone)
    if not problems and start and end:
        try:
            logged = await work.log_time(
                page.conn, page.clinic, actor_of(page), patient_id, form.programme, form.activity,
                start, end, bool(form.interactive), form.note, now=page.now,
            )  # fmt: skip
        except NoSuchEntry as missing:
            raise NotFound from missing
        except CareError as refused:
            problems = _refusal(refused)
        else:
            where = _address(page, patient_id, start)
            if logged.held:
                return page.to(where, flash=_HELD, kind="warning")
            return page.to(where, flash="The time is in the ledger.")
    month = month_of(start or page.now, str(page.viewer.zone))
    return await _ledger(page, patient_id, month, form, problems=problems)


_HELD = (
    "The time is held: you are recorded on another patient then. It counts nothing until you "
    "take one of the two back."
)


@router.post("/time/{entry_id}/confirm")
async def confirm(
    page: CarePage,
    entry_id: UUID,
    note: Annotated[str, Form()] = "",
    until: Annotated[str, Form()] = "",
) -> Response:
    """`until` shortens; without it the entry ends where the timer did."""
    where = await _where(page, entry_id)
    try:
        ends = instant_of(until, page.viewer.zone) if until else None
        await work.confirm_entry(
            page.conn, page.clinic, actor_of(page), entry_id, until=ends, note=note, now=page.now
        )
    except (CareError, ValueError) as refused:
        return page.to(where, flash=_said(refused), kind="error")
    return page.to(where, flash="The time is confirmed and counts.")


@router.post("/time/{entry_id}/reverse")
async def reverse(page: CarePage, entry_id: UUID, reason: Annotated[str, Form()] = "") -> Response:
    where = await _where(page, entry_id)
    if not reason.strip():
        return page.to(where, flash="Say why the time is taken back.", kind="error")
    try:
        await work.reverse_entry(
            page.conn, page.clinic, actor_of(page), entry_id, reason, now=page.now
        )
    except CareError as refused:
        return page.to(where, flash=_said(refused), kind="error")
    return page.to(where, flash="The time is taken back. It stays in the ledger with the reason.")


def _said(refused: Exception) -> str:
    if isinstance(refused, CareError):
        return str(refused)
    return "That end is no time of that day. Enter it as the clock showed it."


async def _where(page: CarePage, entry_id: UUID) -> str:
    row = await charts.entry_of_patient(page.conn, page.clinic, entry_id)
    if row is None:
        raise NotFound
    return _address(page, row["patient_id"], row["started_at"])


def _address(page: ChartPage, patient_id: UUID, at: datetime) -> str:
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
    enrolled = own.found.enrolments
    minutes = month_minutes(
        counting(rows, enrolled, zone),
        [s.programme for s in own.header.standing],
        month=month,
        window=month_bounds(month, str(zone)),
    )
    return await page.html(
        "patient/time.html",
        status=422 if problems else 200,
        **framed(page, own, "time"),
        entries=entries_of(rows, enrolled, viewer=page.viewer.staff_id, zone=zone),
        minutes=minutes,
        **_months(page, patient_id, month),
        form=form,
        problems=problems or {},
        **_choices(own.header.standing),
    )


def _choices(standing: list[Any]) -> dict[str, Any]:
    """The patient's own programmes first."""
    own = [s.programme for s in standing]
    rest = [str(p) for p in ENROLLABLE if str(p) not in own]
    return {
        "programmes": [(p, p) for p in own] + [(p, f"{p} (not enrolled)") for p in rest],
        "activities": [
            (str(activity), kind.label if kind.countable else f"{kind.label} (does not count)")
            for activity, kind in ACTIVITIES.items()
        ],
    }


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


def _interval(
    form: TimeForm, zone: ZoneInfo
) -> tuple[datetime | None, datetime | None, dict[str, str]]:
    problems: dict[str, str] = {}
    start = _instant("start", form.start, form.start_second, zone, problems)
    end = _instant("end", form.end, form.end_second, zone, problems)
    return start, end, problems


def _instant(
    field: str, typed: str, second: str, zone: ZoneInfo, problems: dict[str, str]
) -> datetime | None:
    try:
        return instant_of(typed, zone, second={"no": False, "yes": True}.get(second))
    except NoSuchTime:
        problems[field] = "The clocks went forward over this time: it did not exist"
    except TwoSuchTimes:
        problems[field] = "This time came twice that night: say which one"
    except ValueError:
        problems[field] = "Enter a date and a time"
    return None


def _refusal(refused: CareError) -> dict[str, str]:
    if isinstance(refused, Undocumented):
        return {"note": "Write what was done: only documented time counts"}
    if isinstance(refused, BadInterval):
        return {"end": "The end must come after the start, within 24 hours and not in the future"}
    if isinstance(refused, UnknownWord):
        return {"programme": "Choose a programme and an activity"}
    return {"start": str(refused)}
