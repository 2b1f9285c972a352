"""What is said when something went wrong while pairing: never without what to do."""

from __future__ import annotations

from gettext import NullTranslations

from gateway.pairing_state import Trouble


def trouble_words(words: NullTranslations) -> dict[Trouble, tuple[str, str]]:
    """Of each trouble: what it looks like, and what to do."""
    _ = words.gettext
    return {
        Trouble.UNREACHABLE: (
            _("I can see it, but it does not answer"),
            _("A phone may hold on to it, or it is too far away. Try what is listed below."),
        ),
        Trouble.WRONG_PASSKEY: (
            _("Those numbers did not fit"),
            _("Look at the numbers once more and type them again."),
        ),
        Trouble.LATE_PASSKEY: (
            _("That took too long for the device"),
            _("This happens. Put it in pairing mode again and have a look at its numbers."),
        ),
        Trouble.DIFFERENT: (
            _("The numbers were not the same"),
            _("So the box did not connect. Put your device in pairing mode and try again."),
        ),
        Trouble.REFUSED: (
            _("The device said no"),
            _("It is most likely not in pairing mode. Do the step below once more."),
        ),
        Trouble.LOST_BOND: (
            _("The device and the box lost each other"),
            _("A new battery or another phone can do that. Put it in pairing mode again."),
        ),
        Trouble.DROPPED: (
            _("The connection broke off"),
            _("Put the device right next to the box and try again."),
        ),
        Trouble.FAULT: (
            _("The box does not understand this device"),
            _("Try once more. If it happens again, call your clinic: it may be the wrong model."),
        ),
        Trouble.NOT_KEPT: (
            _("The box could not save the reading"),
            _("Your device still has it. Please call your clinic: the box needs a look."),
        ),
        Trouble.UNMEASURED: (
            _("The device could not measure"),
            _("Sit still, check how it is put on, and measure again."),
        ),
        Trouble.UNREADABLE: (
            _("The box could not read this reading"),
            _("It is kept for your clinic. Please measure once more."),
        ),
    }
