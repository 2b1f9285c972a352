from __future__ import annotations

import pytest

from tests.ccm_link.months.closed import Closed


@pytest.fixture
async def closed(database, admin):
    async with Closed(database, admin) as closed:
        await closed.open_clinic("north", zone="America/New_York")
        yield closed


@pytest.fixture
async def api(closed):
    return await closed.connect("hl_api")


@pytest.fixture
async def biller(closed):
    return await closed.staff("Bill Biller", "biller")
