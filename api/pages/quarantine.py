"""What could not become a reading: why, since when, and what a person can do about it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import MAXYEAR, MINYEAR, date, datetime, time, timedelta
from typing import Annotated, Any
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Depends, Form, Path, Query
from fastapi.responses import Response

from api import home_view
from api.auth.viewer import Role, Viewer
from api.errors import NotFound
from api.page import HomesPage
from api.quarantine_words import REASONS, steps, told
from store import homes, quarantine
from store.quarantine import Filter, State

router = APIRouter()

Text = Annotated[str, Form()]
Key = Annotated[int, Path(ge=1, lt=2**63)]
MOST = 50  # rows on one page
MOST_SKIPPED = 1_000_000
_DIGITS = 19  # of a number that the database can hold
_RECENT = timedelta(days=1)  # a replay of so long ago is still shown above the list
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """What a list, or a replay, was asked for: words of the address, and what they mean."""

    fields: dict[str, str]
    filter: Filter

    @classmethod
    def of(cls, viewer: Viewer, fields: dict[str, str], *, skip: int = 0) -> Chosen:
        """What cannot be read is left out: of the fields as well, so that the page says so."""
        state = fields["state"] if fields["state"] in _TABS else "open"
        reason = fields["reason"] if fields["reason"] in REASONS else ""
        home, since, until = _uuid(fields["home"]), _day(fields["since"]), _day(fields["until"])
        told = {
            "state": state,
            "reason": reason,
            "home": str(home or ""),
            "since": since.isoformat() if since else "",
            "until": until.isoformat() if until else "",
        }
        wanted = Filter(
            states=_TABS[state],
            reason=reason or None,
            home=home,
            since=_midnight(since, viewer) if since else None,
            until=_midnight(until + timedelta(days=1), viewer) if until else None,
            limit=MOST,
            skip=skip,
        )
        return cls(fields=told, filter=wanted)

    def link(self, path: str = "/quarantine", **changes: Any) -> str:
        return f"{path}?{urlencode({k: v for k, v in (self.fields | changes).items() if v})}"

    @property
    def is_narrow(self) -> bool:
        return any(self.fields[name] for name in ("reason", "home", "since", "until"))


def chosen(  # noqa: PLR0913, PLR0917 -- the address's fields
    page: HomesPage,
    reason: str = "",
    state: str = "open",
    home: str = "",
    since: str = "",
    until: str = "",
    skip: Annotated[int, Query(ge=0, le=MOST_SKIPPED)] = 0,
) -> Chosen:
    fields = {"reason": reason, "state": state, "home": home, "since": since, "until": until}
    return Chosen.of(page.viewer, fields, skip=skip)


@router.get("/quarantine")
async def rows(page: HomesPage, asked: Annotated[Chosen, Depends(chosen)]) -> Response:
    wanted, fields = asked.filter, asked.fields
    found = await quarantine.rows(page.conn, page.clinic, wanted)
    counts = await quarantine.counts(page.conn, page.clinic)
    estate = await homes.estate(page.conn, page.clinic, now=page.now)
    recent = await quarantine.latest_replay(page.conn, page.clinic, since=page.now - _RECENT)
    await page.audit("quarantine.list", page.clinic, rows=len(found))
    return await page.html(
        "quarantine/list.html",
        rows=found,
        total=found[0]["total"] if found else 0,
        skip=wanted.skip,
        most=MOST,
        fields=fields,
        tabs=_tabs(fields, counts),
        by_reason=_by_reason(counts, fields["state"]),
        asked=asked,
        homes=[(str(h.id), h.label or "Home without a label") for h in estate.homes],
        reasons=REASONS,
        states=STATES,
        look=home_view,
        recent=recent,
        told=told,
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


@router.get("/quarantine/replay")
async def confirm(page: HomesPage, asked: Annotated[Chosen, Depends(chosen)]) -> Response:
    """How many it would be, before it is done."""
    if not asked.filter.reason:
        raise NotFound
    number, newest = await quarantine.waiting(page.conn, page.clinic, asked.filter)
    estate = await homes.estate(page.conn, page.clinic, now=page.now)
    labels = {str(h.id): h.label or "Home without a label" for h in estate.homes}
    return await page.html(
        "quarantine/confirm.html",
        number=number,
        newest=newest,
        asked=asked,
        fields=asked.fields,
        home=labels.get(asked.fields["home"], ""),
        words=REASONS[asked.filter.reason],
    )


@router.post("/quarantine/replay")
async def replay_all(
    page: HomesPage,
    reason: Text = "",
    home: Text = "",
    since: Text = "",
    until: Text = "",
    newest: Text = "",
) -> Response:
    fields = {"reason": reason, "state": "open", "home": home, "since": since, "until": until}
    asked = Chosen.of(page.viewer, fields)
    if not asked.filter.reason:
        raise NotFound
    begun = await quarantine.replay_all(
        page.conn,
        page.clinic,
        asked.filter,
        newest=int(newest) if newest.isdecimal() and len(newest) < _DIGITS else None,
        staff=page.viewer.staff_id,
        now=page.now,
    )
    return page.to(f"/quarantine/replays/{begun.id}")


@router.get("/quarantine/replays/{replay_id}")
async def replayed(page: HomesPage, replay_id: Key) -> Response:
    """What becomes of a replay of many."""
    found = await _replay(page, replay_id)
    await page.audit("quarantine.list", f"replay:{replay_id}", rows=found["rows"])
    return await page.html("quarantine/replay.html", **_replay_words(page, found))


@router.get("/quarantine/replays/{replay_id}/progress")
async def replay_progress(page: HomesPage, replay_id: Key) -> Response:
    found = await _replay(page, replay_id)
    return page.fragment("quarantine/replay_progress.html", **_replay_words(page, found))


async def _replay(page: HomesPage, replay_id: int) -> dict[str, Any]:
    found = await quarantine.progress(page.conn, page.clinic, replay_id)
    if found is None:
        raise NotFound
    return found


def _replay_words(page: HomesPage, found: dict[str, Any]) -> dict[str, Any]:
    may_read = page.viewer.role is not Role.ADMIN
    words = REASONS.get(found["reason"], (found["reason"], ""))
    return {"replay": found, "words": words, "told": told(found), "may_read": may_read}


@router.get("/quarantine/{number}")
async def detail(page: HomesPage, number: Key) -> Response:
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
        steps=steps(row, page.viewer.role),
        **_progress(row),
    )


@router.get("/quarantine/{number}/progress")
async def progress(page: HomesPage, number: Key) -> Response:
    """The part of the page that changes while ingest works; asks again until it has."""
    row = await _find(page, number)
    return page.fragment("quarantine/progress.html", row=row, **_progress(row))


def _progress(row: dict[str, Any]) -> dict[str, Any]:
    """`tried_at`: it was replayed, alone or with others, and refused again."""
    replays = [done["at"] for done in row["story"] if done["action"] == "quarantine.replay"]
    replays += [row["replay_asked_at"]] if row["replay_id"] else []
    refused = replays and row["state"] == State.OPEN
    return {"reasons": REASONS, "tried_at": max(replays) if refused else None}


@router.post("/quarantine/{number}/replay")
async def replay(page: HomesPage, number: Key) -> Response:
    await _find(page, number)
    asked = await quarantine.replay(
        page.conn, page.clinic, number, staff=page.viewer.staff_id, now=page.now
    )
    words = "Replay requested." if asked else "It does not wait any more; see its state below."
    return page.to(f"/quarantine/{number}", flash=words, kind="success" if asked else "error")


@router.post("/quarantine/{number}/discard")
async def discard(page: HomesPage, number: Key, why: Text = "") -> Response:
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
async def keep(page: HomesPage, number: Key) -> Response:
    """Undo a discard."""
    await _find(page, number)
    done = await quarantine.keep(
        page.conn, page.clinic, number, staff=page.viewer.staff_id, now=page.now
    )
    words = "It waits again." if done else "It was not discarded."
    return page.to(f"/quarantine/{number}", flash=words, kind="success" if done else "error")


async def _find(page: HomesPage, number: Key) -> dict[str, Any]:
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


def _day(text: str) -> date | None:
    """A day that calendars here go on beyond."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if MINYEAR + 1 < day.year < MAXYEAR - 1 else None


def _midnight(day: date, viewer: Viewer) -> datetime:
    return datetime.combine(day, time(), viewer.zone)


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
