"""One clinic with a home whose devices can write readings."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from store.pool import connection
from tests.api.patient.seed import Home, make_home


@pytest.fixture
async def home(admin: Any, database: Any, north: Any) -> Home:
    return await make_home(admin, database, "north")


@pytest.fixture
async def conn(app: Any) -> AsyncIterator[Any]:
    """As the console connects: hl_api."""
    async with connection(app.state.pool) as opened:
        yield opened


@pytest.fixture
def shots(request: pytest.FixtureRequest) -> Path | None:
    """Where screenshots are put, for a person to look at: `HEARTHLINE_SHOTS=folder`."""
    folder = os.environ.get("HEARTHLINE_SHOTS")
    if not folder:
        return None
    made = Path(folder) / str(request.node.originalname)
    made.mkdir(parents=True, exist_ok=True)
    return made
