"""What to try when it does not work, in the order in which it usually fails. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from gettext import NullTranslations

from gateway.pairing_state import Pairing, Step, Trouble

PATIENCE = timedelta(seconds=25)  # then the advice is opened by itself
SLOW_CLINIC = timedelta(seconds=30)


class Advice(StrEnum):
    """One thing to try."""

    PAIRING_MODE = "pairing_mode"
    PHONE = "phone"
    BATTERY = "battery"
    NEARER = "nearer"
    LOST_BOND = "lost_bond"
    MEASURE = "measure"
    INTERNET = "internet"
    CLINIC = "clinic"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tip:
    """A question that somebody can answer by looking, and what to do."""

    title: str
    text: str


_USUAL = (
    Advice.PAIRING_MODE,
    Advice.PHONE,
    Advice.BATTERY,
    Advice.NEARER,
    Advice.LOST_BOND,
    Advice.CLINIC,
)
#: What a trouble makes more likely than the usual order has it.
_FIRST = {
    Trouble.UNREACHABLE: (Advice.PHONE, Advice.NEARER),
    Trouble.DROPPED: (Advice.NEARER, Advice.BATTERY),
    Trouble.LOST_BOND: (Advice.LOST_BOND, Advice.PAIRING_MODE),
    Trouble.FAULT: (Advice.CLINIC,),
}
#: What the words about it say already: there is nothing to look for.
_PLAIN = frozenset({Trouble.WRONG_PASSKEY, Trouble.LATE_PASSKEY, Trouble.DIFFERENT})
_LOOKING = frozenset({Step.PREPARE, Step.PICK, Step.PAIRING})


def tips(pairing: Pairing, *, online: bool) -> tuple[Advice, ...]:
    """The likeliest first. `online`: whether the clinic can be reached now."""
    if pairing.step in _LOOKING:
        first = _FIRST.get(pairing.trouble, ()) if pairing.trouble else ()
        if not first and any(found.weak for found in pairing.found):
            first = (Advice.NEARER,)
        return tuple(dict.fromkeys((*first, *_USUAL)))
    if pairing.step is Step.TEST:
        return (Advice.MEASURE, Advice.PHONE, Advice.NEARER, Advice.BATTERY, Advice.CLINIC)
    if pairing.step is Step.KEPT:
        return (Advice.CLINIC,) if online else (Advice.INTERNET, Advice.CLINIC)
    return ()


def pressing(pairing: Pairing, now: datetime) -> bool:
    """Whether somebody has waited so long, or something failed, that advice is to be seen."""
    if pairing.step not in {*_LOOKING, Step.TEST, Step.KEPT}:
        return False
    failed = pairing.trouble is not None and pairing.trouble not in _PLAIN
    if failed and pairing.step is not Step.PAIRING:
        return True
    patience = SLOW_CLINIC if pairing.step is Step.KEPT else PATIENCE
    if pairing.step is Step.TEST:
        patience *= 5  # sitting down, resting and measuring takes its time
    return pairing.since is not None and now - pairing.since >= patience


def told(tip: Advice, words: NullTranslations) -> Tip:
    title, text = _tips(words)[tip]
    return Tip(title=title, text=text)


def _tips(words: NullTranslations) -> dict[Advice, tuple[str, str]]:
    _ = words.gettext
    return {
        Advice.PAIRING_MODE: (
            _("Is it in pairing mode?"),
            _("Most devices stay in it for about a minute only. Start it once more."),
        ),
        Advice.PHONE: (
            _("Was it connected to a phone?"),
            _("A phone can hold on to it. Turn Bluetooth off on every phone and tablet nearby."),
        ),
        Advice.BATTERY: (
            _("Is the battery weak?"),
            _("A device can still switch on and be too weak to connect. Put in new batteries."),
        ),
        Advice.NEARER: (
            _("Is it close to the box?"),
            _("Put it right next to the box, with no wall or metal in between."),
        ),
        Advice.LOST_BOND: (
            _("Was it connected before?"),
            _(
                "It may remember an old phone or box. Look for “delete pairing” in its menu, or "
                "take the batteries out for a minute."
            ),
        ),
        Advice.MEASURE: (
            _("Did the measurement end?"),
            _("Wait until the device shows a result. Then it sends it by itself."),
        ),
        Advice.INTERNET: (
            _("Does your internet work?"),
            _("Check that your router is on. You need not measure again: nothing gets lost."),
        ),
        Advice.CLINIC: (
            _("Still not working?"),
            _("Call your clinic. Tell them the name that stands on your device."),
        ),
    }
