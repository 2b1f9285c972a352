from __future__ import annotations

import pytest

from tests.alerts.clinics import Clinic


@pytest.fixture
async def clinic(database, admin) -> Clinic:
    return await Clinic("north", database, admin).open(people=2)
