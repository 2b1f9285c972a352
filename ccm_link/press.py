"""PDFs are drawn in processes of their own: a large one takes seconds and hundreds of megabytes.

A few at once, the others wait; one that takes too long, or that nobody waits for, is ended.
"""

from __future__ import annotations

import asyncio
import sys
from asyncio.subprocess import PIPE

AT_ONCE = 2
LONGEST_S = 300.0  # a thousand readings take about twenty seconds


class PressFailed(Exception):
    """The PDF could not be drawn; the JSON that it is drawn from can still be had."""


class Press:
    """Made once a process; `pdf` may be called by anybody."""

    def __init__(self, *, at_once: int = AT_ONCE, longest_s: float = LONGEST_S) -> None:
        self._turns = asyncio.Semaphore(at_once)
        self._longest_s = longest_s

    async def pdf(self, packet: bytes) -> bytes:
        """The PDF of a packet's JSON.

        Raises:
            PressFailed: it took too long, or the process ended badly.
        """
        async with self._turns:
            drawing = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "ccm_link.packet_pdf", stdin=PIPE, stdout=PIPE, stderr=PIPE
            )
            try:
                async with asyncio.timeout(self._longest_s):
                    made, said = await drawing.communicate(packet)
            except TimeoutError as late:
                raise PressFailed(f"not drawn within {self._longest_s:g} s") from late
            finally:
                if drawing.returncode is None:
                    drawing.kill()
                    await drawing.wait()
        if drawing.returncode != 0:
            raise PressFailed(_last_line(said))
        return made


def _last_line(said: bytes) -> str:
    """The kind of the error, which names nobody; what it was about stays out of the log."""
    *_, last = said.decode(errors="replace").strip().splitlines() or ["no word"]
    return last.partition(":")[0]
