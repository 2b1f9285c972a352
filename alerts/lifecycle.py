"""The life of an alert, as one table.

Rule 1: everything that changes an alert's state is an event of `TRANSITIONS`.
Rule 2: an event that its state does not know raises, and nothing changes.

    (opened) ──> firing <──────────────> acknowledged ──> resolved
       └──────> pending ──confirmed──> firing                │
                         <───────────── reopened ────────────┘ (acknowledged)

What the rules closed as not needed, and nothing else, they open again: returned, asked again.
"""

from __future__ import annotations

from enum import StrEnum

from alerts.lineage import Lineage


class State(StrEnum):
    """Where an alert stands. Snoozing is a view of its task, not a state."""

    PENDING = "pending"  # a question comes first: whose reading is it?
    FIRING = "firing"  # waits for a person
    ACKNOWLEDGED = "acknowledged"  # somebody works on it
    RESOLVED = "resolved"  # has an outcome; a recurrence is a new episode


class Event(StrEnum):
    """What can happen to an alert."""

    FIRED = "fired"  # it was opened; the first event of every alert
    RECURRED = "recurred"  # another reading of the same kind
    WORSENED = "worsened"  # a reading more severe than all before: re-arms
    JOINED = "joined"  # a reading of a time that was handled already
    CONFIRMED = "confirmed"  # the question is answered: it is this patient's
    DISMISSED = "dismissed"  # the question is answered: it is not
    ACKNOWLEDGED = "acknowledged"  # claimed, or taken over
    RELEASED = "released"  # given back to the queue
    RESOLVED = "resolved"
    REOPENED = "reopened"  # a resolution was taken back
    REVIEWED = "reviewed"  # looked at again, after its readings were re-assigned or superseded
    SUPERSEDED = "superseded"  # late data took findings away, or a person has to look at that
    NOT_NEEDED = "not_needed"  # late data left nothing of it, and nobody had acted on it
    RETURNED = "returned"  # it was not needed, and now is
    ASKED_AGAIN = "asked_again"  # the same of a question


TRANSITIONS: dict[State, dict[Event, State]] = {
    State.PENDING: {
        Event.RECURRED: State.PENDING,
        Event.WORSENED: State.PENDING,
        Event.CONFIRMED: State.FIRING,
        Event.DISMISSED: State.RESOLVED,
        # Whoever claims the question has not answered it yet.
        Event.ACKNOWLEDGED: State.PENDING,
        Event.RELEASED: State.PENDING,
        Event.RESOLVED: State.RESOLVED,
        Event.REVIEWED: State.PENDING,
        Event.SUPERSEDED: State.PENDING,
        Event.NOT_NEEDED: State.RESOLVED,
    },
    State.FIRING: {
        Event.RECURRED: State.FIRING,
        Event.WORSENED: State.FIRING,
        Event.ACKNOWLEDGED: State.ACKNOWLEDGED,
        # Re-armed while somebody works on it, and then given back.
        Event.RELEASED: State.FIRING,
        Event.RESOLVED: State.RESOLVED,
        Event.REVIEWED: State.FIRING,
        Event.SUPERSEDED: State.FIRING,
        Event.NOT_NEEDED: State.RESOLVED,
    },
    State.ACKNOWLEDGED: {
        Event.RECURRED: State.ACKNOWLEDGED,
        Event.WORSENED: State.FIRING,
        Event.ACKNOWLEDGED: State.ACKNOWLEDGED,
        Event.RELEASED: State.FIRING,
        Event.RESOLVED: State.RESOLVED,
        Event.REVIEWED: State.ACKNOWLEDGED,
        Event.SUPERSEDED: State.ACKNOWLEDGED,
    },
    State.RESOLVED: {
        Event.JOINED: State.RESOLVED,
        Event.REVIEWED: State.RESOLVED,
        Event.REOPENED: State.ACKNOWLEDGED,
        Event.SUPERSEDED: State.RESOLVED,
        Event.RETURNED: State.FIRING,
        Event.ASKED_AGAIN: State.PENDING,
    },
}


class IllegalTransition(Exception):
    """The state does not know this event; nothing was changed."""

    def __init__(self, state: State, event: Event) -> None:
        super().__init__(f"an alert that is {state} cannot be {event}")
        self.state = state
        self.event = event


def advance(state: State, event: Event) -> State:
    """The state after `event`.

    Raises:
        IllegalTransition: the table has no such step.
    """
    try:
        return TRANSITIONS[State(state)][Event(event)]
    except KeyError:
        raise IllegalTransition(state, event) from None


def opening(lineage: Lineage) -> State:
    """The state in which an alert begins."""
    return State.PENDING if lineage is Lineage.WEIGHT_WHOSE else State.FIRING
