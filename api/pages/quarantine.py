"""What could not become a reading: why, since when, and what a person can do about it."""

from __future__ import annotations

import json
from typing import Annotated, Any
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Form, Query
from fastapi.responses import Response

from api import home_view
from api.auth.viewer import Role
from api.errors import NotFound
from api.page import HomesPage
from api.quarantine_words import REASONS
from store import homes, quarantine
from store.quarantine import Filter, State

router = APIRouter()

Text = Annotated[str, Form()]
MOST = 50  # rows on one page
_SHOWN_BYTES = 4096
_TABS = {
    "open": (State.OPEN, State.REPLAY_REQUESTED),
    "replayed": (State.REPLAYED,),
    "discarded": (State.DISCARDED,),
}

STATES = {
    State.OPEN: ("notice", "Waits for you"),
    State.REPLAY_REQUESTED: ("notice", "Replay requested"),
    State.REPLAYED: ("good", "Replayed"),
    State.DISCARDED: ("", "Discarded"),
}


@router.get("/quarantine")
async def rows(
    page: HomesPage,
    reason: str = "",
    state: str = "open",
    home: str = "",
    skip: Annotated[int, Query(ge=0)] = 0,
) -> Response:
    state = state if state in _TABS else "open"
    wanted = Filter(
        states=_TABS[state],
        reason=reason if reason in REASONS else None,
        home=_uuid(home),
        limit=MOST,
        skip=skip,
    )
    found = await quarantine.rows(page.conn, page.clinic, wanted)
    counts = await quarantine.counts(page.conn, page.clinic)
    estate = await homes.estate(page.conn, page.clinic, now=page.now)
    await page.audit("quarantine.list", page.clinic, rows=len(found))
    fields = {"reason": wanted.reason or "", "state": state, "home": home}
    return await page.html(
        "quarantine/list.html",
        rows=found,
        total=found[0]["total"] if found else 0,
        skip=skip,
        most=MOST,
        fields=fields,
        tabs=_tabs(fields, counts),
        by_reason=_by_reason(counts, state),
        link=lambda **changes: f"/quarantine?{urlencode(fields | changes)}",
        homes=[(str(h.id), h.label or "Home without a label") for h in estate.homes],
        reasons=REASONS,
        states=STATES,
        look=home_view,
    )


def _tabs(fields: dict[str, str], counts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    words = {"open": "Waiting", "replayed": "Replayed", "discarded": "Discarded"}
    return [
        {
            "label": words[tab],
            "href": f"/quarantine?{urlencode({**fields, 'state': tab, 'reason': ''})}",
            "current": tab == fields["state"],
            "count": sum(row["number"] for row in counts if row["state"] in states),
        }
        for tab, states in _TABS.items()
    ]


def _by_reason(counts: list[dict[str, Any]], tab: str) -> list[tuple[str, int]]:
    """The most frequent first; only those that the tab shows."""
    sums: dict[str, int] = {}
    for row in counts:
        if row["state"] in _TABS[tab]:
            sums[row["reason"]] = sums.get(row["reason"], 0) + row["number"]
    return sorted(sums.items(), key=lambda item: (-item[1], item[0]))


@router.get("/quarantine/{number}")
async def detail(page: HomesPage, number: int) -> Response:
    row = await _find(page, number)
    await page.audit("quarantine.read", f"quarantine:{number}")
    return await page.html(
        "quarantine/detail.html",
        row=row,
        text=_as_text(row["payload"]),
        decoded=_as_json(row["payload"]),
        hex_lines=_as_hex(row["payload"][:_SHOWN_BYTES]),
        cut=len(row["payload"]) > _SHOWN_BYTES,
        may_read=page.viewer.role is not Role.ADMIN,
        reasons=REASONS,
        **_progress(row),
    )


@router.get("/quarantine/{number}/progress")
async def progress(page: HomesPage, number: int) -> Response:
    """The part of the page that changes while ingest works; asks again until it has."""
    row = await _find(page, number)
    return page.fragment("quarantine/progress.html", row=row, **_progress(row))


def _progress(row: dict[str, Any]) -> dict[str, Any]:
    """`tried_at`: it was replayed and refused again."""
    replays = [told["at"] for told in row["story"] if told["action"] == "quarantine.replay"]
    refused = replays and row["state"] == State.OPEN
    return {"states": STATES, "tried_at": replays[0] if refused else None}


@router.post("/quarantine/replay")
async def replay_reason(page: HomesPage, reason: Text = "") -> Response:
    if reason not in REASONS:
        raise NotFound
    asked = await quarantine.replay_reason(
        page.conn, page.clinic, reason, staff=page.viewer.staff_id, now=page.now
    )
    noun = "1 is" if len(asked) == 1 else f"{len(asked)} are"
    return page.to("/quarantine", flash=f"{noun} being judged again. Reload to see what became.")


@router.post("/quarantine/{number}/replay")
async def replay(page: HomesPage, number: int) -> Response:
    await _find(page, number)
    asked = await quarantine.replay(
        page.conn, page.clinic, number, staff=page.viewer.staff_id, now=page.now
    )
    words = "Replay requested." if asked else "It does not wait any more; see its state below."
    return page.to(f"/quarantine/{number}", flash=words, kind="success" if asked else "error")


@router.post("/quarantine/{number}/discard")
async def discard(page: HomesPage, number: int, why: Text = "") -> Response:
    await _find(page, number)
    if not why.strip():
        flash = "Say why these bytes are worth nothing."
        return page.to(f"/quarantine/{number}", flash=flash, kind="error")
    done = await quarantine.discard(
        page.conn,
        page.clinic,
        number,
        reason=why.strip()[:500],
        staff=page.viewer.staff_id,
        now=page.now,
    )
    words = "Discarded. The bytes are kept, and you can undo this below."
    other = "It does not wait any more; see its state below."
    return page.to(
        f"/quarantine/{number}", flash=words if done else other, kind="success" if done else "error"
    )


@router.post("/quarantine/{number}/keep")
async def keep(page: HomesPage, number: int) -> Response:
    """Undo a discard."""
    await _find(page, number)
    done = await quarantine.keep(
        page.conn, page.clinic, number, staff=page.viewer.staff_id, now=page.now
    )
    words = "It waits again." if done else "It was not discarded."
    return page.to(f"/quarantine/{number}", flash=words, kind="success" if done else "error")


async def _find(page: HomesPage, number: int) -> dict[str, Any]:
    row = await quarantine.detail(page.conn, page.clinic, number)
    if row is None:
        raise NotFound
    return row


def _as_text(payload: bytes) -> str:
    """What a person may recognise of it; control characters as their pictures."""
    text = payload[:_SHOWN_BYTES].decode("utf-8", "replace")
    return "".join(chr(0x2400 + ord(c)) if ord(c) < 0x20 and c not in "\n\t" else c for c in text)  # noqa: PLR2004 -- C0


def _as_json(payload: bytes) -> str | None:
    try:
        text = json.dumps(json.loads(payload), indent=2, ensure_ascii=False)[: 4 * _SHOWN_BYTES]
    except (ValueError, RecursionError):
        return None
    return text.encode("utf-8", "replace").decode()  # half a surrogate pair is good JSON


def _as_hex(payload: bytes) -> list[str]:
    """Sixteen bytes a line, with their offset."""
    lines = range(0, len(payload), 16)
    return [f"{start:04x}  {payload[start : start + 16].hex(' ')}" for start in lines]


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
