"""What holds for every codec: it gives back what it was given; bad bytes raise DecodeError."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices import (
    battery,
    blood_pressure,
    current_time,
    date_time,
    device_information,
    glucose,
    glucose_context,
    json_view,
    racp,
    registry,
    uuids,
    weight,
)
from devices.errors import DecodeError
from tests.devices import strategies

CODECS = {**registry.CODECS, **registry.NUMBERS}
DRAWN = {
    battery.CHARACTERISTIC: strategies.batteries,
    blood_pressure.CHARACTERISTIC: strategies.blood_pressures,
    current_time.CHARACTERISTIC: strategies.clocks,
    date_time.CHARACTERISTIC: strategies.maybe(strategies.times),
    glucose.CHARACTERISTIC: strategies.glucoses(),
    glucose_context.CHARACTERISTIC: strategies.contexts(),
    racp.CHARACTERISTIC: strategies.messages,
    weight.CHARACTERISTIC: strategies.weights(),
    "SFLOAT": strategies.sfloats,
    "FLOAT": strategies.floats,
    **dict.fromkeys(device_information.CHARACTERISTICS, strategies.texts),
}


def test_every_codec_of_the_table_is_drawn_here():
    assert DRAWN.keys() == CODECS.keys()


@pytest.mark.parametrize("uuid", DRAWN)
@given(data=st.data())
def test_what_is_encoded_is_decoded_again(uuid, data):
    codec = CODECS[uuid]
    measurement = data.draw(DRAWN[uuid])
    assert codec.decode(codec.encode(measurement)) == measurement


@pytest.mark.parametrize("uuid", DRAWN)
@given(data=st.data())
def test_a_payload_cut_at_any_byte_is_refused_or_legal(uuid, data):
    codec = CODECS[uuid]
    payload = codec.encode(data.draw(DRAWN[uuid]))
    for size in range(len(payload)):
        decode_or_refuse(codec, payload[:size])


@pytest.mark.parametrize("uuid", DRAWN)
@given(payload=st.binary(max_size=32))
def test_arbitrary_bytes_raise_nothing_but_decode_error(uuid, payload):
    decode_or_refuse(CODECS[uuid], payload)


def decode_or_refuse(codec: registry.Codec, payload: bytes) -> None:
    try:
        names = json_view.view(codec, payload)
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
