"""Clinics are walls in the database (I9): with a row in every table, the wrong clinic sees none."""

from __future__ import annotations

from datetime import timedelta

import psycopg
import pytest

from store import (
    audit,
    billing_policy,
    fixtures,
    gateway_credentials,
    gateway_wishes,
    homes,
    limits,
    retention,
)
from store.audit_keys import KeyRing
from store.audit_seal import seal_waiting
from store.tenancy import clinic_session
from tests.api.test_permissions import furnish
from vitals.clock import utc_now
from vitals.enrolment import verifier_of

RELATIONS = (
    "SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n"
    " ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'v', 'm', 'p') AND (n.nspname = 'public'"
    " OR c.relname LIKE '\\_hyper\\_%')"
)
#: A month that was signed and reopened, a lock, and a draft.
MONTHS = """
INSERT INTO rule_table (clinic_id, sha256, rules, kept_at)
VALUES ('north', encode(sha256('rules'), 'hex'), 'rules', now());
INSERT INTO signed_month (clinic_id, patient_id, month, version, as_of, facts, facts_sha256, result,
                          result_sha256, rules_sha256, rules_version, signed_by, signed_by_name,
                          signed_at)
SELECT 'north', %(patient)s, '2026-01-01', 1, '2026-02-01', 'f', encode(sha256('f'), 'hex'), 'r',
       encode(sha256('r'), 'hex'), sha256, left(sha256, 12), %(by)s, 'P', now() FROM rule_table
WHERE rules = 'rules';
INSERT INTO month_lock (clinic_id, month, locked_by, locked_at)
VALUES ('north', '2026-01-01', %(by)s, now());
INSERT INTO month_evaluation (clinic_id, patient_id, month, facts_sha256, rules_version, as_of,
                              result, computed_at)
VALUES ('north', %(patient)s, '2026-01-01', 'f', 'r', '2026-02-01', 'r', now())
"""
#: A loaded table of amounts.
RATES = """
INSERT INTO rate_table (clinic_id, name, source, during, file_sha256, loaded_by, loaded_at)
VALUES ('north', '2026', 'list', '[2026-01-01,2027-01-01)', 'f', %(by)s, now());
INSERT INTO rate (clinic_id, table_id, code, amount)
SELECT 'north', id, '99490', 71.25 FROM rate_table
"""
#: A file of time that was read, and a line of it that was none.
IMPORTS = """
INSERT INTO time_import (id, clinic_id, file_sha256, columns, imported_by, imported_at)
VALUES (%(patient)s, 'north', sha256('file'), '{note}', %(by)s, now());
INSERT INTO time_import_reject (clinic_id, import_id, line, reason, cells)
VALUES ('north', %(patient)s, 2, 'no such person', '{x}')
"""
#: Filled by others' acts: no row of a clinic is in them here, or they belong to no clinic.
NOT_FILLED = {
    "public.gateway_status", "public.pending_evaluation",
    "public.reading_decision", "public.web_session", "public.sign_in_failure", "public.contact",
    "public._yoyo_log", "public._yoyo_migration", "public._yoyo_version", "public.yoyo_lock",
    "public.reading_view",
}  # fmt: skip


async def seen(conn, relation):
    try:
        return await (await conn.execute(f"SELECT 1 FROM {relation} LIMIT 1")).fetchone()  # noqa: S608
    except psycopg.errors.InsufficientPrivilege:
        return None


async def furnish_gateway(admin, north, now):
    """What is asked of a gateway, a code that was used, and what it brought."""
    by = {"staff": north.staff["admin"], "now": now}
    (home, name) = await (await admin.execute("SELECT home_id, name FROM gateway")).fetchone()
    await gateway_wishes.set_wish(
        admin, "north", name, gateway_wishes.Wish(accept=None, settings={}), **by
    )
    await homes.forget_device(admin, "north", home, "C0:FF:EE:00:00:09", **by)
    await gateway_credentials.issue_code(admin, "north", name, b"code", **by)
    verifier = verifier_of("secret")
    assert await gateway_credentials.redeem(admin, b"code", verifier, now=now)


async def fill(database, admin, north):
    now = utc_now()
    made = await furnish(database, admin, north, number=1)
    await limits.set_limit(
        admin, "north", made["patient_id"], rule="systolic.high", value=150, ucum="mm[Hg]",
        valid_from=now - timedelta(days=1), by=north.staff["provider"], reason="Usual", now=now,
    )  # fmt: skip
    provider = north.staff["provider"]
    await retention.set_rule(admin, "north", 84, reason="Board", by=provider, now=now)
    await billing_policy.set_policy(
        admin, "north", valid_from=now.date().replace(day=1), qhp_time_counts_as_staff=True,
        caps={"99439": 1}, reason="Board", by=provider, now=now,
    )  # fmt: skip
    for statement in (*MONTHS.split(";"), *RATES.split(";"), *IMPORTS.split(";")):
        await admin.execute(statement, {"patient": made["patient_id"], "by": provider})
    await furnish_gateway(admin, north, now)
    (reading,) = await fixtures.read_readings(admin, "north")
    await admin.execute(
        "INSERT INTO evaluation_mark (clinic_id, patient_id, day) VALUES ('north', %s, %s)",
        [made["patient_id"], now.date()],
    )
    async with clinic_session(admin, "north"):
        await audit.record(admin, actor="test", action="test", subject="north", now=now)
    await seal_waiting(admin, KeyRing(current="k1", keys={"k1": b"k" * 32}), clock=utc_now)
    async with clinic_session(admin, "north"):
        await audit.record(admin, actor="test", action="unsealed", subject="north", now=now)
        await retention.cite(admin, [reading["reading_id"]], why="month 1", now=now)


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


async def test_an_account_and_a_ledger_are_changed_by_their_own_people(
    database, admin, north, south
):
    """What the console's role may do in SQL, whatever the console's code does."""
    await fill(database, admin, north)
    nurse, colleague = north.staff["nurse"], north.staff["provider"]
    async with await psycopg.AsyncConnection.connect(
        database.urls["hl_api"], autocommit=True
    ) as conn:
        async with clinic_session(conn, "north", staff=nurse):
            stolen = "UPDATE staff SET password_hash = 'x' WHERE id = %s"
            assert (await conn.execute(stolen, [colleague])).rowcount == 0
            assert (await conn.execute(stolen, [nurse])).rowcount == 1
        copied = (
            "INSERT INTO time_entry (clinic_id, patient_id, staff_id, programme, activity, role,"
            " source, during, state, status, last_activity_at, created_at) SELECT clinic_id,"
            " patient_id, %s, 'CCM', 'call', 'qhp', 'manual', tstzrange(now() - interval '9 days',"
            " now() - interval '8 days'), 'confirmed', 'active', now(), now() FROM (VALUES"
            " ('north', %s::uuid)) AS p (clinic_id, patient_id)"
        )
        (patient,) = await (await admin.execute("SELECT id FROM patient")).fetchone()
        await conn.execute("SELECT set_config('hearthline.clinic', 'south', false)")
        await conn.execute("SELECT set_config('hearthline.staff', %s, false)", [str(colleague)])
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            await conn.execute(copied, [colleague, patient])
