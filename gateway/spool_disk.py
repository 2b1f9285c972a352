"""What runs on the spool's thread: the file, opened when it can be, replaced when it must be."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import TypeVar

import structlog

from gateway import spool_salvage
from gateway.spool_file import SpoolFile
from gateway.spool_health import SpoolState, SpoolUnavailable, state_of
from gateway.spool_salvage import Opened

T = TypeVar("T")

RESERVE_BYTES = 1_048_576  # given up on a full disk, so that receipts can still be worked off

log = structlog.get_logger(__name__)


class Disk:
    """The spool's place on the disk. `state` is what the last write met; blocking."""

    def __init__(self, path: Path, now: datetime, max_bytes: int | None = None) -> None:
        self.path = path
        self.now = now
        self.state = SpoolState.OK
        self.set_aside: Path | None = None
        self.recovered = 0
        self._max_bytes = max_bytes
        self._file: SpoolFile | None = None
        self._reserve = path.with_name(f"{path.name}.reserve")

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def do(self, work: Callable[[SpoolFile], T], *, spare: bool = False) -> T:
        """`spare`: work that makes room, and may have the reserve for it.

        Raises:
            SpoolUnavailable: nothing of it was done. What only a corrupt file stood in the way of
                is done on a new one.
        """
        try:
            try:
                return work(self._opened())
            except sqlite3.Error as exc:
                if not self._mended(state_of(exc), spare=spare):
                    raise
            return work(self._opened())
        except (sqlite3.Error, OSError) as exc:
            self._say(state_of(exc))
            raise SpoolUnavailable(self.state) from exc

    def probe(self) -> None:
        """Whether a visit's readings would be durable: written, and taken back. Sets `state`."""
        with suppress(SpoolUnavailable):
            self.do(self._probe)
            self._say(SpoolState.OK)

    def _probe(self, file: SpoolFile) -> None:
        file.probe()
        self._keep_reserve()

    def _opened(self) -> SpoolFile:
        if self._file is None:
            opened = spool_salvage.open_file(self.path, self.now, max_bytes=self._max_bytes)
            self._file = self._noted(opened)
            self._file.forget_said(self.now)
        return self._file

    def _noted(self, opened: Opened) -> SpoolFile:
        if opened.aside is not None:
            self.set_aside = opened.aside
            self.recovered += opened.recovered
            log.error("spool_corrupt", kept=opened.aside.name, recovered=opened.recovered)
        return opened.file

    def _mended(self, state: SpoolState, *, spare: bool) -> bool:
        """Whether it is worth another try."""
        if state is SpoolState.CORRUPT and self._file is not None:
            self.close()
            opened = spool_salvage.replace(self.path, self.now, max_bytes=self._max_bytes)
            self._file = self._noted(opened)
            return True
        if state is SpoolState.FULL and spare and self._reserve.exists():
            self._reserve.unlink()
            return True
        return False

    def _say(self, state: SpoolState) -> None:
        if state is not self.state:
            log.warning("spool_state", state=state.value, before=self.state.value)
        self.state = state

    def _keep_reserve(self) -> None:
        if self._reserve.exists():
            return
        try:
            with self._reserve.open("wb") as file:
                os.posix_fallocate(file.fileno(), 0, RESERVE_BYTES)
        except OSError:
            self._reserve.unlink(missing_ok=True)
            raise

    def free_bytes(self) -> int | None:
        """Of the file system; none where not even that can be told."""
        with suppress(OSError):
            return shutil.disk_usage(self.path.parent).free
        return None

    def kept_aside(self) -> int:
        return len(spool_salvage.kept_aside(self.path))
