"""Which codec reads which characteristic: one table, by 128-bit UUID.

Rule: a characteristic that is not in this table is not decoded anywhere. Some makers put a frame of
their own on a standard characteristic: DIALECTS. The standard codec is asked first and refuses what
its flags do not explain; only then the dialects are tried, each of which knows its frame exactly.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol

from devices import (
    battery,
    beurer_cuff,
    blood_pressure,
    blood_pressure_feature,
    body_composition,
    body_composition_feature,
    body_sensor_location,
    cgm,
    cgm_session,
    current_time,
    date_time,
    device_information,
    glucose,
    glucose_context,
    glucose_feature,
    heart_rate,
    ieee11073,
    intermediate_cuff,
    measurement_interval,
    plx_continuous,
    plx_feature,
    plx_spot_check,
    racp,
    temperature,
    temperature_type,
    user_control,
    user_index,
    uuids,
    weight,
    weight_feature,
    xiaomi_scale,
)
from devices.errors import DecodeError


@dataclass(frozen=True, slots=True, kw_only=True)
class Codec:
    """How to read one characteristic; `flag_bytes` of flags at its start, `vendor` if a dialect."""

    name: str
    decode: Callable[[bytes], object]
    encode: Callable[[Any], bytes]
    flag_bytes: int = 0
    vendor: str | None = None


class _Module(Protocol):
    """A module with one codec."""

    CHARACTERISTIC: str

    def decode(self, payload: bytes, /) -> object: ...
    def encode(self, measurement: Any, /) -> bytes: ...


def _codec(name: str, module: _Module, *, flag_bytes: int = 0) -> Codec:
    return Codec(name=name, decode=module.decode, encode=module.encode, flag_bytes=flag_bytes)


_MODULES: tuple[tuple[str, _Module, int], ...] = (  # name, module, bytes of flags
    ("battery level", battery, 0),
    ("blood pressure", blood_pressure, 1),
    ("blood pressure feature", blood_pressure_feature, 0),
    ("body composition", body_composition, 2),
    ("body composition feature", body_composition_feature, 0),
    ("body sensor location", body_sensor_location, 0),
    ("CGM measurement", cgm, 0),
    ("CGM session start", cgm_session, 0),
    ("current time", current_time, 0),
    ("date time", date_time, 0),
    ("glucose", glucose, 1),
    ("glucose context", glucose_context, 1),
    ("glucose feature", glucose_feature, 0),
    ("heart rate", heart_rate, 1),
    ("intermediate cuff pressure", intermediate_cuff, 1),
    ("measurement interval", measurement_interval, 0),
    ("pulse oximeter continuous", plx_continuous, 1),
    ("pulse oximeter features", plx_feature, 0),
    ("pulse oximeter spot check", plx_spot_check, 1),
    ("record access", racp, 0),
    ("temperature", temperature, 1),
    ("temperature type", temperature_type, 0),
    ("user control point", user_control, 0),
    ("user index", user_index, 0),
    ("weight", weight, 1),
    ("weight scale feature", weight_feature, 0),
)
_TEXTS = device_information.CHARACTERISTICS | device_information.FURTHER

CODECS: dict[str, Codec] = {
    **{
        module.CHARACTERISTIC: _codec(name, module, flag_bytes=size)
        for name, module, size in _MODULES
    },
    temperature.INTERMEDIATE: _codec("intermediate temperature", temperature, flag_bytes=1),
    **{
        uuid: Codec(name=name, decode=device_information.decode, encode=device_information.encode)
        for uuid, name in _TEXTS.items()
    },
}

NUMBERS: dict[str, Codec] = {
    "SFLOAT": Codec(name="SFLOAT", decode=ieee11073.decode_sfloat, encode=ieee11073.pack_sfloat),
    "FLOAT": Codec(name="FLOAT", decode=ieee11073.decode_float, encode=ieee11073.pack_float),
}

#: Service data of advertisements, by SD and the service's short UUID.
SERVICE_DATA: dict[str, Codec] = {
    "SD181D": Codec(
        name="Xiaomi weight",
        decode=xiaomi_scale.decode_weight,
        encode=xiaomi_scale.encode_weight,
        vendor=xiaomi_scale.WEIGHT_NAME,
    ),
    "SD181B": Codec(
        name="Xiaomi body composition",
        decode=xiaomi_scale.decode_composition,
        encode=xiaomi_scale.encode_composition,
        vendor=xiaomi_scale.COMPOSITION_NAME,
    ),
}

DIALECTS: dict[str, tuple[Codec, ...]] = {
    blood_pressure.CHARACTERISTIC: (
        Codec(
            name="Beurer blood pressure",
            decode=beurer_cuff.decode,
            encode=beurer_cuff.encode,
            flag_bytes=1,
            vendor=beurer_cuff.NAME,
        ),
    ),
    body_composition.CHARACTERISTIC: (
        Codec(
            name="Xiaomi body composition",
            decode=xiaomi_scale.decode_composition,
            encode=xiaomi_scale.encode_composition,
            flag_bytes=2,
            vendor=xiaomi_scale.CHARACTERISTIC_NAME,
        ),
    ),
}

_SHORT = re.compile(r"(?:0x)?([0-9a-f]{4})", re.ASCII | re.IGNORECASE)


def find(name: str) -> Codec:
    """The codec of a UUID (2A35, 0x2A35 or all 128 bits), of SD181D, or of SFLOAT or FLOAT."""
    codec = CODECS.get(_uuid(name)) or {**NUMBERS, **SERVICE_DATA}.get(name.upper())
    if codec is None:
        raise DecodeError(f"characteristic {name!r} is not known")
    return codec


def read(name: str, payload: bytes, *, frame: str | None = None) -> tuple[Codec, object]:
    """Which codec could read it, and what it says.

    `frame`: the dialect that the device is known to speak; then nothing else is tried, for a frame
    cut short may look like another. Without it the standard's turn is first.

    Raises:
        DecodeError: of the first that was tried.
    """
    codec, dialects = find(name), DIALECTS.get(_uuid(name), ())
    spoken = tuple(dialect for dialect in dialects if dialect.vendor == frame)
    first, *others = spoken or (codec, *dialects)
    try:
        return first, first.decode(payload)
    except DecodeError:
        for other in others:
            with suppress(DecodeError):
                return other, other.decode(payload)
        raise


def _uuid(name: str) -> str:
    match = _SHORT.fullmatch(name)
    return uuids.short(int(match[1], 16)) if match else name.lower()
