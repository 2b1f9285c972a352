"""Every step has words, in every language, and none is left untranslated."""

from __future__ import annotations

import re
from typing import Any

import pytest

from gateway import advice, language
from gateway.device_words import kind_words
from gateway.kinds import DeviceKind
from gateway.pairing_state import Found, Pairing, Step, Trouble
from gateway.reading_words import shown_values
from gateway.screens import screen
from scripts import translated
from tests.gateway.portal.conftest import CUFF, NOW, reading
from vitals.reading import Comparator, Measure, coded

LANGUAGES = sorted(language.LANGUAGES)
HERE = Found(address=CUFF, name="A&D", rssi_dbm=-60, first=NOW, last=NOW)


def at(step, **changes):
    usual: dict[str, Any] = {"since": NOW, "kind": DeviceKind.CUFF, "address": CUFF}
    usual |= {"found": (HERE,), "reading": reading(NOW)}
    return Pairing(step=step, **(usual | changes))


@pytest.mark.parametrize("code", translated.LANGUAGES)
def test_every_text_is_translated_and_compiled(code):
    catalog = translated.merged(code)
    assert [message.id for message in translated.untranslated(catalog)] == []
    po = translated.po_path(code)
    written = translated.written(catalog)
    assert (po.read_bytes(), po.with_suffix(".mo").read_bytes()) == written


@pytest.mark.parametrize("code", translated.LANGUAGES)
def test_translations_keep_what_is_filled_in(code):
    for message in translated.merged(code):
        said, told = (
            texts if isinstance(texts, (tuple, list)) else (texts,)
            for texts in (message.id, message.string)
        )
        for text in filter(None, told) if message.id else ():
            assert re.findall(r"%\S", text) == re.findall(r"%\S", str(said[-1])), message.id


def test_every_language_but_the_code_s_own_has_a_catalogue():
    assert set(translated.LANGUAGES) == set(language.LANGUAGES) - {language.DEFAULT}


@pytest.mark.parametrize("code", LANGUAGES)
@pytest.mark.parametrize("step", Step)
def test_every_step_says_what_it_is_and_what_to_do(code, step):
    told = screen(at(step), NOW, language.words(code), online=True)
    assert told.title
    assert told.buttons or told.choices
    assert all(button.label for button in told.buttons)
    assert told.passkey == (step is Step.PASSKEY)


@pytest.mark.parametrize("kind", DeviceKind)
def test_every_kind_is_spoken_of_in_its_own_words(kind):
    english, spanish = (kind_words(language.words(code))[kind] for code in ("en", "es"))
    assert english.prepare
    assert english.test
    assert english.prepare_title != spanish.prepare_title


@pytest.mark.parametrize("trouble", Trouble)
def test_every_trouble_says_what_to_do(trouble):
    told = screen(at(Step.PREPARE, trouble=trouble), NOW, language.words("en"), online=True)
    assert told.alarm is not None
    assert all(told.alarm)
    plain = {Trouble.WRONG_PASSKEY, Trouble.LATE_PASSKEY, Trouble.DIFFERENT}
    assert told.tips_open == (trouble not in plain)


@pytest.mark.parametrize(
    ("pairing", "first"),
    [
        (at(Step.PREPARE), advice.Advice.PAIRING_MODE),
        (at(Step.PREPARE, trouble=Trouble.UNREACHABLE), advice.Advice.PHONE),
        (at(Step.PREPARE, trouble=Trouble.DROPPED), advice.Advice.NEARER),
        (at(Step.PREPARE, trouble=Trouble.LOST_BOND), advice.Advice.LOST_BOND),
        (
            at(
                Step.PREPARE,
                found=(Found(address=CUFF, rssi_dbm=-95, first=NOW, last=NOW),),
            ),
            advice.Advice.NEARER,
        ),
        (at(Step.TEST), advice.Advice.MEASURE),
    ],
)
def test_the_likeliest_advice_comes_first_and_none_twice(pairing, first):
    given = advice.tips(pairing, online=True)
    assert given[0] is first
    assert len(set(given)) == len(given)
    assert given[-1] is advice.Advice.CLINIC


def test_the_usual_order_is_the_one_in_which_it_fails():
    usual = advice.tips(at(Step.PREPARE), online=True)
    assert usual[:4] == (
        advice.Advice.PAIRING_MODE,
        advice.Advice.PHONE,
        advice.Advice.BATTERY,
        advice.Advice.NEARER,
    )


def test_advice_opens_by_itself_after_a_while():
    assert not advice.pressing(at(Step.PREPARE), NOW)
    assert advice.pressing(at(Step.PREPARE), NOW + advice.PATIENCE)
    assert not advice.pressing(at(Step.TEST), NOW + advice.PATIENCE)


def test_without_the_clinic_the_reading_is_said_to_be_safe():
    away = screen(at(Step.KEPT), NOW, language.words("en"), online=False)
    assert "kept safely in the box" in away.notes[0]
    assert "Sending" not in away.status
    assert not screen(at(Step.KEPT), NOW, language.words("en"), online=True).notes


def test_a_weak_battery_is_said():
    weak = at(Step.DONE, reading=reading(NOW, battery=10))
    assert "battery" in screen(weak, NOW, language.words("en"), online=True).notes[0]


@pytest.mark.parametrize(
    ("values", "shown"),
    [
        (None, ["128/82 mmHg", "71/min"]),
        ([coded(Measure.GLUCOSE, 100)], ["100 mg/dL (5.6 mmol/L)"]),
        ([coded(Measure.GLUCOSE, comparator=Comparator.ABOVE)], [">"]),
        ([coded(Measure.WEIGHT, 80.25)], ["80.2 kg (176.9 lb)"]),
        ([coded(Measure.BMI, 24.1)], []),
        ([coded(Measure.SPO2, 97), coded(Measure.PULSE, 64)], ["97 %", "64/min"]),
        ([coded(Measure.TEMPERATURE, 36.6)], ["36.6 °C (97.9 °F)"]),
        ([coded(Measure.HEART_RATE, 88)], ["88/min"]),
        ([coded(Measure.SENSOR_GLUCOSE, 120)], ["120 mg/dL (6.7 mmol/L)"]),
        ([coded(Measure.BODY_FAT, 31.2)], ["31 %"]),
    ],
)
def test_a_reading_is_shown_as_the_device_shows_it(values, shown):
    told = shown_values(reading(NOW, values=values), language.words("en"))
    assert [line.value for line in told] == shown


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        ("es-MX,es;q=0.9,en;q=0.8", "es"),
        ("fr-CA,en;q=0.5,es;q=0.4", "en"),
        ("de", "en"),
        ("", "en"),
        ("es_US.UTF-8", "es"),
        ("en;q=oops,es;q=0.1", "es"),
    ],
)
def test_the_language_that_a_browser_or_terminal_asks_for(wanted, code):
    assert language.best(wanted) == code
