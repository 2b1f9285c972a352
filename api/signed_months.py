"""Whether what was changed lies in a month that somebody signed: said to whoever changed it."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from api.page import Page
from ccm_link import signing
from ccm_link.calendar_month import Month


async def signed_note(page: Page, patient_id: UUID, *when: datetime | date) -> str:
    """A sentence to add to what is said, or nothing. Days and instants are the practice's."""
    days = [w.astimezone(page.viewer.zone).date() if isinstance(w, datetime) else w for w in when]
    said = []
    for month in sorted({Month.of(day) for day in days}):
        found = await signing.history(page.conn, page.clinic, patient_id, month)
        if any(one.reopened_at is None for one in found):
            said.append(f"{month.first:%B %Y}")
    if not said:
        return ""
    return f" {' and '.join(said)} is signed already: it must be reopened for this to bill."
