"""Taking a database's files out of the system's cache, so that the disk is read next.

Only of a server whose files are here: this clone's own. Nobody else's pages are touched. The
server's own buffers stay; they hold a small part of a database that is worth measuring.
"""

from __future__ import annotations

import os
from pathlib import Path

from scripts.spine import ROOT
from store import measure

_SERVER = ROOT / ".local" / "pg"


def forget(admin_url: str) -> bool:
    """Whether its files were found and forgotten."""
    folder = _SERVER / measure.folder(admin_url)
    if not folder.is_dir():
        return False
    measure.checkpoint(admin_url)
    os.sync()  # a page that is not on the disk yet cannot be forgotten
    for file in folder.iterdir():
        _forget(file)
    return True


def _forget(file: Path) -> None:
    with file.open("rb") as opened:
        os.posix_fadvise(opened.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
