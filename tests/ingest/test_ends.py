"""Where each kind of message ends, through the real broker and the real database (I2, I4)."""

from __future__ import annotations

import asyncio
import uuid
from datetime import timedelta
from zoneinfo import ZoneInfo

import msgspec
import pytest

from gateway.normalise import BLOOD_PRESSURE, Provenance, normalise
from store.fixtures import assign, counts, read_readings, register_device, register_patient
from tests.ingest.test_service import sealed, site
from tests.store.make import CUFF, NOW, reading
from vitals import wire
from vitals.reading import (
    Absent,
    Certainty,
    ClockCorrection,
    Comparator,
    Kind,
    Measure,
    RawValue,
    coded,
)

__all__ = ["site"]
pytestmark = pytest.mark.services


async def send(site, *payloads, branch="readings"):
    """Publish, and return when every payload has its receipt."""
    await site.start()
    receipts = []
    async with site.gateway() as gateway, asyncio.timeout(30):
        await gateway.subscribe(site.topic("receipts"), qos=1)
        for payload in payloads:
            await gateway.publish(site.topic(branch), payload, qos=1)
            receipts.append(wire.decode_receipt((await anext(gateway.messages)).payload))
    return receipts


async def reasons(admin):
    rows = await (await admin.execute("SELECT reason FROM quarantine ORDER BY id")).fetchall()
    return [reason for (reason,) in rows]


def glucose(number, value):
    return reading(
        number,
        [value],
        kind=Kind.GLUCOSE,
        sequence=number,
        raw=[RawValue(characteristic="2A18", hex=f"{number:08x}")],
    )


async def test_failed_and_bounded_values_are_stored(site, admin):
    failed = reading(1, [coded(Measure.SYSTOLIC, absent=Absent.NAN)])
    high = glucose(2, coded(Measure.GLUCOSE, comparator=Comparator.ABOVE))
    low = glucose(3, coded(Measure.GLUCOSE, comparator=Comparator.BELOW))
    (receipt,) = await send(site, sealed(failed, high, low))
    assert set(receipt.stored) == {failed.id, high.id, low.id}
    rows = {str(row["reading_id"]): row for row in await read_readings(admin, site.clinic)}
    assert rows[failed.id]["failed"]
    assert (rows[high.id]["comparator"], rows[low.id]["comparator"]) == (">", "<")
    assert rows[high.id]["glucose_mg_dl"] is None


async def test_an_unknown_device_is_kept_without_a_patient(site, admin):
    stranger = reading(1, device="C0:FF:EE:99:99:99")
    (receipt,) = await send(site, sealed(stranger))
    assert receipt.stored == [stranger.id]
    found = await counts(admin, site.clinic)
    assert (found["readings"], found["unassigned"], found["quarantined"]) == (1, 1, 0)


async def test_the_same_record_after_a_clock_correction_is_one(site, admin):
    first = reading(1)
    corrected = msgspec.structs.replace(
        first,
        measured_at=first.measured_at - timedelta(minutes=9),
        clock=ClockCorrection(certainty=Certainty.DEVICE_CLOCK, offset_s=540.0),
    )
    one, two = await send(site, sealed(first), sealed(corrected, name="e-2"))
    assert (one.stored, two.stored, two.duplicate) == ([first.id], [], [first.id])
    assert (await counts(admin, site.clinic))["readings"] == 1


async def test_two_equal_weights_without_a_time_are_two(site, admin):
    changes = {
        "kind": Kind.WEIGHT,
        "device_time": None,
        "minted": True,
        "raw": [RawValue(characteristic="2A9D", hex="001c3e")],
    }
    value = [coded(Measure.WEIGHT, 79.5)]
    first = reading(0, value, **changes)
    second = reading(0, value, received_at=NOW + timedelta(minutes=1), **changes)
    (receipt,) = await send(site, sealed(first, second))
    assert set(receipt.stored) == {first.id, second.id}
    assert (await counts(admin, site.clinic))["readings"] == 2


async def test_one_bad_row_among_two_hundred(site, admin):
    rows = [reading(number) for number in range(200)]
    rows[77] = reading(77, model="bad\x00text")
    (receipt,) = await send(site, sealed(*rows))
    assert len(receipt.stored) == 199
    assert [(r.id, r.reason) for r in receipt.rejected] == [(rows[77].id, "bad_text")]
    assert await reasons(admin) == ["bad_text"]


def poison():
    """What is wrong: (message, the reason under which it is kept)."""
    impossible = [coded(Measure.SYSTOLIC, 999)]
    other_gateway = sealed(reading(7)).replace(b'"gateway":"gw-1"', b'"gateway":"gw-2"')
    year_zero = sealed(reading(6)).replace(b'"measured_at":"2026', b'"measured_at":"0000')
    complaint = sealed(reading(10)).replace(b"blood_pressure", b"x\\u0000y")
    surrogate = sealed(reading(12, model="M1")).replace(b'"M1"', b'"\\ud800"')
    return {
        "not JSON": (b"\xff not json", "not_json"),
        "another schema": (b'{"schema": "other/1"}', "wrong_schema"),
        "a later version": (b'{"schema": "hearthline.readings/2"}', "unknown_version"),
        "no readings": (sealed(), "too_large"),
        "another gateway in the envelope": (other_gateway, "identity_mismatch"),
        "an impossible value": (sealed(reading(8, impossible)), "implausible"),
        "NaN as a JSON number": (sealed(reading(13)).replace(b":120", b":NaN"), "not_json"),
        "an infinite JSON number": (
            sealed(reading(14)).replace(b":120", b":1e999"),
            "wrong_schema",
        ),
        "U+0000 in a string": (sealed(reading(9, device="C0\x00")), "bad_text"),
        "U+0000 in the complaint": (complaint, "wrong_schema"),
        "half a surrogate pair": (surrogate, "not_json"),
        "the year 0": (year_zero, "wrong_schema"),
        "a slot beyond integers": (sealed(reading(11, impossible, user_slot=2**62)), "implausible"),
        "a foreign id": (sealed(reading(15, id=str(uuid.uuid4()))), "id_mismatch"),
        "undecoded bytes": (sealed(reading(16, [], kind=Kind.UNDECODED)), "undecoded"),
    }


async def test_poison_is_quarantined_and_the_stream_goes_on(site, admin):
    messages, good = poison(), reading(5)
    await site.start()
    async with site.gateway() as gateway, asyncio.timeout(30):
        await gateway.subscribe(site.topic("receipts"), qos=1)
        for payload, _ in messages.values():
            await gateway.publish(site.topic("readings"), payload, qos=1)
        await gateway.publish(site.topic("readings"), sealed(good), qos=1)
        async for message in gateway.messages:
            if good.id in wire.decode_receipt(message.payload).stored:
                break
    kept = await (await admin.execute("SELECT payload, reason FROM quarantine")).fetchall()
    found = {
        what: [reason for part, reason in kept if bytes(part) in payload]
        for what, (payload, _) in messages.items()
    }
    assert found == {what: [reason] for what, (_, reason) in messages.items()}
    assert (await counts(admin, site.clinic))["readings"] == 1


async def test_a_duplicate_is_one_reading_and_is_receipted(site, admin):
    one, two = await send(site, sealed(reading(1)), sealed(reading(1), name="e-2"))
    assert (one.stored, two.stored, two.duplicate) == ([reading(1).id], [], [reading(1).id])
    assert (await counts(admin, site.clinic))["readings"] == 1


async def test_an_impossible_value_knows_whose_it_is(site, admin):
    await register_device(admin, site.clinic, CUFF)
    patient = await register_patient(admin, site.clinic, family_name="Roe", given_name="Ann")
    since = NOW - timedelta(days=1)
    await assign(admin, site.clinic, device=CUFF, patient=patient, starts_at=since)
    await send(site, sealed(reading(1, [coded(Measure.SYSTOLIC, 999)])))
    rows = await (await admin.execute("SELECT reason, patient_id FROM quarantine")).fetchall()
    assert rows == [("implausible", patient)]


async def test_a_device_that_shows_the_year_zero_is_dated_by_its_receipt(site, admin):
    frame = bytes.fromhex("1e780050005d00000000000000004800ff0000")
    origin = Provenance(device=CUFF, received_at=NOW, zone=ZoneInfo("UTC"))
    (receipt,) = await send(site, sealed(normalise(BLOOD_PRESSURE, frame, origin)))
    assert len(receipt.stored) == 1
    (row,) = await read_readings(admin, site.clinic)
    assert (row["device_time"], row["measured_at"], row["minted"]) == (None, NOW, True)


async def test_a_clinic_that_is_not_registered_here_stores_nothing(site, admin):
    """The broker lets this gateway in, the database does not know it."""
    await admin.execute("DELETE FROM gateway WHERE clinic_id = %s", [site.clinic])
    (receipt,) = await send(site, sealed(reading(1)))
    assert receipt.stored == []
    assert await reasons(admin) == ["unknown_gateway"]
