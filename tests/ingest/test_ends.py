"""Where each kind of message ends, through the real broker and the real database (I2, I4)."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import msgspec
import pytest

from store.fixtures import counts, read_readings
from tests.ingest.test_service import sealed, site
from tests.store.make import NOW, reading
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


async def test_poison_is_quarantined_and_the_stream_goes_on(site, admin):
    good = reading(5)
    year_zero = sealed(reading(6)).replace(b'"measured_at":"2026', b'"measured_at":"0000')
    envelope_of_another = sealed(reading(7)).replace(b'"gateway":"gw-1"', b'"gateway":"gw-2"')
    impossible = sealed(reading(8, [coded(Measure.SYSTOLIC, 999)]))
    nul_in_device = sealed(reading(9, device="C0\x00"))
    nul_in_the_complaint = sealed(reading(10)).replace(b"blood_pressure", b"x\\u0000y")
    huge_slot = sealed(reading(11, [coded(Measure.SYSTOLIC, 999)], user_slot=2**62))
    surrogate = sealed(reading(12, model="M1")).replace(b'"M1"', b'"\\ud800"')
    await site.start()
    async with site.gateway() as gateway, asyncio.timeout(30):
        await gateway.subscribe(site.topic("receipts"), qos=1)
        for payload in (
            b"\xff not json",
            b'{"schema": "other/1"}',
            b'{"schema": "hearthline.readings/2"}',
            envelope_of_another,
            year_zero,
            impossible,
            nul_in_device,
            nul_in_the_complaint,
            huge_slot,
            surrogate,
            sealed(good),
        ):
            await gateway.publish(site.topic("readings"), payload, qos=1)
        async for message in gateway.messages:
            if good.id in wire.decode_receipt(message.payload).stored:
                break
    assert sorted(await reasons(admin)) == [
        "bad_text",
        "identity_mismatch",
        "implausible",
        "implausible",
        "not_json",
        "not_json",
        "unknown_version",
        "wrong_schema",
        "wrong_schema",
        "wrong_schema",
    ]
    assert (await counts(admin, site.clinic))["readings"] == 1


async def test_a_clinic_that_is_not_registered_here_stores_nothing(site, admin):
    """The broker lets this gateway in, the database does not know it."""
    await admin.execute("DELETE FROM gateway WHERE clinic_id = %s", [site.clinic])
    (receipt,) = await send(site, sealed(reading(1)))
    assert receipt.stored == []
    assert await reasons(admin) == ["unknown_gateway"]
