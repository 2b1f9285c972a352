"""The sealer's keys: a file outside the database, one `ID SECRET` line each, the last one in use.

Old keys stay in the file, else what they sealed could not be verified. The database holds ids only.
"""

from __future__ import annotations

import base64
import binascii
import os
import re
import secrets
from dataclasses import dataclass
from pathlib import Path

_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_KEY_BYTES = 32
_FORBIDDEN = 0o037  # written by the group, or anything at all by others
_FILE_MODE = 0o600


class KeyFileError(Exception):
    """The key file cannot be used; the message says why and holds no key."""


@dataclass(frozen=True, slots=True)
class KeyRing:
    """`current` seals; all of them verify."""

    current: str
    keys: dict[str, bytes]


def load_keys(path: Path) -> KeyRing:
    """Raises KeyFileError: missing, open to others, or not readable as keys."""
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode & 0o777
            lines = file.read().decode("ascii").splitlines()
    except (OSError, UnicodeDecodeError) as exc:
        raise KeyFileError(f"{path}: {getattr(exc, 'strerror', None) or 'not text'}") from exc
    if mode & _FORBIDDEN:
        raise KeyFileError(f"{path} has mode {mode:04o}, others may get at it: chmod 600")
    keys: dict[str, bytes] = {}
    for number, line in enumerate(lines, start=1):
        name, key = _parsed(line, f"{path}, line {number}")
        if name in keys:
            raise KeyFileError(f"{path}, line {number}: {name} is there twice")
        keys[name] = key
    if not keys:
        raise KeyFileError(f"{path} holds no key")
    return KeyRing(current=list(keys)[-1], keys=keys)


def _parsed(line: str, where: str) -> tuple[str, bytes]:
    name, _, text = line.partition(" ")
    try:
        key = base64.b64decode(text, validate=True)
    except binascii.Error as exc:
        raise KeyFileError(f"{where}: the key is not base64") from exc
    if not _ID.fullmatch(name) or len(key) < _KEY_BYTES:
        raise KeyFileError(f"{where}: not `ID` and a base64 key of {_KEY_BYTES} bytes or more")
    return name, key


def add_key(path: Path) -> str:
    """Make the file (0600), or append a key that seals from now on; returns the new key's id."""
    existing = load_keys(path).keys if path.exists() else {}
    number = len(existing) + 1
    while (name := f"k{number}") in existing:
        number += 1
    line = f"{name} {base64.b64encode(secrets.token_bytes(_KEY_BYTES)).decode()}\n"
    with os.fdopen(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND, _FILE_MODE), "w") as file:
        file.write(line)
        file.flush()
        os.fsync(file.fileno())
    return name
