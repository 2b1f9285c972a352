from __future__ import annotations

import pytest

from alerts.lifecycle import TRANSITIONS, Event, IllegalTransition, State, advance, opening
from alerts.lineage import Lineage, Severity, worst
from alerts.outcomes import ALL_LABELS, LABELS, NOT_NEEDED, Outcome

P, F, A, R = State.PENDING, State.FIRING, State.ACKNOWLEDGED, State.RESOLVED
#: Every state by every event; None is illegal.
EXPECTED = {
    #                    pending firing acknowledged resolved
    Event.FIRED: (None, None, None, None),
    Event.RECURRED: (P, F, A, None),
    Event.WORSENED: (P, F, F, None),
    Event.JOINED: (None, None, None, R),
    Event.CONFIRMED: (F, None, None, None),
    Event.DISMISSED: (R, None, None, None),
    Event.ACKNOWLEDGED: (P, A, A, None),
    Event.RELEASED: (P, F, F, None),
    Event.RESOLVED: (R, R, R, None),
    Event.REOPENED: (None, None, None, A),
    Event.REVIEWED: (P, F, A, R),
    Event.SUPERSEDED: (P, F, A, R),
    Event.NOT_NEEDED: (R, R, None, None),
    Event.RETURNED: (None, None, None, F),
    Event.ASKED_AGAIN: (None, None, None, P),
}
CASES = [
    (state, event, after)
    for event, row in EXPECTED.items()
    for state, after in zip(State, row, strict=True)
]


@pytest.mark.parametrize(("state", "event", "after"), CASES)
def test_every_state_and_every_event(state, event, after):
    before = {s: dict(events) for s, events in TRANSITIONS.items()}
    if after is None:
        with pytest.raises(IllegalTransition) as raised:
            advance(state, event)
        assert (raised.value.state, raised.value.event) == (state, event)
    else:
        assert advance(state, event) is after
    assert before == TRANSITIONS


def test_the_table_knows_every_state_and_event():
    assert set(EXPECTED) == set(Event)
    assert set(TRANSITIONS) == set(State)


def test_only_a_doubtful_weight_opens_as_a_question():
    assert {lineage for lineage in Lineage if opening(lineage) is P} == {Lineage.WEIGHT_WHOSE}


def test_severities_are_ordered_by_urgency_and_not_by_spelling():
    assert worst(Severity.WARNING, Severity.CRITICAL, Severity.NOTICE) is Severity.CRITICAL
    assert worst(Severity.NOTICE, Severity.WARNING) is Severity.WARNING


def test_every_outcome_can_be_read():
    assert set(LABELS) == set(Outcome)
    assert set(ALL_LABELS) == {*Outcome, NOT_NEEDED}, "no person chooses what only the rules say"
