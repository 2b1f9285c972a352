"""Why an act of care work is refused. Nothing was written; the message says what to do instead.

CareError
├── NotFound          no such task, entry or patient in this clinic
├── AlreadyTaken      a colleague has the task; carries `by_name` and `at`
├── AlreadyDone       the task was closed; carries `by_name` and `at`
├── NotYours          only the person who has it, or worked it, may do this
├── TooLate           the time for undoing has run out
├── EpisodeOpen       the same thing fired again: a closed alert cannot be reopened beside it
├── Undocumented      time that counts needs a note
├── BadInterval       an end before its start, or time that has not come yet
├── BeyondProof       an abandoned timer cannot be confirmed past its last proven activity
├── BusyElsewhere     the person is recorded on another patient then (I7)
├── TimerRunning      the person has a running timer already (I7)
├── NotReversible     the entry was taken back already
├── UnknownWord       a programme, activity, outcome, channel or code outside of its closed set
├── AlreadyEnrolled   the patient is in that programme during that time
├── ChangedSinceReview  what a month rests on is not what the signer looked at
├── AlreadySigned     a colleague signed this month; carries `by_name` and `at`
├── NotSigned         there is nothing to reopen
├── NothingToSign     nothing bills in that month
├── MonthRuns         the month is not over where the practice, or the patient, is
├── MonthLocked       the clinic's month is closed: nothing is added to it
├── AlreadyLocked     a colleague locked it; carries `by_name` and `at`
├── NotLocked         there is nothing to unlock
├── ReadingsGone      readings that the month rests on were removed
├── NoReason          reopening and unlocking say why
├── Unchanged         a correction that changes nothing
├── SaidAlready       a statement of fact stands already
├── StayOnRecord      a stay covers some of these days already
└── RulesGone         the rule table of a signature is not kept: a defect of the database
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from store.errors import DataRefused


class CareError(Exception):
    """The root of this package's errors; the default message is the docstring."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or (self.__doc__ or "").partition("\n")[0])


class NotFound(CareError):
    """There is no such thing in this clinic."""


class _Beaten(CareError):
    """Somebody was first."""

    def __init__(self, by_name: str, at: datetime) -> None:
        super().__init__()
        self.by_name = by_name
        self.at = at


class AlreadyTaken(_Beaten):
    """A colleague has this task."""


class AlreadyDone(_Beaten):
    """This task is closed."""


class NotYours(CareError):
    """Claim the task first, or ask the person who has it."""


class TooLate(CareError):
    """This can no longer be undone."""


class EpisodeOpen(CareError):
    """A new alert of the same kind is open: work on that one."""


class Undocumented(CareError):
    """Write a note: only documented time counts."""


class BadInterval(CareError):
    """The end must come after the start, and neither may lie in the future."""


class BeyondProof(CareError):
    """The timer's last proven activity was earlier: log the rest by hand."""


class BusyElsewhere(CareError):
    """During that time you are recorded on another patient."""


class TimerRunning(CareError):
    """Your timer runs already."""


class NotReversible(CareError):
    """This entry was taken back already."""


class UnknownWord(CareError):
    """That is not one of the choices."""


class AlreadyEnrolled(CareError):
    """The patient is enrolled in this programme during that time."""


class ChangedSinceReview(CareError):
    """This month changed after you opened it: look at it again, then sign."""


class AlreadySigned(_Beaten):
    """This month is signed: reopen it first."""


class NotSigned(CareError):
    """This month is not signed."""


class NothingToSign(CareError):
    """Nothing bills in this month, so there is nothing to sign."""


class MonthRuns(CareError):
    """This month still runs: come back when its last day is over."""


class MonthLocked(CareError):
    """This month is locked: ask who bills to unlock it, with a reason. Taking back still works."""


class AlreadyLocked(_Beaten):
    """This month is locked."""


class NotLocked(CareError):
    """This month is not locked."""


class ReadingsGone(CareError):
    """Readings that this month rests on were removed: it cannot be signed any more."""


class NoReason(CareError):
    """Say why: the reason stays with the month."""


class RulesGone(CareError):
    """The rules that this month was signed by are not in the database: restore it from a backup."""


class Unchanged(CareError):
    """Nothing is different: change what was wrong."""


class SaidAlready(CareError):
    """This is on record already: take that back first."""


class StayOnRecord(CareError):
    """A stay on record covers some of these days: take that back first."""


_BY_CONSTRAINT: dict[str, type[CareError]] = {
    "one_patient_at_a_time": BusyElsewhere,
    "time_entry_one_running_idx": TimerRunning,
    "alert_one_open_idx": EpisodeOpen,
    "enrolment_once": AlreadyEnrolled,
    "month_is_locked": MonthLocked,
    "billing_fact_said_once": SaidAlready,
    "billing_fact_one_apcm": SaidAlready,
    "one_stay_at_a_time": StayOnRecord,
    "never_edited": NotReversible,
}


@contextmanager
def told() -> Iterator[None]:
    """A refusal of the database becomes the domain's, by the name of its constraint."""
    try:
        yield
    except DataRefused as exc:
        if known := _BY_CONSTRAINT.get(exc.constraint or ""):
            raise known from exc
        raise
