"""The border of the wire: what is no envelope gets a bounded reason, never a crash (I4)."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vitals import topics, wire
from vitals.errors import EnvelopeError, QuarantineReason, ReadingRejected, TopicError
from vitals.identity import expected_id
from vitals.plausible import check
from vitals.reading import (
    Certainty,
    ClockCorrection,
    Comparator,
    Kind,
    Measure,
    RawValue,
    Reading,
    coded,
)

NOW = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)


def weight(**changes) -> Reading:
    fields: dict[str, Any] = {
        "id": "",
        "device": "C0:FF:EE:00:00:01",
        "kind": Kind.WEIGHT,
        "received_at": NOW,
        "measured_at": NOW,
        "clock": ClockCorrection(certainty=Certainty.DEVICE_CLOCK, offset_s=0.0),
        "raw": [RawValue(characteristic="2A9D", hex="021c3e")],
        "values": [coded(Measure.WEIGHT, 79.5)],
    } | changes
    reading = Reading(**fields)
    return msgspec.structs.replace(reading, id=expected_id(reading)) if reading.raw else reading


def sealed(*readings: bytes) -> bytes:
    return wire.seal(envelope_id="e1", gateway="gw-1", sent_at=NOW, readings=readings)


def test_round_trip():
    reading = weight()
    envelope = wire.open_envelope(sealed(wire.encode_reading(reading)))
    assert envelope.id == "e1"
    assert wire.open_reading(envelope.readings[0]) == reading


def test_published_schema_describes_what_is_sent():
    published = json.loads(
        (Path(__file__).parents[2] / "docs" / "envelope.schema.json").read_text("utf-8")
    )
    assert published == wire.json_schema()
    jsonschema.validate(json.loads(sealed(wire.encode_reading(weight()))), published)


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"", QuarantineReason.NOT_JSON),
        (b"\xff\xfe", QuarantineReason.NOT_JSON),
        (b'{"schema": NaN}', QuarantineReason.NOT_JSON),
        (b"[]", QuarantineReason.WRONG_SCHEMA),
        (b"{}", QuarantineReason.WRONG_SCHEMA),
        (b'{"schema":"hearthline.readings/2"}', QuarantineReason.UNKNOWN_VERSION),
        (b'{"schema":"something.else/1"}', QuarantineReason.WRONG_SCHEMA),
        (b" " * (wire.MAX_BYTES + 1), QuarantineReason.TOO_LARGE),
    ],
)
def test_reasons(payload, reason):
    with pytest.raises(EnvelopeError) as refused:
        wire.open_envelope(payload)
    assert refused.value.reason is reason


@pytest.mark.parametrize("count", [0, wire.MAX_READINGS + 1])
def test_number_of_readings_is_bounded(count):
    with pytest.raises(EnvelopeError) as refused:
        wire.open_envelope(sealed(*[b"{}"] * count))
    assert refused.value.reason is QuarantineReason.TOO_LARGE


def test_a_bad_reading_fails_alone():
    good = wire.encode_reading(weight())
    envelope = wire.open_envelope(sealed(good, b'{"id":1}', good))
    assert wire.open_reading(envelope.readings[2]) == weight()
    with pytest.raises(ReadingRejected):
        wire.open_reading(envelope.readings[1])


@pytest.mark.parametrize("text", ["a", "zz", "aa\\n", "received"])
def test_raw_bytes_that_are_none_fail_their_reading(text):
    good = wire.encode_reading(weight())
    assert good.count(b'"021c3e"') == 1
    with pytest.raises(ReadingRejected) as refused:
        wire.open_reading(good.replace(b"021c3e", text.encode()))
    assert refused.value.reason is QuarantineReason.WRONG_SCHEMA


@given(st.binary(max_size=400))
def test_no_bytes_crash_the_door(payload):
    try:
        wire.open_envelope(payload)
    except EnvelopeError as refused:
        assert refused.reason in set(QuarantineReason)  # noqa: PT017


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"values": [coded(Measure.WEIGHT, 2000.0)]}, QuarantineReason.IMPLAUSIBLE),
        ({"values": []}, QuarantineReason.WRONG_SCHEMA),
        ({"values": [coded(Measure.WEIGHT)]}, QuarantineReason.WRONG_SCHEMA),
        ({"values": [coded(Measure.WEIGHT, 70.0)] * 2}, QuarantineReason.WRONG_SCHEMA),
        ({"raw": []}, QuarantineReason.WRONG_SCHEMA),
        ({"model": "a\x00b"}, QuarantineReason.BAD_TEXT),
        ({"measured_at": NOW.replace(year=1999)}, QuarantineReason.BAD_TIME),
        ({"measured_at": NOW.replace(tzinfo=None)}, QuarantineReason.BAD_TIME),
        ({"measured_at": NOW.replace(hour=9)}, QuarantineReason.BAD_TIME),
        ({"kind": Kind.UNDECODED, "values": []}, QuarantineReason.UNDECODED),
    ],
)
def test_what_may_not_be_stored(changes, reason):
    with pytest.raises(ReadingRejected) as refused:
        check(weight(**changes), now=NOW)
    assert refused.value.reason is reason


def test_a_forged_id_is_refused():
    forged = msgspec.structs.replace(weight(), id="00000000-0000-5000-8000-000000000000")
    with pytest.raises(ReadingRejected) as refused:
        check(forged, now=NOW)
    assert refused.value.reason is QuarantineReason.ID_MISMATCH


def test_bounded_and_failed_values_may_be_stored():
    check(weight(values=[coded(Measure.GLUCOSE, comparator=Comparator.ABOVE)]), now=NOW)


@pytest.mark.parametrize(
    "topic",
    [
        "",
        "hl/v1/a/b",
        "hl/v2/a/b/readings",
        "hl/v1/A/b/readings",
        "hl/v1/a/b/else",
        "hl/v1/+/b/readings",
        "hl/v1/a/b/readings/x",
        "hl/v1//b/readings",
    ],
)
def test_foreign_topics(topic):
    with pytest.raises(TopicError):
        topics.parse(topic)


def test_topics_round_trip():
    built = topics.build("north-clinic", "gw-1", topics.Branch.READINGS)
    assert str(topics.parse(built)) == built == "hl/v1/north-clinic/gw-1/readings"
    with pytest.raises(TopicError):
        topics.build("north/clinic", "gw", topics.Branch.STATUS)
