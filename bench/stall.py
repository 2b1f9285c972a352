"""The database stands still under full load: does the worker's memory stand still as well?

The broker is full of the largest envelopes; PostgreSQL's processes for the benchmark's database are
stopped with SIGSTOP, which no timeout of theirs survives, and go on after a while. What the worker
then holds is bounded by the receive maximum times the largest packet, whatever the broker holds.
"""

from __future__ import annotations

import os
import signal
import time
from functools import partial
from pathlib import Path
from typing import Any

from bench.report import say
from bench.track import PATIENCE_S, Load, packed, publishing
from ingest.settings import MAX_PACKET, RECEIVE_MAXIMUM
from scripts.spine import WORKERS, Spine
from store.race import Track, until
from vitals.wire import MAX_READINGS

READINGS = 600 * MAX_READINGS  # more envelopes than a worker may hold at once
SETTLED_S = 10.0  # when the window has filled; growth is counted from here
_LOOK_S = 0.5
_KB = 1024


def watch(spine: Spine, track: Track, port: int, load: Load, *, seconds: float) -> dict[str, Any]:
    """RSS of the worker in MB: before, at `SETTLED_S`, at the end of the stall, and the most."""
    file = packed(spine.work, "stall.packets", load.ours())
    counting = partial(track.count_readings, load.since, load.until)
    name = WORKERS[0]
    spine.start_ingest(name)
    pid = spine.children[name].pid
    idle = _rss_mb(pid)
    sender = publishing(file, port)
    stopped = track.backends()
    for backend in stopped:
        os.kill(backend, signal.SIGSTOP)
    try:
        sender.go()
        seen = _look(pid, seconds)
    finally:
        for backend in stopped:
            os.kill(backend, signal.SIGCONT)
    arrived = until(counting, load.count, timeout_s=PATIENCE_S, look_s=_LOOK_S)
    sender.line("sent")
    sender.end()
    spine.stop(name)
    if not arrived:
        raise RuntimeError(f"{counting()} of {load.count} readings arrived after a stall")
    settled = [mb for at, mb in seen if at >= SETTLED_S] or [seen[-1][1]]
    say(f"stalled {seconds:.0f} s: {idle} MB idle, {settled[0]} then {settled[-1]} MB")
    return {
        "seconds": seconds,
        "receive_maximum": RECEIVE_MAXIMUM,
        "largest_packet_bytes": MAX_PACKET,
        "idle_mb": idle,
        "settled_mb": settled[0],
        "end_mb": settled[-1],
        "most_mb": max(mb for _, mb in seen),
        "stored_afterwards": load.count,
    }


def _look(pid: int, seconds: float) -> list[tuple[float, int]]:
    started = time.monotonic()
    seen: list[tuple[float, int]] = []
    while (at := time.monotonic() - started) < seconds:
        seen.append((at, _rss_mb(pid)))
        time.sleep(_LOOK_S)
    return seen


def _rss_mb(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text("utf-8").splitlines()
    return int(next(line for line in lines if line.startswith("VmRSS")).split()[1]) // _KB
