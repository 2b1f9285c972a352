"""Small file systems of a test's own, that are really full or really read-only."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def mounted(where: Path, *, size_kb: int = 4096, read_only: bool = False) -> Iterator[Path]:
    """A tmpfs at `where`; needs root, as the tests of a full database disk do."""
    where.mkdir(exist_ok=True)
    options = f"size={size_kb}k" + (",ro" if read_only else "")
    command = ["/bin/mount", "-t", "tmpfs", "-o", options, "tmpfs", str(where)]
    if os.geteuid() != 0 or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("needs root, to mount a small file system")
    try:
        yield where
    finally:
        subprocess.run(["/bin/umount", str(where)], check=True)


def remount(where: Path, options: str) -> None:
    subprocess.run(["/bin/mount", "-o", f"remount,{options}", str(where)], check=True)


def fill(where: Path) -> Path:
    """Takes what is left of the disk, to the last byte."""
    filler = where / "filler"
    with filler.open("wb", buffering=0) as file:
        for size in (65_536, 512, 1):
            try:
                while True:
                    file.write(bytes(size))
            except OSError:
                continue
    return filler
