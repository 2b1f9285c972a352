"""Loading a clinic's amounts: the file read, kept whole, and audited, in one transaction."""

from __future__ import annotations

import codecs
import hashlib
import io
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from ccm_link.rates import Found, RatesError, read
from ccm_link.rules import shipped
from store import audit
from store.rates import load_table
from store.tenancy import Connection, clinic_session


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """A file, and for which days its amounts hold."""

    data: bytes
    file_name: str
    year: int
    locality: str | None = None  # `01112-05`: carrier and locality
    name: str = ""  # empty: made from the year and the locality
    first: date | None = None  # None: the whole year
    last: date | None = None

    @property
    def days(self) -> tuple[date, date]:
        return self.first or date(self.year, 1, 1), self.last or date(self.year, 12, 31)


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """What was kept, and which codes of the rules the file has no amount for."""

    id: UUID
    name: str
    found: Found
    missing: tuple[str, ...]


def known_codes() -> frozenset[str]:
    """All codes that a rule names, in whatever year."""
    table, _ = shipped()
    return frozenset(row.code for row in table.code)


def read_upload(upload: Upload) -> Found:
    """What is in the file.

    Raises:
        RatesError: it is no file of amounts of that year and place, or the days are no days.
    """
    first, last = upload.days
    if last < first:
        raise RatesError(f"the last day ({last}) is before the first ({first})")
    text = io.StringIO(_text(upload.data), newline="")
    return read(text, year=upload.year, codes=known_codes(), locality=upload.locality)


def _text(data: bytes) -> str:
    """The files of CMS are ASCII, but for descriptors that came from a spreadsheet."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise RatesError("it is UTF-16: save it as CSV in UTF-8")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


async def load(
    conn: Connection, clinic: str, upload: Upload, *, by: UUID | None, now: datetime
) -> Loaded:
    """Keep a file's amounts; `by` None: somebody at the command line.

    Raises:
        RatesError: the file.
        DataRefused: there is no such clinic.
    """
    found = read_upload(upload)
    first, last = upload.days
    name = upload.name or " ".join(filter(None, [str(upload.year), found.locality]))
    values = {
        "name": name,
        "source": f"{upload.file_name}, {found.kind}",
        "locality": found.locality,
        "first": first,
        "last": last,
        "file_sha256": hashlib.sha256(upload.data).hexdigest(),
        "by": by,
        "now": now,
    }
    async with clinic_session(conn, clinic, staff=by):
        table = await load_table(conn, values, found.amounts)
        detail = {"first": str(first), "last": str(last), "codes": len(found.amounts)}
        actor = by or "command line"
        await audit.record(
            conn, actor=actor, action="rates.load", subject=table, now=now, detail=detail
        )
    missing = tuple(sorted(known_codes() - found.amounts.keys()))
    return Loaded(id=table, name=name, found=found, missing=missing)
