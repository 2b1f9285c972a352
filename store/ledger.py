"""The time ledger (I7). The statements of `sql/ledger.sql`.

Except for `patient_time`, `waiting_entries` and the sweep, these run inside the caller's
`clinic_session`; who changes a person's timers holds `lock_timers` first, so that two sessions of
one person queue up and the constraints are the second line, not the first.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from uuid import UUID

from store.errors import translated
from store.named import Row, all_rows, one_row, run
from store.tenancy import Connection, clinic_session

_SQL = "ledger"


async def lock_timers(conn: Connection, staff: Iterable[UUID]) -> None:
    """In one order, so that two people who take over from each other do not wait in a ring."""
    for person in sorted({str(s) for s in staff}):
        await run(conn, _SQL, "lock_timers", {"staff": person})


async def running_timer(conn: Connection, staff: UUID) -> Row | None:
    return await one_row(conn, _SQL, "running_timer", {"staff": staff})


async def start_timer(conn: Connection, values: Row) -> Row:
    """`id` and `started_at` of the new timer."""
    row = await one_row(conn, _SQL, "start_timer", values)
    assert row is not None  # noqa: S101 -- such an INSERT answers or raises
    return row


async def end_timer(conn: Connection, values: Row) -> None:
    await run(conn, _SQL, "end_timer", values)


async def discard_timer(conn: Connection, values: Row) -> None:
    await run(conn, _SQL, "discard_timer", values)


async def renew_lease(conn: Connection, values: Row) -> None:
    await run(conn, _SQL, "renew_lease", values)


async def end_expired_timers(conn: Connection, clinic: str, *, now: datetime) -> int:
    """The sweep of one clinic, a transaction of its own."""
    async with clinic_session(conn, clinic):
        return await run(conn, _SQL, "end_expired_timers", {"clinic": clinic, "now": now})


async def all_clinics(conn: Connection) -> list[str]:
    with translated():
        return [row["id"] for row in await all_rows(conn, _SQL, "all_clinics")]


async def entry_for_update(conn: Connection, clinic: str, entry: UUID) -> Row | None:
    return await one_row(conn, _SQL, "entry_for_update", {"clinic": clinic, "entry": entry})


async def confirm_task_entries(conn: Connection, values: Row) -> list[Row]:
    return await all_rows(conn, _SQL, "confirm_task_entries", values)


async def withdraw_task_entries(conn: Connection, values: Row) -> None:
    await run(conn, _SQL, "withdraw_task_entries", values)


async def mark_interactive(conn: Connection, values: Row) -> None:
    await run(conn, _SQL, "mark_interactive", values)


async def confirm_entry(conn: Connection, values: Row) -> None:
    await run(conn, _SQL, "confirm_entry", values)


async def reverse_entry(conn: Connection, values: Row) -> None:
    await run(conn, _SQL, "reverse_entry", values)


async def log_entry(conn: Connection, values: Row) -> Row:
    """`id` and `status`: held where it overlaps the person's own time on another patient."""
    row = await one_row(conn, _SQL, "log_entry", values)
    assert row is not None  # noqa: S101 -- such an INSERT answers or raises
    return row


async def entry_owner(conn: Connection, clinic: str, entry: UUID) -> UUID | None:
    row = await one_row(conn, _SQL, "entry_owner", {"clinic": clinic, "entry": entry})
    return row["staff_id"] if row else None


async def conflicts_of(conn: Connection, clinic: str, entry: UUID) -> list[Row]:
    """Locked: what stands of the same person on other patients during this entry."""
    return await all_rows(conn, _SQL, "conflicts_of", {"clinic": clinic, "entry": entry})


async def replace_entry(conn: Connection, values: Row) -> Row:
    """`id` and `status` of what stands instead; held as in `log_entry`."""
    row = await one_row(conn, _SQL, "replace_entry", values)
    assert row is not None  # noqa: S101 -- such an INSERT answers or raises
    return row


async def patient_exists(conn: Connection, clinic: str, patient: UUID) -> bool:
    values = {"clinic": clinic, "patient": patient}
    return await one_row(conn, _SQL, "patient_exists", values) is not None


async def standing_work(conn: Connection, values: Row) -> list[Row]:
    return await all_rows(conn, _SQL, "standing_work", values)


async def oldest_waiting(conn: Connection, values: Row) -> datetime | None:
    row = await one_row(conn, _SQL, "oldest_waiting", values)
    return row["started_at"] if row else None


async def clinic_rules(conn: Connection, clinic: str) -> Row | None:
    """`zone` and `alert_programme`."""
    return await one_row(conn, _SQL, "clinic_rules", {"clinic": clinic})


async def patient_time(
    conn: Connection, clinic: str, patient: UUID, month: date, now: datetime
) -> list[Row]:
    """Every entry of a patient that touches a month of the practice, the reversed ones too."""
    values = {"clinic": clinic, "patient": patient, "month": month.replace(day=1), "now": now}
    async with clinic_session(conn, clinic):
        return await all_rows(conn, _SQL, "patient_time", values)


async def entry_and_conflicts(
    conn: Connection, clinic: str, entry: UUID, *, staff: UUID
) -> tuple[Row, list[Row]] | None:
    """An entry and what it is held for, in words; a transaction of its own. None: not here."""
    values = {"clinic": clinic, "entry": entry}
    async with clinic_session(conn, clinic, staff=staff):
        row = await one_row(conn, _SQL, "entry_in_words", values)
        if row is None:
            return None
        return row, await all_rows(conn, _SQL, "conflicts_in_words", values)


async def waiting_entries(conn: Connection, clinic: str, staff: UUID | None) -> list[Row]:
    """One person's, or everybody's in the clinic."""
    async with clinic_session(conn, clinic, staff=staff):
        return await all_rows(conn, _SQL, "waiting_entries", {"clinic": clinic, "staff": staff})
