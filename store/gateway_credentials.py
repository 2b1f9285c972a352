"""Codes for blank boxes and the broker's credentials: what is kept are hashes and verifiers.

A code brings one credential. Asked again with the same verifier it brings the same one, for a day:
a box that lost its power in the middle asks again, and nobody else can.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from store import audit
from store.errors import translated
from store.named import Row, all_rows, one_row, run
from store.tenancy import Connection, clinic_session

_SQL = "gateways"

CODE_LIFE = timedelta(hours=48)
ASK_AGAIN = timedelta(hours=24)
CREDENTIAL_LIFE = timedelta(days=365)


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """A credential of a gateway; its password is its box's alone."""

    clinic: str
    gateway: str
    number: int
    issued_at: datetime
    expires_at: datetime


async def issue_code(
    conn: Connection, clinic: str, gateway: str, code_hash: bytes, *, staff: UUID, now: datetime
) -> datetime:
    """Earlier codes of this gateway that nobody used are withdrawn; returns when it ends."""
    values: Row = {"clinic": clinic, "gateway": gateway, "staff": staff, "now": now}
    ends = now + CODE_LIFE
    async with clinic_session(conn, clinic, staff=staff):
        await run(conn, _SQL, "withdraw_codes", values)
        await run(conn, _SQL, "issue_code", values | {"code_hash": code_hash, "expires_at": ends})
        await audit.record(conn, actor=staff, action="gateway.code", subject=gateway, now=now)
    return ends


async def withdraw(
    conn: Connection, clinic: str, gateway: str, *, staff: UUID, now: datetime
) -> int:
    """A box is lost: its codes and credentials end now; how many credentials did."""
    values: Row = {"clinic": clinic, "gateway": gateway, "now": now}
    async with clinic_session(conn, clinic, staff=staff):
        await run(conn, _SQL, "withdraw_codes", values)
        ended = await run(conn, _SQL, "withdraw_credentials", values)
        await audit.record(conn, actor=staff, action="gateway.withdraw", subject=gateway, now=now)
    return ended


async def standing(
    conn: Connection, clinic: str, gateway: str, *, now: datetime
) -> tuple[Row | None, list[Row]]:
    """The code that waits for its box, and the credentials in force, the newest first."""
    values: Row = {"clinic": clinic, "gateway": gateway, "now": now}
    async with clinic_session(conn, clinic):
        code = await one_row(conn, _SQL, "open_code", values)
        return code, await all_rows(conn, _SQL, "credentials", values)


async def redeem(
    conn: Connection, code_hash: bytes, verifier: str, *, now: datetime
) -> Grant | None:
    """None: no such code, or it is used, withdrawn or too old."""
    with translated():
        found = await one_row(conn, _SQL, "code_lookup", {"code_hash": code_hash})
    if found is None:
        return None
    clinic = found["clinic_id"]
    async with clinic_session(conn, clinic):
        code = await one_row(conn, _SQL, "lock_code", {"code": found["id"]})
        if code is None:
            return None
        if code["used_at"] is not None:
            return _again(clinic, code, verifier, now)
        if code["withdrawn_at"] is not None or code["expires_at"] <= now:
            return None
        grant = await _granted(conn, clinic, code["gateway"], verifier, now=now)
        used = {"code": found["id"], "number": grant.number, "now": now}
        await run(conn, _SQL, "use_code", used)
        await _audit(conn, "gateway.enrol", grant, now)
        return grant


def _again(clinic: str, code: Row, verifier: str, now: datetime) -> Grant | None:
    same = code["verifier"] == verifier and code["ended_at"] is None
    if not same or now - code["used_at"] > ASK_AGAIN:
        return None
    return Grant(
        clinic=clinic,
        gateway=code["gateway"],
        number=code["number"],
        issued_at=code["issued_at"],
        expires_at=code["credential_expires_at"],
    )


async def verifier_in_force(
    conn: Connection, clinic: str, gateway: str, number: int, *, now: datetime
) -> str | None:
    values = {"clinic": clinic, "gateway": gateway, "number": number, "now": now}
    async with clinic_session(conn, clinic):
        row = await one_row(conn, _SQL, "credential", values)
    return row["verifier"] if row else None


async def renew(
    conn: Connection, clinic: str, gateway: str, verifier: str, *, now: datetime
) -> Grant:
    """One more credential; the same one for the same verifier. Whoever asks has proven itself."""
    async with clinic_session(conn, clinic):
        grant = await _granted(conn, clinic, gateway, verifier, now=now)
        await _audit(conn, "gateway.renewed", grant, now)
        return grant


async def _granted(
    conn: Connection, clinic: str, gateway: str, verifier: str, *, now: datetime
) -> Grant:
    values: Row = {"clinic": clinic, "gateway": gateway, "verifier": verifier, "now": now}
    await run(conn, _SQL, "lock_gateway", values)
    row = await one_row(conn, _SQL, "credential_of_verifier", values)
    if row is None:
        values["expires_at"] = now + CREDENTIAL_LIFE
        (row,) = await all_rows(conn, _SQL, "grant_credential", values)
    return Grant(clinic=clinic, gateway=gateway, **row)


async def _audit(conn: Connection, action: str, grant: Grant, now: datetime) -> None:
    await audit.record(
        conn,
        actor="gateway",
        action=action,
        subject=grant.gateway,
        now=now,
        detail={"credential": grant.number},
    )


async def used(conn: Connection, clinic: str, gateway: str, number: int, *, now: datetime) -> None:
    """It has connected with this one: earlier ones end. For ingest, which hears its status."""
    values = {"clinic": clinic, "gateway": gateway, "number": number, "now": now}
    with translated():
        await run(conn, _SQL, "credential_used", values)


async def broker_users(conn: Connection, *, now: datetime) -> list[Row]:
    """Everything that the broker is to let in, of every clinic."""
    with translated():
        return await all_rows(conn, _SQL, "broker_users", {"now": now})
