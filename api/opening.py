"""Opening a clinic: an operator's act, with the administrator's database address."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import available_timezones

from api.auth import tokens
from store import fixtures, staff
from store.pool import connection, open_pool
from vitals.topics import is_name

INVITATION_LASTS = timedelta(days=7)


class CannotOpen(Exception):
    """What has to be given differently; nothing was changed."""


async def open_clinic(  # noqa: PLR0913 -- what a clinic begins with
    database_url: str, clinic: str, *, name: str, zone: str, email: str, person: str, now: datetime
) -> str:
    """Make the clinic (or rename it), and invite its first admin; returns the path of the link.

    Raises:
        CannotOpen: the clinic's key or its zone cannot be used.
        Unavailable: the database does not answer.
    """
    if not is_name(clinic):
        raise CannotOpen(f"{clinic!r}: a clinic's key is lower-case letters, digits and hyphens")
    if zone not in available_timezones():
        raise CannotOpen(f"{zone!r} is no time zone; one is America/New_York")
    token = tokens.new_token()
    async with open_pool(database_url, max_size=1) as pool, connection(pool) as conn:
        await fixtures.register_clinic(conn, clinic, name=name, zone=zone)
        await staff.invite(
            conn,
            clinic,
            staff.NewStaff(email=email, name=person, credential="", role="admin"),
            token_hash=tokens.hashed(token),
            by=None,
            now=now,
            expires_at=now + INVITATION_LASTS,
        )
    return f"/join/{token}"
