"""Which codec reads which characteristic: one table, by 128-bit UUID.

Rule: a characteristic that is not in this table is not decoded anywhere.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from devices import (
    battery,
    blood_pressure,
    current_time,
    date_time,
    device_information,
    glucose,
    glucose_context,
    ieee11073,
    racp,
    uuids,
    weight,
)
from devices.errors import DecodeError


@dataclass(frozen=True, slots=True, kw_only=True)
class Codec:
    """How to read one characteristic; `flagged` if its first byte is a set of flags."""

    name: str
    decode: Callable[[bytes], object]
    encode: Callable[[Any], bytes]
    flagged: bool = False


CODECS: dict[str, Codec] = {
    battery.CHARACTERISTIC: Codec(
        name="battery level", decode=battery.decode, encode=battery.encode
    ),
    blood_pressure.CHARACTERISTIC: Codec(
        name="blood pressure",
        decode=blood_pressure.decode,
        encode=blood_pressure.encode,
        flagged=True,
    ),
    current_time.CHARACTERISTIC: Codec(
        name="current time", decode=current_time.decode, encode=current_time.encode
    ),
    date_time.CHARACTERISTIC: Codec(
        name="date time", decode=date_time.decode, encode=date_time.encode
    ),
    glucose.CHARACTERISTIC: Codec(
        name="glucose", decode=glucose.decode, encode=glucose.encode, flagged=True
    ),
    glucose_context.CHARACTERISTIC: Codec(
        name="glucose context",
        decode=glucose_context.decode,
        encode=glucose_context.encode,
        flagged=True,
    ),
    racp.CHARACTERISTIC: Codec(name="record access", decode=racp.decode, encode=racp.encode),
    weight.CHARACTERISTIC: Codec(
        name="weight", decode=weight.decode, encode=weight.encode, flagged=True
    ),
    **{
        uuid: Codec(name=name, decode=device_information.decode, encode=device_information.encode)
        for uuid, name in device_information.CHARACTERISTICS.items()
    },
}

NUMBERS: dict[str, Codec] = {
    "SFLOAT": Codec(name="SFLOAT", decode=ieee11073.decode_sfloat, encode=ieee11073.pack_sfloat),
    "FLOAT": Codec(name="FLOAT", decode=ieee11073.decode_float, encode=ieee11073.pack_float),
}

_SHORT = re.compile(r"(?:0x)?([0-9a-f]{4})", re.ASCII | re.IGNORECASE)


def find(name: str) -> Codec:
    """The codec of a UUID (2A35, 0x2A35 or all 128 bits), or of SFLOAT or FLOAT."""
    match = _SHORT.fullmatch(name)
    uuid = uuids.short(int(match[1], 16)) if match else name.lower()
    codec = CODECS.get(uuid) or NUMBERS.get(name.upper())
    if codec is None:
        raise DecodeError(f"characteristic {name!r} is not known")
    return codec
