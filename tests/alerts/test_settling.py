"""What becomes of an alert that lost findings, and what counts as another finding."""

from __future__ import annotations

import dataclasses
from collections import Counter
from uuid import UUID

import msgspec
import pytest

from alerts.superseded import NOTHING_LEFT, SOME_LEFT, compare, settle
from store.alert_rows import Bereft, StandingFinding
from tests.alerts.make import bp, found

ALERT = UUID(int=7)


@pytest.mark.parametrize(
    ("state", "standing", "acted", "flagged", "closes", "reason", "event"),
    [
        ("firing", 0, False, False, True, None, "not_needed"),
        ("pending", 0, False, False, True, None, "not_needed"),
        ("firing", 1, False, False, False, None, "superseded"),
        ("firing", 0, True, False, False, NOTHING_LEFT, "superseded"),
        ("acknowledged", 2, True, False, False, SOME_LEFT, "superseded"),
        ("resolved", 0, True, False, False, NOTHING_LEFT, "superseded"),
        # A re-assignment asked a person to look: only they end that.
        ("firing", 0, False, True, False, None, "superseded"),
    ],
)
def test_only_what_nobody_touched_is_closed(state, standing, acted, flagged, closes, reason, event):
    settling = settle([Bereft(ALERT, state, standing, acted, flagged)], Counter({ALERT: 3}))
    assert settling.closed == ([ALERT] if closes else [])
    assert [flag.review_reason for flag in settling.flagged] == ([reason] if reason else [])
    (told,) = settling.events
    after = "resolved" if closes else state
    assert (told.event, told.state, told.detail) == (event, after, {"findings": 3})


def _standing(finding):
    return StandingFinding(
        finding.patient_id,
        str(finding.lineage),
        finding.reading_id,
        ALERT,
        finding.rule,
        str(finding.severity),
        finding.late,
        msgspec.json.decode(msgspec.json.encode(finding.observed)),
        msgspec.json.decode(msgspec.json.encode([hit.as_row() for hit in finding.limits])),
    )


def test_what_is_found_as_before_is_neither_new_nor_gone():
    before = found(bp(190, 125), bp(150, 80), bp(180, 80, late_h=30))
    change = compare(before, map(_standing, before))
    assert (change.new, change.gone) == ([], [])


def test_what_is_found_otherwise_is_gone_and_new_and_not_lost_to_its_alert():
    (crisis,) = found(bp(190, 125))
    before = _standing(crisis)
    milder = dataclasses.replace(before, severity="warning")
    change = compare([crisis], [milder])
    assert (change.new, change.gone) == ([crisis], [milder])
    assert compare([], [before]).lost([]) == {ALERT: 1}
