"""A clinic's month: what is ready, nearly there and blocked; signing many at once; closing it."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Form, HTTPException
from fastapi.responses import Response

from api.billing_month import chosen_month, has_rules, running_month
from api.care import actor_of, careful
from api.errors import NotFound
from api.month_board import LABELS, Board, Show
from api.page import MonthPage, Page, SigningPage
from ccm_link import signing
from ccm_link.calendar_month import Month
from ccm_link.codes import Programme
from ccm_link.months_service import month_of_clinic

router = APIRouter()

IN_BRIEF = 15  # rows of each list while all of them are shown
AT_ONCE = 100  # rows of one list, and months that one preview signs
PROGRAMMES = (Programme.CCM, Programme.PCM, Programme.RPM, "APCM")
LONGEST_NOTE = 1000  # characters


@router.get("/month")
async def month(
    page: MonthPage, month: str = "", show: str = "", programme: str = "", skip: int = 0
) -> Response:
    chosen = chosen_month(page, month)
    if show not in {"", *Show} or programme not in {"", *PROGRAMMES} or skip < 0:
        raise NotFound
    board = await _board(page, chosen)
    lock = await signing.lock_of(page.conn, page.clinic, chosen)
    await page.audit("month.read", page.clinic, month=str(chosen))
    counts = {each: board.count(each, programme=programme) for each in Show}
    return await page.html(
        "month/month.html",
        month=chosen,
        board=board,
        show=show,
        programmes=[
            {"label": each or "All programmes", "href": _at(chosen, show, each), "is": each}
            for each in ("", *PROGRAMMES)
        ],
        programme=programme,
        labels=LABELS,
        tabs=_tabs(chosen, show, programme, counts),
        lists=_lists(board, show, programme, skip),
        counts=counts,
        sum=board.sum(programme=programme),
        to_sign=len(board.to_sign()),
        lock=lock,
        **neighbours(page, chosen),
    )


def _at(month: Month, show: str = "", programme: str = "", skip: int = 0) -> str:
    asked = {"month": month, "show": show, "programme": programme, "skip": skip}
    return f"/month?{urlencode({name: value for name, value in asked.items() if value})}"


def _tabs(
    month: Month, show: str, programme: str, counts: dict[Show, int]
) -> list[dict[str, object]]:
    every = {"label": "All lists", "href": _at(month, "", programme), "current": not show}
    lists = (
        {
            "label": label,
            "href": _at(month, each, programme),
            "current": show == each,
            "count": counts[each],
        }
        for each, label in LABELS.items()
    )
    return [every, *lists]


def _lists(board: Board, show: str, programme: str, skip: int) -> list[dict[str, Any]]:
    """One list with its pages, or the beginning of every one."""
    most = AT_ONCE if show else IN_BRIEF
    found = []
    for each in [Show(show)] if show else list(Show):
        rows = board.rows(each, programme=programme)
        at = partial(_at, board.month, each, programme)
        found.append(
            {
                "show": each,
                "rows": rows[skip : skip + most],
                "first": skip + 1,
                "total": len(rows),
                "all": at(),
                "previous": at(max(0, skip - most)) if show and skip else "",
                "next": at(skip + most) if show and len(rows) > skip + most else "",
            }
        )
    return found


async def _board(page: Page, month: Month) -> Board:
    today = page.now.astimezone(page.viewer.zone).date()
    board = Board(month=month, today=today)
    async for one in month_of_clinic(page.conn, page.clinic, month, now=page.now):
        board.add(one)
    return board


@router.get("/month/sign")
async def preview(page: SigningPage, month: str = "") -> Response:
    """What would be signed, for somebody to look through."""
    chosen = chosen_month(page, month)
    board = await _board(page, chosen)
    rows = board.to_sign()
    await page.audit("month.read", page.clinic, month=str(chosen))
    return await page.html(
        "month/sign.html",
        month=chosen,
        board=board,
        rows=rows[:AT_ONCE],
        total=len(rows),
        lock=await signing.lock_of(page.conn, page.clinic, chosen),
    )


@router.post("/month/sign")
async def sign_many(
    page: SigningPage,
    month: Annotated[str, Form()] = "",
    seen: Annotated[list[str], Form()] = [],  # noqa: B006 -- a form's default is copied
    note: Annotated[str, Form(max_length=LONGEST_NOTE)] = "",
) -> Response:
    chosen = chosen_month(page, month)
    looked_at = _seen(seen)
    if not looked_at:
        back = f"/month/sign?month={chosen}"
        return page.to(back, flash="Nothing was ticked, so nothing is signed.", kind="warning")
    with careful():
        done = await signing.sign_ready(
            page.conn, page.clinic, actor_of(page), chosen, looked_at, note=note, now=page.now
        )
    count = len(done.signed)
    if not done.refused:
        said = f"{count} {'month is' if count == 1 else 'months are'} signed."
        return page.to(f"/month?month={chosen}", flash=said)
    names = (await _board(page, chosen)).names()
    return await page.html(
        "month/signed_many.html",
        status=409,
        month=chosen,
        count=count,
        refused=[
            (str(r.patient_id), names.get(r.patient_id, "A patient"), str(r.why))
            for r in done.refused
        ],
    )


def _seen(fields: list[str]) -> dict[UUID, str]:
    """`patient:hash` of each ticked row."""
    try:
        parts = (one.split(":", 1) for one in fields)
        return {UUID(patient): facts for patient, facts in parts}
    except ValueError as wrong:
        raise HTTPException(422) from wrong


@router.post("/month/lock")
async def lock(
    page: SigningPage,
    month: Annotated[str, Form()] = "",
    note: Annotated[str, Form(max_length=LONGEST_NOTE)] = "",
) -> Response:
    chosen = chosen_month(page, month)
    with careful():
        await signing.lock(page.conn, page.clinic, actor_of(page), chosen, note=note, now=page.now)
    return page.to(f"/month?month={chosen}", flash="The month is locked: nothing is added to it.")


@router.post("/month/unlock")
async def unlock(
    page: SigningPage,
    month: Annotated[str, Form()] = "",
    reason: Annotated[str, Form(max_length=LONGEST_NOTE)] = "",
) -> Response:
    chosen = chosen_month(page, month)
    with careful():
        await signing.unlock(
            page.conn, page.clinic, actor_of(page), chosen, reason=reason, now=page.now
        )
    return page.to(f"/month?month={chosen}", flash="The month is unlocked.")


def neighbours(page: Page, chosen: Month) -> dict[str, Any]:
    """The months that the buttons beside the title lead to."""
    previous, following = Month(chosen - 1), Month(chosen + 1)
    return {
        "previous": previous if has_rules(previous) else None,
        "following": following if following <= running_month(page) else None,
    }
