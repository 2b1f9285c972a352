"""One clinic with a home whose devices can write readings."""

from __future__ import annotations

from collections.abc import AsyncIterator
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
