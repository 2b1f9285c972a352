"""The page about billing says what the table says: every row, its dates, source and switch."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ccm_link.rules import Row, Track, shipped
from ccm_link.rules_doc import markdown, written_into

PAGE = Path(__file__).parents[3] / "docs" / "billing.md"
TABLE, _ = shipped()
SECTIONS = ("code", "track", "never", "gate", "conflict", "device", "review", "amount")
ROWS: list[Row] = [row for section in SECTIONS for row in getattr(TABLE, section)]


def test_the_page_holds_the_table_as_it_is() -> None:
    """Where it does not: `python -m ccm_link rules --write docs/billing.md`."""
    page = PAGE.read_text("utf-8")
    assert written_into(page, TABLE) == page


def test_every_row_is_a_line_with_its_dates_source_and_confidence() -> None:
    lines = [line for line in markdown(TABLE).splitlines() if re.match(r"\| (?!About|---)", line)]
    assert len(lines) == len(ROWS)
    for row, line in zip(ROWS, lines, strict=True):
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        assert str(row.valid_from) in cells[2]
        assert str(row.valid_to or "") in cells[2]
        assert cells[3] == row.confidence
        assert cells[4] == row.source


@pytest.mark.parametrize("track", TABLE.track, ids=lambda track: track.code)
def test_a_time_code_says_its_threshold_its_cap_and_its_switch(track: Track) -> None:
    line = next(
        line
        for line in markdown(TABLE).partition("### Time codes")[2].splitlines()
        if line.startswith(f"| {track.code} ")
    )
    assert f"{track.first_s // 60} min" in line
    if track.addon:
        assert f"Each further full {track.step_s // 60} min is {track.addon}" in line
        assert f"at most {track.max_addon} units" in line
        assert f"`policy.caps`: {track.addon}" in line
    assert ("qhp_time_counts_as_staff" in line) is track.qhp_by_policy


def test_the_page_says_that_it_is_no_advice() -> None:
    assert "**This is not billing advice.**" in PAGE.read_text("utf-8")


def test_a_page_without_marks_is_refused() -> None:
    with pytest.raises(ValueError, match="has no"):
        written_into("# Nothing", TABLE)
