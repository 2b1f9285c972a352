from __future__ import annotations

import psycopg
import pytest

from tests.ccm_link.export.story import tell


@pytest.fixture
async def story(database, admin):
    return await tell(database, admin)


@pytest.fixture
async def console(database):
    """A connection as the console has it: the walls hold."""
    async with await psycopg.AsyncConnection.connect(
        database.urls["hl_api"], autocommit=True, options="-c timezone=UTC"
    ) as conn:
        yield conn
