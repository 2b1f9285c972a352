"""A clinic's and a patient's own limits: dated rows that stand over the shipped defaults.

What a rule is called and in which unit it is, `alerts.effective.check` says before a row is set.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from psycopg.rows import class_row, dict_row

from store.queries import load
from store.tenancy import Connection, clinic_session


class LimitRow(msgspec.Struct, frozen=True):
    """`patient_id` None: for the whole clinic. `value` None: the rule is switched off."""

    patient_id: UUID | None
    rule: str
    value: float | None
    ucum: str
    valid_from: datetime
    set_at: datetime
    withdrawn_at: datetime | None = None

    def stands_at(self, instant: datetime) -> bool:
        ended = self.withdrawn_at is not None and self.withdrawn_at <= instant
        return self.valid_from <= instant and not ended


async def effective_limits(
    conn: Connection, clinic: str, patient: UUID | None, at: datetime
) -> dict[str, LimitRow]:
    """By rule, what stands over the default at that instant; a patient's over the clinic's."""
    async with clinic_session(conn, clinic), conn.cursor(row_factory=class_row(LimitRow)) as cur:
        await cur.execute(load("limits")["limits_in_force"], {"patient": patient, "at": at})
        return {row.rule: row for row in await cur.fetchall()}


async def limits_of_patients(conn: Connection, patients: Sequence[UUID]) -> list[LimitRow]:
    """Inside the caller's transaction: all rows of these patients and of their clinic."""
    async with conn.cursor(binary=True) as cur:
        await cur.execute(load("limits")["limits_of_patients"], {"patients": list(patients)})
        return [LimitRow(*row) for row in await cur.fetchall()]


async def set_limit(  # noqa: PLR0913 -- the columns
    conn: Connection,
    clinic: str,
    patient: UUID | None,
    *,
    rule: str,
    value: float | None,
    ucum: str,
    valid_from: datetime,
    by: UUID | None,
    reason: str,
    now: datetime,
) -> UUID:
    """Add a row; those before it stay, for the readings of their time."""
    values: dict[str, Any] = {"clinic": clinic, "patient": patient, "rule": rule}
    values |= {"value": value, "ucum": ucum}
    values |= {"valid_from": valid_from, "by": by, "reason": reason, "now": now}
    async with clinic_session(conn, clinic, staff=by):
        cur = await conn.execute(load("limits")["set_limit"], values)
        (made,) = await cur.fetchone() or (None,)
    return UUID(str(made))


async def withdraw_limits(
    conn: Connection, clinic: str, patient: UUID | None, *, rule: str, now: datetime
) -> int:
    """From `now` on, what lies beneath stands again: the clinic's limit, or the default."""
    values = {"patient": patient, "rule": rule, "now": now}
    async with clinic_session(conn, clinic):
        return (await conn.execute(load("limits")["withdraw_limits"], values)).rowcount


async def limit_history(
    conn: Connection, clinic: str, patient: UUID | None
) -> list[dict[str, Any]]:
    """Who set which limit, and when; the newest first."""
    async with clinic_session(conn, clinic), conn.cursor(row_factory=dict_row) as cur:
        await cur.execute(load("limits")["limit_history"], {"patient": patient})
        return await cur.fetchall()
