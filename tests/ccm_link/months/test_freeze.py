"""Facts become bytes and come back: equal in meaning, and the same whatever order they came in."""

from __future__ import annotations

import hashlib
import random
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from ccm_link.codes import Programme, Role
from ccm_link.facts import Facts, Policy, Rpm, TimeEntry, decode
from ccm_link.freeze import canonical, frozen, sha256
from tests.ccm_link.engine.make import CASES, entry, month
from tests.ccm_link.months import draw


def shuffled(value: Any, chance: random.Random) -> Any:
    """Every list in another order, every instant in another zone."""
    if isinstance(value, list):
        return chance.sample([shuffled(item, chance) for item in value], len(value))
    if isinstance(value, datetime) and value.tzinfo:
        return value.astimezone(timezone(timedelta(hours=chance.randint(-12, 12))))
    if isinstance(value, msgspec.Struct):
        fields = {name: shuffled(getattr(value, name), chance) for name in value.__struct_fields__}
        return type(value)(**fields)
    return value


@settings(max_examples=100, deadline=None)
@given(draw.facts)
def test_what_is_frozen_reads_back_equal(facts: Facts) -> None:
    data = frozen(facts)
    again = decode(data)
    assert again == canonical(facts)
    assert frozen(again) == data, "and freezing it once more changes nothing"
    assert canonical(canonical(facts)) == canonical(facts)


@settings(max_examples=100, deadline=None)
@given(draw.facts, st.randoms(use_true_random=False))
def test_order_zone_and_copies_change_no_byte(facts: Facts, chance: random.Random) -> None:
    assert frozen(shuffled(facts, chance)) == frozen(facts)


@settings(max_examples=100, deadline=None)
@given(draw.facts, draw.facts)
def test_other_facts_are_other_bytes(one: Facts, other: Facts) -> None:
    assert (frozen(one) == frozen(other)) == (canonical(one) == canonical(other))


def test_every_published_case_comes_back() -> None:
    for case in CASES:
        facts = decode(msgspec.json.encode(case["input"]))
        assert decode(frozen(facts)) == canonical(facts), case["id"]


def test_a_second_more_is_another_hash() -> None:
    hashes = {
        sha256(frozen(decode(msgspec.json.encode(month(entry(seconds))))))
        for seconds in (1200, 1201)
    }
    assert len(hashes) == 2


def test_what_is_as_by_default_is_not_written() -> None:
    """So that a field of a later release changes no hash of a month that never used it."""
    plain = decode(msgspec.json.encode(month()))
    said = msgspec.structs.replace(plain, policy=Policy(), time_entries=[], request_g0511=False)
    assert frozen(said) == frozen(plain)
    assert b"policy" not in frozen(plain)
    assert b"request_g0511" not in frozen(plain)


def test_the_bytes_are_these() -> None:
    """A release that writes them otherwise would call every signed month changed."""
    facts = msgspec.structs.replace(
        decode(msgspec.json.encode(month(enrollments=[]))),
        time_entries=[
            TimeEntry(
                id="e", program=Programme.CCM, staff="n", role=Role.QHP, activity="call",
                start=datetime(2026, 3, 2, 9, tzinfo=timezone(timedelta(hours=-5))),
                end=datetime(2026, 3, 2, 14, 20, tzinfo=UTC),
            )
        ],
        rpm=Rpm(reading_days=[date(2026, 3, 2), date(2026, 3, 1)]),
    )  # fmt: skip
    assert frozen(facts) == (
        b'{"billing_practitioner":"A","month":"2026-03","practice_tz":"America/New_York",'
        b'"rpm":{"reading_days":["2026-03-01","2026-03-02"]},"time_entries":[{"activity":"call",'
        b'"end":"2026-03-02T14:20:00Z","id":"e","program":"CCM","role":"qhp","staff":"n",'
        b'"start":"2026-03-02T14:00:00Z"}]}'
    )
    assert sha256(b"") == hashlib.sha256(b"").hexdigest()
