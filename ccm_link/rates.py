"""Amounts from a file: what a clinic loads in place of the estimates that are shipped. Pure.

Three files are read, and told apart by their first lines:

    the payment amount file (PFALL, or of    year, carrier, locality, code, modifier,
    one carrier), quoted, without a header   non-facility amount, and columns that are not read
    the relative value file (PPRRVU) as CSV  total non-facility units times conversion factor
    a plain list                             code, amount

Only codes that the rules know and rows without a modifier are kept, and never a descriptor. A code
whose amount is zero is not priced there, so it is left out. Layouts: the CMS read-me files of 2026.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from enum import StrEnum
from itertools import islice

import msgspec

_CENT = Decimal("0.01")
_MOST = Decimal(1_000_000)  # a unit that pays more is a column that was misread
_HEAD = 25  # lines in which a relative value file must come to its columns
_YEAR = re.compile(r"(19|20)\d\d")
_CODE = re.compile(r"[0-9A-Z]\d{4}|\d{4}[A-Z]")
_TRAILER = "TRL"


class Kind(StrEnum):
    """Which file the amounts were read from."""

    AMOUNTS = "payment amounts"
    RELATIVE_VALUES = "relative values"
    PLAIN = "plain list"


class RatesError(Exception):
    """The file, or the choice of a locality in it, is wrong; `line` is where, 0 the whole file."""

    def __init__(self, message: str, *, line: int = 0) -> None:
        super().__init__(f"line {line}: {message}" if line else message)
        self.line = line


class Rates(msgspec.Struct, frozen=True, kw_only=True):
    """A clinic's amounts, and for which days they hold; `locality` None: the whole nation's."""

    id: str
    name: str
    source: str
    first: date
    last: date
    locality: str | None = None
    amounts: dict[str, Decimal]

    def encode(self) -> bytes:
        """Canonical JSON, to be kept with what was signed by it."""
        return msgspec.json.encode(self, order="sorted")

    @classmethod
    def decode(cls, data: bytes) -> Rates:
        return msgspec.json.decode(data, type=cls)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What was read from a file."""

    kind: Kind
    amounts: dict[str, Decimal]
    locality: str | None = None  # carrier and locality, `01112-05`


@dataclass(frozen=True, slots=True)
class _Row:
    line: int
    cells: list[str]


_Reader = Callable[[Iterator[_Row], int, frozenset[str], str | None], Found]


def read(
    lines: Iterable[str], *, year: int, codes: Collection[str], locality: str | None = None
) -> Found:
    """The amounts of `codes`.

    Raises:
        RatesError: it is none of the three files, of another year, holds several localities of
            which none was chosen, or a line in it is wrong.
    """
    rows = _rows(lines)
    head = list(islice(rows, _HEAD))
    reader = _reader_of(head)
    found = reader(_again(head, rows), year, frozenset(codes), locality)
    if not found.amounts:
        raise RatesError("none of the codes that the rules know has an amount in it")
    return found


def _rows(lines: Iterable[str]) -> Iterator[_Row]:
    reader = csv.reader(lines, strict=True)
    try:
        for cells in reader:
            stripped = [cell.strip().lstrip("\ufeff") for cell in cells]
            if any("\0" in cell for cell in stripped):
                raise RatesError("holds a byte that no text has", line=reader.line_num)
            if any(stripped):
                yield _Row(reader.line_num, stripped)
    except (csv.Error, UnicodeDecodeError) as exc:
        raise RatesError(f"is no CSV ({exc})", line=reader.line_num) from exc


def _again(head: list[_Row], rows: Iterator[_Row]) -> Iterator[_Row]:
    yield from head
    yield from rows


def _reader_of(head: list[_Row]) -> _Reader:
    if not head:
        raise RatesError("the file is empty")
    first = head[0].cells
    if len(first) >= _AMOUNT_COLUMNS and _YEAR.fullmatch(first[0]):
        return _read_amounts
    if any(_is_columns(row) for row in head):
        return _read_relative_values
    if len(first) == len(_PLAIN_COLUMNS):
        return _read_plain
    raise RatesError(
        "is no payment amount file, no relative value file and no list of code and amount",
        line=head[0].line,
    )


# The payment amount file -------------------------------------------------------------------------

_AMOUNT_COLUMNS = 7


def _read_amounts(
    rows: Iterator[_Row], year: int, codes: frozenset[str], locality: str | None
) -> Found:
    places: dict[str, dict[str, Decimal]] = {}
    for row in rows:
        if row.cells[0] == _TRAILER:
            continue
        if len(row.cells) < _AMOUNT_COLUMNS:
            raise RatesError(
                f"{_AMOUNT_COLUMNS} columns or more, not {len(row.cells)}", line=row.line
            )
        of_year, carrier, place, code, modifier, amount, *_ = row.cells
        if of_year != str(year):
            raise RatesError(f"is of {of_year}, not of {year}", line=row.line)
        at = places.setdefault(f"{carrier}-{place}", {})
        if code in codes and not modifier:
            _put(at, code, _money(amount, row), row)
    chosen = _chosen(sorted(places), locality)
    return Found(kind=Kind.AMOUNTS, amounts=places[chosen], locality=chosen)


def _chosen(places: list[str], wanted: str | None) -> str:
    if wanted is None:
        if len(places) == 1:
            return places[0]
        raise RatesError(f"it holds {len(places)} localities: choose one, {_some(places)}")
    plain = wanted.replace("-", "").replace(" ", "")
    for place in places:
        if place.replace("-", "") == plain:
            return place
    near = [place for place in places if place.startswith(plain[:5])] or places
    raise RatesError(f"no locality {wanted} in it; there is {_some(near)}")


def _some(places: list[str]) -> str:
    shown = ", ".join(places[:8])
    return f"{shown}, …" if len(places) > len(places[:8]) else shown


# The relative value file -------------------------------------------------------------------------


def _is_columns(row: _Row) -> bool:
    return row.cells[0].upper() == "HCPCS" and "FACTOR" in map(str.upper, row.cells)


def _read_relative_values(
    rows: Iterator[_Row], year: int, codes: frozenset[str], locality: str | None
) -> Found:
    """The nation's amounts: no practice cost index is applied."""
    if locality is not None:
        raise RatesError("a relative value file is the whole nation's: it has no localities")
    total, factor = _columns(rows, year)
    amounts: dict[str, Decimal] = {}
    for row in rows:
        code, modifier = (*row.cells, "", "")[:2]
        if code not in codes or modifier:
            continue
        if len(row.cells) <= max(total, factor):
            raise RatesError(f"{code} has too few columns", line=row.line)
        units, rate = _number(row.cells[total], row), _number(row.cells[factor], row)
        _put(amounts, code, (units * rate).quantize(_CENT, ROUND_HALF_UP), row)
    return Found(kind=Kind.RELATIVE_VALUES, amounts=amounts)


def _columns(rows: Iterator[_Row], year: int) -> tuple[int, int]:
    """Where the non-facility total (the first of two) and the conversion factor stand."""
    for row in rows:
        cells = [cell.upper() for cell in row.cells]
        if _is_columns(row):
            if "TOTAL" not in cells:
                raise RatesError("no column of totals", line=row.line)
            return cells.index("TOTAL"), cells.index("FACTOR")
        named = {found[0] for cell in cells for found in _YEAR.finditer(cell)}
        if named and "RELATIVE VALUE" in " ".join(cells) and str(year) not in named:
            raise RatesError(f"is of {', '.join(sorted(named))}, not of {year}", line=row.line)
    raise RatesError("no line of columns")


# A plain list ------------------------------------------------------------------------------------

_PLAIN_COLUMNS = ("code", "amount")


def _read_plain(
    rows: Iterator[_Row],
    year: int,  # noqa: ARG001 -- the file does not say
    codes: frozenset[str],
    locality: str | None,
) -> Found:
    amounts: dict[str, Decimal] = {}
    for number, row in enumerate(rows):
        if number == 0 and tuple(cell.lower() for cell in row.cells) == _PLAIN_COLUMNS:
            continue
        if len(row.cells) != len(_PLAIN_COLUMNS):
            raise RatesError(f"a code and an amount, not {len(row.cells)} columns", line=row.line)
        code, amount = row.cells
        if not _CODE.fullmatch(code):
            raise RatesError(f"{code!r} is no code", line=row.line)
        money = _money(amount.removeprefix("$"), row)
        if code in codes:
            _put(amounts, code, money, row)
    return Found(kind=Kind.PLAIN, amounts=amounts, locality=locality)


# What they share ---------------------------------------------------------------------------------


def _put(amounts: dict[str, Decimal], code: str, amount: Decimal, row: _Row) -> None:
    if amount >= _MOST:
        raise RatesError(f"{amount} for {code} is no amount", line=row.line)
    if amounts.get(code, amount) != amount:
        raise RatesError(f"{code} has another amount before", line=row.line)
    if amount:
        amounts[code] = amount


def _money(text: str, row: _Row) -> Decimal:
    amount = _number(text, row)
    if amount != amount.quantize(_CENT):
        raise RatesError(f"{text!r} is more exact than a cent", line=row.line)
    return amount.quantize(_CENT)


def _number(text: str, row: _Row) -> Decimal:
    try:
        number = Decimal(text)
    except InvalidOperation as exc:
        raise RatesError(f"{text!r} is no number", line=row.line) from exc
    if not number.is_finite() or not 0 <= number < _MOST:
        raise RatesError(f"{text!r} is no amount", line=row.line)
    return number
