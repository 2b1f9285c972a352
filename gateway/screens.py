"""What one step says to somebody: a screen, the same for the page and for the terminal.

A screen is plain data in one language; how it looks is the portal's business or the wizard's.
Words: short sentences that somebody of nine can read, what to do before what is wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from datetime import datetime
from gettext import NullTranslations

from gateway import advice
from gateway.advice import Tip
from gateway.device_words import KindWords, kind_words
from gateway.kinds import DeviceKind
from gateway.pairing_state import Found, Pairing, Step
from gateway.reading_words import Shown, shown_values
from gateway.trouble_words import trouble_words

NEAR_DBM = -65  # at least: beside the box
LOW_BATTERY_PCT = 15


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One of several things, told apart by its picture and its name."""

    value: str
    label: str
    hint: str = ""
    picture: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Button:
    """`act` is the name of what it does (`gateway.acts`)."""

    act: str
    label: str
    value: str = ""
    quiet: bool = False  # a way out, not the way on


@dataclass(frozen=True, slots=True, kw_only=True)
class Screen:
    """One step. `status` is what changes while somebody waits: read aloud when it does."""

    step: Step
    title: str
    picture: str = ""
    picture_alt: str = ""
    text: tuple[str, ...] = ()
    status: str = ""
    waits: bool = False  # something will happen by itself
    alarm: tuple[str, str] | None = None  # what went wrong, and what to do
    choices: tuple[Choice, ...] = ()
    choose: str = ""  # the act that a choice does
    passkey: bool = False  # six digits are to be typed
    number: str = ""  # six digits to look at
    buttons: tuple[Button, ...] = ()
    tips: tuple[Tip, ...] = ()
    tips_open: bool = False
    models: tuple[tuple[str, str], ...] = ()  # maker -> its way into pairing mode
    reading: tuple[Shown, ...] = ()
    success: bool = False
    notes: tuple[str, ...] = field(default=())


def screen(
    pairing: Pairing,
    now: datetime,
    words: NullTranslations,
    *,
    online: bool,
    lost: Collection[DeviceKind] = (),
) -> Screen:
    """What to show.

    `online`: whether the clinic can be reached now. `lost`: kinds of devices to be paired anew.
    """
    made = _SCREENS[pairing.step](pairing, words)
    if pairing.step is Step.KEPT and not online:
        made = replace(made, text=(), status=words.gettext("Waiting for the internet…"))
    tips = advice.tips(pairing, online=online)
    return replace(
        made,
        tips=tuple(advice.told(tip, words) for tip in tips),
        tips_open=advice.pressing(pairing, now),
        alarm=_alarm(pairing, words),
        notes=(*_lost(pairing, words, lost), *_notes(pairing, words, online=online)),
    )


def _kind(pairing: Pairing, words: NullTranslations) -> KindWords:
    if pairing.kind is None:
        raise ValueError("no kind of device was chosen")
    return kind_words(words)[pairing.kind]


def _back(words: NullTranslations) -> Button:
    return Button(act="back", label=words.gettext("Back"), quiet=True)


def _closed(pairing: Pairing, words: NullTranslations) -> Screen:
    _ = words.gettext
    return Screen(
        step=Step.CLOSED,
        title=_("Connect a device to your clinic"),
        picture="box",
        picture_alt=_("The box, with a cuff, a meter and a scale around it"),
        text=(
            _("This page helps you connect a device to the box in your home."),
            _("It takes about 5 minutes. Have the device and this box in the same room."),
        ),
        status=_("This is closed now. You can leave, or start again.") if pairing.since else "",
        buttons=(Button(act="open", label=_("Start")),),
    )


def _choose(pairing: Pairing, words: NullTranslations) -> Screen:
    _ = words.gettext
    choices = tuple(
        Choice(value=kind.value, label=said.name, picture=kind.value)
        for kind, said in kind_words(words).items()
    )
    return Screen(
        step=Step.CHOOSE,
        title=_("What do you want to connect?"),
        status=_("The device is forgotten. You can connect it again.") if pairing.forgot else "",
        choices=choices,
        choose="kind",
        buttons=(Button(act="close", label=_("Stop for now"), quiet=True),),
    )


def _prepare(pairing: Pairing, words: NullTranslations) -> Screen:
    _ = words.gettext
    said = _kind(pairing, words)
    return Screen(
        step=Step.PREPARE,
        title=said.prepare_title,
        picture=said.kind.value,
        picture_alt=said.picture,
        text=said.prepare,
        status=_("Looking for it…") if pairing.trouble is None else _("Trying again…"),
        waits=True,
        models=said.models,
        buttons=(_back(words),),
    )


def _pick(pairing: Pairing, words: NullTranslations) -> Screen:
    _ = words.gettext
    said = _kind(pairing, words)
    one = len(pairing.found) == 1
    return Screen(
        step=Step.PICK,
        title=_("Is this your device?") if one else _("Which one is yours?"),
        text=(
            _("It may belong to a neighbor. Look at the name on your device."),
            _("Not sure? Bring your device next to the box. It then says “very near”."),
        ),
        status=said.seen,
        waits=True,
        choices=tuple(
            Choice(
                value=found.address,
                label=found.name or said.name,
                hint=_hint(found, words),
                picture=said.kind.value,
            )
            for found in pairing.found
        ),
        choose="pick",
        buttons=(_back(words),),
    )


def _hint(found: Found, words: NullTranslations) -> str:
    _ = words.gettext
    parts = []
    if found.rssi_dbm is not None:
        near = found.rssi_dbm >= NEAR_DBM
        parts.append(_("very near") if near else _("near") if found.clear else _("far away"))
    if found.known:
        parts.append(_("already connected"))
    return ", ".join(parts)


def _pairing(pairing: Pairing, words: NullTranslations) -> Screen:
    _ = words.gettext
    said = _kind(pairing, words)
    return Screen(
        step=Step.PAIRING,
        title=_("Connecting"),
        picture=said.kind.value,
        picture_alt=said.picture,
        text=(said.seen, _("Keep it next to the box. Do not turn it off.")),
        status=_("Checking your numbers…") if pairing.typed else _("Connecting to it…"),
        waits=True,
        buttons=(_back(words),),
    )


def _passkey(pairing: Pairing, words: NullTranslations) -> Screen:
    _ = words.gettext
    found = pairing.chosen
    on_label = found is not None and found.passkey_on_label
    where = (
        _("Look on the back of the device. There are six numbers.")
        if on_label
        else _("Look at the screen of the device. It shows six numbers.")
    )
    return Screen(
        step=Step.PASSKEY,
        title=_("Type the six numbers"),
        picture="passkey",
        picture_alt=_("A device that shows six numbers"),
        text=(where, _("Type them here soon. The device waits about half a minute.")),
        passkey=True,
        waits=True,
        buttons=(Button(act="passkey", label=_("Continue")), _back(words)),
    )


def _compare(pairing: Pairing, words: NullTranslations) -> Screen:
    _ = words.gettext
    return Screen(
        step=Step.COMPARE,
        title=_("Is it the same number?"),
        text=(_("Your device shows a number now. Is it this one?"),),
        number=_digits(pairing.number),
        waits=True,
        buttons=(
            Button(act="same", value="yes", label=_("Yes, it is the same")),
            Button(act="same", value="no", label=_("No, it is different"), quiet=True),
        ),
    )


def _show(pairing: Pairing, words: NullTranslations) -> Screen:
    _ = words.gettext
    return Screen(
        step=Step.SHOW,
        title=_("Type this number on your device"),
        text=(_("Use the keys of the device. Then press its OK key."),),
        number=_digits(pairing.number),
        status=_("Waiting for your device…"),
        waits=True,
        buttons=(_back(words),),
    )


def _digits(number: int | None) -> str:
    return f"{number or 0:06d}"


def _test(pairing: Pairing, words: NullTranslations) -> Screen:
    _ = words.gettext
    said = _kind(pairing, words)
    status = _("Connected. Waiting for your reading…")
    buttons = [_back(words), _forget(words)]
    if pairing.stored:
        status = words.ngettext(
            "The box got %d older reading from it. Waiting for a new one…",
            "The box got %d older readings from it. Waiting for a new one…",
            pairing.stored,
        ) % (pairing.stored,)
        buttons.insert(0, Button(act="stored", label=_("Finish without a new reading")))
    return Screen(
        step=Step.TEST,
        title=said.test_title,
        picture=said.kind.value,
        picture_alt=said.picture,
        text=said.test,
        status=status,
        waits=True,
        buttons=tuple(buttons),
    )


def _forget(words: NullTranslations) -> Button:
    _ = words.gettext
    return Button(act="forget", label=_("This is not my device: forget it"), quiet=True)


def _kept(pairing: Pairing, words: NullTranslations) -> Screen:
    _ = words.gettext
    return Screen(
        step=Step.KEPT,
        title=_("Your reading is safe in the box"),
        picture="box",
        picture_alt=_("The box"),
        text=(_("The box now sends it to your clinic."),),
        status=_("Sending it to your clinic…"),
        waits=True,
        reading=_reading(pairing, words),
        buttons=(
            Button(act="another", label=_("Connect another device"), quiet=True),
            _forget(words),
        ),
    )


def _done(pairing: Pairing, words: NullTranslations) -> Screen:
    _ = words.gettext
    return Screen(
        step=Step.DONE,
        title=_("Your clinic has it"),
        picture="clinic",
        picture_alt=_("A clinic"),
        text=(
            _("Your device is connected. Your clinic got this reading."),
            _("From now on, just measure as usual. The box does the rest."),
        ),
        status=_("All done."),
        reading=_reading(pairing, words),
        success=True,
        buttons=(
            Button(act="close", label=_("Finish")),
            Button(act="another", label=_("Connect another device"), quiet=True),
            _forget(words),
        ),
    )


def _reading(pairing: Pairing, words: NullTranslations) -> tuple[Shown, ...]:
    return () if pairing.reading is None else shown_values(pairing.reading, words)


def _lost(
    pairing: Pairing, words: NullTranslations, lost: Collection[DeviceKind]
) -> tuple[str, ...]:
    if pairing.step is not Step.CHOOSE:
        return ()
    again = words.gettext("This one lost its connection. Please connect it again: %s")
    return tuple(again % (said.name,) for kind, said in kind_words(words).items() if kind in lost)


def _notes(pairing: Pairing, words: NullTranslations, *, online: bool) -> tuple[str, ...]:
    _ = words.gettext
    notes = []
    if pairing.step is Step.KEPT and not online:
        notes.append(
            _(
                "The box cannot reach your clinic right now. Your reading is kept safely in the "
                "box. It is sent as soon as the internet works again. You can close this page."
            )
        )
    battery = pairing.reading.battery_pct if pairing.reading is not None else None
    if battery is not None and battery <= LOW_BATTERY_PCT:
        notes.append(_("The battery of your device is low. Put in new ones soon."))
    if pairing.step is Step.DONE and _looks_serious(pairing):
        notes.append(
            _("Do you feel unwell? Do not wait for your clinic. Call the number on this page.")
        )
    return tuple(notes)


def _looks_serious(pairing: Pairing) -> bool:
    """A bounded reading (HI, LO): beyond what the device can show."""
    reading = pairing.reading
    return reading is not None and any(v.comparator is not None for v in reading.values)


def _alarm(pairing: Pairing, words: NullTranslations) -> tuple[str, str] | None:
    told = pairing.step in {Step.PREPARE, Step.PASSKEY, Step.TEST}
    if pairing.trouble is None or not told:
        return None
    return trouble_words(words)[pairing.trouble]


_SCREENS: dict[Step, Callable[[Pairing, NullTranslations], Screen]] = {
    Step.CLOSED: _closed,
    Step.CHOOSE: _choose,
    Step.PREPARE: _prepare,
    Step.PICK: _pick,
    Step.PAIRING: _pairing,
    Step.PASSKEY: _passkey,
    Step.COMPARE: _compare,
    Step.SHOW: _show,
    Step.TEST: _test,
    Step.KEPT: _kept,
    Step.DONE: _done,
}
