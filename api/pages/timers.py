"""The running timer, from whatever page it is seen: proof of activity, and the pause."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter
from fastapi.responses import JSONResponse, Response

from api.care import actor_of, careful
from api.errors import NotFound
from api.page import CarePage
from ccm_link import work
from store.timer_bar import timer_shown

router = APIRouter()


@router.post("/timers/{entry_id}/beat")
async def beat(page: CarePage, entry_id: UUID) -> Response:
    """Answers `{running, seconds, ended_reason}`."""
    with careful():
        found = await work.beat(page.conn, page.clinic, actor_of(page), entry_id, now=page.now)
    reason = str(found.ended_reason) if found.ended_reason else None
    return JSONResponse(
        {"running": found.running, "seconds": found.seconds, "ended_reason": reason}
    )


@router.post("/timers/{entry_id}/pause")
async def pause(page: CarePage, entry_id: UUID) -> Response:
    timer = await timer_shown(page.conn, page.clinic, page.viewer.staff_id, now=page.now)
    if timer is None or timer["entry_id"] != entry_id:
        raise NotFound
    with careful():
        await work.pause(page.conn, page.clinic, actor_of(page), timer["task_id"], now=page.now)
    return page.to(f"/tasks/{timer['task_id']}", flash="The timer is paused.")
