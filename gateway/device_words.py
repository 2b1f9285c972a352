"""What is said about each kind of device: its name, how it is made ready, how it is tried out.

How a maker's models are put into pairing mode is what their manuals say, in our words; where a
model is not listed, the general way holds.
"""

from __future__ import annotations

from dataclasses import dataclass
from gettext import NullTranslations

from gateway.kinds import DeviceKind


@dataclass(frozen=True, slots=True, kw_only=True)
class KindWords:
    """All texts of one kind. `models`: maker and way into pairing mode."""

    kind: DeviceKind
    name: str
    picture: str  # what the drawing shows
    seen: str
    prepare_title: str
    prepare: tuple[str, ...]
    models: tuple[tuple[str, str], ...] = ()
    test_title: str
    test: tuple[str, ...]


def kind_words(words: NullTranslations) -> dict[DeviceKind, KindWords]:
    """In the order in which they are offered."""
    makers = (_cuff, _meter, _scale, _oximeter, _thermometer, _strap, _sensor)
    return {made.kind: made for made in (make(words) for make in makers)}


def _cuff(words: NullTranslations) -> KindWords:
    _ = words.gettext
    return KindWords(
        kind=DeviceKind.CUFF,
        name=_("Blood pressure cuff"),
        picture=_("A blood pressure cuff with a tube and a screen"),
        seen=_("I can see a blood pressure cuff."),
        prepare_title=_("Put the cuff in pairing mode"),
        prepare=(
            _("Put the cuff next to the box."),
            _("Hold its Bluetooth or Start button until the screen blinks."),
        ),
        models=(
            ("A&D", _("Hold the START button until “Pr” shows. Then let go.")),
            ("Omron", _("Hold the Bluetooth button until a “P” blinks.")),
            ("Beurer", _("Turn Bluetooth on in the menu, then take a reading.")),
        ),
        test_title=_("Take your blood pressure"),
        test=(
            _("Put the cuff on your arm. Sit still and do not talk."),
            _("Press the Start button and wait until it is done."),
        ),
    )


def _meter(words: NullTranslations) -> KindWords:
    _ = words.gettext
    return KindWords(
        kind=DeviceKind.METER,
        name=_("Blood sugar meter"),
        picture=_("A blood sugar meter with a test strip"),
        seen=_("I can see a blood sugar meter."),
        prepare_title=_("Put the meter in pairing mode"),
        prepare=(
            _("Put the meter next to the box and turn it on."),
            _("Open its menu. Choose Bluetooth or Wireless, then Pairing."),
            _("It may show six numbers. You type them on the next page."),
        ),
        models=(
            (
                "Accu-Chek",
                _("Choose Settings, Wireless, Pairing. The six numbers are on its back."),
            ),
            ("Contour", _("Turn it off. Then hold the OK button until a blue light blinks.")),
        ),
        test_title=_("Measure your blood sugar"),
        test=(
            _("Put in a new strip and measure as always."),
            _("When you see the result, leave the meter next to the box."),
        ),
    )


def _scale(words: NullTranslations) -> KindWords:
    _ = words.gettext
    return KindWords(
        kind=DeviceKind.SCALE,
        name=_("Scale"),
        picture=_("A bathroom scale"),
        seen=_("I can see a scale."),
        prepare_title=_("Wake up the scale"),
        prepare=(
            _("Put the scale on a hard floor, in the same room as the box."),
            _("Step on it once and step off again."),
        ),
        models=(
            ("A&D", _("Hold the small button on its underside until “Pr” shows.")),
            ("Beurer", _("Step on it. Leave it on until the Bluetooth sign shows.")),
        ),
        test_title=_("Weigh yourself"),
        test=(_("Step on the scale with bare feet. Stand still until the number stays."),),
    )


def _oximeter(words: NullTranslations) -> KindWords:
    _ = words.gettext
    return KindWords(
        kind=DeviceKind.OXIMETER,
        name=_("Finger oxygen meter"),
        picture=_("An oxygen meter clipped on a finger"),
        seen=_("I can see an oxygen meter."),
        prepare_title=_("Turn on the oxygen meter"),
        prepare=(
            _("Put the oxygen meter on your finger, close to the box."),
            _("It turns on by itself, or by its button."),
        ),
        test_title=_("Measure your oxygen"),
        test=(_("Keep the finger in and hold still until the number stays."),),
    )


def _thermometer(words: NullTranslations) -> KindWords:
    _ = words.gettext
    return KindWords(
        kind=DeviceKind.THERMOMETER,
        name=_("Thermometer"),
        picture=_("A thermometer"),
        seen=_("I can see a thermometer."),
        prepare_title=_("Turn on the thermometer"),
        prepare=(
            _("Put the thermometer next to the box."),
            _("Hold its button until the Bluetooth sign blinks."),
        ),
        test_title=_("Take your temperature"),
        test=(_("Measure as always. Wait for the beep."),),
    )


def _strap(words: NullTranslations) -> KindWords:
    _ = words.gettext
    return KindWords(
        kind=DeviceKind.STRAP,
        name=_("Heart rate strap"),
        picture=_("A strap around a chest"),
        seen=_("I can see a heart rate strap."),
        prepare_title=_("Put on the strap"),
        prepare=(
            _("Wet the strap a little and put it on."),
            _("It turns on by itself once it feels your skin."),
        ),
        test_title=_("Wear the strap for a minute"),
        test=(_("Sit still, close to the box."),),
    )


def _sensor(words: NullTranslations) -> KindWords:
    _ = words.gettext
    return KindWords(
        kind=DeviceKind.SENSOR,
        name=_("Sugar sensor on the skin"),
        picture=_("A round sensor on an upper arm"),
        seen=_("I can see a sugar sensor."),
        prepare_title=_("Bring the sensor close to the box"),
        prepare=(
            _("Stand close to the box with the sensor on your skin."),
            _("If it is connected to a phone, turn Bluetooth off on that phone."),
        ),
        test_title=_("Wait for the sensor"),
        test=(_("It sends a number by itself every few minutes. Stay close to the box."),),
    )
