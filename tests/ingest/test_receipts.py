"""A receipt is a packet that any broker takes, whatever a batch held."""

from __future__ import annotations

from ingest import receipts
from ingest.decide import LONGEST_NAME, Decision, decide
from ingest.writer import Written
from tests.ingest.test_decide import KNOWN, TOPIC, sealed
from tests.store.make import NOW, reading, row
from vitals import wire

MOST_BYTES = 262_144  # a quarter of what deploy/mosquitto/mosquitto.conf lets through


def built(decisions, written):
    bodies = [body for _, body in receipts.build(decisions, written)]
    assert all(len(body) <= MOST_BYTES for body in bodies)
    return [wire.decode_receipt(body) for body in bodies]


def test_ten_thousand_readings_of_one_gateway_are_named_once_each():
    rows = [row(number) for number in range(10_000)]
    refusals = [wire.Rejection(id=f"{n:036}", reason="implausible") for n in range(12_000)]
    decision = Decision(
        gateway=("north", "gw-1"), accepted=rows, rejected=refusals, envelopes=refusals[:3000]
    )
    keys = [r.key for r in rows]
    written = Written(stored=set(keys[:6000]), duplicate=set(keys[6000:]))
    said = built([decision], written)
    assert [i for r in said for i in r.stored] == [i for _, i in keys[:6000]]
    assert [i for r in said for i in r.duplicate] == [i for _, i in keys[6000:]]
    assert [refusal for r in said for refusal in r.rejected] == refusals
    assert [refusal for r in said for refusal in r.envelopes] == refusals[:3000]


def test_what_is_amended_is_named_beside_what_is_stored():
    """A gateway lets go of a context only where one receipt names both."""
    raw = [*reading(0).raw, *reading(1).raw]
    rows = [row(number, raw=raw) for number in range(2 * receipts.MOST_NAMES)]
    written = Written(stored={r.key for r in rows})
    said = built([Decision(gateway=("north", "gw-1"), accepted=rows)], written)
    assert all(r.amended == r.stored for r in said)


def test_a_batch_that_names_nothing_still_has_its_receipt():
    assert built([Decision(gateway=("north", "gw-1"))], Written()) == [wire.Receipt()]


def test_a_name_as_long_as_a_book_is_not_repeated():
    long = "1" * (LONGEST_NAME + 1)
    one = decide(TOPIC, sealed(reading(1, id=long)), known=KNOWN, now=NOW)
    other = decide(TOPIC, b"{", known=KNOWN, now=NOW, correlation=long.encode())
    assert [len(d.quarantined) for d in (one, other)] == [1, 1]
    assert (one.rejected, other.envelopes) == ([], [])
