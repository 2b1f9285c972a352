"""Why the spool cannot keep anything just now, in a closed set of words. Pure.

SpoolUnavailable    carries a `SpoolState`; nothing was written, nothing was taken back
"""

from __future__ import annotations

import errno
import sqlite3
from enum import StrEnum


class SpoolState(StrEnum):
    """The set is closed: it is a metric label and stands in the status."""

    OK = "ok"
    FULL = "full"  # no room on the disk, or as much as the spool may take
    READ_ONLY = "read_only"  # the file system or the file takes no writes
    UNWRITABLE = "unwritable"  # the folder or the file cannot be opened or made
    FAILING = "failing"  # the disk answers with errors, or another process holds the file
    CORRUPT = "corrupt"  # met just now: about to be set aside


_STATES = {
    sqlite3.SQLITE_FULL: SpoolState.FULL,
    sqlite3.SQLITE_READONLY: SpoolState.READ_ONLY,
    sqlite3.SQLITE_CANTOPEN: SpoolState.UNWRITABLE,
    sqlite3.SQLITE_PERM: SpoolState.UNWRITABLE,
    sqlite3.SQLITE_AUTH: SpoolState.UNWRITABLE,
    sqlite3.SQLITE_CORRUPT: SpoolState.CORRUPT,
    sqlite3.SQLITE_NOTADB: SpoolState.CORRUPT,
}
_OS_STATES = {
    errno.ENOSPC: SpoolState.FULL,
    errno.EDQUOT: SpoolState.FULL,
    errno.EROFS: SpoolState.READ_ONLY,
    errno.EIO: SpoolState.FAILING,
}
_PRIMARY = 0xFF  # an extended code says more in its upper bytes


class SpoolUnavailable(Exception):
    """The spool could not do what was asked; the caller's reading is not durable."""

    def __init__(self, state: SpoolState) -> None:
        super().__init__(state.value)
        self.state = state


def state_of(exc: sqlite3.Error | OSError) -> SpoolState:
    """What an error of SQLite, or of making its folder, says of the spool."""
    if isinstance(exc, OSError):
        return _OS_STATES.get(exc.errno or 0, SpoolState.UNWRITABLE)
    code = getattr(exc, "sqlite_errorcode", None)
    if code is None:  # our own verdict of a check, or the module's: the file is not to be trusted
        return SpoolState.CORRUPT if type(exc) is sqlite3.DatabaseError else SpoolState.FAILING
    return _STATES.get(code & _PRIMARY, SpoolState.FAILING)
