"""Messages for the fuzz: those that ingest has to take, and mutations of them.

All of it is plain JSON and bytes; the product's own classes are used for nothing but the limits and
codes of measurements and the formula of the id. What a message must come to stands beside it.
"""

from __future__ import annotations

import copy
import hashlib
import itertools
import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from hypothesis import strategies as st

from tests.ingest.from_schema import from_schema
from tests.store.make import NOW
from vitals.identity import reading_id
from vitals.plausible import LIMITS
from vitals.reading import CODINGS, Measure

Json = dict[str, Any]

DEVICES = [f"C0:FF:EE:00:00:{n:02X}" for n in range(1, 8)]
#: A device and slot whose assignment begins here; what may lie on either side is held.
BORDER = NOW - timedelta(days=30)
_MEASURES = {
    "blood_pressure": [Measure.SYSTOLIC, Measure.DIASTOLIC, Measure.MEAN_ARTERIAL, Measure.PULSE],
    "glucose": [Measure.GLUCOSE],
    "weight": [Measure.WEIGHT, Measure.BMI, Measure.HEIGHT, Measure.BODY_FAT],
    "body_composition": [Measure.BODY_FAT],
    "pulse_oximetry": [Measure.SPO2, Measure.PULSE],
    "temperature": [Measure.TEMPERATURE],
    "heart_rate": [Measure.HEART_RATE],
    "continuous_glucose": [Measure.SENSOR_GLUCOSE],
}
_WORDS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
_ZONES = [timezone(timedelta(minutes=m)) for m in (0, -300, 345, 840, -720, 1439, -1439)]
_INSTANTS = st.builds(
    lambda seconds, micro, zone: (
        (NOW - timedelta(seconds=seconds, microseconds=micro)).astimezone(zone).isoformat()
    ),
    st.integers(0, 10 * 365 * 86_400) | st.integers(0, 86_400),
    st.sampled_from([0, 1, 999_999]),
    st.sampled_from(_ZONES),
)
_MADE = itertools.count()
_SMALL = st.floats(-1e6, 1e6) | st.sampled_from([0.0, -0.0, 5e-324, 1e15])

#: What the schema cannot say of a message that ingest takes.
REFINED = {
    ("Envelope", "schema"): st.just("hearthline.readings/1"),
    ("Envelope", "id"): _WORDS,
    ("Envelope", "gateway"): st.just("gw-1"),
    ("Envelope", "sent_at"): _INSTANTS,
    ("Reading", "id"): st.just(""),
    ("Reading", "device"): st.sampled_from(DEVICES + [d.lower() for d in DEVICES]),
    ("Reading", "kind"): st.sampled_from(sorted(_MEASURES)),
    ("Reading", "received_at"): _INSTANTS,
    ("Reading", "measured_at"): _INSTANTS,
    ("Reading", "values"): st.just([]),
    ("Reading", "user_slot"): st.none() | st.integers(0, 255),
    ("Reading", "sequence"): st.none() | st.integers(0, 65_535) | st.just(2**63 - 1),
    ("Reading", "device_time"): st.none() | st.datetimes().map(datetime.isoformat),
    ("Reading", "flags"): st.lists(_WORDS, max_size=3),
    ("Reading", "context"): st.dictionaries(_WORDS, _WORDS | _SMALL, max_size=3),
    ("Reading", "battery_pct"): st.none() | st.integers(0, 100),
    ("Reading", "rssi_dbm"): st.none() | st.integers(-127, 20),
    ("Reading", "manufacturer"): st.none() | _WORDS,
    ("Reading", "model"): st.none() | _WORDS,
    ("Reading", "serial"): st.none() | _WORDS,
    ("ClockCorrection", "offset_s"): st.none() | _SMALL | st.just(1e308),
    ("ClockCorrection", "uncertainty_s"): st.floats(0, 7200.0) | st.just(3650 * 86_400.0),
    ("RawValue", "characteristic"): st.sampled_from(["2A35", "2A18", "2A34", "2A9D"]),
    ("RawValue", "hex"): st.binary(max_size=20).map(bytes.hex),
}


#: The least that is a reading, for where nothing was drawn.
PLAIN: Json = {
    "id": "",
    "device": DEVICES[0],
    "kind": "glucose",
    "received_at": NOW.isoformat(),
    "measured_at": NOW.isoformat(),
    "clock": {"certainty": "received"},
    "raw": [{"characteristic": "2A18", "hex": ""}],
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """Bytes, and what must become of them."""

    what: str
    payload: bytes
    topic: str = "hl/v1/north/gw-1/readings"
    good: tuple[Json, ...] = ()  # readings that must be stored with these values
    bad: int | None = 0  # parts that must be set aside; None: whatever the door says of a mutation

    @property
    def valid(self) -> bool:
        return bool(self.good) and self.bad == 0


def envelopes() -> st.SearchStrategy[Json]:
    """Envelopes that ingest takes but for values and ids, which `finished` gives them."""
    return from_schema("Envelope", REFINED)


def strangers() -> st.SearchStrategy[Json]:
    """Envelopes that the schema allows and that mean nothing."""
    return from_schema("Envelope")


def finished(drawn: Json, dice: random.Random) -> Json:
    """The reading with values a person can have, and with the id that its contents give."""
    reading = copy.deepcopy(drawn)
    reading["values"] = _values(reading["kind"], dice)
    if not reading["raw"]:
        reading["raw"] = [{"characteristic": "2A35", "hex": ""}]
    return _unlike_all_others(reading, dice)


def _unlike_all_others(reading: Json, dice: random.Random) -> Json:
    """No two have the same bytes, and so the same id: Hypothesis draws the same dice again."""
    content = json.dumps(reading, sort_keys=True).encode() + dice.randbytes(8)
    content += str(next(_MADE)).encode()
    reading["raw"][0]["hex"] = hashlib.sha256(content).hexdigest()
    return identified(reading)


def identified(reading: Json) -> Json:
    told = reading.get("device_time")
    received = datetime.fromisoformat(reading["received_at"])
    reading["id"] = reading_id(
        device=reading["device"],
        user_slot=reading.get("user_slot"),
        sequence=reading.get("sequence"),
        device_time=datetime.fromisoformat(told) if told else None,
        payload_hex=reading["raw"][0]["hex"],
        minted_at=received if reading.get("minted") else None,
    )
    return reading


def _values(kind: str, dice: random.Random) -> list[Json]:
    measures = dice.sample(_MEASURES[kind], dice.randint(1, len(_MEASURES[kind])))
    return [_value(measure, dice) for measure in measures]


def _value(measure: Measure, dice: random.Random) -> Json:
    coding, limit = CODINGS[measure], LIMITS[measure]
    value: Json = {"measure": str(measure), "loinc": coding.loinc, "ucum": coding.ucum}
    chance = dice.random()
    if chance < 0.05:
        return value | {"absent": dice.choice(["NaN", "NRes", "Reserved"])}
    if chance < 0.10 and measure is Measure.GLUCOSE:
        return value | {"comparator": dice.choice("<>")}
    edges = [limit.low, limit.high, -0.0 if limit.low == 0 else limit.low]
    return value | {"value": dice.choice([*edges, dice.uniform(limit.low, limit.high)])}


def valid(drawn: Json, dice: random.Random) -> Message:
    readings = [finished(r, dice) for r in drawn["readings"]] or [finished(PLAIN, dice)]
    if dice.random() < 0.1:
        readings = [finished(dice.choice(readings), dice) for _ in range(dice.randint(1, 8))]
    if dice.random() < 0.1:
        readings[0] = near_border(readings[0], dice)
    return Message(
        what="valid", payload=_bytes(drawn | {"readings": readings}, dice), good=tuple(readings)
    )


def near_border(reading: Json, dice: random.Random) -> Json:
    """Its clock cannot say on which side of an assignment's boundary it was measured."""
    changed = copy.deepcopy(reading)
    away = timedelta(seconds=dice.randint(-1000, 1000))
    changed |= {"device": DEVICES[0], "user_slot": None, "measured_at": (BORDER + away).isoformat()}
    changed["clock"] = {"certainty": "home_zone", "uncertainty_s": 3600.0}
    return _unlike_all_others(changed, dice)


def again(message: Message, dice: random.Random) -> Message:
    """Sent a second time: the same bytes, or other bytes that mean the same."""
    if dice.random() < 0.5:
        return message
    envelope = json.loads(message.payload)
    envelope["sent_at"] = NOW.isoformat()
    return Message(what="valid", payload=_bytes(envelope, dice), good=message.good)


def _bytes(envelope: Json, dice: random.Random) -> bytes:
    """JSON leaves freedom: order, blanks, escapes, fields that nobody knows."""
    items = list(envelope.items())
    dice.shuffle(items)
    if dice.random() < 0.2:
        items.append(("not_known_yet", {"deep": [[[None, 1e10, "\0"]]]}))
    indent = dice.choice([None, None, 1])
    text = json.dumps(dict(items), ensure_ascii=dice.random() < 0.5, indent=indent, allow_nan=False)
    return text.encode()


# Mutations ---------------------------------------------------------------------------------------


def mutated(drawn: Json, stranger: Json, dice: random.Random) -> Message:
    """Something is changed anywhere: whether it still is a message is the door's to say."""
    envelope = drawn | {"readings": [finished(r, dice) for r in drawn["readings"]]}
    change = dice.choice([_flipped, _cut, _spliced, _swapped, _dropped, _stranger])
    return Message(what=change.__name__, payload=change(envelope, stranger, dice), bad=None)


def _flipped(envelope: Json, _: Json, dice: random.Random) -> bytes:
    text = bytearray(json.dumps(envelope).encode())
    for _n in range(dice.randint(1, 3)):
        text[dice.randrange(len(text))] = dice.randrange(256)
    return bytes(text)


def _cut(envelope: Json, _: Json, dice: random.Random) -> bytes:
    text = json.dumps(envelope).encode()
    start = dice.randrange(len(text))
    return text[:start] + text[start + dice.randint(1, 30) :]


def _spliced(envelope: Json, stranger: Json, dice: random.Random) -> bytes:
    one, other = json.dumps(envelope).encode(), json.dumps(stranger).encode()
    return one[: dice.randrange(len(one))] + other[dice.randrange(len(other)) :]


def _swapped(envelope: Json, stranger: Json, dice: random.Random) -> bytes:
    """Any value anywhere becomes one of the stranger's, or a sibling's."""
    changed = copy.deepcopy(envelope)
    holder, key = dice.choice(list(_places(changed)))
    donor, of = dice.choice([*_places(stranger), *_places(envelope)])
    holder[key] = copy.deepcopy(donor[of])
    return json.dumps(changed).encode()


def _dropped(envelope: Json, _: Json, dice: random.Random) -> bytes:
    changed = copy.deepcopy(envelope)
    holder, key = dice.choice(list(_places(changed)))
    del holder[key]
    return json.dumps(changed).encode()


def _stranger(_: Json, stranger: Json, dice: random.Random) -> bytes:
    known = {"schema": "hearthline.readings/1", "gateway": "gw-1", "sent_at": NOW.isoformat()}
    return json.dumps(stranger | dice.choice([{}, known])).encode()


def _places(part: Any) -> Iterator[tuple[Any, Any]]:
    """Every (holder, key) of a document."""
    keys = part.keys() if isinstance(part, dict) else range(len(part))
    for key in keys:
        yield part, key
        if isinstance(part[key], dict | list):
            yield from _places(part[key])


# What the database must say ----------------------------------------------------------------------


def expected(reading: Json) -> Json:
    """The row of a reading that was stored, by the message alone."""
    values = reading.get("values", [])
    clock, told = reading["clock"], reading.get("device_time")
    return {
        "device": reading["device"].upper(),
        "user_slot": -1 if reading.get("user_slot") is None else reading["user_slot"],
        "kind": reading["kind"],
        **{str(m): None for m in Measure},
        **{v["measure"]: v.get("value") for v in values},
        "comparator": next((v["comparator"] for v in values if v.get("comparator")), None),
        "failed": all("value" not in v and "comparator" not in v for v in values),
        "flags": reading.get("flags", []),
        "device_time": datetime.fromisoformat(told) if told else None,
        "received_at": datetime.fromisoformat(reading["received_at"]).astimezone(UTC),
        "measured_at": datetime.fromisoformat(reading["measured_at"]).astimezone(UTC),
        "clock_certainty": clock["certainty"],
        "clock_offset_s": clock.get("offset_s"),
        "clock_uncertainty_s": clock.get("uncertainty_s", 0.0),
        "sequence": reading.get("sequence"),
        "minted": reading.get("minted", False),
        "origin": reading.get("origin", "automatic"),
        "battery_pct": reading.get("battery_pct"),
        "rssi_dbm": reading.get("rssi_dbm"),
        "raw": reading["raw"],
        "context": reading.get("context", {}),
        "gateway": "gw-1",
    }
