from __future__ import annotations

import pytest

from tests.ccm_link.work.ward import Ward


@pytest.fixture
async def ward(database, admin):
    async with Ward(database, admin) as ward:
        await ward.open_clinic("north", zone="America/New_York")
        yield ward
