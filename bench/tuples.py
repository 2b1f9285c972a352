"""Rows in PostgreSQL's binary COPY format, thousands at once: columns in, bytes out. Pure.

A column is one value for all rows (`bytes`, None for null) or a matrix with a row of bytes each,
all of one length: then a run of rows is one matrix, and no loop of Python's goes over it. Binary
formats: integers and floats big-endian, instants in microseconds since 2000, jsonb with a version.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from datetime import date

import numpy as np
import numpy.typing as npt

Matrix = npt.NDArray[np.uint8]
Column = bytes | Matrix | None
_EPOCH = np.datetime64("2000-01-01T00:00:00", "us")
FALSE = b"\0"
_NULL = struct.pack(">i", -1)
_TEXT_OID, _INFINITE_ABOVE, _LOWER_INCLUDED = 25, 0x10, 0x02


def pack(columns: Sequence[Column], rows: int) -> bytes:
    """`rows` tuples, each with its count of fields and every field with its length."""
    pieces: list[Column] = [struct.pack(">h", len(columns))]
    for column in columns:
        if column is None:
            pieces.append(_NULL)
        else:
            width = len(column) if isinstance(column, bytes) else column.shape[1]
            pieces += [struct.pack(">i", width), column]
    return join(pieces, rows).tobytes()


def join(pieces: Sequence[Column], rows: int) -> Matrix:
    """The pieces side by side, as one matrix."""
    found = [_matrix(piece, rows) for piece in pieces if piece is not None]
    return np.concatenate(found, axis=1)


def _matrix(piece: bytes | Matrix, rows: int) -> Matrix:
    if isinstance(piece, bytes):
        return np.broadcast_to(np.frombuffer(piece, np.uint8), (rows, len(piece)))
    return piece


def _bytes_of(values: npt.NDArray[np.generic], dtype: str) -> Matrix:
    return values.astype(dtype).view(np.uint8).reshape(len(values), -1)


def texts(values: Sequence[str] | Sequence[bytes]) -> Matrix:
    """All of one length, in ASCII."""
    found = np.array(values, dtype="S")
    return found.view(np.uint8).reshape(len(values), -1)


def float8(values: npt.NDArray[np.generic]) -> Matrix:
    return _bytes_of(values, ">f8")


def int8(values: npt.NDArray[np.generic]) -> Matrix:
    return _bytes_of(values, ">i8")


def timestamps(values: npt.NDArray[np.datetime64]) -> Matrix:
    """Columns of timestamp and of timestamptz alike: the values are UTC."""
    return _bytes_of((values - _EPOCH) / np.timedelta64(1, "us"), ">i8")


def jsonb(text: bytes) -> bytes:
    return b"\x01" + text


def int4(value: int) -> bytes:
    return struct.pack(">i", value)


def day(value: date) -> bytes:
    return struct.pack(">i", (value - date(2000, 1, 1)).days)


def text_array(values: Sequence[str]) -> bytes:
    if not values:
        return struct.pack(">iii", 0, 0, _TEXT_OID)
    encoded = [value.encode() for value in values]
    head = struct.pack(">iiiii", 1, 0, _TEXT_OID, len(encoded), 1)
    return head + b"".join(struct.pack(">i", len(one)) + one for one in encoded)


def since(value: np.datetime64) -> bytes:
    """The tstzrange `[value,)`."""
    micros = int((value - _EPOCH) / np.timedelta64(1, "us"))
    return struct.pack(">Biq", _INFINITE_ABOVE | _LOWER_INCLUDED, 8, micros)
