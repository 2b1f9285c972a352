"""The console's pages, a file each; `ROUTERS` is all of them."""

from __future__ import annotations

from api.pages import sign_in

ROUTERS = (sign_in.router,)
