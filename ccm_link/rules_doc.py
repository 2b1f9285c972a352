"""The whole rule table as Markdown, for `docs/billing.md`: drawn from the rows, so it cannot drift.

`python -m ccm_link rules --write docs/billing.md` puts it between the two marks of that page.
"""

from __future__ import annotations

from collections.abc import Iterator

from ccm_link.rule_words import sentence, subject
from ccm_link.rules import Amount, Row, Table, Track

BEGIN, END = "<!-- rules: begin -->", "<!-- rules: end -->"
#: The parts of the table, in the order of steps.
_PARTS = (
    ("code", "Codes"),
    ("track", "Time codes"),
    ("never", "What never counts"),
    ("gate", "Gates"),
    ("conflict", "Conflicts with what was billed"),
    ("device", "Devices"),
    ("review", "The practitioner's own review"),
    ("amount", "Amounts"),
)
_HEAD = ("About", "What it says", "Holds", "Sure", "Read at", "Changed by")


def markdown(table: Table) -> str:
    """Every row of every part: what it says, when it holds, its source, and its switch."""
    return "\n".join(line for key, title in _PARTS for line in _part(title, getattr(table, key)))


def written_into(page: str, table: Table) -> str:
    """The page with the table between its marks.

    Raises:
        ValueError: the page has no marks.
    """
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the page has no {BEGIN} and {END}")
    return f"{before}{BEGIN}\n\n{markdown(table)}\n{END}{after}"


def _part(title: str, rows: tuple[Row, ...]) -> Iterator[str]:
    yield f"### {title}\n"
    yield _line(_HEAD)
    yield _line(("---",) * len(_HEAD))
    for row in rows:
        yield _line(_cells(row))
    yield ""


def _line(cells: tuple[str, ...]) -> str:
    return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"


def _cells(row: Row) -> tuple[str, ...]:
    until = f" to {row.valid_to}" if row.valid_to else ""
    holds = f"{row.valid_from}{until}" if until else f"from {row.valid_from}"
    return subject(row), sentence(row), holds, row.confidence, row.source, _switches(row)


def _switches(row: Row) -> str:
    if isinstance(row, Amount):
        return "`rates load`"
    if not isinstance(row, Track):
        return ""
    cap = [f"`policy.caps`: {row.addon}"] if row.addon else []
    switch = ["`policy.qhp_time_counts_as_staff`"] if row.qhp_by_policy else []
    return ", ".join(cap + switch)
