"""The rule table in words: every row of the shipped table, its switches, and what changes."""

from __future__ import annotations

import pytest

from api import rules_view
from ccm_link.calendar_month import Month
from ccm_link.facts import Policy
from ccm_link.rule_words import CONFIDENCE, sentence, subject
from ccm_link.rules import in_force, shipped

TABLE, VERSION = shipped()
FIELDS = [key for key, _, _ in rules_view.PARTS]


def parts(month, policy=None, **how):
    rules = in_force(TABLE, Month.parse(month), version=VERSION)
    return rules_view.parts_of(TABLE, rules, policy or Policy(), **how)


def rows(month, part, policy=None, **how):
    found = {p.key: p for p in parts(month, policy, **how)}
    return found[part].rows if part in found else ()


def test_every_part_of_the_table_has_a_heading():
    lists = {name for name in TABLE.__struct_fields__ if isinstance(getattr(TABLE, name), tuple)}
    assert set(FIELDS) == lists


@pytest.mark.parametrize("field", FIELDS)
def test_every_row_has_words_and_a_mark_that_is_explained(field):
    for row in getattr(TABLE, field):
        assert subject(row)
        assert sentence(row).endswith(".")
        assert row.confidence in CONFIDENCE


@pytest.mark.parametrize("month", ["2025-01", "2025-10", "2026-11"])
def test_a_month_shows_all_rows_in_force_and_the_others_beside_them(month):
    at = Month.parse(month)
    shown = {part.key: part for part in parts(month)}
    for field in FIELDS:
        in_it = [row for row in getattr(TABLE, field) if row.in_force(at)]
        assert len(shown[field].rows) == len(in_it), field
        beside = sum(len(row.history) for row in shown[field].rows) + len(shown[field].others)
        assert len(in_it) + beside >= len(getattr(TABLE, field)), field


def test_a_rule_tells_what_it_was_before():
    (device,) = rows("2026-11", "device")
    assert "99445" in device.sentence
    (before,) = device.history
    assert "99445" not in before.sentence
    assert str(before.valid_to) == "2025-12-31"


def test_what_has_ended_stands_beside_the_rest():
    ended = {part.key: part for part in parts("2026-11")}["code"].others
    assert [told.subject for told in ended] == ["G0511"]


def test_switches_say_what_this_clinic_has_set():
    policy = Policy(qhp_time_counts_as_staff=True, caps={"99458": 3})
    tracks = {row.subject: row for row in rows("2026-11", "track", policy)}
    assert [switch.here for switch in tracks["99490"].switches] == [None, "yes"]
    assert [(s.standard, s.here) for s in tracks["99457"].switches] == [("2", "3")]
    assert tracks["99470"].switches == ()


def test_a_search_finds_codes_words_and_switches():
    assert [row.subject for row in rows("2026-11", "track", wanted="99439")] == ["99490"]
    assert [row.subject for row in rows("2026-11", "never", wanted="appointments")] == [
        "Scheduling"
    ]
    assert rows("2026-11", "gate", wanted="no such word") == ()
    assert [part.key for part in parts("2026-11", only="gate")] == ["gate"]


def test_what_2026_changed():
    found = rules_view.changes(TABLE, Month.parse("2025-12"), Month.parse("2026-01"))
    begun = {(c.part, c.subject) for c in found if not c.before}
    assert {("Codes", "99445"), ("Codes", "99470"), ("Time", "99470")} <= begun
    changed = [c for c in found if c.part == "Devices"]
    assert any("16 days" in c.before for c in changed)
    assert any("2 to 15 days" in c.after for c in changed)


def test_what_ends_is_told_as_ended():
    found = rules_view.changes(TABLE, Month.parse("2025-09"), Month.parse("2025-10"))
    assert [(c.subject, bool(c.before), c.after) for c in found] == [("G0511", True, "")]


def test_the_same_month_changes_nothing():
    assert rules_view.changes(TABLE, Month.parse("2026-01"), Month.parse("2026-01")) == []


def test_months_run_from_the_first_of_the_table():
    months = rules_view.months_of(TABLE, until=Month.parse("2025-03"))
    assert [str(month) for month in months] == ["2025-03", "2025-02", "2025-01"]
