"""The machine's bluetoothd, to be killed and started again."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

PROGRAM = "/usr/libexec/bluetooth/bluetoothd"


class Daemon:
    def __init__(self, log: Path) -> None:
        self._log = log

    def kill(self) -> None:
        """Without a word to anybody."""
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit() and _runs(entry):
                os.kill(int(entry.name), signal.SIGKILL)

    def start(self) -> None:
        with self._log.open("ab") as log:
            subprocess.Popen([PROGRAM, "-n"], stdout=log, stderr=log)


def _runs(entry: Path) -> bool:
    try:
        return (entry / "exe").readlink() == Path(PROGRAM)
    except OSError:
        return False
