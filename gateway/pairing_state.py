"""What is known while a device is paired: the step, who is on the air, what went wrong last."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from gateway.kinds import DeviceKind
from vitals.reading import Reading

CLEAR_DBM = -78  # at least: the device is in the same room
WEAK_DBM = -88  # below: too far to be relied on


class Step(StrEnum):
    """Where somebody is."""

    CLOSED = "closed"  # no unknown device is let in
    CHOOSE = "choose"  # which kind of device
    PREPARE = "prepare"  # it is to be put into pairing mode, and is waited for
    PICK = "pick"  # more than one is there, or one that may be a neighbour's
    PAIRING = "pairing"  # the box connects
    PASSKEY = "passkey"  # the device shows six digits, or has them on a label
    COMPARE = "compare"  # the device shows a number and asks whether it is ours
    SHOW = "show"  # our number is to be entered on the device
    TEST = "test"  # paired: a reading is to be taken
    KEPT = "kept"  # the reading is safe in the box
    DONE = "done"  # the clinic has it


class Trouble(StrEnum):
    """What went wrong last."""

    UNREACHABLE = "unreachable"  # seen, and did not answer: held by a phone, or too far
    WRONG_PASSKEY = "wrong_passkey"
    LATE_PASSKEY = "late_passkey"  # nobody entered one while the device waited
    DIFFERENT = "different"  # the two numbers were not the same
    REFUSED = "refused"  # the device refused: it was not in pairing mode
    LOST_BOND = "lost_bond"  # paired before, and one of the two has forgotten
    DROPPED = "dropped"  # the link broke, or nothing more came
    FAULT = "fault"  # it answered, and not as its profile says
    NOT_KEPT = "not_kept"  # the box could not save what it was told
    UNMEASURED = "unmeasured"  # the reading holds no number: the measurement failed
    UNREADABLE = "unreadable"  # its bytes could not be read; they are kept


class NotNow(Exception):
    """An act that does not fit the step; whoever did it looked at an older page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A device of the chosen kind that is on the air."""

    address: str
    name: str | None = None
    rssi_dbm: int | None = None
    known: bool = False  # this box has read it before
    passkey_on_label: bool = False  # its six digits are printed on its back
    first: datetime
    last: datetime

    @property
    def clear(self) -> bool:
        return self.rssi_dbm is None or self.rssi_dbm >= CLEAR_DBM

    @property
    def weak(self) -> bool:
        return self.rssi_dbm is not None and self.rssi_dbm < WEAK_DBM


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairing:
    """All that is known. `reading` is the newest of the device's, and the only one kept."""

    step: Step = Step.CLOSED
    since: datetime | None = None  # of the step
    opened: datetime | None = None
    until: datetime | None = None  # then it closes by itself
    kind: DeviceKind | None = None
    found: tuple[Found, ...] = ()  # the first that was seen first: a list that somebody reads stays
    address: str | None = None
    trouble: Trouble | None = None
    number: int | None = None  # to compare, or to enter on the device
    typed: bool = False  # a passkey was entered in this attempt
    reading: Reading | None = None
    stored: int = 0  # readings that came out of the device's memory
    has: bool = False  # the clinic has `reading`
    forgot: bool = False  # the last device was forgotten again

    @property
    def is_open(self) -> bool:
        return self.step is not Step.CLOSED

    @property
    def chosen(self) -> Found | None:
        return next((f for f in self.found if f.address == self.address), None)
