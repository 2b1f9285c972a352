"""A file of time: each line is an entry, or says why it is none; nothing is guessed."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccm_link.time_csv import NEEDED, OPTIONAL, FileRefused, RefusedLine, TimeLine, Wrong, read

NOW = datetime(2026, 11, 20, 15, tzinfo=UTC)
GOOD = {
    "record_number": "N-1", "staff_email": "Nora@north.example", "programme": "ccm",
    "activity": "call", "start": "2026-11-02T09:00:00-05:00", "end": "2026-11-02T09:12:30-05:00",
    "zone": "", "interactive": "yes", "note": "Called about her pressure",
}  # fmt: skip


def table(*rows, columns=(*NEEDED, *OPTIONAL)):
    out = io.StringIO()
    writer = csv.DictWriter(out, columns, lineterminator="\r\n")
    writer.writeheader()
    writer.writerows({k: v for k, v in (GOOD | row).items() if k in columns} for row in rows)
    return out.getvalue().encode()


def only(**changes):
    (line,) = read(table(changes), now=NOW).lines
    return line


def test_a_line_is_an_entry_with_instants():
    line = only()
    assert isinstance(line, TimeLine)
    assert (line.line, line.programme, line.staff_email) == (2, "CCM", "nora@north.example")
    assert line.start == datetime(2026, 11, 2, 14, tzinfo=UTC)
    assert line.end - line.start == timedelta(minutes=12, seconds=30)
    assert (line.interactive, line.note) == (True, "Called about her pressure")


def test_a_wall_clock_time_is_one_of_its_zone():
    line = only(start="2026-11-02T09:00", end="2026-11-02 09:10", zone="America/New_York")
    assert isinstance(line, TimeLine)
    assert line.start == datetime(2026, 11, 2, 14, tzinfo=UTC)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"record_number": " "}, Wrong.PATIENT),
        ({"staff_email": ""}, Wrong.STAFF),
        ({"programme": "BHI"}, Wrong.PROGRAMME),
        ({"activity": "golf"}, Wrong.ACTIVITY),
        ({"interactive": "maybe"}, Wrong.INTERACTIVE),
        ({"note": "  "}, Wrong.NOTE),
        ({"note": "x" * 4001}, Wrong.NOTE),
        ({"note": "a\0b"}, Wrong.TEXT),
        ({"start": "yesterday"}, Wrong.TIME),
        ({"start": "0026-11-02T09:00:00Z"}, Wrong.TIME),
        ({"start": "2026-11-02T09:00"}, Wrong.ZONE),
        ({"start": "2026-11-02T09:00", "zone": "Mars/Olympus"}, Wrong.ZONE),
        ({"start": "2026-11-02T09:00", "zone": "../../etc/passwd"}, Wrong.ZONE),
        # New York: 8 March 2026 has no 02:30, 1 November 2026 has two 01:30.
        ({"start": "2026-03-08T02:30", "zone": "America/New_York"}, Wrong.SKIPPED),
        ({"start": "2026-11-01T01:30", "zone": "America/New_York"}, Wrong.TWICE),
        ({"end": "2026-11-02T09:00:00-05:00"}, Wrong.ORDER),
        ({"end": "2026-11-03T09:00:01-05:00"}, Wrong.LONG),
        ({"start": "2026-11-20T14:59:00Z", "end": "2026-11-20T15:00:01Z"}, Wrong.FUTURE),
    ],
)
def test_what_is_wrong_is_said_and_kept(changes, why):
    line = only(**changes)
    assert isinstance(line, RefusedLine)
    assert (line.line, line.why) == (2, why)
    assert "N-1" in line.cells or changes.get("record_number")
    assert "\0" not in "".join(line.cells)


@pytest.mark.parametrize(
    ("first", "second"),
    [("2026-11-01T01:30:00-04:00", "2026-11-01T01:30:00-05:00")],
)
def test_with_its_offset_the_hour_that_came_twice_is_two_hours(first, second):
    line = only(start=first, end=second)
    assert isinstance(line, TimeLine)
    assert line.end - line.start == timedelta(hours=1)


def test_a_line_is_named_by_where_it_begins_in_the_file():
    data = table({"note": "two\nlines"}, {"note": ""}) + b"\r\n" + table({})[len(table()) :]
    lines = read(data, now=NOW).lines
    assert [line.line for line in lines] == [2, 4, 6]
    assert isinstance(lines[1], RefusedLine)


def test_columns_come_in_any_order_and_the_optional_ones_may_lack():
    line = read(table({}, columns=tuple(reversed(NEEDED))), now=NOW).lines[0]
    assert isinstance(line, TimeLine)
    assert not line.interactive


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "empty"),
        (b"\r\n\r\n", "empty"),
        (b"\xff\xfe", "UTF-8"),
        (b'a,b\r\n"un"closed,"', "no CSV"),
        (b"record_number,note\r\n", "lacks: staff_email"),
        (",".join([*NEEDED, "minutes"]).encode(), "not read: minutes"),
        (",".join([*NEEDED, "note"]).encode(), "twice"),
    ],
)
def test_a_file_that_is_no_such_table_is_refused_whole(data, said):
    with pytest.raises(FileRefused, match=said):
        read(data, now=NOW)


def test_a_line_with_too_few_cells_is_kept():
    data = table() + b"N-1,nora@north.example\r\n"
    (line,) = read(data, now=NOW).lines
    assert line == RefusedLine(line=2, why=Wrong.CELLS, cells=("N-1", "nora@north.example"))


TEXT = st.text(st.characters(blacklist_categories=["Cs"]), max_size=30)


@given(st.lists(st.fixed_dictionaries({}, optional=dict.fromkeys(GOOD, TEXT)), max_size=6))
def test_whatever_is_in_the_cells_every_line_comes_back(rows):
    """Nothing is lost: as many outcomes as rows with something in them."""
    data = table(*({"record_number": "N-1"} | row for row in rows))
    filled = [r for r in rows if any(v.strip() for v in (GOOD | {"record_number": "N-1"} | r)
                                     .values())]  # fmt: skip
    try:
        lines = read(data, now=NOW).lines
    except FileRefused:
        # A carriage return inside of quotes is text to a writer and no row to a strict reader.
        assert any("\0" in v or "\r" in v for r in rows for v in r.values())
        return
    assert len(lines) == len(filled)
