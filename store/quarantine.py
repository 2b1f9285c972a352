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
    REPLAYED = "replayed"  # became a reading
    DISCARDED = "discarded"  # a person said that it is worth nothing; it is kept all the same


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """What a list shows."""

    states: Collection[State]
    reason: str | None = None
    home: UUID | None = None
    limit: int = 50
    skip: int = 0


async def rows(conn: Connection, clinic: str, wanted: Filter) -> list[Row]:
    """Newest first; each row carries the `total` behind the limit."""
    values = {
        "clinic": clinic,
        "states": [str(state) for state in wanted.states],
        "reason": wanted.reason,
        "home": wanted.home,
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


async def replay_reason(
    conn: Connection, clinic: str, reason: str, *, staff: UUID | None, now: datetime
) -> list[int]:
    """Have every open one of a reason judged again, after a fix; which."""
    async with clinic_session(conn, clinic, staff=staff):
        asked = await all_rows(conn, _SQL, "replay_reason", {"clinic": clinic, "reason": reason})
        told = {"rows": len(asked)}
        await audit.record(
            conn,
            actor=staff or OPERATOR,
            action="quarantine.replay",
            subject=reason,
            now=now,
            detail=told,
        )
    return [row["id"] for row in asked]


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
