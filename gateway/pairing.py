"""Pairing one device, step by step: what somebody does and what the radio tells, as a pure machine.

    closed -> choose -> prepare -> (pick) -> pairing -> (passkey | compare | show) -> test
                 ^         ^__________________| trouble               |                 |
                 |____________________________________________________|        kept -> done

`after(pairing, event, now)` is the whole of it. A person's act that does not fit the step raises
`NotNow` and changes nothing; a fact of the radio that is not about the chosen device is passed
over. Nothing waits here: time comes in as `now`, and `Ticked` says that it went by.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from gateway.link import Failure
from gateway.pairing_events import (
    Act,
    AskEnded,
    AsksPasskey,
    AsksSame,
    Broke,
    Chose,
    Closed,
    Compared,
    Entered,
    Fact,
    Forgot,
    Linked,
    Linking,
    Opened,
    Picked,
    Receipted,
    Shows,
    Sighted,
    Spooled,
    Ticked,
    TookStored,
    WantsAnother,
    WentBack,
)
from gateway.pairing_state import Found, NotNow, Pairing, Step, Trouble
from vitals.reading import Kind, Reading

OPEN_FOR = timedelta(minutes=15)  # after the last thing that somebody did
LONGEST = timedelta(hours=1)  # in all
STEP_BACK = timedelta(minutes=1)  # of the box's clock, that means nothing
SETTLE = timedelta(seconds=2)  # another one may come on the air beside the first
ANSWER = timedelta(seconds=60)  # for a device that was picked to answer
GONE = timedelta(seconds=60)  # since its last advertisement
TEST_AGE = timedelta(minutes=10)  # older readings come from the device's memory
PASSKEYS = 1_000_000  # six digits
MOST_FOUND = 6


_ASKING = frozenset({Step.PASSKEY, Step.COMPARE, Step.SHOW})
_BEFORE_LINK = frozenset({Step.PREPARE, Step.PICK, Step.PAIRING}) | _ASKING
_PAIRED = frozenset({Step.TEST, Step.KEPT, Step.DONE})
_BROKEN = {
    Failure.UNREACHABLE: Trouble.UNREACHABLE,
    Failure.LINK_LOST: Trouble.DROPPED,
    Failure.SILENT: Trouble.DROPPED,
    Failure.FAULT: Trouble.FAULT,
    Failure.NOT_KEPT: Trouble.NOT_KEPT,
}


def after(pairing: Pairing, event: Act | Fact, now: datetime) -> Pairing:
    """The state that follows.

    Raises:
        NotNow: an act that does not fit the step.
    """
    pairing = _expired(pairing, now)
    if isinstance(event, Act):
        return _renewed(_ACTS[type(event)](pairing, event, now), now)
    if not pairing.is_open:
        return pairing
    return _FACTS[type(event)](pairing, event, now)


def admits(pairing: Pairing, address: str) -> bool:
    """Whether this device, which nobody has accepted yet, may be visited."""
    return pairing.is_open and pairing.address == address


def _expired(pairing: Pairing, now: datetime) -> Pairing:
    """A clock that was put back would keep it open for longer: that ends it too."""
    if pairing.opened is None or pairing.until is None:
        return pairing
    open_now = pairing.opened - STEP_BACK <= now < pairing.until
    return pairing if open_now else Pairing(since=now)


def _renewed(pairing: Pairing, now: datetime) -> Pairing:
    if pairing.opened is None:
        return pairing
    return replace(pairing, until=min(now + OPEN_FOR, pairing.opened + LONGEST))


def _at(pairing: Pairing, step: Step, now: datetime, **changes: Any) -> Pairing:
    since = pairing.since if pairing.step is step else now
    return replace(pairing, step=step, since=since, **changes)


def _only_at(pairing: Pairing, *steps: Step) -> None:
    if pairing.step not in steps:
        raise NotNow(pairing.step.value)


def _anew(pairing: Pairing, step: Step, now: datetime, **changes: Any) -> Pairing:
    """At `step` with nothing of a device left but when pairing was opened."""
    return Pairing(step=step, since=now, opened=pairing.opened, until=pairing.until, **changes)


# Acts.


def _open(pairing: Pairing, _: Opened, now: datetime) -> Pairing:
    if pairing.is_open:
        return pairing
    return Pairing(step=Step.CHOOSE, since=now, opened=now)


def _choose(pairing: Pairing, act: Chose, now: datetime) -> Pairing:
    _only_at(pairing, Step.CHOOSE, Step.PREPARE, Step.PICK)
    return _anew(pairing, Step.PREPARE, now, kind=act.kind)


def _pick(pairing: Pairing, act: Picked, now: datetime) -> Pairing:
    _only_at(pairing, Step.PICK)
    if act.address not in {found.address for found in pairing.found}:
        raise NotNow(pairing.step.value)
    return _at(pairing, Step.PAIRING, now, address=act.address, trouble=None)


def _enter(pairing: Pairing, act: Entered, now: datetime) -> Pairing:
    _only_at(pairing, Step.PASSKEY)
    if not 0 <= act.passkey < PASSKEYS:
        raise NotNow(pairing.step.value)
    return _at(pairing, Step.PAIRING, now, typed=True, trouble=None)


def _compare(pairing: Pairing, act: Compared, now: datetime) -> Pairing:
    _only_at(pairing, Step.COMPARE)
    if act.same:
        return _at(pairing, Step.PAIRING, now, number=None)
    return _at(pairing, Step.PREPARE, now, number=None, trouble=Trouble.DIFFERENT)


def _take_stored(pairing: Pairing, _: TookStored, now: datetime) -> Pairing:
    _only_at(pairing, Step.TEST)
    if not pairing.stored:
        raise NotNow(pairing.step.value)
    return _at(pairing, Step.DONE if pairing.has else Step.KEPT, now, trouble=None)


def _back(pairing: Pairing, _: WentBack, now: datetime) -> Pairing:
    if pairing.step in {Step.PREPARE, Step.PICK}:
        return _anew(pairing, Step.CHOOSE, now)
    _only_at(pairing, Step.PAIRING, Step.TEST, *_ASKING)
    return _anew(pairing, Step.PREPARE, now, kind=pairing.kind)


def _forget(pairing: Pairing, _: Forgot, now: datetime) -> Pairing:
    _only_at(pairing, *_PAIRED)
    return _anew(pairing, Step.CHOOSE, now, forgot=True)


def _another(pairing: Pairing, _: WantsAnother, now: datetime) -> Pairing:
    _only_at(pairing, Step.KEPT, Step.DONE)
    return _anew(pairing, Step.CHOOSE, now)


def _close(_: Pairing, __: Closed, now: datetime) -> Pairing:
    return Pairing(since=now)


# Facts.


def _sighted(pairing: Pairing, fact: Sighted, now: datetime) -> Pairing:
    if fact.kind is not pairing.kind:
        return pairing
    before = next((f for f in pairing.found if f.address == fact.address), None)
    seen = Found(
        address=fact.address,
        name=fact.name or (before.name if before else None),
        rssi_dbm=fact.rssi_dbm,
        known=fact.known,
        passkey_on_label=fact.passkey_on_label,
        first=before.first if before else now,
        last=now,
    )
    if before is not None:
        found = [seen if f is before else f for f in pairing.found]
    else:
        found = [*(f for f in pairing.found if now - f.last <= GONE), seen][:MOST_FOUND]
    return _settled(replace(pairing, found=tuple(found)), now)


def _settled(pairing: Pairing, now: datetime) -> Pairing:
    """Once nothing else has come on the air: go on with the only one, or ask which one it is."""
    if pairing.step is not Step.PREPARE or pairing.address is not None:
        return pairing
    here = [f for f in pairing.found if now - f.last <= GONE]
    if not here or now - max(f.first for f in here) < SETTLE:
        return pairing
    new = [f for f in here if not f.known]
    if len(new) == 1 and new[0].clear:
        return _at(pairing, Step.PAIRING, now, address=new[0].address)
    return _at(pairing, Step.PICK, now)


def _linking(pairing: Pairing, fact: Linking, now: datetime) -> Pairing:
    if _is_it(pairing, fact.address):
        if pairing.step in {Step.PREPARE, Step.PICK}:
            return _at(pairing, Step.PAIRING, now, typed=False, number=None)
        return replace(pairing, typed=False, number=None)
    comes_by_itself = pairing.step is Step.PREPARE and pairing.address is None
    if comes_by_itself and fact.kind is pairing.kind and not fact.known:
        return _at(pairing, Step.PAIRING, now, address=fact.address)
    return pairing


def _linked(pairing: Pairing, fact: Linked, now: datetime) -> Pairing:
    if _is_it(pairing, fact.address) and pairing.step in _BEFORE_LINK:
        return _at(pairing, Step.TEST, now, trouble=None, number=None)
    return pairing


def _broke(pairing: Pairing, fact: Broke, now: datetime) -> Pairing:
    if not _is_it(pairing, fact.address):
        return pairing
    if fact.reason is Failure.NOT_PAIRED:
        return _not_paired(pairing, now)
    trouble = _BROKEN[fact.reason]
    if pairing.step in _BEFORE_LINK:
        return _at(pairing, Step.PREPARE, now, trouble=trouble, number=None, typed=False)
    if pairing.step is Step.TEST and fact.reason is not Failure.LINK_LOST:
        return replace(pairing, trouble=trouble)  # a device that hangs up is no trouble
    return pairing


def _not_paired(pairing: Pairing, now: datetime) -> Pairing:
    if pairing.step in {Step.KEPT, Step.DONE}:
        return pairing
    trouble = Trouble.REFUSED
    if pairing.step is Step.TEST or (pairing.chosen is not None and pairing.chosen.known):
        trouble = Trouble.LOST_BOND
    if pairing.typed:
        trouble = Trouble.WRONG_PASSKEY
    if pairing.trouble in {Trouble.LATE_PASSKEY, Trouble.DIFFERENT}:
        trouble = pairing.trouble  # we know better why
    return _at(pairing, Step.PREPARE, now, trouble=trouble, number=None, typed=False)


def _asks_passkey(pairing: Pairing, fact: AsksPasskey, now: datetime) -> Pairing:
    return _asked(pairing, fact.address, Step.PASSKEY, None, now)


def _asks_same(pairing: Pairing, fact: AsksSame, now: datetime) -> Pairing:
    return _asked(pairing, fact.address, Step.COMPARE, fact.number, now)


def _shows(pairing: Pairing, fact: Shows, now: datetime) -> Pairing:
    return _asked(pairing, fact.address, Step.SHOW, fact.number, now)


def _asked(
    pairing: Pairing, address: str, step: Step, number: int | None, now: datetime
) -> Pairing:
    if not _is_it(pairing, address) or pairing.step in {Step.KEPT, Step.DONE}:
        return pairing
    trouble = pairing.trouble if pairing.trouble is Trouble.WRONG_PASSKEY else None
    return _at(pairing, step, now, number=number, trouble=trouble)


def _ask_ended(pairing: Pairing, fact: AskEnded, now: datetime) -> Pairing:
    if not _is_it(pairing, fact.address) or pairing.step not in _ASKING:
        return pairing
    return _at(pairing, Step.PREPARE, now, trouble=Trouble.LATE_PASSKEY, number=None)


def _spooled(pairing: Pairing, fact: Spooled, now: datetime) -> Pairing:
    if not _is_it(pairing, fact.address) or pairing.step in {Step.KEPT, Step.DONE}:
        return pairing
    reading = fact.reading
    newest = pairing.reading is None or reading.measured_at >= pairing.reading.measured_at
    if now - reading.measured_at > TEST_AGE:
        shown = {"reading": reading, "has": False} if newest else {}
        return _at(pairing, Step.TEST, now, stored=pairing.stored + 1, **shown)
    trouble = _useless(reading)
    if trouble is not None:
        return _at(pairing, Step.TEST, now, trouble=trouble)
    return _at(pairing, Step.KEPT, now, reading=reading, has=False, trouble=None)


def _useless(reading: Reading) -> Trouble | None:
    if reading.kind is Kind.UNDECODED:
        return Trouble.UNREADABLE
    measured = any(v.value is not None or v.comparator is not None for v in reading.values)
    return None if measured else Trouble.UNMEASURED


def _receipted(pairing: Pairing, fact: Receipted, now: datetime) -> Pairing:
    if pairing.reading is None or pairing.reading.id not in fact.ids:
        return pairing
    step = Step.DONE if pairing.step is Step.KEPT else pairing.step
    return _at(pairing, step, now, has=True)


def _ticked(pairing: Pairing, _: Ticked, now: datetime) -> Pairing:
    waited = now - (pairing.since or now)
    if pairing.step is Step.PAIRING and waited >= ANSWER:
        return _at(pairing, Step.PREPARE, now, trouble=Trouble.UNREACHABLE)
    if pairing.step is Step.PICK and all(now - f.last > GONE for f in pairing.found):
        return _at(pairing, Step.PREPARE, now, found=())
    return _settled(pairing, now)


def _is_it(pairing: Pairing, address: str) -> bool:
    return pairing.address == address


_ACTS: dict[type, Callable[[Pairing, Any, datetime], Pairing]] = {
    Opened: _open,
    Chose: _choose,
    Picked: _pick,
    Entered: _enter,
    Compared: _compare,
    TookStored: _take_stored,
    WentBack: _back,
    Forgot: _forget,
    WantsAnother: _another,
    Closed: _close,
}
_FACTS: dict[type, Callable[[Pairing, Any, datetime], Pairing]] = {
    Sighted: _sighted,
    Linking: _linking,
    Linked: _linked,
    Broke: _broke,
    AsksPasskey: _asks_passkey,
    AsksSame: _asks_same,
    Shows: _shows,
    AskEnded: _ask_ended,
    Spooled: _spooled,
    Receipted: _receipted,
    Ticked: _ticked,
}
