"""A signed month comes out of its own rules byte for byte, whatever the shipped table says then."""

from __future__ import annotations

import uuid
from datetime import UTC, date, datetime
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ccm_link import rulebook
from ccm_link.evaluate import evaluate
from ccm_link.facts import Facts, decode
from ccm_link.freeze import canonical, frozen, sha256
from ccm_link.replay import Replay, replayed
from ccm_link.rulebook import Rulebook
from ccm_link.rules import shipped_text
from ccm_link.view import as_bytes
from store.signing import Signed
from tests.ccm_link.engine.make import CASES, entry, month
from tests.ccm_link.months import draw

#: A table as it was shipped once: later releases read it still.
KEPT = (Path(__file__).parent / "kept_table.toml").read_text("utf-8")
TODAY = date(2026, 4, 2)


def signed(facts: Facts, book: Rulebook, as_of: date | None = TODAY) -> Signed:
    """As `ccm_link.signing` writes it."""
    data, day = frozen(facts), as_of or TODAY
    result = as_bytes(evaluate(canonical(facts), book.rules, today=day))
    return Signed(
        id=uuid.uuid4(), patient_id=uuid.uuid4(), month=facts.month.first, version=1, as_of=day,
        facts=data, facts_sha256=sha256(data), result=result, result_sha256=sha256(result),
        rules_sha256=book.sha256, rules_version=book.rules.version, rates=None,
        signed_by=uuid.uuid4(), signed_by_name="B", signed_at=datetime(2026, 4, 2, tzinfo=UTC),
        note="",
    )  # fmt: skip


def again(facts: Facts, now: Facts | None, *, table: str = KEPT) -> Replay:
    own = rulebook.kept(table, None, facts.month)
    todays = rulebook.kept(shipped_text(), None, facts.month)
    return replayed(signed(facts, own), own, todays, now)


@settings(max_examples=100, deadline=None)
@given(draw.facts, st.dates(date(2026, 2, 20), date(2026, 5, 1)))
def test_the_own_rules_give_what_was_signed(facts: Facts, as_of: date) -> None:
    book = rulebook.kept(KEPT, None, facts.month)
    told = signed(facts, book, as_of)
    found = replayed(told, book, book, facts)
    assert as_bytes(found.own) == told.result
    assert found.identical
    assert found.by_rules.is_empty
    assert found.by_facts.is_empty


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case["id"]))
def test_every_published_case_replays(case: dict[str, object]) -> None:
    facts = decode(msgspec.json.encode(case["input"]))
    found = again(facts, canonical(facts))
    assert as_bytes(found.own) == found.signed.result
    assert found.by_facts.is_empty


def minutes(*lengths: int) -> Facts:
    entries = [
        entry(60 * length, f"2026-03-{10 + n}T09:00:00-04:00", name=f"t{n}")
        for n, length in enumerate(lengths)
    ]
    return decode(msgspec.json.encode(month(*entries)))


def test_another_table_bills_otherwise_and_the_signed_one_as_before() -> None:
    """A release raises what a table had lower: the month stays what it was."""
    old = shipped_text().replace("first_s = 1200", "first_s = 600")
    found = again(minutes(15), minutes(15), table=old)
    assert found.identical
    assert [line.code for line in found.own.billable] == ["99490"]
    assert found.todays_rules.billable == ()
    (change,) = found.by_rules.lines
    assert (change.code, change.units, change.after) == ("99490", -1, None)
    assert found.by_rules.rules_before != found.by_rules.rules_after
    assert found.by_facts.is_empty


def test_todays_facts_by_the_signed_rules() -> None:
    found = again(minutes(21, 20), minutes(21), table=shipped_text())
    assert found.by_rules.is_empty
    assert {c.code: c.units for c in found.by_facts.lines if c.units} == {"99439": -1}
    assert [(c.entry, c.after) for c in found.by_facts.entries] == [("t1", None)]


def test_somebody_who_is_not_enrolled_any_more() -> None:
    found = again(minutes(21), None)
    assert found.todays_facts is None
    assert [(c.code, c.after) for c in found.by_facts.lines] == [("99490", None)]


def test_a_result_that_was_changed_is_not_identical() -> None:
    book = rulebook.kept(KEPT, None, minutes(21).month)
    told = signed(minutes(21), book)
    other = told.result.replace(b'"units":1', b'"units":2', 1)
    assert other != told.result
    forged = Signed(**{name: getattr(told, name) for name in told.__slots__} | {"result": other})
    assert not replayed(forged, book, book, minutes(21)).identical


def test_a_key_that_a_later_release_adds_is_no_difference() -> None:
    book = rulebook.kept(KEPT, None, minutes(21).month)
    told = signed(minutes(21), book)
    parts = msgspec.json.decode(told.result)
    fewer = {name: value for name, value in parts.items() if name != "explanations"}
    before = Signed(
        **{name: getattr(told, name) for name in told.__slots__}
        | {"result": msgspec.json.encode(fewer)}
    )
    assert replayed(before, book, book, minutes(21)).identical
