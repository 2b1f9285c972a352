"""A reading is given to another patient while a worker has it in hand."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import psycopg
import pytest

from tests.store.reassigning import CRISIS, household

pytestmark = pytest.mark.services


@pytest.fixture
async def house(admin, home, database):
    async with AsyncExitStack() as opened:
        yield await household(admin, database.urls, opened)


async def _waits(house, query: str) -> None:
    async with asyncio.timeout(20):
        while not await house.rows(
            "SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
            " AND datname = current_database() AND strpos(query, %s) > 0",
            query,
        ):
            await asyncio.sleep(0.02)


async def test_what_is_found_meanwhile_does_not_stay_with_the_wrong_patient(house, database):
    crisis = await house.measure(3, CRISIS)
    async with await psycopg.AsyncConnection.connect(database.admin) as blocker:
        await blocker.execute("LOCK TABLE alert_event IN SHARE MODE")
        judging = asyncio.create_task(house.judge())
        await _waits(house, "INSERT INTO alert_event")
        giving = asyncio.create_task(house.give(5, 1))
        await _waits(house, "pg_advisory_xact_lock")
    await asyncio.gather(judging, giving)
    await house.judge()
    (anns,), (bens,) = await house.alerts(house.ann), await house.alerts(house.ben)
    assert anns["review_reason"]
    assert (bens["state"], bens["severity"]) == ("firing", "critical")
    standing = await house.rows(
        "SELECT patient_id FROM finding WHERE reading_id = %s AND withdrawn_at IS NULL", crisis
    )
    assert [row["patient_id"] for row in standing] == [house.ben]
