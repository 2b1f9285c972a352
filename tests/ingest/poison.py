"""Every kind of poison that we know: one part of each must be set aside, and nothing stored."""

from __future__ import annotations

import json
import random
from collections.abc import Callable

from tests.ingest.messages import PLAIN, Json, Message, finished, identified
from tests.store.make import NOW

Make = Callable[[Json, random.Random], bytes]
_MARK = "@@here@@"
_GLUCOSE = '[{"measure":"glucose_mg_dl","loinc":"2339-0","ucum":"mg/dL","value":%s}]'

#: A field of the envelope, and the JSON that stands there.
_ENVELOPES = {
    "deep in an unknown field": ("x", "[" * 20_000 + "]" * 20_000),
    "a later version": ("schema", '"hearthline.readings/2"'),
    "no version": ("schema", '"hearthline.readings"'),
    "another gateway": ("gateway", '"gw-2"'),
    "U+0000 in the envelope's id": ("id", '"a\\u0000b"'),
    "half a surrogate pair": ("id", '"\\udfff"'),
    "201 readings": ("readings", "[" + ",".join(["1"] * 201) + "]"),
    "no readings": ("readings", "[]"),
}
#: A field of a good reading, and the JSON that stands there.
_READINGS = {
    "the other half": ("model", '"\\ud800"'),
    "NaN": ("values", _GLUCOSE % "NaN"),
    "Infinity": ("values", _GLUCOSE % "-Infinity"),
    "1e999": ("values", _GLUCOSE % "1e999"),
    "-0.0 where nothing may be 0": ("values", _GLUCOSE % "-0.0"),
    "a huge number": ("values", _GLUCOSE % ("9" * 400)),
    "text for a number": ("values", _GLUCOSE % '"120"'),
    "neither value nor reason": ("values", _GLUCOSE % "null"),
    "a unit of its own": ("values", (_GLUCOSE % "90").replace("mg/dL", "mmol/L")),
    "the same measurement twice": ("values", (_GLUCOSE % "90")[:-1] + "," + (_GLUCOSE % "91")[1:]),
    "no values": ("values", "[]"),
    "a huge sequence": ("sequence", "9" * 5000),
    "a battery beyond int": ("battery_pct", "3000000000"),
    "U+0000 in a model": ("model", '"a\\u0000"'),
    "U+0000 in a flag": ("flags", '["\\u0000"]'),
    "U+0000 in a context": ("context", '{"\\u0000":1}'),
    "an uncertainty that is none": ("clock", '{"certainty":"received","uncertainty_s":-1}'),
    "a certainty of its own": ("clock", '{"certainty":"sure"}'),
    "no raw bytes": ("raw", "[]"),
    "not decoded": ("kind", '"undecoded"'),
    "an id that is no uuid": ("id", '"reading 1"'),
    "an id as long as a book": ("id", f'"{"1" * 180_000}"'),
    "somebody else's id": ("id", '"9b1d0f2e-6a53-5c2b-8f0e-3d1c7a9e4b10"'),
    "the same key twice": ("kind", '"glucose","device":"C0:FF:EE:00:00:FF"'),
}
#: What a reading says of itself, with the id that these contents give.
_CONTENTS: dict[str, Json] = {
    "a sequence beyond bigint": {"sequence": 2**63},
    "a slot beyond int": {"user_slot": 2**31},
    "an address as long as a book": {"device": "C0:FF:EE" * 2000},
    "U+0000 in raw bytes": {"raw": [{"characteristic": "\0", "hex": "00"}]},
    "a device's time with a zone": {"device_time": NOW.isoformat()},
}
_TIMES = (
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59-14:00",
    "2015-12-31T23:59:59Z",
    "2099-01-01T00:00:00Z",
    "2026-11-20T12:00:00",  # no zone
    "0000-01-01T00:00:00Z",
    "2026-02-30T00:00:00Z",
    "2026-11-20T12:00:00+24:00",
    "yesterday",
)


def _sealed(drawn: Json, reading: Json, literal: str = "") -> bytes:
    text = json.dumps(drawn | {"readings": [reading]})
    return text.replace(f'"{_MARK}"', literal).encode()


def _in_envelope(field: str, literal: str) -> Make:
    def make(drawn: Json, dice: random.Random) -> bytes:
        whole = drawn | {"readings": [finished(PLAIN, dice)], field: _MARK}
        return json.dumps(whole).replace(f'"{_MARK}"', literal).encode()

    return make


def _in_reading(field: str, literal: str) -> Make:
    return lambda drawn, dice: _sealed(drawn, finished(PLAIN, dice) | {field: _MARK}, literal)


def _of_contents(contents: Json) -> Make:
    return lambda drawn, dice: _sealed(drawn, identified(finished(PLAIN, dice) | contents))


def _in_capitals(drawn: Json, dice: random.Random) -> bytes:
    reading = finished(PLAIN, dice)
    return _sealed(drawn, reading | {"id": reading["id"].upper()})


def _not_utf8(drawn: Json, dice: random.Random) -> bytes:
    bad = dice.choice([b"\xff", b"\xc3(", b"\xed\xa0\x80", b"\xf8\x88\x80"])
    return _sealed(drawn, finished(PLAIN, dice) | {"serial": "xyz"}).replace(b"xyz", bad)


POISON: dict[str, Make] = {
    "nothing": lambda _d, _r: b"",
    "noise": lambda _d, dice: b"\xfe" + dice.randbytes(dice.randint(0, 40)),
    "cut off": lambda d, dice: json.dumps(d).encode()[: -dice.randint(1, 20)],
    "not UTF-8": _not_utf8,
    "another document": lambda _d, dice: f"[{dice.random()}]".encode(),
    "huge": lambda _d, _r: b" " * 262_145,
    "deep": lambda _d, _r: b"[" * 100_000,
    "an id in capitals": _in_capitals,
    **{what: _in_envelope(*change) for what, change in _ENVELOPES.items()},
    **{what: _in_reading(*change) for what, change in _READINGS.items()},
    **{what: _of_contents(contents) for what, contents in _CONTENTS.items()},
    **{
        f"{field} {said}": _in_reading(field, json.dumps(said))
        for said in _TIMES
        for field in ("measured_at", "received_at")
    },
}


def poison(drawn: Json, dice: random.Random, what: str | None = None) -> Message:
    what = what or dice.choice(list(POISON))
    return Message(what=what, payload=POISON[what](drawn, dice), bad=1)


def one_bad_among(drawn: Json, dice: random.Random, number: int = 200) -> Message:
    """The envelope may hold 200 readings, and one of them is nobody's measurement."""
    good = [finished(PLAIN, dice) for _ in range(number - 1)]
    bad = finished(PLAIN, dice) | {"values": []}
    readings = [*good, bad]
    dice.shuffle(readings)
    return Message(
        what="one bad among many",
        payload=json.dumps(drawn | {"readings": readings}).encode(),
        good=tuple(good),
        bad=1,
    )
