"""Staff, their sessions and invitations. A person is one identity, a member of one or more clinics.

Secrets arrive here as hashes only: passwords by argon2, tokens by SHA-256.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from psycopg.rows import dict_row

from store import audit
from store.errors import StoreError, translated
from store.queries import load
from store.tenancy import Connection, clinic_session, staff_session

Row = dict[str, Any]


class LastAdmin(StoreError):
    """A clinic keeps at least one admin."""


class NoSuchMember(StoreError):
    """Nobody of that key works in this clinic."""


class InvitationGone(StoreError):
    """Used, withdrawn, or expired."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewStaff:
    """What an invitation says about a person."""

    email: str
    name: str
    credential: str
    role: str


async def sign_in_lookup(conn: Connection, email: str) -> tuple[UUID, str] | None:
    """Staff id and password hash of an account that may sign in."""
    found: tuple[UUID, str] | None = await _one(conn, "sign_in_lookup", {"email": email})
    return found


async def credentials(conn: Connection, staff: UUID) -> tuple[str, str]:
    """Email and password hash of who is signed in."""
    async with staff_session(conn, staff):
        cur = await conn.execute(load("staff")["credentials"], {"staff": staff})
        row = await cur.fetchone()
    return row or ("", "")


async def sign_in_failures(
    conn: Connection, *, account: bytes, source: bytes, since: datetime
) -> tuple[int, int]:
    """Failures since then: of this account from anywhere, from this source for any account."""
    values = {"account": account, "source": source, "since": since}
    return await _one(conn, "sign_in_failures", values) or (0, 0)


async def record_sign_in_failure(
    conn: Connection, *, account: bytes, source: bytes, now: datetime
) -> None:
    values = {"account": account, "source": source, "now": now}
    await _one(conn, "record_sign_in_failure", values)


async def open_session(
    conn: Connection,
    staff: UUID,
    *,
    token_hash: bytes,
    csrf: str,
    now: datetime,
    expires_at: datetime,
) -> str | None:
    """Returns the clinic, where there is only one to choose."""
    values = {"staff": staff, "token_hash": token_hash, "csrf": csrf, "now": now}
    async with staff_session(conn, staff, token_hash=token_hash):
        cur = await conn.execute(
            load("staff")["open_session"], {**values, "expires_at": expires_at}
        )
        row = await cur.fetchone()
        clinic: str | None = row[0] if row else None
    return clinic


async def read_session(conn: Connection, token_hash: bytes) -> Row | None:
    """The columns of `web_session_lookup`; none: no such session."""
    with translated():
        async with conn.cursor(row_factory=dict_row) as cur:
            await cur.execute(load("staff")["read_session"], {"token_hash": token_hash})
            return await cur.fetchone()


async def touch_session(conn: Connection, token_hash: bytes, *, now: datetime) -> None:
    await _own(conn, token_hash, "touch_session", {"now": now})


async def end_session(conn: Connection, token_hash: bytes, *, now: datetime) -> None:
    await _own(conn, token_hash, "end_session", {"now": now})


async def choose_clinic(conn: Connection, token_hash: bytes, staff: UUID, clinic: str) -> bool:
    """False: the clinic is not one of theirs."""
    async with staff_session(conn, staff, token_hash=token_hash):
        values = {"token_hash": token_hash, "clinic": clinic}
        cur = await conn.execute(load("staff")["choose_clinic"], values)
        return await cur.fetchone() is not None


async def clinics_of_staff(conn: Connection, staff: UUID) -> list[Row]:
    async with staff_session(conn, staff), conn.cursor(row_factory=dict_row) as cur:
        await cur.execute(load("staff")["clinics_of_staff"], {"staff": staff})
        return await cur.fetchall()


async def change_password(
    conn: Connection, staff: UUID, password_hash: str, *, keep: bytes | None, now: datetime
) -> None:
    """Every other session of theirs ends."""
    sql = load("staff")
    async with staff_session(conn, staff):
        await conn.execute(sql["set_password"], {"staff": staff, "password_hash": password_hash})
        await conn.execute(sql["end_sessions"], {"staff": staff, "but": keep, "now": now})


async def members(conn: Connection, clinic: str) -> list[Row]:
    async with clinic_session(conn, clinic), conn.cursor(row_factory=dict_row) as cur:
        await cur.execute(load("staff")["members"])
        return await cur.fetchall()


async def open_invitations(conn: Connection, clinic: str) -> list[Row]:
    async with clinic_session(conn, clinic), conn.cursor(row_factory=dict_row) as cur:
        await cur.execute(load("staff")["open_invitations"])
        return await cur.fetchall()


async def invite(  # noqa: PLR0913 -- the columns
    conn: Connection,
    clinic: str,
    who: NewStaff,
    *,
    token_hash: bytes,
    by: UUID | None,
    now: datetime,
    expires_at: datetime,
) -> None:
    values: Row = {"email": who.email, "name": who.name, "credential": who.credential}
    values |= {"role": who.role, "token_hash": token_hash, "invited_by": by, "now": now}
    async with clinic_session(conn, clinic, staff=by):
        await conn.execute(load("staff")["insert_invitation"], {**values, "expires_at": expires_at})
        detail = {"role": who.role}
        await audit.record(
            conn, actor=by or "operator", action="staff.invite", subject=clinic, now=now,
            detail=detail,
        )  # fmt: skip


async def withdraw_invitation(
    conn: Connection, clinic: str, token_hash: bytes, *, by: UUID, now: datetime
) -> None:
    async with clinic_session(conn, clinic, staff=by):
        values = {"token_hash": token_hash, "now": now}
        cur = await conn.execute(load("staff")["withdraw_invitation"], values)
        if await cur.fetchone() is None:
            raise InvitationGone
        await audit.record(conn, actor=by, action="staff.withdraw", subject=clinic, now=now)


async def invitation(conn: Connection, token_hash: bytes) -> Row | None:
    with translated():
        async with conn.cursor(row_factory=dict_row) as cur:
            await cur.execute(load("staff")["invitation_lookup"], {"token_hash": token_hash})
            return await cur.fetchone()


async def accept_invitation(
    conn: Connection,
    clinic: str,
    token_hash: bytes,
    *,
    existing: UUID | None,
    password_hash: str,
    now: datetime,
) -> UUID:
    """A new account, or, for an `existing` one, one more clinic.

    Raises:
        InvitationGone: nothing was changed.
    """
    sql, staff = load("staff"), existing or uuid4()
    async with clinic_session(conn, clinic, staff=staff):
        cur = await conn.execute(sql["take_invitation"], {"token_hash": token_hash, "now": now})
        row = await cur.fetchone()
        if row is None:
            raise InvitationGone
        who = NewStaff(email=row[0], name=row[1], credential=row[2], role=row[3])
        if existing is None:
            await _insert_staff(conn, staff, who, password_hash=password_hash, now=now)
        await _join(conn, clinic, staff, who.role, now=now)
    return staff


async def create_member(
    conn: Connection, clinic: str, who: NewStaff, *, password_hash: str, now: datetime
) -> UUID:
    """For the first admin of a clinic, and for demonstrations: no invitation is needed."""
    staff = uuid4()
    async with clinic_session(conn, clinic, staff=staff):
        await _insert_staff(conn, staff, who, password_hash=password_hash, now=now)
        await _join(conn, clinic, staff, who.role, now=now)
    return staff


async def set_role(
    conn: Connection, clinic: str, staff: UUID, role: str, *, by: UUID, now: datetime
) -> None:
    """Raises LastAdmin or NoSuchMember; then nothing was changed."""
    values = {"staff": staff, "role": role}
    await _change_member(conn, clinic, "set_role", values, by=by, now=now, stays=role == "admin")


async def end_membership(
    conn: Connection, clinic: str, staff: UUID, *, by: UUID, now: datetime
) -> None:
    """Their sessions in this clinic lose their role with the next request."""
    values = {"staff": staff, "now": now}
    await _change_member(conn, clinic, "end_membership", values, by=by, now=now, stays=False)


async def _change_member(  # noqa: PLR0913 -- one act with its audit
    conn: Connection, clinic: str, name: str, values: Row, *, by: UUID, now: datetime, stays: bool
) -> None:
    async with clinic_session(conn, clinic, staff=by):
        cur = await conn.execute(load("staff")["lock_members"])
        admins = {row[0] for row in await cur.fetchall()}
        if admins == {values["staff"]} and not stays:
            raise LastAdmin
        cur = await conn.execute(load("staff")[name], values)
        if await cur.fetchone() is None:
            raise NoSuchMember
        detail = {"role": values["role"]} if "role" in values else {}
        await audit.record(
            conn, actor=by, action=f"staff.{name}", subject=values["staff"], now=now, detail=detail
        )


async def _insert_staff(
    conn: Connection, staff: UUID, who: NewStaff, *, password_hash: str, now: datetime
) -> None:
    values: Row = {"staff": staff, "email": who.email, "name": who.name, "now": now}
    values |= {"credential": who.credential, "password_hash": password_hash}
    await conn.execute(load("staff")["insert_staff"], values)


async def _join(conn: Connection, clinic: str, staff: UUID, role: str, *, now: datetime) -> None:
    values: Row = {"clinic": clinic, "staff": staff, "role": role, "now": now}
    cur = await conn.execute(load("staff")["insert_membership"], values)
    if not cur.rowcount:
        return  # a member already: whoever may change roles does, and never the last admin's
    detail = {"role": role}
    await audit.record(
        conn, actor=staff, action="staff.join", subject=staff, now=now, detail=detail
    )


async def _one(conn: Connection, name: str, values: Row) -> Any:
    with translated():
        cur = await conn.execute(load("staff")[name], values)
        return await cur.fetchone()


async def _own(conn: Connection, token_hash: bytes, name: str, values: Row) -> None:
    async with staff_session(conn, token_hash=token_hash):
        await conn.execute(load("staff")[name], {"token_hash": token_hash, **values})
