"""Whether an alert's readings are its patient's: the statements of `sql/ownership.sql`.

Inside the caller's `clinic_session`; who disowns takes `lock_assignments` first of all.
"""

from __future__ import annotations

from store.named import Row, one_row, run
from store.tenancy import Connection

_SQL = "ownership"


async def lock_assignments(conn: Connection) -> None:
    await run(conn, _SQL, "lock_assignments")


async def disown_readings(conn: Connection, values: Row) -> None:
    """The alert's readings become nobody's; they wait under Homes & devices for a decision."""
    await run(conn, _SQL, "disown_readings", values)


async def own_again(conn: Connection, values: Row) -> None:
    """What was disowned with this alert, and is nobody's still, is its patient's again."""
    await run(conn, _SQL, "own_again", values)


async def set_alert_state(conn: Connection, values: Row) -> None:
    await run(conn, _SQL, "set_alert_state", values)


async def wake_task(conn: Connection, values: Row) -> None:
    await run(conn, _SQL, "wake_task", values)


async def reviewed(conn: Connection, values: Row) -> bool:
    """False: nothing of this alert waited to be looked at again."""
    return await one_row(conn, _SQL, "reviewed", values) is not None


async def keep_time(conn: Connection, values: Row) -> int:
    """How many entries now stand without a question."""
    return await run(conn, _SQL, "keep_time", values)
