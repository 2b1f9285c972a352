"""What a visit asks for, and what it takes for new: tables of cases, no link."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from devices import racp
from gateway.normalise import BLOOD_PRESSURE, HEART_RATE, WEIGHT, Provenance, normalise
from gateway.said import Said
from gateway.session import decisions
from gateway.session.decisions import Ask
from gateway.spool import DeviceRecord
from tests.gateway.test_spool import DEVICE, NOW, record
from vitals.reading import Reading

KNOWN = DeviceRecord(address=DEVICE, last_sequence=7, last_id=record(7).id, clock_offset_s=3600.0)
NOTHING_CAME = racp.Reported(records=0)
REFUSED = racp.Failed(reason=racp.Failure.OPERATOR_NOT_SUPPORTED, records=0)
UNSET = "16780050005d00d007010100050048000000"  # at five past midnight, 1 January 2000
TIMELESS = "01983a"  # a weight of a scale without a clock


def reading(name: str, frame: str, at: datetime = NOW) -> Reading:
    return normalise(
        name,
        bytes.fromhex(frame),
        Provenance(device=DEVICE, received_at=at, zone=ZoneInfo("UTC")),
    )


@pytest.mark.parametrize(
    ("known", "offset_s", "ask"),
    [
        (DeviceRecord(address=DEVICE), 0.0, Ask.ALL),
        (KNOWN, 3600.0, Ask.CHECK),
        (KNOWN, None, Ask.CHECK),
        (replace(KNOWN, clock_offset_s=None), 0.0, Ask.CHECK),
        (KNOWN, 3600.0 - 86_401.0, Ask.ALL),  # it says 2000 again
    ],
)
def test_before_anything_is_known_of_a_memory(
    known: DeviceRecord, offset_s: float | None, ask: Ask
) -> None:
    assert decisions.first_ask(known, offset_s) is ask


@pytest.mark.parametrize(
    ("newest", "outcome", "ask"),
    [
        (7, racp.Reported(records=1), Ask.NOTHING),
        (9, racp.Reported(records=1), Ask.CHECK),
        (3, racp.Reported(records=1), Ask.ALL),  # the numbers began anew
        (None, NOTHING_CAME, Ask.NOTHING),
        (None, REFUSED, Ask.CHECK),  # it knows no "last record"
    ],
)
def test_after_a_look_at_the_newest_record(
    newest: int | None, outcome: racp.Outcome, ask: Ask
) -> None:
    found = None if newest is None else record(newest)
    assert decisions.after_the_newest(KNOWN, found, outcome) is ask


def test_the_same_number_with_other_contents_is_a_memory_that_began_anew() -> None:
    changed = replace(KNOWN, last_id="another")
    assert decisions.after_the_newest(changed, record(7), racp.Reported(records=1)) is Ask.ALL
    assert decisions.after_the_mark(changed, [record(7)], racp.Reported(records=1)) is Ask.ALL
    assert decisions.after_the_mark(KNOWN, [], NOTHING_CAME) is Ask.ALL
    assert decisions.after_the_mark(KNOWN, [record(7)], racp.Reported(records=1)) is Ask.NEWER
    assert decisions.after_the_mark(KNOWN, [], REFUSED) is Ask.NEWER


def test_the_numbers_of_a_meter_end_somewhere() -> None:
    full = replace(KNOWN, last_sequence=decisions.LAST_SEQUENCE)
    assert decisions.after_the_newest(full, None, REFUSED) is Ask.ALL


@pytest.mark.parametrize(
    ("name", "frame", "first", "later", "again"),
    [
        (BLOOD_PRESSURE, UNSET, True, timedelta(days=1), True),  # its clock runs: one moment
        (BLOOD_PRESSURE, UNSET, False, timedelta(0), False),  # two in one visit are two
        (WEIGHT, TIMELESS, True, timedelta(seconds=10), True),
        (WEIGHT, TIMELESS, True, timedelta(hours=12), False),  # the same person in the evening
        (WEIGHT, TIMELESS, False, timedelta(seconds=10), False),
    ],
)
def test_a_word_that_is_said_again_because_our_answer_was_lost(
    name: str, frame: str, first: bool, later: timedelta, again: bool
) -> None:
    found = reading(name, frame, NOW + later)
    said = Said(times=1, last_at=NOW)
    assert found.minted
    assert decisions.is_sent_again(found, said, first=first, at=NOW + later) is again


def test_a_listed_record_is_known_as_often_as_it_became_a_reading() -> None:
    found = reading(WEIGHT, TIMELESS)
    twice = Said(times=2, last_at=NOW)
    assert not decisions.is_listed_again(found, None, occurrence=1)
    known = [decisions.is_listed_again(found, twice, occurrence=n) for n in (1, 2, 3)]
    assert known == [True, True, False]


def beat(per_min: int, *, contact: bool = True) -> Reading:
    return reading(HEART_RATE, bytes([0x06 if contact else 0x04, per_min]).hex())


def test_of_a_stream_the_middle_value_is_the_reading() -> None:
    def rate(readings: list[Reading]) -> float | None:
        found = decisions.settled(readings)
        assert found is not None
        return found.values[0].value

    assert rate([beat(70), beat(180), beat(71), beat(69), beat(72)]) == 71
    assert rate([beat(70), beat(71)]) == 70
    assert rate([beat(200, contact=False), beat(64)]) == 64
    assert rate([beat(200, contact=False)]) is None  # failed, and told as such
    assert decisions.settled([]) is None
