"""The console's pages, a file each; `ROUTERS` is all of them."""

from __future__ import annotations

from api.pages import settings, sign_in, staff, task, timers, worklist

ROUTERS = (
    sign_in.router,
    worklist.router,
    task.router,
    timers.router,
    staff.router,
    settings.router,
)
