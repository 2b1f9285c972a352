"""What belongs to a reading joins it, late too, through broker and database (I1, I2)."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
import psycopg
import pytest

from devices import glucose, weight
from devices.ieee11073 import sfloat_of
from gateway.metrics import Metrics
from gateway.normalise import (
    COMPOSITION,
    GLUCOSE,
    WEIGHT,
    Provenance,
    normalise,
    with_context,
)
from gateway.outbox import Outbox
from gateway.publisher import Publisher
from gateway.settings import Broker
from gateway.spool import open_spool
from store.batch import write_batch
from store.fixtures import (
    assign,
    counts,
    read_readings,
    register_clinic,
    register_device,
    register_patient,
)
from store.rows import ReadingRow
from tests.ingest.test_ends import send
from tests.ingest.test_service import sealed, site
from tests.store.make import CUFF, NOW
from vitals.clock import utc_now

__all__ = ["site"]
pytestmark = pytest.mark.services

ORIGIN = Provenance(device=CUFF, received_at=NOW, zone=ZoneInfo("UTC"))
CONTEXT = bytes.fromhex("02060001")  # of record 6: before a meal
OTHER_CONTEXT = bytes.fromhex("02060002")  # the same, corrected: after it


def record(sequence=6):
    payload = glucose.encode(
        glucose.Glucose(
            sequence=sequence,
            base_time=NOW.replace(tzinfo=None),
            concentration=sfloat_of(0.00104),
            unit="kg/L",
            type=1,
            location=1,
        )
    )
    return normalise(GLUCOSE, payload, ORIGIN)


PLAIN = record()
WHOLE = with_context(PLAIN, CONTEXT)


async def only_row(admin, clinic):
    (row,) = await read_readings(admin, clinic)
    return row


async def test_late_context_joins_the_reading_and_marks_its_day(site, admin):
    await register_device(admin, site.clinic, CUFF)
    patient = await register_patient(admin, site.clinic, family_name="Roe", given_name="Ann")
    since = PLAIN.measured_at - timedelta(days=1)
    await assign(admin, site.clinic, device=CUFF, patient=patient, starts_at=since)
    (first,) = await send(site, sealed(PLAIN))
    assert (first.stored, first.amended) == ([PLAIN.id], [])
    await admin.execute("DELETE FROM evaluation_mark")
    (second,) = await send(site, sealed(WHOLE, name="e-2"))
    assert (second.stored, second.duplicate, second.amended) == ([], [PLAIN.id], [PLAIN.id])
    row = await only_row(admin, site.clinic)
    assert row["raw"] == [{"characteristic": v.characteristic, "hex": v.hex} for v in WHOLE.raw]
    assert row["context"]["meal"] == "preprandial"
    assert (row["patient_id"], row["glucose_mg_dl"]) == (patient, 104.0)
    assert (await counts(admin, site.clinic))["pending"] == 1


async def test_a_gateway_amends_what_it_had_sent_and_lets_go_only_then(site, admin, tmp_path):
    await site.start()
    publisher_of = Broker(site.gateway_url, Path(site.services.mqtt_ca))
    async with asyncio.timeout(30), open_spool(tmp_path / "spool.sqlite3", NOW) as spool:
        outbox = Outbox(spool=spool, metrics=Metrics(), gateway="gw-1", clock=utc_now)
        publisher = Publisher(
            broker=publisher_of,
            clinic=site.clinic,
            gateway="gw-1",
            version="test",
            outbox=outbox,
            clock=utc_now,
        )
        running = asyncio.create_task(publisher.run())
        await spool.add(PLAIN, utc_now())
        while await spool.depth():
            await asyncio.sleep(0.05)
        assert await spool.amend(WHOLE, utc_now())
        while await spool.depth():
            await asyncio.sleep(0.05)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    assert (await only_row(admin, site.clinic))["context"]["meal"] == "preprandial"


@pytest.fixture
async def ingest(database, home):
    url = database.urls["hl_ingest"]
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as conn:
        yield conn


def row(reading, clinic="north"):
    return ReadingRow(clinic=clinic, gateway="gw-1", envelope_id="e", reading=reading)


async def write(ingest, *readings):
    return await write_batch(ingest, readings=[row(r) for r in readings], quarantined=[])


async def test_a_resend_of_either_changes_nothing(ingest, admin):
    outcomes = [await write(ingest, r) for r in (PLAIN, WHOLE, PLAIN, WHOLE)]
    assert [outcome.amended for outcome in outcomes] == [0, 1, 0, 0]
    assert len((await only_row(admin, "north"))["raw"]) == 2


@pytest.mark.parametrize("order", [(PLAIN, WHOLE), (WHOLE, PLAIN)])
async def test_of_two_in_one_batch_the_fuller_is_stored(ingest, admin, order):
    outcome = await write(ingest, *order)
    assert (len(outcome.stored), outcome.amended) == (1, 0)
    assert (await only_row(admin, "north"))["context"]["meal"] == "preprandial"


async def test_a_context_that_comes_with_a_corrected_clock_moves_nothing(ingest, admin):
    """In one batch as one after another: the instant of the first stands."""
    moved = msgspec.structs.replace(WHOLE, measured_at=WHOLE.measured_at - timedelta(days=9))
    await write(ingest, PLAIN, moved)
    stored = await only_row(admin, "north")
    assert (stored["measured_at"], stored["context"]["meal"]) == (PLAIN.measured_at, "preprandial")


async def test_two_contexts_in_one_batch_both_stay(ingest, admin):
    await write(ingest, WHOLE, with_context(PLAIN, OTHER_CONTEXT))
    stored = await only_row(admin, "north")
    assert len(stored["raw"]) == 3
    assert stored["context"]["meal"] == "postprandial"


async def test_a_corrected_context_stands_and_both_byte_strings_stay(ingest, admin):
    await write(ingest, WHOLE)
    assert (await write(ingest, with_context(PLAIN, OTHER_CONTEXT))).amended == 1
    stored = await only_row(admin, "north")
    assert stored["context"]["meal"] == "postprandial"
    assert [value["hex"] for value in stored["raw"]] == [
        PLAIN.raw[0].hex,
        CONTEXT.hex(),
        OTHER_CONTEXT.hex(),
    ]


async def test_one_clinics_context_never_reaches_anothers_reading(ingest, admin):
    await register_clinic(admin, "south", name="South", zone="America/New_York")
    await write(ingest, PLAIN)
    outcome = await write_batch(ingest, readings=[row(WHOLE, "south")], quarantined=[])
    assert len(outcome.stored) == 1
    assert len((await only_row(admin, "north"))["raw"]) == 1


@pytest.mark.parametrize("role", ["hl_api", "hl_worker"])
async def test_only_ingest_may_amend(database, role):
    url = database.urls[role]
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as conn:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            await conn.execute("SELECT amend_readings('{}', '{}', '{}', '{}')")


async def test_ingest_itself_cannot_change_a_reading(ingest):
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        await ingest.execute("UPDATE reading SET context = '{}'")


def weighing():
    scale = weight.Weight(weight=81.5, unit="kg", time=NOW.replace(tzinfo=None), user_id=2)
    return normalise(WEIGHT, weight.encode(scale), ORIGIN)


WEIGHED = weighing()
COMPOSED = with_context(WEIGHED, bytes.fromhex("9803c500a01b7c013c2f74205212"), COMPOSITION)


@pytest.mark.parametrize(
    "batches",
    [
        [[COMPOSED]],
        [[WEIGHED], [COMPOSED]],  # the composition came late
        [[WEIGHED, COMPOSED]],
        [[COMPOSED, WEIGHED]],
        [[COMPOSED], [WEIGHED], [COMPOSED]],
    ],
    ids=["whole", "late", "together", "out of order", "again"],
)
async def test_a_body_composition_joins_its_weighing_however_it_comes(ingest, admin, batches):
    for batch in batches:
        await write(ingest, *batch)
    stored = await only_row(admin, "north")
    assert (stored["kind"], stored["weight_kg"], stored["body_fat_pct"]) == ("weight", 81.5, 19.7)
    assert stored["context"]["muscle_pct"] == 38.0
    assert [value["characteristic"] for value in stored["raw"]] == ["2A9D", "2A9C"]


@pytest.mark.parametrize(
    ("characteristic", "payload", "kind", "columns"),
    [
        ("2A5E", "0062003d00", "pulse_oximetry", {"spo2_pct": 98, "pulse_per_min": 61}),
        ("2A1C", "01da0300ff", "temperature", {"temperature_c": 37.0}),
        ("2A37", "0648", "heart_rate", {"heart_rate_per_min": 72, "pulse_per_min": None}),
        (
            "2AA7",
            "0d4373002c010324001a003e04",
            "continuous_glucose",
            {"sensor_glucose_mg_dl": 115, "glucose_mg_dl": None},
        ),
        ("2A9C", "0000d700", "body_composition", {"body_fat_pct": 21.5, "weight_kg": None}),
        ("SD181D", "a24c63e20702010f2f1c", "weight", {"weight_kg": 127.1}),
    ],
)
async def test_each_kind_is_stored_in_its_own_columns(
    ingest, admin, characteristic, payload, kind, columns
):
    reading = normalise(characteristic, bytes.fromhex(payload), ORIGIN)
    assert len((await write(ingest, reading)).stored) == 1
    stored = await only_row(admin, "north")
    assert (stored["kind"], stored["failed"]) == (kind, False)
    assert {name: stored[name] for name in columns} == columns
