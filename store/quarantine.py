"""What could not become a reading, for people: look at it, have it judged again, or let it be.

A replay is a state that ingest claims within a second: `replay_requested` becomes `replayed`, or
`open` again where it is refused once more.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from store import audit
from store.named import Row, all_rows, one_row, run
from store.tenancy import Connection, clinic_session

_SQL = "quarantine"
OPERATOR = "operator"  # whoever runs commands on the server: not staff of the clinic


class State(StrEnum):
    """Where quarantined bytes stand."""

    OPEN = "open"  # waits for a person
    REPLAY_REQUESTED = "replay_requested"  # ingest will judge it again
    REPLAYED = "replayed"  # became readings, or waits under another reason
    DISCARDED = "discarded"  # a person said that it is worth nothing; it is kept all the same


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """What a list shows. `since` and `until` are of the last time that it came."""

    states: Collection[State] = (State.OPEN,)
    reason: str | None = None
    home: UUID | None = None
    since: datetime | None = None
    until: datetime | None = None
    limit: int = 50
    skip: int = 0

    @property
    def values(self) -> Row:
        return {
            "reason": self.reason,
            "home": self.home,
            "since": self.since,
            "until": self.until,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """Many rows that were asked for at once."""

    id: int
    rows: list[int]


async def rows(conn: Connection, clinic: str, wanted: Filter) -> list[Row]:
    """Newest first; each row carries the `total` behind the limit."""
    values = wanted.values | {
        "clinic": clinic,
        "states": [str(state) for state in wanted.states],
        "limit": wanted.limit,
        "skip": wanted.skip,
    }
    async with clinic_session(conn, clinic):
        return await all_rows(conn, _SQL, "quarantine_rows", values)


async def counts(conn: Connection, clinic: str) -> list[Row]:
    """`reason, state, number`."""
    async with clinic_session(conn, clinic):
        return await all_rows(conn, _SQL, "quarantine_counts", {"clinic": clinic})


async def detail(conn: Connection, clinic: str, number: int) -> Row | None:
    """The row with its bytes, and under `story` what people did with it."""
    values = {"clinic": clinic, "id": number, "subject": _subject(number)}
    async with clinic_session(conn, clinic):
        row = await one_row(conn, _SQL, "quarantine_row", values)
        if row:
            row["story"] = await all_rows(conn, _SQL, "quarantine_story", values)
    return row


async def looked(
    conn: Connection, clinic: str, number: int | None, *, now: datetime, **detail: int
) -> None:
    """An operator's look from the command line leaves a trace as a page of the console does."""
    action = "quarantine.list" if number is None else "quarantine.read"
    subject = clinic if number is None else _subject(number)
    async with clinic_session(conn, clinic):
        await audit.record(
            conn, actor=OPERATOR, action=action, subject=subject, now=now, detail=detail
        )


async def replay(
    conn: Connection, clinic: str, number: int, *, staff: UUID | None, now: datetime
) -> bool:
    """Have it judged again; False where it is not open (any more). `staff` None: the operator."""
    return await _move(conn, clinic, number, [State.OPEN], State.REPLAY_REQUESTED, staff, now)


async def discard(
    conn: Connection, clinic: str, number: int, *, reason: str, staff: UUID, now: datetime
) -> bool:
    return await _move(
        conn, clinic, number, [State.OPEN], State.DISCARDED, staff, now, {"reason": reason}
    )


async def keep(conn: Connection, clinic: str, number: int, *, staff: UUID, now: datetime) -> bool:
    """Undo a discard."""
    return await _move(conn, clinic, number, [State.DISCARDED], State.OPEN, staff, now)


async def waiting(conn: Connection, clinic: str, wanted: Filter) -> tuple[int, int | None]:
    """How many a replay would take, and the newest of them."""
    async with clinic_session(conn, clinic):
        row = await one_row(
            conn, _SQL, "quarantine_waiting", {"clinic": clinic, **wanted.values}
        ) or {"number": 0, "newest": None}
    return row["number"], row["newest"]


async def replay_all(
    conn: Connection,
    clinic: str,
    wanted: Filter,
    *,
    newest: int | None = None,
    staff: UUID | None,
    now: datetime,
) -> Replay:
    """Have every open one of a reason judged again, after a fix. `staff` None: the operator.

    `newest`: none that came after this one.
    """
    values = {"clinic": clinic, "newest": newest, "staff": staff, "now": now, **wanted.values}
    async with clinic_session(conn, clinic, staff=staff):
        begun = await one_row(conn, _SQL, "replay_begins", values) or {}
        values["replay"] = begun["id"]
        asked = await all_rows(conn, _SQL, "replay_rows", values)
        await run(conn, _SQL, "replay_told", {"rows": len(asked), "replay": begun["id"]})
        await audit.record(
            conn,
            actor=staff or OPERATOR,
            action="quarantine.replay",
            subject=str(wanted.reason),
            now=now,
            detail={"rows": len(asked), "replay": begun["id"]},
        )
    return Replay(id=begun["id"], rows=[row["id"] for row in asked])


async def replay_reason(
    conn: Connection, clinic: str, reason: str, *, staff: UUID | None, now: datetime
) -> list[int]:
    """`replay_all` of a reason; which."""
    return (await replay_all(conn, clinic, Filter(reason=reason), staff=staff, now=now)).rows


async def progress(conn: Connection, clinic: str, replay: int) -> Row | None:
    """Of a replay's `rows`: how many are `waiting`, `replayed`, `refused`; and `why`."""
    values = {"clinic": clinic, "replay": replay, "since": None}
    async with clinic_session(conn, clinic):
        found = await one_row(conn, _SQL, "replay_progress", values)
        if found:
            found["why"] = await all_rows(conn, _SQL, "replay_refused", values)
    return found


async def latest_replay(conn: Connection, clinic: str, *, since: datetime) -> Row | None:
    """The progress of the last one that was asked for since then, without its reasons."""
    values = {"clinic": clinic, "replay": None, "since": since}
    async with clinic_session(conn, clinic):
        return await one_row(conn, _SQL, "replay_progress", values)


async def states(conn: Connection, clinic: str, ids: Collection[int]) -> dict[int, State]:
    """Where they stand now, by id."""
    values = {"clinic": clinic, "ids": list(ids)}
    async with clinic_session(conn, clinic):
        rows = await all_rows(conn, _SQL, "quarantine_states", values)
    return {row["id"]: State(row["state"]) for row in rows}


_ACTIONS = {
    State.REPLAY_REQUESTED: "quarantine.replay",
    State.DISCARDED: "quarantine.discard",
    State.OPEN: "quarantine.keep",
}


async def _move(  # noqa: PLR0913, PLR0917 -- which, from, to, who, when, why
    conn: Connection,
    clinic: str,
    number: int,
    present: Collection[State],
    wanted: State,
    staff: UUID | None,
    now: datetime,
    told: dict[str, str] | None = None,
) -> bool:
    values = {"clinic": clinic, "id": number, "wanted": str(wanted)}
    values["present"] = [str(state) for state in present]
    async with clinic_session(conn, clinic, staff=staff):
        if not await run(conn, _SQL, "quarantine_state", values):
            return False
        await audit.record(
            conn,
            actor=staff or OPERATOR,
            action=_ACTIONS[wanted],
            subject=_subject(number),
            now=now,
            detail=told,
        )
    return True


def _subject(number: int) -> str:
    return f"quarantine:{number}"
