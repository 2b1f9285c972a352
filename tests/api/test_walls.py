"""Clinics are walls in the database (I9): with a row in every table, the wrong clinic sees none."""

from __future__ import annotations

from datetime import timedelta

import psycopg
import pytest

from store import audit, limits
from store.tenancy import clinic_session
from tests.api.test_permissions import furnish
from vitals.clock import utc_now

RELATIONS = (
    "SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n"
    " ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'v', 'm', 'p') AND (n.nspname = 'public'"
    " OR c.relname LIKE '\\_hyper\\_%')"
)
#: Filled by others' acts: no row of a clinic is in them here, or they belong to no clinic.
NOT_FILLED = {
    "public.desired_outbox", "public.gateway_status", "public.pending_evaluation",
    "public.reading_decision", "public.web_session", "public.sign_in_failure", "public.contact",
    "public._yoyo_log", "public._yoyo_migration", "public._yoyo_version", "public.yoyo_lock",
    "public.reading_view",
}  # fmt: skip


async def seen(conn, relation):
    try:
        return await (await conn.execute(f"SELECT 1 FROM {relation} LIMIT 1")).fetchone()  # noqa: S608
    except psycopg.errors.InsufficientPrivilege:
        return None


async def fill(database, admin, north):
    now = utc_now()
    made = await furnish(database, admin, north, number=1)
    await limits.set_limit(
        admin, "north", made["patient_id"], rule="systolic.high", value=150, ucum="mm[Hg]",
        valid_from=now - timedelta(days=1), by=north.staff["provider"], reason="Usual", now=now,
    )  # fmt: skip
    async with clinic_session(admin, "north"):
        await audit.record(admin, actor="test", action="test", subject="north", now=now)


@pytest.mark.parametrize("role", ["hl_api", "hl_worker"])
async def test_a_wrong_clinic_sees_no_row_of_any_table(database, admin, north, south, role):
    await fill(database, admin, north)
    relations = [name for (name,) in await (await admin.execute(RELATIONS)).fetchall()]
    empty = [name for name in relations if not await seen(admin, name)]
    assert set(empty) <= NOT_FILLED, "fill these too: an empty table proves no wall"
    await admin.execute("DELETE FROM staff_membership WHERE clinic_id = 'south'")
    await admin.execute("DELETE FROM staff WHERE email LIKE '%@south.example'")
    url = database.urls[role]
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as conn:
        await conn.execute("SELECT set_config('hearthline.clinic', 'elsewhere', false)")
        assert [name for name in relations if await seen(conn, name)] == []
        await conn.execute("SELECT set_config('hearthline.clinic', 'north', false)")
        assert await seen(conn, "public.alert")
