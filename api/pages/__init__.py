"""The console's pages, a file each; `ROUTERS` is all of them."""

from __future__ import annotations

from api.pages import (
    devices,
    homes,
    month,
    quarantine,
    settings,
    sign_in,
    staff,
    task,
    timers,
    unassigned,
    worklist,
)

ROUTERS = (
    sign_in.router,
    worklist.router,
    task.router,
    timers.router,
    month.router,
    homes.router,
    devices.router,
    unassigned.router,
    quarantine.router,
    staff.router,
    settings.router,
)
