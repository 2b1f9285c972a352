"""Waiting for what another process does."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

_LOOK_S = 0.02


async def until(done: Callable[[], bool], *, timeout_s: float) -> bool:
    """Whether it came about in time."""
    deadline = time.monotonic() + timeout_s
    while not done():
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(_LOOK_S)
    return True
