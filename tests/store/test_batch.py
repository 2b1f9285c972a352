from __future__ import annotations

from datetime import timedelta

import psycopg
import pytest

from store.batch import write_batch
from store.errors import DataRefused
from store.fixtures import assign, counts, read_readings, register_device, register_patient
from store.provision import migrate
from tests.store.make import CUFF, NOW, reading, row
from vitals.reading import Absent, Certainty, ClockCorrection, Comparator, Kind, Measure, coded

pytestmark = pytest.mark.services


@pytest.fixture
async def ingest(database, home):
    url = database.urls["hl_ingest"]
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as conn:
        yield conn


async def _patient(admin):
    await register_device(admin, "north", CUFF)
    return await register_patient(admin, "north", family_name="Roe", given_name="Ann")


async def test_a_reading_sent_twice_is_one_row(ingest, admin):
    first = await write_batch(ingest, readings=[row(1), row(1), row(2)], quarantined=[])
    again = await write_batch(ingest, readings=[row(1), row(3)], quarantined=[])
    assert (len(first.stored), first.unassigned) == (2, 2)
    assert (len(again.stored), len(again.duplicate)) == (1, 1)
    assert (await counts(admin, "north"))["readings"] == 3


async def test_a_clock_correction_changes_no_identity(ingest, admin):
    moved = row(1, measured_at=NOW - timedelta(days=30))
    await write_batch(ingest, readings=[row(1)], quarantined=[])
    outcome = await write_batch(ingest, readings=[moved], quarantined=[])
    assert not outcome.stored
    assert (await counts(admin, "north"))["readings"] == 1


async def test_two_equal_weights_without_a_clock_are_two_rows(ingest, admin):
    weights = [
        row(
            0,
            values=[coded(Measure.WEIGHT, 70.0)],
            kind=Kind.WEIGHT,
            device_time=None,
            minted=True,
            received_at=NOW - timedelta(seconds=s),
        )
        for s in (1, 2)
    ]
    assert len((await write_batch(ingest, readings=weights, quarantined=[])).stored) == 2


async def test_the_patient_is_whose_assignment_was_in_force(ingest, admin):
    patient = await _patient(admin)
    await assign(admin, "north", device=CUFF, patient=patient, starts_at=NOW - timedelta(hours=1))
    outcome = await write_batch(ingest, readings=[row(1), row(90)], quarantined=[])
    assert outcome.unassigned == 1
    assert (await counts(admin, "north"))["pending"] == 1


async def test_an_assignment_takes_the_kept_readings_of_its_time(ingest, admin):
    await write_batch(ingest, readings=[row(1), row(90)], quarantined=[])
    patient = await _patient(admin)
    await assign(admin, "north", device=CUFF, patient=patient, starts_at=NOW - timedelta(hours=1))
    found = await read_readings_of(admin)
    assert sorted(found, key=str) == sorted([patient, None], key=str)
    assert (await counts(admin, "north"))["pending"] == 1


async def read_readings_of(admin):
    return [r["patient_id"] for r in await admin_rows(admin)]


async def admin_rows(admin):
    return await read_readings(admin, "north")


async def test_a_time_that_may_be_either_side_of_a_boundary_is_held(ingest, admin):
    patient = await _patient(admin)
    await assign(admin, "north", device=CUFF, patient=patient, starts_at=NOW - timedelta(hours=1))
    clock = ClockCorrection(certainty=Certainty.HOME_ZONE, uncertainty_s=7200.0)
    outcome = await write_batch(ingest, readings=[row(1, clock=clock)], quarantined=[])
    assert (outcome.held, await read_readings_of(admin)) == (1, [None])


async def test_failed_and_bounded_values(ingest, admin):
    failed = row(1, values=[coded(Measure.SYSTOLIC, absent=Absent.NAN)])
    high = row(2, values=[coded(Measure.GLUCOSE, comparator=Comparator.ABOVE)], kind=Kind.GLUCOSE)
    await write_batch(ingest, readings=[failed, high], quarantined=[])
    rows = {str(r["reading_id"]): r for r in await admin_rows(admin)}
    assert rows[failed.reading.id]["failed"]
    assert (rows[high.reading.id]["failed"], rows[high.reading.id]["comparator"]) == (False, ">")


async def test_two_people_cannot_hold_one_slot_at_once(admin, home):
    one, other = await _patient(admin), await _patient(admin)
    await assign(admin, "north", device=CUFF, patient=one, starts_at=NOW)
    with pytest.raises(DataRefused):
        await assign(admin, "north", device=CUFF, patient=other, starts_at=NOW + timedelta(days=1))


async def test_one_bad_row_refuses_the_batch(ingest, admin):
    bad = row(2)
    bad.reading.flags.append("a\x00b")
    with pytest.raises(DataRefused):
        await write_batch(ingest, readings=[row(1), bad], quarantined=[])
    assert (await counts(admin, "north"))["readings"] == 0


async def test_migrating_again_changes_nothing(database):
    assert migrate(database.admin) == []


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_event SET actor = 'x'",
        "DELETE FROM audit_event",
        "TRUNCATE audit_event CASCADE",
    ],
)
async def test_the_audit_trail_is_append_only(admin, home, statement):
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        await admin.execute(statement)


@pytest.mark.parametrize("role", ["hl_api", "hl_worker"])
async def test_readings_of_another_clinic_stay_behind_the_wall(ingest, admin, database, role):
    await write_batch(ingest, readings=[row(1)], quarantined=[])
    await _patient(admin)
    relations = await (
        await admin.execute(
            "SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n"
            " ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'v', 'm', 'p') AND (n.nspname ="
            " 'public' OR c.relname LIKE '\\_hyper\\_%')"
        )
    ).fetchall()
    assert len(relations) > 15
    url = database.urls[role]
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as api:
        await api.execute("SELECT set_config('hearthline.clinic', 'south', false)")
        leaks = [name for (name,) in relations if await _rows(api, name)]
        assert leaks == []
        assert await read_readings(api, "north")


async def test_ingest_knows_no_names(ingest, admin, home):
    await _patient(admin)
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        await ingest.execute("SELECT family_name FROM patient")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        await ingest.execute("DELETE FROM reading")


async def _rows(conn, relation):
    try:
        return await (await conn.execute(f"SELECT 1 FROM {relation} LIMIT 1")).fetchall()  # noqa: S608
    except psycopg.errors.InsufficientPrivilege:
        return []


def test_making_the_same_reading_gives_the_same_id():
    assert reading(1).id == reading(1).id != reading(2).id
