"""The queue: what waits, live. Opening it is an audited act; what comes in live belongs to it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import Response

from api import times
from api.page import CarePage
from api.queue_view import QueueRow, news_of, rows_of, version_of
from store import worklist as store
from store.worklist import Tab

router = APIRouter()

MOST_HAD = 4096  # characters: twice a page and what waits beside it

_TABS = {
    Tab.MEDICAL: ("Medical", "Nothing waits", "All new readings are within their limits."),
    Tab.REVIEW: ("Review", "Nothing to review", "No late readings, no alert to look at again."),
    Tab.MINE: ("Mine", "You have claimed nothing", "Claim a task under Medical to begin."),
    Tab.SNOOZED: ("Snoozed", "Nothing is snoozed", "What you snooze comes back by itself."),
}


@router.get("/queue")
async def queue(page: CarePage, tab: str = Tab.MEDICAL) -> Response:
    chosen = _tab(tab)
    counts = await store.queue_counts(page.conn, page.clinic, page.viewer.staff_id, page.now)
    rows = await _rows(page, chosen)
    await page.audit("queue.read", page.clinic, tab=str(chosen), tasks=[row.key for row in rows])
    return await page.html(
        "queue/queue.html",
        rows=rows,
        counts=counts,
        oldest=_oldest(page, counts),
        tab=str(chosen),
        tabs=[_entry(name, chosen, counts) for name in _TABS],
        heading=_TABS[chosen][0],
        empty=_TABS[chosen][1:],
        limit=store.PAGE,
        total=counts.get(str(chosen), len(rows)),
    )


@router.get("/queue/rows")
async def rows(
    page: CarePage, tab: str = Tab.MEDICAL, has: Annotated[str, Query(max_length=MOST_HAD)] = ""
) -> Response:
    """`has`: versions of the rows that the page shows, with dots between them."""
    chosen, had = _tab(tab), frozenset(has.split("."))
    found = await store.queue_rows(
        page.conn,
        page.clinic,
        viewer=page.viewer.staff_id,
        tab=chosen,
        now=page.now,
        has=lambda row: version_of(row) in had,
    )
    news = news_of(found, page.viewer, page.now, had)
    return page.fragment("queue/rows.html", rows=news)


@router.get("/queue/figures")
async def figures(page: CarePage) -> Response:
    counts = await store.queue_counts(page.conn, page.clinic, page.viewer.staff_id, page.now)
    return page.fragment("queue/figures.html", counts=counts, oldest=_oldest(page, counts))


async def _rows(page: CarePage, tab: Tab) -> list[QueueRow]:
    found = await store.queue_rows(
        page.conn, page.clinic, viewer=page.viewer.staff_id, tab=tab, now=page.now
    )
    return rows_of(found, page.viewer, page.now)


def _tab(asked: str) -> Tab:
    return Tab(asked) if asked in _TABS else Tab.MEDICAL


def _entry(name: Tab, chosen: Tab, counts: dict[str, int]) -> dict[str, object]:
    return {
        "label": _TABS[name][0],
        "href": f"/queue?tab={name}",
        "current": name is chosen,
        "count": counts.get(str(name)),
    }


def _oldest(page: CarePage, counts: dict[str, object]) -> str:
    since = counts.get("oldest_opened_at")
    return times.span(page.now - since) if since else "none"  # type: ignore[operator]
