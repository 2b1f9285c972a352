"""Correcting the time ledger: taken back, corrected, or decided where two patients have one minute.

People correct their own time; an admin corrects anybody's, and sees of the patient the name alone.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Form
from fastapi.responses import Response

from api.auth.viewer import Role
from api.care import actor_of
from api.errors import NotFound
from api.page import LedgerPage
from api.pages.time_ledger import HELD, address
from api.signed_months import signed_note
from api.time_form import CorrectionForm, choices, interval_of, refusal
from api.time_view import activity_words, contests_of, waiting_of
from ccm_link import work
from ccm_link.corrections import Corrected
from ccm_link.errors import CareError, NotYours
from ccm_link.errors import NotFound as NoSuchEntry
from ccm_link.local_time import typed_of
from store import ledger
from store.named import Row

router = APIRouter()
WAITING = "/time"
_KEPT = "Leave it empty to keep the note as it is."


@router.get(WAITING)
async def waiting(page: LedgerPage) -> Response:
    """One's own time that waits; for an admin everybody's."""
    whose = None if _is_admin(page) else page.viewer.staff_id
    rows = await ledger.waiting_entries(page.conn, page.clinic, whose)
    return await page.html(
        "time/waiting.html",
        entries=waiting_of(rows, viewer=page.viewer.staff_id, zone=page.viewer.zone),
        everybodys=_is_admin(page),
    )


@router.post("/time/{entry_id}/reverse")
async def reverse(
    page: LedgerPage, entry_id: UUID, reason: Annotated[str, Form()] = ""
) -> Response:
    entry, _ = await _found(page, entry_id)
    where = _back(page, entry)
    if not reason.strip():
        return page.to(where, flash="Say why the time is taken back.", kind="error")
    try:
        await work.reverse_entry(
            page.conn, page.clinic, actor_of(page), entry_id, reason, now=page.now
        )
    except CareError as refused:
        return page.to(where, flash=str(refused), kind="error")
    signed = await _signed(page, entry)
    said = "The time is taken back. It stays in the ledger with the reason."
    return page.to(where, flash=said + signed, kind=_kind(signed))


@router.get("/time/{entry_id}/correct")
async def correcting(page: LedgerPage, entry_id: UUID) -> Response:
    entry, _ = await _found(page, entry_id)
    if refused := _refused(page, entry):
        return page.to(_back(page, entry), flash=refused, kind="error")
    await page.audit("chart.read", entry["patient_id"], tab="time")
    return await _correction(page, entry, _as_it_is(page, entry))


@router.post("/time/{entry_id}/correct")
async def correct(
    page: LedgerPage, entry_id: UUID, form: Annotated[CorrectionForm, Form()]
) -> Response:
    entry, _ = await _found(page, entry_id)
    start, end, problems = interval_of(form, page.viewer.zone)
    start, end = _exactly(page, entry, form, start, end, problems)
    if not form.reason.strip():
        problems["reason"] = "Say what was wrong"
    if problems or start is None or end is None:
        return await _correction(page, entry, form, problems)
    note = form.note if form.note.strip() or not _is_admin(page) else entry["note"]
    new = Corrected(
        programme=form.programme,
        activity=form.activity,
        start=start,
        end=end,
        interactive=bool(form.interactive),
        note=note,
    )
    try:
        logged = await work.correct_entry(
            page.conn, page.clinic, actor_of(page), entry_id, new, reason=form.reason, now=page.now
        )
    except NotYours as refused:
        return page.to(_back(page, entry), flash=str(refused), kind="error")
    except CareError as refused:
        return await _correction(page, entry, form, refusal(refused))
    signed = await _signed(page, entry, start, end)
    where = _back(page, entry, at=start)
    if logged.held:
        return page.to(where, flash=HELD + signed, kind="warning")
    said = "The time is corrected. What was there before stays in the ledger."
    return page.to(where, flash=said + signed, kind=_kind(signed))


@router.get("/time/{entry_id}/decide")
async def deciding(page: LedgerPage, entry_id: UUID) -> Response:
    entry, others = await _found(page, entry_id)
    if entry["status"] != "held" or _refused(page, entry):
        said = _refused(page, entry) or "This time is not held."
        return page.to(_back(page, entry), flash=said, kind="error")
    await page.audit("chart.read", entry["patient_id"], tab="time")
    return await _decision(page, entry, others)


@router.post("/time/{entry_id}/decide")
async def decide(
    page: LedgerPage,
    entry_id: UUID,
    stands: Annotated[str, Form()] = "",
    reason: Annotated[str, Form()] = "",
) -> Response:
    """`stands`: this, the others."""
    entry, others = await _found(page, entry_id)
    if problems := _undecided(stands, reason):
        return await _decision(page, entry, others, problems, stands=stands, reason=reason)
    try:
        await work.decide_held(
            page.conn, page.clinic, actor_of(page), entry_id,
            stands=stands == "this", reason=reason, now=page.now,
        )  # fmt: skip
    except NoSuchEntry as missing:
        raise NotFound from missing
    except CareError as refused:
        return page.to(_back(page, entry), flash=str(refused), kind="error")
    losers = others if stands == "this" else []
    signed = "".join(
        dict.fromkeys(
            [await _signed(page, x) for x in [entry, *losers] if x["clinic_id"] == page.clinic]
        )
    )
    return page.to(_back(page, entry), flash=_DECIDED[stands] + signed, kind=_kind(signed))


_DECIDED = {
    "this": "The time counts. What it shared was taken from the other patient's.",
    "others": "The other time stands. What this one did not share still counts.",
}


def _undecided(stands: str, reason: str) -> dict[str, str]:
    problems = {}
    if stands not in _DECIDED:
        problems["stands"] = "Choose whose the shared minutes are"
    if not reason.strip():
        problems["reason"] = "Say how you know"
    return problems


async def _found(page: LedgerPage, entry_id: UUID) -> tuple[Row, list[Row]]:
    found = await ledger.entry_and_conflicts(
        page.conn, page.clinic, entry_id, staff=page.viewer.staff_id
    )
    if found is None:
        raise NotFound
    return found


def _is_admin(page: LedgerPage) -> bool:
    return page.viewer.role is Role.ADMIN


def _refused(page: LedgerPage, entry: Row) -> str:
    """Why this person cannot correct this entry; nothing: they can."""
    if entry["staff_id"] != page.viewer.staff_id and not _is_admin(page):
        return "Only the person who worked it, or an admin, corrects an entry."
    if entry["status"] == "reversed":
        return "This time was taken back already."
    if entry["state"] == "running":
        return "Pause the timer first."
    return ""


def _back(page: LedgerPage, entry: Row, *, at: datetime | None = None) -> str:
    if _is_admin(page):
        return WAITING
    return address(page, entry["patient_id"], at or entry["started_at"] or page.now)


async def _signed(page: LedgerPage, entry: Row, *more: datetime) -> str:
    ends = [entry[k] for k in ("started_at", "ended_at") if entry[k] is not None]
    return await signed_note(page, entry["patient_id"], *ends, *more)


def _kind(signed: str) -> str:
    return "warning" if signed else "success"


def _as_it_is(page: LedgerPage, entry: Row) -> CorrectionForm:
    zone = page.viewer.zone
    return CorrectionForm(
        programme=entry["programme"],
        activity=entry["activity"],
        start=typed_of(entry["started_at"], zone),
        end=typed_of(entry["ended_at"], zone),
        interactive="yes" if entry["interactive"] else "",
        note="" if _is_admin(page) else entry["note"],
    )


def _exactly(
    page: LedgerPage,
    entry: Row,
    form: CorrectionForm,
    start: datetime | None,
    end: datetime | None,
    problems: dict[str, str],
) -> tuple[datetime | None, datetime | None]:
    """An end that was left as it was shown is what it was, to the microsecond, whichever of two."""
    found = {"start": start, "end": end}
    for field, key in (("start", "started_at"), ("end", "ended_at")):
        shown = typed_of(entry[key], page.viewer.zone)
        if getattr(form, field) in {shown, shown.removesuffix(":00")}:
            found[field] = entry[key]
            problems.pop(field, None)
    return found["start"], found["end"]


async def _correction(
    page: LedgerPage, entry: Row, form: CorrectionForm, problems: dict[str, str] | None = None
) -> Response:
    return await page.html(
        "time/correct.html",
        status=422 if problems else 200,
        **_shown(page, entry),
        form=form,
        note_hint=_KEPT if _is_admin(page) else "",
        problems=problems or {},
        **choices([entry["programme"]]),
    )


async def _decision(
    page: LedgerPage,
    entry: Row,
    others: list[Row],
    problems: dict[str, str] | None = None,
    *,
    stands: str = "",
    reason: str = "",
) -> Response:
    return await page.html(
        "time/decide.html",
        status=422 if problems else 200,
        **_shown(page, entry),
        contests=contests_of(entry, others),
        stands=stands,
        reason=reason,
        problems=problems or {},
    )


def _shown(page: LedgerPage, entry: Row) -> dict[str, Any]:
    return {
        "entry": entry,
        "patient_name": f"{entry['given_name']} {entry['family_name']}",
        "activity": activity_words(entry["activity"]),
        "back": _back(page, entry),
        "own": entry["staff_id"] == page.viewer.staff_id,
        "sees_notes": not _is_admin(page),
    }
