"""The exported ends of the chains: one JSON object a line, for a place outside the database.

Lines of other things are passed over and unknown fields ignored, so that collected logs of the
sealer serve as well; several lines of one clinic all have to hold.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import msgspec

from store.audit_chain import Head


class HeadFileError(Exception):
    """The file of exported heads cannot be used."""


class _Line(msgspec.Struct):
    clinic: str
    position: int
    key: str
    mac: str


def line(head: Head) -> str:
    fields = _Line(clinic=head.clinic, position=head.position, key=head.key, mac=head.mac)
    return msgspec.json.encode(fields).decode()


def read(path: Path) -> list[Head]:
    """Raises HeadFileError where nothing in the file is a head: a wrong file proves nothing."""
    try:
        lines = path.read_bytes().splitlines()
    except OSError as exc:
        raise HeadFileError(f"{path}: {exc.strerror}") from exc
    heads = [head for text in lines if (head := _parsed(text))]
    if lines and not heads:
        raise HeadFileError(f"{path} holds no head of an audit chain")
    return heads


def _parsed(text: bytes) -> Head | None:
    try:
        found = msgspec.json.decode(text, type=_Line)
    except msgspec.DecodeError:
        return None
    return Head(clinic=found.clinic, position=found.position, key=found.key, mac=found.mac.lower())


def write(path: Path, heads: Iterable[Head]) -> None:
    """Whole or not at all: a reader never sees half a file, nor does a power cut leave one."""
    new = path.with_name(path.name + ".new")
    with new.open("w", encoding="utf-8") as file:
        file.writelines(line(head) + "\n" for head in sorted(heads, key=lambda h: h.clinic))
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)
