"""Time that other software measured, from a CSV file: each line an entry, or why it is none. Pure.

    record_number,staff_email,programme,activity,start,end,zone,interactive,note

`start` and `end` carry an offset (`2026-11-02T09:00:00-05:00`), or are wall-clock times of `zone`
(`America/New_York`). A wall-clock time that the clocks skipped, or that came twice, is refused
and never guessed. `zone` and `interactive` (yes, no) may be left out.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from ccm_link.activities import Activity
from ccm_link.local_time import YEARS, NoSuchTime, TwoSuchTimes, instant_of
from ccm_link.programmes import ENROLLABLE

NEEDED = ("record_number", "staff_email", "programme", "activity", "start", "end", "note")
OPTIONAL = ("zone", "interactive")
_LONGEST = timedelta(hours=24)  # as by hand
_YES_NO = {"": False, "no": False, "yes": True}
_LONGEST_NOTE = 4000  # as by hand


class FileRefused(Exception):
    """The file is no such table: nothing of it was read."""


class Wrong(StrEnum):
    """Why a line is not imported, as its reader sees it."""

    CELLS = "it has not as many cells as the first line"
    TEXT = "it holds a character that no text has"
    PATIENT = "no patient of this clinic has that record number"
    STAFF = "no member of this clinic has that address"
    PROGRAMME = "the programme is none of CCM, PCM and RPM"
    ACTIVITY = "the activity is none that this software knows"
    TIME = "the start or the end is no date and time"
    ZONE = "a time without an offset needs a time zone"
    SKIPPED = "the clocks went forward over this time: it did not exist"
    TWICE = "this time came twice that night: write it with its offset"
    ORDER = "the end is not after the start"
    LONG = "it is longer than 24 hours"
    FUTURE = "it has not happened yet"
    NOTE = "a note is needed, 4,000 characters at most: only documented time counts"
    INTERACTIVE = "interactive is neither yes nor no"
    THERE = "the ledger has this entry already"
    LOCKED = "its month is locked"


class LineWrong(Exception):
    """One line is no entry."""

    def __init__(self, why: Wrong) -> None:
        super().__init__(str(why))
        self.why = why


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeLine:
    """A line that is an entry, as far as the file can say."""

    line: int
    record_number: str
    staff_email: str
    programme: str
    activity: str
    start: datetime
    end: datetime
    interactive: bool
    note: str
    cells: tuple[str, ...]  # as in the file


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedLine:
    """A line that is not imported; kept as it was."""

    line: int
    why: Wrong
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeFile:
    """What a file says: its columns, and every line after the first in its order."""

    columns: tuple[str, ...]
    lines: tuple[TimeLine | RefusedLine, ...]

    @property
    def entries(self) -> list[TimeLine]:
        return [line for line in self.lines if isinstance(line, TimeLine)]


def read(data: bytes, *, now: datetime) -> TimeFile:
    """A file of time; lines that are no entry are told apart, not left out.

    Raises:
        FileRefused: no UTF-8, no CSV, or not these columns.
    """
    try:
        rows = list(_rows(data.decode("utf-8-sig")))
    except (UnicodeDecodeError, csv.Error) as exc:
        raise FileRefused("the file is no CSV in UTF-8") from exc
    if not rows:
        raise FileRefused("the file is empty")
    columns = _header(rows[0][1])
    lines = (_line(number, cells, columns, now) for number, cells in rows[1:])
    return TimeFile(columns=tuple(columns), lines=tuple(lines))


def _rows(text: str) -> Iterator[tuple[int, tuple[str, ...]]]:
    """Each with the line of the file that it begins on."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    begins = 1
    for cells in reader:
        if any(cell.strip() for cell in cells):
            yield begins, tuple(cells)
        begins = reader.line_num + 1


def _header(cells: Sequence[str]) -> list[str]:
    names = [cell.strip().lower() for cell in cells]
    if missing := [name for name in NEEDED if name not in names]:
        raise FileRefused(f"the first line lacks: {', '.join(missing)}")
    if len(set(names)) < len(names):
        raise FileRefused("the first line names a column twice")
    # What is not read may matter: a misspelt column would change what is counted.
    if unknown := [name for name in names if name not in {*NEEDED, *OPTIONAL}]:
        raise FileRefused(f"the first line has columns that are not read: {', '.join(unknown)}")
    return names


def _line(
    number: int, cells: tuple[str, ...], header: Sequence[str], now: datetime
) -> TimeLine | RefusedLine:
    try:
        return _entry(number, cells, _named(cells, header), now)
    except LineWrong as wrong:
        kept = tuple(cell.replace("\0", "\N{REPLACEMENT CHARACTER}") for cell in cells)
        return RefusedLine(line=number, why=wrong.why, cells=kept)


def _named(cells: Sequence[str], header: Sequence[str]) -> dict[str, str]:
    if len(cells) != len(header):
        raise LineWrong(Wrong.CELLS)
    return {name: cell.strip() for name, cell in zip(header, cells, strict=True)}


def _entry(number: int, cells: tuple[str, ...], row: dict[str, str], now: datetime) -> TimeLine:
    _refuse_words(row)
    start, end = (_instant(row[name], row.get("zone", "")) for name in ("start", "end"))
    _refuse_interval(start, end, now)
    return TimeLine(
        line=number,
        record_number=row["record_number"],
        staff_email=row["staff_email"].lower(),
        programme=row["programme"].upper(),
        activity=row["activity"].lower(),
        start=start,
        end=end,
        interactive=_YES_NO[row.get("interactive", "").lower()],
        note=row["note"],
        cells=cells,
    )


def _refuse_words(row: dict[str, str]) -> None:
    checks = (
        (any("\0" in cell for cell in row.values()), Wrong.TEXT),
        (not row["record_number"], Wrong.PATIENT),
        (not row["staff_email"], Wrong.STAFF),
        (row["programme"].upper() not in ENROLLABLE, Wrong.PROGRAMME),
        (row["activity"].lower() not in set(Activity), Wrong.ACTIVITY),
        (row.get("interactive", "").lower() not in _YES_NO, Wrong.INTERACTIVE),
        (not 0 < len(row["note"]) <= _LONGEST_NOTE, Wrong.NOTE),
    )
    for is_wrong, why in checks:
        if is_wrong:
            raise LineWrong(why)


def _instant(typed: str, zone: str) -> datetime:
    """With its offset, or in a zone by which the clocks had it exactly once."""
    try:
        wall = datetime.fromisoformat(typed)
    except ValueError as exc:
        raise LineWrong(Wrong.TIME) from exc
    if wall.year not in YEARS:
        raise LineWrong(Wrong.TIME)
    if wall.tzinfo is not None:
        return wall.astimezone(UTC)
    try:
        return instant_of(typed, ZoneInfo(zone))
    except NoSuchTime as exc:
        raise LineWrong(Wrong.SKIPPED) from exc
    except TwoSuchTimes as exc:
        raise LineWrong(Wrong.TWICE) from exc
    except (KeyError, ValueError, OSError) as exc:  # no such zone, or none at all
        raise LineWrong(Wrong.ZONE) from exc


def _refuse_interval(start: datetime, end: datetime, now: datetime) -> None:
    if end <= start:
        raise LineWrong(Wrong.ORDER)
    if end - start > _LONGEST:
        raise LineWrong(Wrong.LONG)
    if end > now:
        raise LineWrong(Wrong.FUTURE)
