"""Xiaomi scales: weighings in advertisements, and a frame of their own on 0x2A9C.

Mi Smart Scale: service data of 0x181D, 10 bytes (`decode_weight`). Mi Body Composition Scale:
service data of 0x181B, and the same 13 bytes on 0x2A9C where the Bluetooth SIG has another frame
(`decode_composition`). A weight is counted in 1/200 kg, 1/100 lb or 1/100 jin (half a kilogram).
Sources: github.com/oliexdev/openScale/issues/392, github.com/lolouk44/hassio-addons/issues/14,
github.com/custom-components/ble_monitor/issues/292.
Rule: a weighing is over once the number stands still and the person has stepped off; what was
advertised before that is the same weighing on its way.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Literal

from devices import date_time
from devices.reader import Reader
from devices.weight import KG_PER_LB

WEIGHT_NAME = "xiaomi-v1"
COMPOSITION_NAME = "xiaomi-v2"
CHARACTERISTIC_NAME = "xiaomi-2A9C"

IN_POUNDS = 1 << 0
STABILISED = 1 << 5
LOAD_REMOVED = 1 << 7
_JIN_OF_WEIGHT = 1 << 4
_JIN_OF_COMPOSITION = 1 << 6
HAS_IMPEDANCE = 1 << 1

_KG_STEP, _OTHER_STEP = Decimal("0.005"), Decimal("0.01")
_KG_PER_JIN = Decimal("0.5")
NO_IMPEDANCE = (0, 0xFFFE, 0xFFFF)

Unit = Literal["kg", "lb", "jin"]


@dataclass(frozen=True, slots=True, kw_only=True)
class XiaomiWeight:
    """What a Mi Smart Scale advertises; `raw` counts steps of its unit."""

    control: int
    raw: int
    time: datetime | None

    @property
    def unit(self) -> Unit:
        if self.control & _JIN_OF_WEIGHT:
            return "jin"
        return "lb" if self.control & IN_POUNDS else "kg"

    @property
    def weight_kg(self) -> float:
        return _kilograms(self.raw, self.unit)

    @property
    def stabilised(self) -> bool:
        return bool(self.control & STABILISED)

    @property
    def load_removed(self) -> bool:
        return bool(self.control & LOAD_REMOVED)

    @property
    def over(self) -> bool:
        return self.stabilised and self.load_removed


@dataclass(frozen=True, slots=True, kw_only=True)
class XiaomiComposition:
    """What a Mi Body Composition Scale says; `control` is its first two bytes."""

    control: tuple[int, int]
    time: datetime | None
    impedance: int
    raw: int

    @property
    def unit(self) -> Unit:
        if self.control[1] & _JIN_OF_COMPOSITION:
            return "jin"
        return "lb" if self.control[0] & IN_POUNDS else "kg"

    @property
    def weight_kg(self) -> float:
        return _kilograms(self.raw, self.unit)

    @property
    def stabilised(self) -> bool:
        return bool(self.control[1] & STABILISED)

    @property
    def load_removed(self) -> bool:
        return bool(self.control[1] & LOAD_REMOVED)

    @property
    def over(self) -> bool:
        return self.stabilised and self.load_removed

    @property
    def has_impedance(self) -> bool:
        return bool(self.control[1] & HAS_IMPEDANCE)

    @property
    def impedance_ohm(self) -> int | None:
        if not self.has_impedance or self.impedance in NO_IMPEDANCE:
            return None
        return self.impedance


def decode_weight(payload: bytes) -> XiaomiWeight:
    reader = Reader(payload, "Xiaomi weight")
    frame = XiaomiWeight(
        control=reader.u8("control"), raw=reader.u16("weight"), time=date_time.read(reader)
    )
    reader.require_end()
    return frame


def encode_weight(frame: XiaomiWeight) -> bytes:
    head = bytes([frame.control]) + frame.raw.to_bytes(2, "little")
    return head + date_time.encode(frame.time)


def decode_composition(payload: bytes) -> XiaomiComposition:
    reader = Reader(payload, "Xiaomi body composition")
    frame = XiaomiComposition(
        control=(reader.u8("control"), reader.u8("control")),
        time=date_time.read(reader),
        impedance=reader.u16("impedance"),
        raw=reader.u16("weight"),
    )
    reader.require_end()
    return frame


def encode_composition(frame: XiaomiComposition) -> bytes:
    numbers = frame.impedance.to_bytes(2, "little") + frame.raw.to_bytes(2, "little")
    return bytes(frame.control) + date_time.encode(frame.time) + numbers


def _kilograms(raw: int, unit: Unit) -> float:
    """Converted pounds to the nearest 0.01 kg."""
    if unit == "kg":
        return float(raw * _KG_STEP)
    if unit == "jin":
        return float(raw * _OTHER_STEP * _KG_PER_JIN)
    return round(float(raw * _OTHER_STEP) * KG_PER_LB, 2)
