"""What holds for every codec: it gives back what it was given; bad bytes raise DecodeError."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices import glucose, json_view, registry, uuids
from devices.errors import DecodeError
from devices.uuids import short
from tests.devices import strategies

CODECS = {**registry.CODECS, **registry.NUMBERS, **registry.SERVICE_DATA}
DRAWN = {
    short(0x2A08): strategies.maybe(strategies.times),
    short(0x2A18): strategies.glucoses(),
    short(0x2A19): strategies.batteries,
    short(0x2A1C): strategies.temperatures,
    short(0x2A1D): strategies.temperature_types,
    short(0x2A1E): strategies.temperatures,
    short(0x2A21): strategies.intervals,
    short(0x2A2B): strategies.clocks,
    short(0x2A34): strategies.contexts(),
    short(0x2A35): strategies.blood_pressures,
    short(0x2A36): strategies.cuff_pressures,
    short(0x2A37): strategies.heart_rates,
    short(0x2A38): strategies.locations,
    short(0x2A49): strategies.pressure_features,
    short(0x2A51): strategies.glucose_features,
    short(0x2A52): strategies.messages,
    short(0x2A5E): strategies.spot_checks,
    short(0x2A5F): strategies.continuous,
    short(0x2A60): strategies.plx_features,
    short(0x2A9A): strategies.user_indices,
    short(0x2A9B): strategies.composition_features,
    short(0x2A9C): strategies.compositions(),
    short(0x2A9D): strategies.weights(),
    short(0x2A9E): strategies.weight_features,
    short(0x2A9F): strategies.user_messages,
    short(0x2AA7): strategies.cgm_records,
    short(0x2AAA): strategies.cgm_sessions,
    "SFLOAT": strategies.sfloats,
    "FLOAT": strategies.floats,
    "SD181D": strategies.xiaomi_weights,
    "SD181B": strategies.xiaomi_compositions,
    **{short(text): strategies.texts for text in range(0x2A24, 0x2A2A)},
}
DIALECTS = {
    (uuid, dialect.vendor): dialect
    for uuid, dialects in registry.DIALECTS.items()
    for dialect in dialects
}
DRAWN_DIALECTS = {
    (short(0x2A35), "beurer-swapped"): strategies.beurer_pressures,
    (short(0x2A9C), "xiaomi-2A9C"): strategies.xiaomi_compositions,
}


def test_every_codec_of_the_table_is_drawn_here():
    assert DRAWN.keys() == CODECS.keys()
    assert DRAWN_DIALECTS.keys() == DIALECTS.keys()


@pytest.mark.parametrize("uuid", DRAWN)
@settings(max_examples=50)
@given(data=st.data())
def test_what_is_encoded_is_decoded_again(uuid, data):
    codec = CODECS[uuid]
    measurement = data.draw(DRAWN[uuid])
    assert codec.decode(codec.encode(measurement)) == measurement


@pytest.mark.parametrize("uuid", DRAWN)
@settings(max_examples=50)
@given(data=st.data())
def test_a_payload_cut_at_any_byte_is_refused_or_legal(uuid, data):
    payload = CODECS[uuid].encode(data.draw(DRAWN[uuid]))
    for size in range(len(payload)):
        decode_or_refuse(uuid, payload[:size])


@pytest.mark.parametrize("uuid", DRAWN)
@given(payload=st.binary(max_size=32))
def test_arbitrary_bytes_raise_nothing_but_decode_error(uuid, payload):
    decode_or_refuse(uuid, payload)


@pytest.mark.parametrize("key", DRAWN_DIALECTS)
@given(data=st.data())
def test_a_dialect_gives_back_what_it_was_given_and_refuses_what_is_cut(key, data):
    measurement = data.draw(DRAWN_DIALECTS[key])
    payload = DIALECTS[key].encode(measurement)
    assert DIALECTS[key].decode(payload) == measurement
    for size in range(len(payload)):
        with pytest.raises(DecodeError):
            DIALECTS[key].decode(payload[:size])


def decode_or_refuse(name: str, payload: bytes) -> None:
    try:
        names = json_view.view(name, payload)
    except DecodeError as exc:
        assert "byte " in str(exc)  # noqa: PT017 - either outcome is right
    else:
        json.dumps(names, allow_nan=False)


@given(record=strategies.glucoses())
def test_a_truncated_glucose_record_is_always_refused(record):
    payload = glucose.encode(record)
    for size in range(len(payload)):
        with pytest.raises(DecodeError):
            glucose.decode(payload[:size])


@pytest.mark.parametrize("name", ["2A35", "2a35", "0x2a35", "0X2A35", uuids.short(0x2A35).upper()])
def test_a_uuid_is_found_however_it_is_spelled(name):
    assert registry.find(name).name == "blood pressure"


@pytest.mark.parametrize("name", ["", "2A3", "2A355", "FFF1", "sfloatt", "٢A35"])
def test_an_unknown_characteristic_is_refused(name):
    with pytest.raises(DecodeError, match="is not known"):
        registry.find(name)


def test_a_short_uuid_has_sixteen_bits():
    assert uuids.GLUCOSE_SERVICE == "00001808-0000-1000-8000-00805f9b34fb"
    with pytest.raises(ValueError, match="not a 16-bit"):
        uuids.short(0x10000)


FLAGGED = sorted(uuid for uuid, codec in registry.CODECS.items() if codec.flag_bytes)


@pytest.mark.parametrize("uuid", FLAGGED)
def test_every_set_of_flags_at_every_length_is_read_or_refused(uuid):
    codec = registry.CODECS[uuid]
    for flags in range(1 << 8 if codec.flag_bytes == 1 else 1 << 13):
        head = flags.to_bytes(codec.flag_bytes, "little")
        read = [size for size in range(30) if is_read(codec, head + bytes(size))]
        assert len(read) <= 1 or uuid == short(0x2A37)  # but for the beats, flags say the length


def is_read(codec: registry.Codec, payload: bytes) -> bool:
    try:
        codec.decode(payload)
    except DecodeError:
        return False
    return True
