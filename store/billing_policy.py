"""A clinic's billing switches, dated. Append-only: a change of mind is another row."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

import msgspec

from store import audit
from store.named import Row, all_rows, one_row
from store.tenancy import Connection, clinic_session

_SQL = "billing_policy"


async def in_force(conn: Connection, clinic: str, first: date) -> Row | None:
    """`qhp_time_counts_as_staff` and `caps` for the month that begins on `first`.

    Inside the caller's `clinic_session`. None: nothing was ever set, the rules' own switches hold.
    """
    return await one_row(conn, _SQL, "policy_in_force", {"clinic": clinic, "first": first})


async def history(conn: Connection, clinic: str) -> list[Row]:
    """Who set what, the newest first."""
    async with clinic_session(conn, clinic):
        return await all_rows(conn, _SQL, "policies", {"clinic": clinic})


async def set_policy(  # noqa: PLR0913 -- the columns
    conn: Connection,
    clinic: str,
    *,
    valid_from: date,
    qhp_time_counts_as_staff: bool,
    caps: dict[str, int],
    reason: str,
    by: UUID,
    now: datetime,
) -> None:
    """For all months from the one that begins on `valid_from`.

    Raises:
        DataRefused: no reason, or not the first day of a month.
    """
    values: dict[str, Any] = {"clinic": clinic, "valid_from": valid_from, "reason": reason}
    values |= {"caps": msgspec.json.encode(caps).decode(), "by": by, "now": now}
    values |= {"qhp_time_counts_as_staff": qhp_time_counts_as_staff}
    async with clinic_session(conn, clinic, staff=by):
        (row,) = await all_rows(conn, _SQL, "set_policy", values)
        detail = {
            "valid_from": valid_from.isoformat(),
            "qhp_time_counts_as_staff": qhp_time_counts_as_staff,
            "caps": caps,
        }
        await audit.record(
            conn, actor=by, action="billing_policy.set", subject=row["id"], now=now, detail=detail
        )
