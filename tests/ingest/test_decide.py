from __future__ import annotations

import json

import msgspec
import pytest

from ingest.decide import decide
from tests.store.make import NOW, reading
from vitals import wire
from vitals.errors import QuarantineReason as Why
from vitals.reading import Measure, coded

TOPIC = "hl/v1/north/gw-1/readings"
KNOWN = frozenset({("north", "gw-1")})


def sealed(*readings, gateway="gw-1"):
    return wire.seal(
        envelope_id="e-1",
        gateway=gateway,
        sent_at=NOW,
        readings=[r if isinstance(r, bytes) else wire.encode_reading(r) for r in readings],
    )


def judge(payload, topic=TOPIC, correlation=None):
    return decide(topic, payload, known=KNOWN, now=NOW, correlation=correlation)


GOOD = sealed(reading())


@pytest.mark.parametrize(
    ("topic", "payload", "reason"),
    [
        (TOPIC, b"\xff\x00", Why.NOT_JSON),
        (TOPIC, b"{", Why.NOT_JSON),
        (TOPIC, b"{}", Why.WRONG_SCHEMA),
        (TOPIC, GOOD.replace(b"readings/1", b"readings/2"), Why.UNKNOWN_VERSION),
        (TOPIC, sealed(), Why.TOO_LARGE),
        (TOPIC, b" " * 300_000, Why.TOO_LARGE),
        ("hl/v1/north/gw-2/readings", GOOD, Why.IDENTITY_MISMATCH),
        ("hl/v1/south/gw-1/readings", GOOD, Why.UNKNOWN_GATEWAY),
        ("elsewhere", GOOD, Why.WRONG_TOPIC),
    ],
)
def test_a_poisoned_envelope(topic, payload, reason):
    decision = judge(payload, topic, correlation=b"corr")
    assert [q.reason for q in decision.quarantined] == [reason]
    assert not decision.accepted
    assert [r.id for r in decision.envelopes] == ["corr"]


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (reading(1, values=[coded(Measure.SYSTOLIC, 999)]), Why.IMPLAUSIBLE),
        (reading(1, flags=["a\x00"]), Why.BAD_TEXT),
        (reading(1, id="00000000-0000-0000-0000-000000000000"), Why.ID_MISMATCH),
        (reading(1, measured_at=NOW.replace(year=2000)), Why.BAD_TIME),
        (reading(1, measured_at=NOW.replace(year=2030)), Why.BAD_TIME),
    ],
)
def test_one_bad_reading_does_not_hold_back_its_neighbours(bad, reason):
    decision = judge(sealed(reading(0), bad, *(reading(n) for n in range(2, 200))))
    assert len(decision.accepted) == 199
    assert [q.reason for q in decision.quarantined] == [reason]
    assert [(r.id, r.reason) for r in decision.rejected] == [(bad.id, str(reason))]


def test_year_zero_is_quarantined():
    raw = json.loads(wire.encode_reading(reading(1)))
    raw["measured_at"] = "0000-01-01T00:00:00Z"
    decision = judge(sealed(msgspec.json.encode(raw), reading(0)))
    assert (len(decision.accepted), decision.rejected[0].id) == (1, raw["id"])
